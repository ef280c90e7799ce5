package keyrotation.sandbox;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** A running moto server, an emulator of many AWS services. */
public final class MotoServer implements AutoCloseable {

  private final Process process;
  private final URI endpoint;

  private MotoServer(Process process, URI endpoint) {
    this.process = process;
    this.endpoint = endpoint;
  }

  /** Starts a server on a free port; empty if {@code moto_server} is not on the path. */
  public static Optional<MotoServer> start() throws IOException {
    Optional<Path> program = onPath("moto_server");
    if (program.isEmpty()) {
      return Optional.empty();
    }
    Process process =
        new ProcessBuilder(program.get().toString(), "-H", "127.0.0.1", "-p", "0")
            .redirectErrorStream(true)
            .start();
    return Optional.of(new MotoServer(process, readEndpoint(process.inputReader(UTF_8))));
  }

  /** Returns the value for {@code AWS_ENDPOINT_URL}. */
  public URI endpoint() {
    return endpoint;
  }

  /** Changes moto's own settings. */
  public void configure(String json) throws IOException, InterruptedException {
    try (HttpClient client = HttpClient.newHttpClient()) {
      HttpRequest request =
          HttpRequest.newBuilder(endpoint.resolve("/moto-api/config"))
              .POST(BodyPublishers.ofString(json))
              .build();
      int status = client.send(request, BodyHandlers.discarding()).statusCode();
      if (status != 201) {
        throw new IOException("moto answered " + status + " to a change of its settings.");
      }
    }
  }

  @Override
  public void close() {
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly().onExit().join();
  }

  private static URI readEndpoint(BufferedReader output) throws IOException {
    Pattern address = Pattern.compile("Running on http://127\\.0\\.0\\.1:(\\d+)");
    for (String line = output.readLine(); line != null; line = output.readLine()) {
      Matcher matcher = address.matcher(line);
      if (matcher.find()) {
        // Keeps reading, because moto blocks when the pipe is full.
        Thread.startVirtualThread(() -> output.lines().forEach(ignored -> {}));
        // With this host name, moto resolves bucket names in host names as AWS does.
        return URI.create("http://localhost:" + matcher.group(1));
      }
    }
    throw new IOException("moto_server exited before it listened on a port.");
  }

  private static Optional<Path> onPath(String program) {
    return Stream.of(System.getenv("PATH").split(File.pathSeparator, -1))
        .map(directory -> Path.of(directory, program))
        .filter(Files::isExecutable)
        .findFirst();
  }
}
