package keyrotation.sandbox;

import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.net.URI;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.containers.ContainerFetchException;
import org.testcontainers.localstack.LocalStackContainer;
import org.testcontainers.utility.DockerImageName;

/** Holds LocalStack's Secrets Manager to the contract, where Docker answers. */
class LocalStackTest extends SecretsManagerContract {

  /** The last image that runs without an account. */
  private static final DockerImageName IMAGE =
      DockerImageName.parse("localstack/localstack:4.14.0");

  @RegisterExtension static final KnownFaults FAULTS = KnownFaults.unlisted("LocalStack");

  private LocalStackContainer localStack;

  @BeforeAll
  void start() {
    assumeTrue(DockerClientFactory.instance().isDockerAvailable(), "Docker does not answer");
    localStack = new LocalStackContainer(IMAGE).withServices("secretsmanager");
    try {
      localStack.start();
    } catch (ContainerFetchException e) {
      abort("the image " + IMAGE + " cannot be pulled");
    }
  }

  @AfterAll
  void stop() {
    if (localStack != null) {
      localStack.stop();
    }
  }

  @Override
  URI endpoint() {
    return localStack.getEndpoint();
  }
}
