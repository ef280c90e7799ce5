package keyrotation.infrastructure;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Compares the role's permissions with the calls that the handler made during its tests. */
class RoleTest {

  private static final String SERVICE = "secretsmanager:";

  @Test
  void allows_exactly_the_calls_of_the_handler() throws IOException {
    assertThat(allowed(StackTemplate.of("MOMENTO_AUTH_TOKEN_SECRET_TAG", "rotate=momento")))
        .isEqualTo(called());
  }

  @Test
  void allows_list_secrets_only_if_a_tag_is_set() throws IOException {
    Set<String> calledWithoutTag = called();
    assertThat(calledWithoutTag.remove("ListSecrets")).isTrue();

    assertThat(allowed(StackTemplate.of())).isEqualTo(calledWithoutTag);
  }

  private static Set<String> called() throws IOException {
    return CallRecord.read(Path.of("../lambda/target"));
  }

  private static Set<String> allowed(StackTemplate template) {
    Set<String> allowed = new TreeSet<>();
    StackTemplate.statements(template.role("lambda.amazonaws.com")).stream()
        .flatMap(statement -> texts(statement.path("Action")))
        .filter(action -> action.startsWith(SERVICE))
        .map(action -> action.substring(SERVICE.length()))
        .forEach(allowed::add);
    return allowed;
  }

  private static Stream<String> texts(JsonNode node) {
    return node.isArray() ? node.valueStream().map(JsonNode::asText) : Stream.of(node.asText());
  }
}
