package keyrotation.momento;

import static keyrotation.core.FailureReason.OUT_OF_TIME;
import static keyrotation.core.TimeBudget.REFRESH_TIMEOUT;
import static keyrotation.core.TimeBudget.VERIFY_TIMEOUT;

import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
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

  private static final int MAX_REFRESH_RETRIES = 3;

  private final MomentoControlPlane controlPlane;
  private final Time time;
  private final RenewalPermits permits;
  private final Retry retry;

  /**
   * Prepares for calls.
   *
   * @param refreshes how many refresh calls an account is allowed; shared by all rotations
   */
  public MomentoClient(MomentoControlPlane controlPlane, Time time, RateLimit refreshes) {
    this.controlPlane = controlPlane;
    this.time = time;
    this.permits = new RenewalPermits(refreshes);
    this.retry = new Retry(time);
  }

  /**
   * Asks for a new key, if there is time enough to store it.
   *
   * @throws RotationException {@code OUT_OF_TIME}, {@code RATE_LIMITED_LOCALLY}, {@code
   *     NEW_KEY_INVALID}
   */
  public RefreshResult refresh(MomentoKey.V1 key, Sensitive refreshToken, RotationRequest request) {
    TimeBudget budget = request.budget();
    return retry.call(
        () ->
            permits.call(
                budget,
                left -> controlPlane.refresh(key, refreshToken, min(left, REFRESH_TIMEOUT))),
        answer ->
            answer instanceof RefreshResult.Unknown(Unavailable why)
                ? Optional.of(new Retry.Again(budget.latestRefresh(), why.retryAfter()))
                : Optional.empty(),
        MAX_REFRESH_RETRIES);
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
  public Verdict verify(Credentials key, Optional<Credentials> source, RotationRequest request) {
    Instant start = time.instant();
    Instant lastTry = request.budget().latestVerification();
    Duration grace = request.budget().grace();
    if (!start.plus(Retry.FIRST_BACKOFF).isBefore(lastTry)) {
      throw outOfTimeToVerify();
    }
    Instant endOfGrace = min(start.plus(grace), lastTry);
    Verdict verdict =
        retry.call(
            () -> verifyBesideSource(key, source),
            answer ->
                switch (answer) {
                  case Verdict.Accepted _, Verdict.Denied _ -> Optional.empty();
                  case Verdict.Rejected _ ->
                      Optional.of(new Retry.Again(endOfGrace, Optional.empty()));
                  case Verdict.Unknown(Unavailable why) ->
                      Optional.of(
                          new Retry.Again(
                              request.othersWait().getAsBoolean() ? endOfGrace : lastTry,
                              why.retryAfter()));
                },
            Integer.MAX_VALUE);
    if (verdict instanceof Verdict.Rejected && lastTry.isBefore(start.plus(grace))) {
      throw outOfTimeToVerify();
    }
    return verdict;
  }

  private Verdict verifyBesideSource(Credentials key, Optional<Credentials> source) {
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
  public Verdict verifyOnce(Credentials key, RotationRequest request) {
    return controlPlane.verify(key, min(request.budget().left(), VERIFY_TIMEOUT));
  }

  private static RotationException outOfTimeToVerify() {
    return new RotationException(
        OUT_OF_TIME,
        "Too little time was left to verify the key. If a new key was stored, it stays stored and"
            + " the next run resumes with it.");
  }

  private static <T extends Comparable<? super T>> T min(T a, T b) {
    return Collections.min(List.of(a, b));
  }
}
