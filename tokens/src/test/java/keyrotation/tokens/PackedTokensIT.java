package keyrotation.tokens;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Base64;
import java.util.Map;
import java.util.Optional;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import keyrotation.sandbox.Sandbox;
import keyrotation.sandbox.V2Key;
import keyrotation.sandbox.V2Keys;
import keyrotation.tokens.DataPlaneProbe.Access;
import keyrotation.tokens.DataPlaneProbe.Call;
import keyrotation.tokens.PackedTokens.Answer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;

/** The archive as it is deployed, under AWS's runtime interface client and behind an API. */
class PackedTokensIT {

  private static final Path ARCHIVE = Path.of(System.getProperty("function.archive"));
  private static final long LARGEST_ARCHIVE = 14_000_000;

  private final Sandbox sandbox = Sandbox.start(InstantSource.system(), RefreshTokens.SINGLE_USE);
  private final V2Key key = issue();
  private Optional<PackedTokens> tokens = Optional.empty();

  private V2Key issue() {
    return sandbox.momento().v2Keys().issue(V2Keys.OPERATOR, "application", Optional.empty());
  }

  @BeforeEach
  void store() {
    try (SecretsManagerClient secretsManager = sandbox.secretsManager().clientBuilder().build()) {
      secretsManager.createSecret(r -> r.name(TokenFixture.SECRET).secretString(key.consoleJson()));
    }
  }

  @AfterEach
  void stop() {
    tokens.ifPresent(PackedTokens::close);
    sandbox.close();
  }

  private PackedTokens start(boolean snapStart) {
    PackedTokens started = new PackedTokens(sandbox, ARCHIVE, TokenFixture.OWN_ITEMS, snapStart);
    tokens = Optional.of(started);
    return started;
  }

  private static Answer request(PackedTokens from) throws IOException, InterruptedException {
    String jwt = from.jwt(Map.of("sub", "alice"));
    return PackedTokens.curl(from.url(), "--header", "Authorization: Bearer " + jwt);
  }

  @Test
  void curl_fetches_a_token_that_works_and_the_function_writes_nothing_but_its_log()
      throws IOException, InterruptedException {
    PackedTokens started = start(false);
    Answer answer = request(started);

    assertThat(answer.status()).as(answer.body()).isEqualTo(200);
    String json = new String(Base64.getDecoder().decode(answer.field("authToken")), UTF_8);
    String token = Json.read(json).orElseThrow().path("api_key").textValue();
    try (Sandbox.Route _ = sandbox.routeMomentoHosts();
        DataPlaneProbe probe = new DataPlaneProbe(sandbox.momento().port())) {
      assertThat(probe.attempt(token, new Access(Call.SET, "sessions", "user/alice/theme")))
          .isEqualTo(Status.Code.OK);
      assertThat(probe.attempt(token, new Access(Call.SET, "sessions", "user/bob/theme")))
          .isEqualTo(Status.Code.PERMISSION_DENIED);
    }
    assertThat(started.log())
        .filteredOn(line -> !line.startsWith("Picked up JAVA_TOOL_OPTIONS"))
        .singleElement()
        .asString()
        .startsWith("{\"timestamp\":")
        .contains("\"result\":\"ISSUED\"");
  }

  @Test
  @Tag("slow")
  void a_snapshot_holds_no_key() throws IOException, InterruptedException {
    PackedTokens started = start(true);
    // A request that does not need the key.
    Answer refused =
        PackedTokens.curl(
            started.url(),
            "--header",
            "Authorization: Bearer " + started.jwt(Map.of("sub", "alice")),
            "--data",
            "{\"rule\":\"none\"}");
    assertThat(refused.status()).isEqualTo(403);
    // The priming asks for a version that does not exist.
    assertThat(sandbox.callsSeen()).containsExactly("CreateSecret", "GetSecretValue");

    assertThat(request(started).status()).isEqualTo(200);

    assertThat(sandbox.callsSeen())
        .containsExactly(
            "CreateSecret", "GetSecretValue", "GetSecretValue", "GenerateDisposableToken");
  }

  @Test
  @Tag("slow")
  void the_archive_without_a_policy_of_its_own_gives_no_token()
      throws IOException, InterruptedException {
    String packed = Files.readString(Path.of("target/classes/policy.json"));
    PackedTokens started = new PackedTokens(sandbox, ARCHIVE, packed, false);
    tokens = Optional.of(started);

    assertThat(request(started).status()).isEqualTo(403);
  }

  @Test
  void the_archive_is_small() throws IOException {
    assertThat(Files.size(ARCHIVE)).isLessThan(LARGEST_ARCHIVE);
  }
}
