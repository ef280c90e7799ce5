package keyrotation.infrastructure;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import software.amazon.awscdk.App;
import software.amazon.awscdk.assertions.Template;

class KeyRotationStackTest {

  @Test
  void synthesises_a_template_without_resources() {
    Template template = Template.fromStack(new KeyRotationStack(new App(), "stack"));

    assertThat(template.toJSON()).doesNotContainKey("Resources");
  }
}
