package keyrotation.sandbox;

import java.net.URI;
import java.time.InstantSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;

class SecretsManagerServerTest extends SecretsManagerContract {

  private SecretsManagerServer server;
  private SecretsManagerClient functionsClient;

  @BeforeAll
  void start() {
    server = SecretsManagerServer.start(InstantSource.system());
    functionsClient = server.clientBuilder().build();
    server.allowInvocation(Recording.FUNCTION_ARN, new TemplateFunction(functionsClient));
  }

  @AfterAll
  void stop() {
    functionsClient.close();
    server.close();
  }

  @Override
  void awaitRotations() throws InterruptedException {
    server.awaitRotations();
  }

  @Override
  URI endpoint() {
    return server.endpoint();
  }
}
