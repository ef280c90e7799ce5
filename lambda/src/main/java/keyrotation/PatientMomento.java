package keyrotation;

import static keyrotation.FailureReason.OUT_OF_TIME;

import dev.failsafe.Failsafe;
import dev.failsafe.RateLimiter;
import dev.failsafe.RetryPolicy;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * Momento, asked again where that may help: within the time that an invocation has left, within the
 * rate that an account is allowed, and not before Momento wants to be asked.
 */
final class PatientMomento {

  /** Nothing is minted with less time left than storing it may take. */
  private static final Duration TIME_TO_STORE = SecretStore.LONGEST_CALL.plusSeconds(2);

  private static final Duration SHORTEST_REFRESH = Duration.ofSeconds(1);
  private static final Duration LONGEST_REFRESH = Duration.ofSeconds(20);
  private static final Duration LONGEST_QUESTION = Duration.ofSeconds(5);
  private static final Duration FIRST_WAIT = Duration.ofMillis(200);
  private static final Duration LONGEST_WAIT = Duration.ofSeconds(2);
  private static final int MOST_RETRIES_OF_A_REFRESH = 3;
  private static final double JITTER = 0.2;

  private final MomentoControlPlane controlPlane;
  private final InstantSource clock;
  private final Duration grace;
  private final RateLimiter<Object> refreshes;

  /**
   * Prepares for calls.
   *
   * @param grace how long a key may take to be accepted before it counts as rejected
   * @param refreshes how many refresh calls an account is allowed; shared by all rotations
   */
  PatientMomento(
      MomentoControlPlane controlPlane,
      InstantSource clock,
      Duration grace,
      RateLimiter<Object> refreshes) {
    this.controlPlane = controlPlane;
    this.clock = clock;
    this.grace = grace;
    this.refreshes = refreshes;
  }

  /**
   * Asks for a new key, if there is time enough to store it.
   *
   * @throws RotationFailure {@code OUT_OF_TIME}, {@code NEW_KEY_INVALID}
   */
  RefreshAnswer refresh(MomentoKey.V1 key, Sensitive refreshToken, RotationRequest request) {
    Duration patience = timeToMint(request).minus(SHORTEST_REFRESH);
    return Failsafe.with(
            again(
                answer ->
                    answer instanceof RefreshAnswer.Unknown(NoAnswer why)
                        ? Optional.of(why)
                        : Optional.empty(),
                answer -> answer instanceof RefreshAnswer.Unknown ? patience : Duration.ZERO,
                patience,
                MOST_RETRIES_OF_A_REFRESH))
        .get(
            () -> {
              if (!refreshes.tryAcquirePermit(timeToMint(request).minus(SHORTEST_REFRESH))) {
                throw outOfTimeToMint();
              }
              return controlPlane.refresh(
                  key, refreshToken, min(timeToMint(request), LONGEST_REFRESH));
            });
  }

  /**
   * Asks whether a key is accepted: while Momento does not say, for as long as there is time, or as
   * the grace takes while other secrets wait; when it says no, until the grace is over, since a new
   * key may not be known everywhere yet.
   *
   * @param source the key that it was refreshed from, if it is new: a refresh keeps the
   *     permissions, so a new key that is denied what its source may do is rejected
   * @throws RotationFailure {@code OUT_OF_TIME}, if it said no and there was less time than the
   *     grace
   */
  Verdict verdict(MomentoKey.V1 key, Optional<MomentoKey.V1> source, RotationRequest request) {
    Duration time = timeLeft(request).minus(LONGEST_QUESTION).minus(SecretStore.LONGEST_CALL);
    if (time.compareTo(FIRST_WAIT) <= 0) {
      throw outOfTimeToAsk();
    }
    Verdict verdict =
        Failsafe.with(
                PatientMomento.<Verdict>again(
                    answer ->
                        answer instanceof Verdict.Unknown(NoAnswer why)
                            ? Optional.of(why)
                            : Optional.empty(),
                    answer ->
                        switch (answer) {
                          case Verdict.Accepted _, Verdict.Denied _ -> Duration.ZERO;
                          case Verdict.Rejected _ -> min(time, grace);
                          case Verdict.Unknown _ ->
                              request.othersWait().getAsBoolean() ? min(time, grace) : time;
                        },
                    time,
                    -1))
            .get(() -> verdictBeside(key, source));
    if (verdict instanceof Verdict.Rejected && time.compareTo(grace) < 0) {
      throw outOfTimeToAsk();
    }
    return verdict;
  }

