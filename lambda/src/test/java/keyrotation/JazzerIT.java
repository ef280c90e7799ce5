package keyrotation;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.parallel.Isolated;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;

/**
 * Lets Jazzer look for new inputs that break a reader. It needs a JVM to itself for each. What it
 * finds is kept among the reader's inputs.
 */
@Isolated
@EnabledIfSystemProperty(
    named = "exhaustive",
    matches = "true",
    disabledReason = "Jazzer looks for new inputs with -Pexhaustive only")
class JazzerIT {

  @ParameterizedTest
  @ValueSource(
      classes = {RotationEventFuzzTest.class, KeySecretFuzzTest.class, MomentoKeyFuzzTest.class})
  void no_new_input_breaks_a_reader(Class<?> fuzzTest) throws IOException, InterruptedException {
    // No test report: it quotes inputs, among them the made-up keys that the inputs began with.
    Path log =
        Files.createDirectories(Path.of("target", "fuzzing"))
            .resolve(fuzzTest.getSimpleName() + ".txt");
    ProcessBuilder jazzer =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx512m",
                "-XX:+EnableDynamicAgentLoading",
                // With an agent, Java cannot share its own classes, and would say so.
                "-Xshare:off",
                "--sun-misc-unsafe-memory-access=allow",
                "--enable-native-access=ALL-UNNAMED",
                "-Djazzer.max_duration=" + System.getProperty("fuzz.duration"),
                "-Djazzer.internal.arg.0=jazzer",
                "-Djazzer.internal.arg.1=-verbosity=0",
                "-Djazzer.internal.arg.2=-print_final_stats=1",
                // The JSON parser is watched, too.
                "-Djazzer.instrumentation_includes=keyrotation.**:com.fasterxml.jackson.core.**",
                // A test's time limit is that of one input.
                "-Djunit.jupiter.execution.timeout.mode=disabled",
                "-Dcalls.file=target/calls-of-fuzzing.txt",
                "-cp",
                System.getProperty("java.class.path"),
                Jazzer.class.getName(),
                fuzzTest.getName())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile());
    jazzer.environment().put("JAZZER_FUZZ", "1");

    int status = jazzer.start().waitFor();

    String output = Files.readString(log, UTF_8);
    assertThat(status).as(output).isZero();
    assertThat(output).contains("stat::number_of_executed_units");
  }

  /** Runs one fuzz test; its status tells whether it passed. */
  static final class Jazzer {

    private Jazzer() {}

    /**
     * Runs a fuzz test.
     *
     * @param arguments the name of its class
     */
    public static void main(String... arguments) {
      SummaryGeneratingListener summary = new SummaryGeneratingListener();
      LauncherFactory.create()
          .execute(
              LauncherDiscoveryRequestBuilder.request()
                  .selectors(selectClass(arguments[0]))
                  .build(),
              summary);
      summary.getSummary().printFailuresTo(new PrintWriter(System.out, true, UTF_8));
      System.exit(summary.getSummary().getTotalFailureCount() == 0 ? 0 : 1);
    }
  }
}
