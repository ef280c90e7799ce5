package keyrotation.infrastructure;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import java.util.zip.ZipFile;
import keyrotation.sandbox.IssuedKey.Permissions;
import keyrotation.sandbox.LambdaServer;
import keyrotation.sandbox.LambdaServer.Function;
import keyrotation.sandbox.LambdaServer.Invocation;
import keyrotation.sandbox.LambdaServer.Outcome;
import keyrotation.sandbox.MomentoServer;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import keyrotation.sandbox.Sandbox;
import keyrotation.sandbox.SecretsManagerState.Value;
import org.junit.jupiter.api.Test;

/** Runs the archive as the template configures it. */
class DeployedFunctionIT {

  private static final Path ARCHIVE = Path.of("../lambda/target/function.zip");
  private static final String SECRET = "momento/authentication-token";

  private final StackTemplate template = StackTemplate.of();
  private final JsonNode function = template.properties("AWS::Lambda::Function");

  @Test
  void the_handler_names_a_class_and_a_method_in_the_archive() throws IOException {
    String[] handler = function.path("Handler").asText().split("::", 2);
    String entry = handler[0].replace('.', '/') + ".class";
    try (ZipFile zip = new ZipFile(ARCHIVE.toFile())) {
      assertThat(zip.getEntry(entry)).as(entry).isNotNull();
      assertThat(new String(zip.getInputStream(zip.getEntry(entry)).readAllBytes(), ISO_8859_1))
          .contains(handler[1]);
    }
  }

  @Test
  void the_schedules_event_rotates_a_key_once_however_often_it_is_delivered() {
    try (Sandbox sandbox = Sandbox.start(InstantSource.system(), RefreshTokens.SINGLE_USE);
        LambdaServer lambda = deploy(sandbox)) {
      storeKey(sandbox);

      Instant today = Instant.now().truncatedTo(ChronoUnit.MINUTES);
      Invocation first = lambda.invoke(event(today, "first execution"));
      Invocation again = lambda.invoke(event(today, "second execution"));
      Invocation nextDay = lambda.invoke(event(today.plus(1, ChronoUnit.DAYS), "third execution"));

      assertResult(first, "ROTATED");
      assertResult(again, "ALREADY_ROTATED");
      assertResult(nextDay, "NOT_DUE");
      assertThat(sandbox.momento().calls().count(MomentoServer.REFRESH)).isEqualTo(1);
    }
  }

  private LambdaServer deploy(Sandbox sandbox) {
    Map<String, String> environment = new HashMap<>(sandbox.environment());
    template
        .environment()
        .forEach((name, value) -> environment.merge(name, value, (own, more) -> own + " " + more));
    return LambdaServer.start(
        new Function(
            ARCHIVE,
            function.path("Handler").asText(),
            function.path("MemorySize").asInt(),
            Duration.ofSeconds(function.path("Timeout").asInt()),
            function.at("/SnapStart/ApplyOn").asText().equals("PublishedVersions"),
            environment));
  }

  /** Returns the schedule's input with EventBridge Scheduler's placeholders filled in. */
  private String event(Instant time, String executionId) {
    return template
        .properties("AWS::Scheduler::Schedule")
        .at("/Target/Input/Fn::Join/1")
        .valueStream()
        .map(part -> part.isTextual() ? part.asText() : part.path("Ref").asText())
        .collect(joining())
        .replace("AWS::Region", "us-east-1")
        .replace("AWS::AccountId", "123456789012")
        .replace("<aws.scheduler.schedule-arn>", "arn:aws:scheduler:::schedule/default/runs")
        .replace("<aws.scheduler.scheduled-time>", time.toString())
        .replace("<aws.scheduler.execution-id>", executionId);
  }

  private static void storeKey(Sandbox sandbox) {
    String key =
        sandbox
            .momento()
            .issueAged(Duration.ofDays(30), Duration.ofDays(28), Permissions.SUPER_USER)
            .consoleJson();
    sandbox
        .secretsManager()
        .state()
        .create(SECRET, new Value.Text(key), UUID.randomUUID().toString(), null);
  }

  private static void assertResult(Invocation invocation, String result) {
    assertThat(invocation.outcome())
        .asInstanceOf(type(Outcome.Response.class))
        .extracting(Outcome.Response::json)
        .asString()
        .contains("\"result\":\"" + result + "\"");
  }
}
