package keyrotation.momento;

import static keyrotation.core.FailureReason.OUT_OF_TIME;
import static keyrotation.core.FailureReason.RATE_LIMITED_LOCALLY;
import static keyrotation.core.TimeBudget.MIN_REFRESH_TIME;
import static keyrotation.core.TimeBudget.REFRESH_TIMEOUT;
import static keyrotation.core.TimeBudget.VERIFY_TIMEOUT;

import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Function;
import java.util.function.Supplier;
import keyrotation.core.RateLimit;
import keyrotation.core.RotationException;
import keyrotation.core.RotationRequest;
import keyrotation.core.Sensitive;
import keyrotation.core.Time;
import keyrotation.core.TimeBudget;

/**
 * Calls Momento and repeats a call that may succeed the next time. Calls stay within the
 * invocation's time and the account's rate limit, and wait for as long as Momento asks for.
 */
public final class MomentoClient {

  private static final Duration FIRST_BACKOFF = Duration.ofMillis(200);
  private static final Duration MAX_BACKOFF = Duration.ofSeconds(2);
  private static final int MAX_REFRESH_RETRIES = 3;

  private final MomentoControlPlane controlPlane;
  private final Time time;
  private final RateLimit refreshes;

  /**
   * Prepares for calls.
   *
   * @param refreshes how many refresh calls an account is allowed; shared by all rotations
   */
  public MomentoClient(MomentoControlPlane controlPlane, Time time, RateLimit refreshes) {
    this.controlPlane = controlPlane;
    this.time = time;
    this.refreshes = refreshes;
  }

  /**
   * Asks for a new key, if there is time enough to store it.
   *
   * @throws RotationException {@code OUT_OF_TIME}, {@code RATE_LIMITED_LOCALLY}, {@code
   *     NEW_KEY_INVALID}
   */
  public RefreshResult refresh(MomentoKey.V1 key, Sensitive refreshToken, RotationRequest request) {
    TimeBudget budget = request.budget();
    return retry(
        () -> {
          acquirePermit(budget);
          return controlPlane.refresh(
              key, refreshToken, min(timeToRefresh(budget), REFRESH_TIMEOUT));
        },
        answer ->
            answer instanceof RefreshResult.Unknown(Unavailable why)
                ? Optional.of(new Again(budget.latestRefresh(), why.retryAfter()))
                : Optional.empty(),
        MAX_REFRESH_RETRIES);
  }

  private void acquirePermit(TimeBudget budget) {
    Duration limit = timeToRefresh(budget).minus(MIN_REFRESH_TIME);
    if (!refreshes.acquire(1, limit)) {
      throw new RotationException(
          RATE_LIMITED_LOCALLY,
          "Momento's refresh call would have waited for a permit for more than the "
              + limit.toSeconds()
              + " s that were left; MOMENTO_REFRESHES_PER_SECOND is the limit.");
    }
  }

  private static Duration timeToRefresh(TimeBudget budget) {
    Duration left = budget.leftToRefresh();
    if (left.compareTo(MIN_REFRESH_TIME) < 0) {
      throw new RotationException(
          OUT_OF_TIME, "Too little time was left to refresh the key and store the new one.");
    }
    return left;
  }

  /**
   * Asks whether Momento accepts a key.
   *
   * <p>The call is repeated after a rejection until the grace period is over, since Momento may not
   * know a new key everywhere yet. After a failure it is repeated while there is time; if other
   * secrets wait, only for the grace period.
   *
   * @param source the key that it was refreshed from, if it is new. A refresh keeps the
   *     permissions: if Momento accepts the source and denies the call to the new key, the new key
   *     is rejected
   * @throws RotationException {@code OUT_OF_TIME}, if Momento rejected the key and less time was
   *     left than the grace period
   */
  public Verdict verify(
      MomentoKey.V1 key, Optional<MomentoKey.V1> source, RotationRequest request) {
    Instant start = time.instant();
    Instant lastTry = request.budget().latestVerification();
    Duration grace = request.budget().grace();
    if (!start.plus(FIRST_BACKOFF).isBefore(lastTry)) {
      throw outOfTimeToVerify();
    }
    Instant endOfGrace = min(start.plus(grace), lastTry);
    Verdict verdict =
        retry(
            () -> verifyBesideSource(key, source),
            answer ->
                switch (answer) {
                  case Verdict.Accepted _, Verdict.Denied _ -> Optional.empty();
                  case Verdict.Rejected _ -> Optional.of(new Again(endOfGrace, Optional.empty()));
                  case Verdict.Unknown(Unavailable why) ->
                      Optional.of(
                          new Again(
                              request.othersWait().getAsBoolean() ? endOfGrace : lastTry,
                              why.retryAfter()));
                },
            Integer.MAX_VALUE);
    if (verdict instanceof Verdict.Rejected && lastTry.isBefore(start.plus(grace))) {
      throw outOfTimeToVerify();
    }
    return verdict;
  }

  private Verdict verifyBesideSource(MomentoKey.V1 key, Optional<MomentoKey.V1> source) {
    Instant start = time.instant();
    Verdict verdict = controlPlane.verify(key, VERIFY_TIMEOUT);
    if (!(verdict instanceof Verdict.Denied) || source.isEmpty()) {
      return verdict;
    }
    Duration left = VERIFY_TIMEOUT.minus(Duration.between(start, time.instant()));
    return switch (controlPlane.verify(source.get(), left)) {
      case Verdict.Accepted _ -> new Verdict.Rejected("PERMISSION_DENIED, unlike the key before");
      case Verdict.Denied _, Verdict.Rejected _ -> verdict;
      case Verdict.Unknown unknown -> unknown;
    };
  }

  /** Asks once whether Momento accepts a key. */
  public Verdict verifyOnce(MomentoKey.V1 key, RotationRequest request) {
    return controlPlane.verify(key, min(request.budget().left(), VERIFY_TIMEOUT));
  }

  private static RotationException outOfTimeToVerify() {
    return new RotationException(
        OUT_OF_TIME,
        "Too little time was left to verify the key. If a new key was stored, it stays stored and"
            + " the next run resumes with it.");
  }

  /**
   * Allows another attempt.
   *
   * @param lastTry the latest time at which it may start
   * @param retryAfter how long Momento asked to wait before the next call, if it did
   */
  private record Again(Instant lastTry, Optional<Duration> retryAfter) {}

  /** Repeats a call while its answer allows another attempt, and returns the last answer. */
  private <T> T retry(Supplier<T> call, Function<T, Optional<Again>> again, int maxRetries) {
    Duration pause = FIRST_BACKOFF;
    for (int retries = 0; ; retries++) {
      T answer = call.get();
      Optional<Again> next = again.apply(answer);
      if (next.isEmpty() || retries == maxRetries) {
        return answer;
      }
      Duration wait =
          withJitter(
              Collections.max(List.of(pause, next.get().retryAfter().orElse(Duration.ZERO))));
      if (!time.instant().plus(wait).isBefore(next.get().lastTry())) {
        return answer;
      }
      time.sleep(wait);
      pause = min(pause.multipliedBy(2), MAX_BACKOFF);
    }
  }

  /**
   * Makes a wait up to a fifth longer, so that calls which failed together are not repeated
   * together.
   */
  private static Duration withJitter(Duration wait) {
    return wait.plus(
        wait.dividedBy(5).multipliedBy(ThreadLocalRandom.current().nextInt(101)).dividedBy(100));
  }

  private static <T extends Comparable<? super T>> T min(T a, T b) {
    return Collections.min(List.of(a, b));
  }
}
