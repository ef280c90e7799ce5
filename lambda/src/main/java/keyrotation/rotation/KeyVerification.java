package keyrotation.rotation;

import static keyrotation.core.FailureReason.KEY_EXPIRED;
import static keyrotation.core.FailureReason.NEW_KEY_REJECTED;
import static keyrotation.core.FailureReason.REFRESH_REJECTED;

import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import keyrotation.core.RotationException;
import keyrotation.core.RotationRequest;
import keyrotation.momento.Expiry;
import keyrotation.momento.KeySecret;
import keyrotation.momento.MomentoClient;
import keyrotation.momento.MomentoKey;
import keyrotation.momento.Unavailable;
import keyrotation.momento.Verdict;

/** Asks Momento whether it accepts the key that a version holds. */
public final class KeyVerification {

  /** How old a new version is when a rejection of its key is final. */
  private static final Duration PROPAGATION_DEADLINE = Duration.ofMinutes(10);

  private final MomentoClient momento;
  private final InstantSource clock;
  private final RotationLog log;

  public KeyVerification(MomentoClient momento, InstantSource clock, RotationLog log) {
    this.momento = momento;
    this.clock = clock;
    this.log = log;
  }

  /**
   * Ends the rotation unless Momento accepts a new key. The key stays stored, and a later request
   * verifies it again.
   */
  void requireNewKeyAccepted(RotationTask task, KeyVersion renewed) {
    if (verifySuccessorOnce(task, renewed) instanceof Verdict.Rejected(String code)) {
      throw newKeyRejected(code);
    }
  }

  /** Ends the rotation unless Momento accepts the current key. */
  void requireCurrentKeyAccepted(RotationTask task) {
    KeyVersion current = task.current();
    if (current.expiry() instanceof Expiry.At end && !clock.instant().isBefore(end.instant())) {
      throw new RotationException(KEY_EXPIRED, "The key expired at " + end + ".");
    }
    if (verify(current, Optional.empty(), task.request())
        instanceof Verdict.Rejected(String code)) {
      throw new RotationException(
          REFRESH_REJECTED,
          "Momento rejects the current key (" + code + ") and would not refresh it.");
    }
  }

  /**
   * Returns the final verdict on a successor that an earlier request has stored. If it is rejected,
   * the successor can be given up, and the current key be refreshed once more.
   *
   * @throws RotationException {@code NEW_KEY_REJECTED}, if Momento may not know the key yet; as
   *     {@link #requireCurrentKeyAccepted} does, if Momento rejects the current key as well
   */
  Verdict verifySuccessor(RotationTask task, KeyVersion successor) {
    Verdict verdict = verifySuccessorOnce(task, successor);
    if (verdict instanceof Verdict.Rejected(String code)) {
      if (successor.created().isAfter(clock.instant().minus(PROPAGATION_DEADLINE))) {
        throw newKeyRejected(code);
      }
      requireCurrentKeyAccepted(task);
    }
    return verdict;
  }

  /** Returns what Momento says of a key that was refreshed from the task's current key. */
  Verdict verifySuccessorOnce(RotationTask task, KeyVersion successor) {
    return verify(successor, Optional.of(task.current()), task.request());
  }

  /** Returns what Momento says of a key that was current once. */
  Verdict verifyFormerKey(KeyVersion version, RotationRequest request) {
    return verify(version, Optional.empty(), request);
  }

  /**
   * Returns what Momento says of a version's key, if that is certain.
   *
   * @param source the version whose key it was refreshed from, if it is new
   * @throws RotationException {@code MOMENTO_UNAVAILABLE}, {@code MOMENTO_THROTTLED} or {@code
   *     OUT_OF_TIME}, if it stays uncertain
   */
  private Verdict verify(KeyVersion version, Optional<KeyVersion> source, RotationRequest request) {
    Optional<MomentoKey.V1> key = verifiableKey(version);
    if (key.isEmpty()) {
      return new Verdict.Rejected("not a key that can be verified");
    }
    Verdict verdict =
        log.step(
            LogStep.VERIFY,
            version.id(),
            () ->
                momento.verify(key.get(), source.flatMap(KeyVerification::verifiableKey), request));
    if (verdict instanceof Verdict.Unknown(Unavailable why)) {
      throw new RotationException(
          why.reason(),
          "Could not verify the key with Momento ("
              + why.code()
              + "). If a new key was stored, it stays stored and the next run resumes with it.");
    }
    return verdict;
  }

  private static Optional<MomentoKey.V1> verifiableKey(KeyVersion version) {
    return version
        .key()
        .map(KeySecret::key)
        .flatMap(key -> key instanceof MomentoKey.V1 v1 ? Optional.of(v1) : Optional.empty());
  }

  private static RotationException newKeyRejected(String code) {
    return new RotationException(
        NEW_KEY_REJECTED,
        "Momento rejects the new key ("
            + code
            + "). It stays stored, and a later run verifies it again.");
  }
}