  private Verdict verdictBeside(MomentoKey.V1 key, Optional<MomentoKey.V1> source) {
    long start = System.nanoTime();
    Verdict verdict = controlPlane.verdict(key, LONGEST_QUESTION);
    if (!(verdict instanceof Verdict.Denied) || source.isEmpty()) {
      return verdict;
    }
    Duration left = LONGEST_QUESTION.minusNanos(System.nanoTime() - start);
    return switch (controlPlane.verdict(source.get(), left)) {
      case Verdict.Accepted _ -> new Verdict.Rejected("PERMISSION_DENIED, unlike the key before");
      case Verdict.Denied _, Verdict.Rejected _ -> verdict;
      case Verdict.Unknown unknown -> unknown;
    };
  }

  /** Returns what one rotation takes where it has to wait for all but the answers of others. */
  static Duration timeForOne(Duration grace) {
    return TIME_TO_STORE.plus(grace).plus(LONGEST_QUESTION).plus(SecretStore.LONGEST_CALL);
  }

  /** Asks once whether a key is accepted, for information. */
  Verdict verdictAtOnce(MomentoKey.V1 key, RotationRequest request) {
    return controlPlane.verdict(key, min(timeLeft(request), LONGEST_QUESTION));
  }

  private Duration timeToMint(RotationRequest request) {
    Duration left = timeLeft(request).minus(TIME_TO_STORE);
    if (left.compareTo(SHORTEST_REFRESH) < 0) {
      throw outOfTimeToMint();
    }
    return left;
  }

  private Duration timeLeft(RotationRequest request) {
    return Duration.between(clock.instant(), request.deadline());
  }

  private static RotationFailure outOfTimeToMint() {
    return new RotationFailure(OUT_OF_TIME, "Too little time was left to mint a key and store it.");
  }

  private static RotationFailure outOfTimeToAsk() {
    return new RotationFailure(
        OUT_OF_TIME,
        "Too little time was left to verify the key. If a new key was stored, it stays stored and"
            + " the next run resumes with it.");
  }

  /**
   * Makes a policy that asks again while an answer is unsatisfying, and there is time.
   *
   * @param noAnswer why there was no answer, if there was none
   * @param patience how long after the first asking such an answer is worth another
   */
  private static <T> RetryPolicy<T> again(
      Function<T, Optional<NoAnswer>> noAnswer,
      Function<T, Duration> patience,
      Duration time,
      int mostRetries) {
    if (time.compareTo(FIRST_WAIT) <= 0) {
      return RetryPolicy.<T>builder().withMaxRetries(0).build();
    }
    long start = System.nanoTime();
    return RetryPolicy.<T>builder()
        .handleIf(failure -> false)
        .handleResultIf(
            answer -> {
              Duration left = patience.apply(answer).minusNanos(System.nanoTime() - start);
              return left.isPositive() && left.minus(wait(noAnswer.apply(answer))).isPositive();
            })
        .withMaxRetries(mostRetries)
        .withBackoff(FIRST_WAIT, LONGEST_WAIT)
        .withDelayFn(attempt -> wait(noAnswer.apply(attempt.getLastResult())))
        .withJitter(JITTER)
        .withMaxDuration(time)
        .build();
  }

  /**
   * Returns how long to wait so that Momento is left alone for as long as it wants, whatever the
   * jitter makes of that; a negative time leaves it to the policy.
   */
  private static Duration wait(Optional<NoAnswer> noAnswer) {
    return noAnswer
        .flatMap(NoAnswer::notBefore)
        .map(pause -> Duration.ofMillis((long) Math.ceil(pause.toMillis() / (1 - JITTER))))
        .orElse(Duration.ofMillis(-1));
  }

  private static Duration min(Duration a, Duration b) {
    return Collections.min(List.of(a, b));
  }
}
