package keyrotation.sandbox.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.Collectors;
import java.util.stream.Stream;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Each trial refutes its assumption if the service deviates from it. */
class RefutationTest {

  /** Runs with Secrets Manager leave no state behind, so they share a fixture. */
  private static final LiveCheckFixture FIXTURE = new LiveCheckFixture(RefreshTokens.SINGLE_USE);

  @AfterAll
  static void close() {
    FIXTURE.close();
  }

  @ParameterizedTest
  @MethodSource("momento")
  void refutes_a_deviation_of_momento(DeviatingService other) throws Exception {
    try (LiveCheckFixture fixture = new LiveCheckFixture(RefreshTokens.SINGLE_USE)) {
      assertRefutes(fixture, other);
      // A key counts as deleted if the service says so.
      assertThat(fixture.undeletedKeys()).hasSize(other.does().equals("deletes nothing") ? 1 : 0);
    }
  }

  @ParameterizedTest
  @MethodSource("secretsManager")
  void refutes_a_deviation_of_secrets_manager(DeviatingService other) throws Exception {
    FIXTURE.reset();
    assertRefutes(FIXTURE, other);
    assertThat(FIXTURE.sandbox.secretsManager().state().list()).isEmpty();
  }

  static Stream<DeviatingService> momento() {
    return DeviatingService.ALL.stream().filter(DeviatingService::isMomento);
  }

  static Stream<DeviatingService> secretsManager() {
    return DeviatingService.ALL.stream().filter(other -> !other.isMomento());
  }

  @Test
  void has_a_deviating_service_for_each_assumption() {
    assertThat(DeviatingService.ALL.stream().map(DeviatingService::id).collect(Collectors.toSet()))
        .containsExactlyInAnyOrderElementsOf(
            LiveCheck.assumptions().stream().map(Assumption::id).toList());
  }

  private static void assertRefutes(LiveCheckFixture fixture, DeviatingService other)
      throws Exception {
    other.change().accept(fixture);

    LiveCheckFixture.Run run = fixture.run(other.id());

    assertThat(run.row(other.id())).containsPattern("^" + other.id() + " +refuted  .*\\n +seen: ");
    assertThat(run.output())
        .endsWith("%n0 confirmed, 1 refuted, 0 not tried, 0 errors%n".formatted());
    assertThat(run.passed()).isFalse();
  }
}
