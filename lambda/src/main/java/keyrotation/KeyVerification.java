package keyrotation;

import static keyrotation.FailureReason.KEY_EXPIRED;
import static keyrotation.FailureReason.NEW_KEY_REJECTED;
import static keyrotation.FailureReason.REFRESH_REJECTED;

import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import keyrotation.SecretStore.Version;

/** Whether Momento accepts the key that a version holds, and what follows if it does not. */
final class KeyVerification {

  /** How old a new version is when a rejection of its key is final. */
  private static final Duration PROPAGATION_DEADLINE = Duration.ofMinutes(10);

  private final MomentoClient momento;
  private final InstantSource clock;
  private final RotationLog log;

  KeyVerification(MomentoClient momento, InstantSource clock, RotationLog log) {
    this.momento = momento;
    this.clock = clock;
    this.log = log;
  }

  /**
   * Ends the rotation unless Momento accepts a new key. The key stays stored: it may be all there
   * is, and a later request asks again before it is given up.
   */
  void requireAccepted(Version successor, Version source, RotationRequest request) {
    if (verify(successor, Optional.of(source), request) instanceof Verdict.Rejected(String code)) {
      throw rejected(code);
    }
  }

  /**
   * Tells whether Momento accepts a new key of an earlier request. If it does not, another may be
   * made; but not before the key had time to be known everywhere, and not of a current key that
   * Momento does not accept either.
   */
  boolean isAccepted(Version successor, Version source, RotationRequest request) {
    if (!(verify(successor, Optional.of(source), request)
        instanceof Verdict.Rejected(String code))) {
      return true;
    }
    if (successor.created().isAfter(clock.instant().minus(PROPAGATION_DEADLINE))) {
      throw rejected(code);
    }
    requireCurrentAccepted(source, request);
    return false;
  }

  /** Ends the rotation unless Momento accepts the current key. */
  void requireCurrentAccepted(Version current, RotationRequest request) {
    if (current.expiry() instanceof Expiry.At end && !clock.instant().isBefore(end.instant())) {
      throw new RotationException(KEY_EXPIRED, "The key expired at " + end + ".");
    }
    if (verify(current, Optional.empty(), request) instanceof Verdict.Rejected(String code)) {
      throw new RotationException(
          REFRESH_REJECTED,
          "Momento rejects the current key (" + code + ") and would not refresh it.");
    }
  }

  /**
   * Returns what Momento says of a version's key, when that is certain.
   *
   * @param source the version whose key it was refreshed from, if it is new
   * @throws RotationException {@code MOMENTO_UNAVAILABLE}, {@code MOMENTO_THROTTLED} or {@code
   *     OUT_OF_TIME}, if it stays uncertain
   */
  Verdict verify(Version version, Optional<Version> source, RotationRequest request) {
    Optional<MomentoKey.V1> key = keyOf(version);
    if (key.isEmpty()) {
      return new Verdict.Rejected("not a key that can be verified");
    }
    Verdict verdict =
        log.step(
            LogStep.VERIFY,
            version.id(),
            () -> momento.verify(key.get(), source.flatMap(KeyVerification::keyOf), request));
    if (verdict instanceof Verdict.Unknown(Unavailable why)) {
      throw new RotationException(
          why.reason(),
          "Could not verify the key with Momento ("
              + why.code()
              + "). If a new key was stored, it stays stored and the next run resumes with it.");
    }
    return verdict;
  }

  private static Optional<MomentoKey.V1> keyOf(Version version) {
    return version
        .content()
        .map(KeySecret::key)
        .flatMap(key -> key instanceof MomentoKey.V1 v1 ? Optional.of(v1) : Optional.empty());
  }

  private static RotationException rejected(String code) {
    return new RotationException(
        NEW_KEY_REJECTED,
        "Momento rejects the new key ("
            + code
            + "). It stays stored, and a later run verifies it again.");
  }
}
