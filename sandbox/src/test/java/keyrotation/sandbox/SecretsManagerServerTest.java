package keyrotation.sandbox;

import java.net.URI;
import java.time.InstantSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

class SecretsManagerServerTest extends SecretsManagerContract {

  private SecretsManagerServer server;

  @BeforeAll
  void start() {
    server = SecretsManagerServer.start(InstantSource.system());
  }

  @AfterAll
  void stop() {
    server.close();
  }

  @Override
  URI endpoint() {
    return server.endpoint();
  }
}
