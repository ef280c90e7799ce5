package keyrotation.rotation;

import static keyrotation.core.FailureReason.ENDPOINT_MISSING;
import static keyrotation.core.FailureReason.KEY_EXPIRED;
import static keyrotation.core.FailureReason.NEW_KEY_REJECTED;
import static keyrotation.core.FailureReason.REFRESH_REJECTED;

import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import keyrotation.core.RotationException;
import keyrotation.core.RotationRequest;
import keyrotation.momento.Credentials;
import keyrotation.momento.EndpointPolicy;
import keyrotation.momento.Expiry;
import keyrotation.momento.KeySecret;
import keyrotation.momento.MomentoClient;
import keyrotation.momento.MomentoKey;
import keyrotation.momento.Unavailable;
import keyrotation.momento.Verdict;
import keyrotation.secretsmanager.Secret;

/** Asks Momento whether it accepts the key that a version holds. */
public final class KeyVerification {

  /** How old a new version is when a rejection of its key is final. */
  private static final Duration PROPAGATION_DEADLINE = Duration.ofMinutes(10);

  /** What a new key has to be able to do, besides being accepted. */
  @FunctionalInterface
  public interface Requirement {

    /** Ends the rotation unless the key meets the requirement. */
    void require(KeyVersion newKey, RotationRequest request);
  }

  private final MomentoClient momento;
  private final EndpointPolicy endpoints;
  private final Requirement requirement;
  private final InstantSource clock;
  private final RotationLog log;

  public KeyVerification(
      MomentoClient momento,
      EndpointPolicy endpoints,
      Requirement requirement,
      InstantSource clock,
      RotationLog log) {
    this.momento = momento;
    this.endpoints = endpoints;
    this.requirement = requirement;
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
    requirement.require(renewed, task.request());
  }

  /** Ends the rotation unless Momento accepts the current key. */
  void requireCurrentKeyAccepted(RotationTask task) {
    KeyVersion current = task.current();
    if (current.expiry() instanceof Expiry.At end && !clock.instant().isBefore(end.instant())) {
      throw new RotationException(KEY_EXPIRED, "The key expired at " + end + ".");
    }
    if (verifyKey(task.secret(), current, task.request())
        instanceof Verdict.Rejected(String code)) {
      throw new RotationException(
          REFRESH_REJECTED,
          "Momento rejects the current key (" + code + ") and would not refresh it.");
    }
  }

  /**
   * Returns the final verdict on a successor that an earlier request has stored.
   *
   * @throws RotationException {@code NEW_KEY_REJECTED}, if Momento may not know the key yet; for a
   *     v1 successor as {@link #requireCurrentKeyAccepted} does, since the current key can be
   *     refreshed only if Momento accepts that
   */
  Verdict verifySuccessor(RotationTask task, KeyVersion successor) {
    Verdict verdict = verifySuccessorOnce(task, successor);
    if (verdict instanceof Verdict.Rejected(String code)) {
      if (successor.created().isAfter(clock.instant().minus(PROPAGATION_DEADLINE))) {
        throw newKeyRejected(code);
      }
      if (!successor.holdsV2()) {
        requireCurrentKeyAccepted(task);
      }
    }
    return verdict;
  }

  /** Returns what Momento says of a key that is to replace the task's current key. */
  Verdict verifySuccessorOnce(RotationTask task, KeyVersion successor) {
    Optional<KeyVersion> refreshedFrom =
        Optional.of(task.current()).filter(_ -> !successor.holdsV2());
    return verify(task.secret(), successor, refreshedFrom, task.request());
  }

  /**
   * Tells whether Momento has checked a version's v2 key, its signature included. A server that
   * denies a key the call may have looked at its claims alone; then it denies the same claims with
   * another signature as well.
   */
  boolean isProved(Secret secret, KeyVersion version, RotationRequest request) {
    Verdict verdict = verifyKey(secret, version, request);
    return verdict instanceof Verdict.Accepted
        || (verdict instanceof Verdict.Denied
            && version.requireKey().key() instanceof MomentoKey.V2 key
            && momento.verifyOnce(
                    new Credentials(requireEndpoint(secret, version), key.withOtherSignature()),
                    request)
                instanceof Verdict.Rejected);
  }

  /** Returns what Momento says of a new key before it is stored. */
  Verdict verifyUnstored(Credentials key, String versionId, RotationRequest request) {
    return verify(key, Optional.empty(), versionId, request);
  }

  /** Returns what Momento says of a key that is or was current. */
  Verdict verifyKey(Secret secret, KeyVersion version, RotationRequest request) {
    return verify(secret, version, Optional.empty(), request);
  }

  /**
   * Returns the endpoint of a version's key, if a v2 key may be sent there.
   *
   * @throws RotationException {@code ENDPOINT_MISSING} or {@code ENDPOINT_NOT_ALLOWED}
   */
  String requireEndpoint(Secret secret, KeyVersion version) {
    return endpoints.requireAllowed(
        version
            .requireKey()
            .endpoint()
            .or(secret.tags()::endpoint)
            .orElseThrow(
                () ->
                    new RotationException(
                        ENDPOINT_MISSING,
                        "The v2 key is stored without the field \"endpoint\", and the secret has no"
                            + " tag momento:endpoint.")));
  }

  /**
   * Returns what Momento says of a version's key, if that is certain.
   *
   * @param source the version whose key it was refreshed from, if it is new
   * @throws RotationException {@code MOMENTO_UNAVAILABLE}, {@code MOMENTO_THROTTLED} or {@code
   *     OUT_OF_TIME}, if it stays uncertain
   */
  private Verdict verify(
      Secret secret, KeyVersion version, Optional<KeyVersion> source, RotationRequest request) {
    Optional<Credentials> key = credentials(secret, version);
    if (key.isEmpty()) {
      return new Verdict.Rejected("not a key that can be verified");
    }
    return verify(
        key.get(), source.flatMap(from -> credentials(secret, from)), version.id(), request);
  }

  private Verdict verify(
      Credentials key, Optional<Credentials> source, String versionId, RotationRequest request) {
    Verdict verdict =
        log.step(LogStep.VERIFY, versionId, () -> momento.verify(key, source, request));
    if (verdict instanceof Verdict.Unknown(Unavailable why)) {
      throw new RotationException(
          why.reason(),
          "Could not verify the key with Momento ("
              + why.code()
              + "). If a new key was stored, it stays stored and the next run resumes with it.");
    }
    return verdict;
  }

  /** Returns what a call with a version's key needs; empty if the key cannot be verified. */
  private Optional<Credentials> credentials(Secret secret, KeyVersion version) {
    return version
        .key()
        .map(KeySecret::key)
        .flatMap(
            key ->
                switch (key) {
                  case MomentoKey.V1 v1 -> Optional.of(v1.credentials());
                  case MomentoKey.V2 v2 ->
                      Optional.of(new Credentials(requireEndpoint(secret, version), v2.token()));
                  case MomentoKey.Legacy _ -> Optional.empty();
                });
  }

  private static RotationException newKeyRejected(String code) {
    return new RotationException(
        NEW_KEY_REJECTED,
        "Momento rejects the new key ("
            + code
            + "). It stays stored, and a later run verifies it again.");
  }
}
