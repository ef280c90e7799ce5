package keyrotation.infrastructure;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import software.amazon.awscdk.App;
import software.amazon.awscdk.AppProps;
import software.amazon.awscdk.assertions.Template;

class KeyRotationStackTest {

  @Test
  void synthesises_a_template_without_resources() {
    App app = new App(AppProps.builder().outdir("target/cdk.out").build());
    Template template = Template.fromStack(new KeyRotationStack(app, "stack"));

    assertThat(template.toJSON()).doesNotContainKey("Resources");
  }
}
