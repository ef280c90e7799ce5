package keyrotation.sandbox;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.function.Predicate;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.secretsmanager.model.ResourceNotFoundException;

/** Rotates a secret with the calls of AWS's template for rotation functions. */
record TemplateFunction(SecretsManagerClient client) implements Predicate<String> {

  @Override
  public boolean test(String event) {
    JsonNode json = parse(event);
    String secret = json.path("SecretId").asText();
    String token = json.path("ClientRequestToken").asText();
    switch (json.path("Step").asText()) {
      case "createSecret" -> createSecret(secret, token);
      case "finishSecret" -> finishSecret(secret, token);
      default -> {}
    }
    return true;
  }

  private void createSecret(String secret, String token) {
    client.getSecretValue(r -> r.secretId(secret).versionStage(SecretsManagerState.CURRENT));
    try {
      client.getSecretValue(
          r -> r.secretId(secret).versionId(token).versionStage(SecretsManagerState.PENDING));
    } catch (ResourceNotFoundException e) {
      client.putSecretValue(
          r ->
              r.secretId(secret)
                  .clientRequestToken(token)
                  .secretString("new " + token)
                  .versionStages(SecretsManagerState.PENDING));
    }
  }

  private void finishSecret(String secret, String token) {
    String current =
        client.describeSecret(r -> r.secretId(secret)).versionIdsToStages().entrySet().stream()
            .filter(version -> version.getValue().contains(SecretsManagerState.CURRENT))
            .findFirst()
            .orElseThrow()
            .getKey();
    client.updateSecretVersionStage(
        r ->
            r.secretId(secret)
                .versionStage(SecretsManagerState.CURRENT)
                .removeFromVersionId(current)
                .moveToVersionId(token));
  }

  private static JsonNode parse(String event) {
    try {
      return new ObjectMapper().readTree(event);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
