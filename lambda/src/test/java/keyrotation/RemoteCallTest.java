package keyrotation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import keyrotation.sandbox.MomentoServer;
import org.junit.jupiter.api.Test;

class RemoteCallTest {

  @Test
  void calls_are_named_by_their_purpose_and_numbered_from_the_second_on() {
    List<RemoteCall> calls =
        RemoteCall.of(
            List.of(CallPosition.PUT, MomentoServer.REFRESH, CallPosition.PUT, CallPosition.PUT),
            List.of(CallPurpose.PROBE, CallPurpose.REFRESH, CallPurpose.STAGE, CallPurpose.STAGE));

    assertThat(calls)
        .extracting(RemoteCall::toString)
        .containsExactly("PROBE", "REFRESH", "STAGE", "STAGE#2");
    assertThat(calls.getLast().position()).isEqualTo(new CallPosition(CallPosition.PUT, 3));
  }

  @Test
  void each_step_of_the_log_has_the_purpose_of_its_name() {
    assertThat(CallPurpose.ofStep("probe_write")).contains(CallPurpose.PROBE);
    assertThat(CallPurpose.ofStep("read_current")).contains(CallPurpose.READ_CURRENT);
    assertThat(CallPurpose.ofStep("result")).isEmpty();
  }

  @Test
  void a_call_of_another_action_than_its_steps_is_an_error() {
    assertThatThrownBy(
            () -> RemoteCall.of(List.of(MomentoServer.REFRESH), List.of(CallPurpose.PROBE)))
        .isInstanceOf(AssertionError.class);
  }

  @Test
  void a_call_without_a_step_and_a_step_without_a_call_are_errors() {
    assertThatThrownBy(() -> RemoteCall.of(List.of(CallPosition.PUT), List.of()))
        .isInstanceOf(AssertionError.class);
    assertThatThrownBy(() -> RemoteCall.of(List.of(), List.of(CallPurpose.STAGE)))
        .isInstanceOf(AssertionError.class);
  }
}
