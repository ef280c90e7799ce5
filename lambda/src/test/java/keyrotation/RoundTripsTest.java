package keyrotation;

import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;

import keyrotation.Scenario.Trigger;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The calls that a request makes to Secrets Manager and Momento, in order: one more, and this test
 * fails. Each waits for the one before, since it needs its answer.
 */
class RoundTripsTest {

  @ParameterizedTest(name = "{0}, {1}, {2}")
  @CsvSource(
      quoteCharacter = '"',
      textBlock =
          """
          MANUAL, V1, NEVER_ROTATED, "Describe Get Get Put Refresh Put Get ListCaches Describe
          Label Label"
          MANUAL, V2, NEVER_ROTATED, "Describe Get Get Get ListKeys ListCaches Put Issue Put Get
          ListCaches Describe Label Label"
          IF_DUE, V1, FRESH, Describe Get
          IF_DUE, V2, FRESH, Describe Get Get ListKeys
          DRY_RUN, V1, NEVER_ROTATED, Describe Get ListCaches Put
          DRY_RUN, V2, NEVER_ROTATED, Describe Get Get ListKeys ListCaches Put
          ROLLBACK, V1, ROTATED, Describe Get Get ListCaches Describe Label Describe ListCaches
          ROLLBACK, V2, ROTATED, Describe Get Get ListCaches Describe Label Describe ListCaches
          REVOKE_PREVIOUS, V2, ROTATED, Describe Get Get Get ListKeys
          """)
  void a_request_of_an_operator(
      Trigger trigger, Kind kind, InitialState initialState, String calls) {
    assertCalls(trigger, kind, initialState, calls);
  }

  /** With a management key, which is read once for a run. The run looks at all labels again. */
  @ParameterizedTest(name = "{0}, {1}")
  @CsvSource(
      quoteCharacter = '"',
      textBlock =
          """
          V1, FRESH, Describe Get Get Describe ListKeys
          V1, NEVER_ROTATED, "Describe Get Get Put Refresh Put Get ListCaches Describe Label Label
          Get Describe ListKeys"
          V2, FRESH, Describe Get Get ListKeys Describe
          V2, NEVER_ROTATED, "Describe Get Get Get ListKeys ListCaches Put Issue Put Get ListCaches
          Describe Label Label Describe"
          V2, RETIRED, "Describe Get Get Get ListKeys ListCaches Put Issue Put Get ListCaches
          Describe Label Label Describe Get"
          """)
  void a_scheduled_run(Kind kind, InitialState initialState, String calls) {
    assertCalls(Trigger.SCHEDULE, kind, initialState, calls);
  }

  /** Each of the four steps is an invocation, which knows nothing of the one before. */
  @ParameterizedTest(name = "{0}")
  @CsvSource(
      quoteCharacter = '"',
      textBlock =
          """
          V1, "Rotate
          Describe Get Get Get Put Refresh Put
          Describe Get Get
          Describe Get Get ListCaches
          Describe Get Get Get ListCaches Describe Label Label"
          V2, "Rotate
          Describe Get Get Get Get ListKeys ListCaches Put Issue Put
          Describe Get Get
          Describe Get Get ListCaches
          Describe Get Get Get ListCaches Describe Label Label"
          """)
  void a_rotation_by_secrets_manager(Kind kind, String calls) {
    assertCalls(Trigger.SECRETS_MANAGER, kind, InitialState.NEVER_ROTATED, calls);
  }

  enum Kind {
    V1,
    V2
  }

  private static void assertCalls(
      Trigger trigger, Kind kind, InitialState initialState, String calls) {
    KeyKind keys = kind == Kind.V1 ? KeyKind.V1_WITH_SINGLE_USE_TOKEN : KeyKind.V2;
    try (SandboxedFunction function = new SandboxedFunction(keys)) {
      if (kind == Kind.V1) {
        function.storeManagementKey();
      }
      initialState.arrange(function);
      int before = function.sandbox.callsSeen().size();

      var _ = trigger.request(function, "1");

      assertThat(
              function.sandbox.callsSeen().stream()
                  .skip(before)
                  .map(RoundTripsTest::shortName)
                  .collect(joining(" ")))
          .isEqualTo(calls.replaceAll("\\s+", " "));
    }
  }

  private static String shortName(String action) {
    return action
        .replace("UpdateSecretVersionStage", "Label")
        .replaceAll("Secret(Value)?|ApiToken|(?<=Issue)ApiKey|Api(?=Key)", "");
  }
}
