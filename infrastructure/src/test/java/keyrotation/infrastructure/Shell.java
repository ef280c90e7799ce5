package keyrotation.infrastructure;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Runs commands against emulators of AWS, with the CDK app of this module. */
record Shell(URI endpoint, Map<String, String> settings) {

  record Result(int status, String output) {}

  Shell(URI endpoint) {
    this(endpoint, Map.of());
  }

  /** Returns the output of the AWS command line. */
  String aws(String arguments) throws IOException, InterruptedException {
    Result result =
        run(
            Stream.of(("aws --region us-east-1 --output text " + arguments).split(" ", -1))
                .toArray(String[]::new));
    assertThat(result.status).as(result.output).isZero();
    return result.output.strip();
  }

  Result run(String... command) throws IOException, InterruptedException {
    Path output = Files.createTempFile("script", ".txt");
    try {
      ProcessBuilder builder =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectInput(new File("/dev/null"))
              .redirectOutput(output.toFile());
      builder.environment().keySet().removeAll(StackSettings.NAMES);
      builder.environment().keySet().removeAll(List.of("AWS_PROFILE", "AWS_DEFAULT_REGION"));
      builder.environment().putAll(environment());
      builder.environment().putAll(settings);
      int status = builder.start().waitFor();
      return new Result(status, Files.readString(output, UTF_8));
    } finally {
      Files.delete(output);
    }
  }

  private Map<String, String> environment() {
    return Map.of(
        "AWS_ENDPOINT_URL",
        endpoint.toString(),
        "AWS_REGION",
        "us-east-1",
        "AWS_ACCESS_KEY_ID",
        "test",
        "AWS_SECRET_ACCESS_KEY",
        "test",
        // Runs the app directly; a nested Maven build would disturb this one.
        "CDK_APP",
        String.join(
            " ",
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                KeyRotationApp.class.getName(),
                "../lambda/target/function.zip",
                "../tokens/target/function.zip")));
  }

  /** Tells whether a program is installed. */
  static boolean isOnPath(String program) {
    return Stream.of(System.getenv("PATH").split(File.pathSeparator, -1))
        .anyMatch(directory -> Files.isExecutable(Path.of(directory, program)));
  }
}
