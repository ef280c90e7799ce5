package keyrotation;

import static keyrotation.core.FailureReason.EVENT_UNKNOWN;
import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.time.Instant;
import java.util.regex.Pattern;
import keyrotation.core.RotationException;
import keyrotation.event.RotationEvent;
import keyrotation.event.RotationEvent.Action;
import keyrotation.event.RotationEvent.All;
import keyrotation.event.RotationEvent.Manual;
import keyrotation.event.RotationEvent.Scheduled;
import keyrotation.event.RotationEvent.Step;
import keyrotation.event.RotationEvent.ToV2;
import keyrotation.event.RotationEventParser;
import org.junit.jupiter.api.Timeout;

/** Whatever arrives as an event has a known form, or is refused for having none. */
class RotationEventFuzzTest {

  /** The time of the samples. */
  private static final Instant NOW = Instant.parse("2026-11-22T02:00:00Z");

  @Timeout(10)
  @FuzzTest
  void an_event_has_a_known_form_or_is_refused(byte[] event) {
    RotationEvent parsed;
    try {
      parsed = RotationEventParser.parse(Canary.plantedIn(event), NOW);
    } catch (RotationException e) {
      Canary.assertTellsNothing(e, EVENT_UNKNOWN);
      return;
    }
    switch (parsed) {
      case Manual(String secretId, _) -> assertShowable(secretId);
      case All(Action action) ->
          assertThat(action).isNotInstanceOfAny(Action.RollBack.class, Action.RevokePrevious.class);
      case ToV2(String secretId, String roleId, _) -> {
        assertShowable(secretId);
        assertThat(roleId).matches("[A-Za-z0-9_-]{1,64}").doesNotContain("eyJ");
      }
      case Scheduled(String identity) -> assertThat(identity).startsWith("schedule/");
      case Step(_, String secretId, String versionId) -> {
        assertShowable(secretId);
        assertThat(versionId).matches("[A-Za-z0-9-]{32,64}");
      }
    }
  }

  /** The log and the answer show it. A key that is glued to a word passes for a name. */
  private static void assertShowable(String secretId) {
    assertThat(secretId)
        .matches("[A-Za-z0-9/_+=.@:-]{1,2048}")
        .doesNotMatch("(.*[^A-Za-z0-9])?" + Pattern.quote(Canary.KEY.text().value()) + ".*")
        .doesNotMatch("(.*[^A-Za-z0-9])?" + Pattern.quote(Canary.KEY.token().value()) + ".*");
  }
}
