package keyrotation.tokens;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import keyrotation.sandbox.HttpApi;
import keyrotation.sandbox.IdentityProvider;
import keyrotation.sandbox.LambdaServer;
import keyrotation.sandbox.LambdaServer.Function;
import keyrotation.sandbox.Sandbox;

/** The token function as it is deployed: in a process of its own, behind an API. */
final class PackedTokens implements AutoCloseable {

  private static final String AUDIENCE = "my-app";

  private final IdentityProvider identities =
      new IdentityProvider("https://issuer.example.com", InstantSource.system());
  private final Path archive;
  private final LambdaServer lambda;
  private final HttpApi api;

  /**
   * Puts a policy into a copy of the archive. The process starts with the first request.
   *
   * @param archive what the build has packed
   */
  PackedTokens(Sandbox sandbox, Path archive, String policy, boolean snapStart) {
    this.archive = withPolicy(archive, policy);
    Map<String, String> environment = new HashMap<>(sandbox.clientEnvironment());
    environment.put(TokenSettings.SECRET, TokenFixture.SECRET);
    environment.put(TokenSettings.PER_SECOND, "1000");
    this.lambda =
        LambdaServer.start(
            new Function(
                this.archive,
                "keyrotation.tokens.TokenHandler::handleRequest",
                1024,
                Duration.ofSeconds(29),
                snapStart,
                environment));
    this.api =
        HttpApi.start(
            lambda,
            "POST /tokens",
            identities.authorizer(Set.of(AUDIENCE)),
            InstantSource.system());
  }

  private static Path withPolicy(Path archive, String policy) {
    try {
      Path copy = Files.createTempFile("tokens", ".zip");
      Files.copy(archive, copy, StandardCopyOption.REPLACE_EXISTING);
      try (FileSystem zip = FileSystems.newFileSystem(copy)) {
        Files.writeString(zip.getPath("policy.json"), policy);
      }
      return copy;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Returns the address of the route. */
  URI url() {
    return api.endpoint().resolve("/tokens");
  }

  /** Returns a JWT of a caller. */
  String jwt(Map<String, Object> claims) {
    Map<String, Object> all = new HashMap<>(claims);
    all.put("aud", AUDIENCE);
    return identities.token(all, Duration.ofMinutes(10));
  }

  /** Returns what the function has written so far. */
  List<String> log() {
    return api.invocations().stream().flatMap(invocation -> invocation.log().stream()).toList();
  }

  /**
   * Requests a token with curl.
   *
   * @param options more options of curl
   */
  static Answer curl(URI url, String... options) throws IOException, InterruptedException {
    List<String> command =
        new ArrayList<>(
            List.of("curl", "--silent", "--show-error", "--write-out", "\n%{http_code}"));
    command.addAll(List.of(options));
    command.addAll(List.of("--request", "POST", url.toString()));
    Process curl = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(curl.getInputStream().readAllBytes(), UTF_8);
    if (curl.waitFor() != 0) {
      throw new IOException("curl failed: " + output);
    }
    int end = output.lastIndexOf('\n');
    return new Answer(Integer.parseInt(output.substring(end + 1)), output.substring(0, end));
  }

  /** What curl has received. */
  record Answer(int status, String body) {

    /** Returns a field of the body; empty if there is none. */
    String field(String name) {
      return Json.read(body).orElseThrow().path(name).asText();
    }

    /** Hides the body. */
    @Override
    public String toString() {
      return "Answer[" + status + "]";
    }
  }

  @Override
  public void close() {
    api.close();
    lambda.close();
    try {
      Files.delete(archive);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
