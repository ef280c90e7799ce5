package keyrotation.rotation;

import static keyrotation.core.FailureReason.NEW_KEY_REJECTED;
import static keyrotation.core.FailureReason.OUT_OF_TIME;
import static keyrotation.core.FailureReason.SUPERSEDED;
import static keyrotation.secretsmanager.StagingLabel.CURRENT;
import static keyrotation.secretsmanager.StagingLabel.FIRST;

import java.time.InstantSource;
import java.util.Optional;
import java.util.Set;
import keyrotation.core.RotationException;
import keyrotation.core.RotationRequest;
import keyrotation.momento.Credentials;
import keyrotation.momento.EndpointPolicy;
import keyrotation.momento.Expiry;
import keyrotation.momento.KeyManagement.Order;
import keyrotation.momento.KeySecret;
import keyrotation.momento.MomentoKey;
import keyrotation.momento.Verdict;
import keyrotation.secretsmanager.Secret;

/**
 * Has the first key of an empty secret issued, if the secret's tags name its role and endpoint.
 *
 * <p>The key is verified first, then stored with the label {@code MOMENTO_REPLACES_NONE}, and made
 * current only if no other key has become current meanwhile. Else it is revoked.
 */
public final class FirstKey {

  private final SecretVersions versions;
  private final KeyVerification verification;
  private final AccountKeys keys;
  private final Set<String> allowedRoles;
  private final EndpointPolicy endpoints;
  private final RenewalPolicy policy;
  private final InstantSource clock;
  private final RotationLog log;

  /**
   * Prepares for an empty secret.
   *
   * @param allowedRoles the roles that a tag may ask for
   * @param endpoints the hosts that a key may be sent to
   * @param policy how long a key has to live
   */
  public FirstKey(
      SecretVersions versions,
      KeyVerification verification,
      AccountKeys keys,
      Set<String> allowedRoles,
      EndpointPolicy endpoints,
      RenewalPolicy policy,
      InstantSource clock,
      RotationLog log) {
    this.versions = versions;
    this.verification = verification;
    this.keys = keys;
    this.allowedRoles = allowedRoles;
    this.endpoints = endpoints;
    this.policy = policy;
    this.clock = clock;
    this.log = log;
  }

  /** Has the key issued and stored; without the tags, the secret waits for an operator's key. */
  RotationResult issue(Secret secret, RotationRequest request) {
    Optional<String> stored = secret.labelled(FIRST);
    if (stored.isPresent()) { // An earlier run has stored it, and did not make it current.
      return makeCurrent(secret, stored.get());
    }
    Optional<String> roleId = secret.tags().roleId();
    Optional<String> endpoint = secret.tags().endpoint();
    if (roleId.isEmpty() || endpoint.isEmpty()) {
      return new RotationResult.AwaitingFirstKey(secret.name());
    }
    IssueRenewal.requireAllowed(roleId.get(), allowedRoles);
    String host = endpoints.requireAllowed(endpoint.get());
    if (!request.budget().allowsRotation()) {
      throw new RotationException(
          OUT_OF_TIME, "Too little time was left to issue a key, verify and store it.");
    }
    Expiry expiry = IssueRenewal.expiry(secret.tags(), Optional.empty(), clock.instant());
    Optional<RotationException> tooShortLived = policy.judge(clock.instant(), expiry);
    if (tooShortLived.isPresent()) {
      throw tooShortLived.get();
    }
    String versionId = request.versionId(secret.arn());
    Order order = new Order(roleId.get(), KeyDescription.of(secret, versionId), expiry);
    MomentoKey.V2 key =
        log.step(LogStep.ISSUE, versionId, () -> keys.issue(order, request.budget()));
    requireAccepted(new Credentials(host, key.token()), key, versionId, request);
    if (!versions.putFirst(secret, versionId, KeySecret.first(key, host))) {
      // Another delivery of this request has stored a key.
      keys.discard(key, request.budget());
      return makeCurrent(secret, versionId);
    }
    try {
      return makeCurrent(secret, versionId);
    } catch (RotationException e) {
      // If it was current for a moment, a scheduled run revokes it after its grace period.
      if (e.reason() == SUPERSEDED
          && versions.describe(secret.arn()).labelsOf(versionId).isEmpty()) {
        keys.discard(key, request.budget());
      }
      throw e;
    }
  }

  private void requireAccepted(
      Credentials credentials, MomentoKey.V2 key, String versionId, RotationRequest request) {
    RotationRequest beforeStore = request.with(request.budget().beforeStore());
    try {
      if (verification.verifyUnstored(credentials, versionId, beforeStore)
          instanceof Verdict.Rejected(String code)) {
        throw new RotationException(
            NEW_KEY_REJECTED, "Momento rejects the new key (" + code + "). It was not stored.");
      }
    } catch (RotationException e) {
      keys.discard(key, request.budget());
      throw e;
    }
  }

  /**
   * Makes a stored key current, unless another one is. A first version is current by itself; after
   * Secrets Manager's own rotation has labelled a version without a value, it is not.
   */
  private RotationResult makeCurrent(Secret secret, String versionId) {
    Secret now =
        versions.describeEventually(
            secret.arn(), described -> described.labels().containsKey(versionId));
    if (now.labelled(CURRENT).isEmpty()) {
      now =
          versions.addLabel(LogStep.PROMOTE, now, CURRENT, versionId)
              ? now.with(CURRENT, versionId)
              : versions.describe(secret.arn());
    }
    if (now.labelsOf(versionId).contains(FIRST)) {
      now = versions.takeOff(now, FIRST, versionId);
    }
    if (!now.labelled(CURRENT).equals(Optional.of(versionId))) {
      throw new RotationException(
          SUPERSEDED, "Another version became AWSCURRENT meanwhile and was left in place.");
    }
    KeyVersion first = versions.readEventually(LogStep.READ_CURRENT, now, versionId);
    log.figuresAre(SecretFigures.of(now, Optional.of(first), policy, clock.instant()));
    return new RotationResult.FirstKeyIssued(secret.name(), versionId, first.expiry());
  }
}
