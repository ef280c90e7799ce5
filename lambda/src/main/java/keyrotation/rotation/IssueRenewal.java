package keyrotation.rotation;

import static java.time.temporal.ChronoUnit.SECONDS;
import static keyrotation.core.FailureReason.KEY_NOT_REFRESHABLE;
import static keyrotation.core.FailureReason.KEY_OF_ANOTHER_ACCOUNT;
import static keyrotation.core.FailureReason.NEW_KEY_REJECTED;
import static keyrotation.core.FailureReason.OUT_OF_TIME;
import static keyrotation.core.FailureReason.ROLE_NOT_ALLOWED;
import static keyrotation.core.FailureReason.ROLE_UNKNOWN;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import keyrotation.core.FailureReason.Needs;
import keyrotation.core.RotationException;
import keyrotation.core.RotationRequest;
import keyrotation.momento.Credentials;
import keyrotation.momento.Expiry;
import keyrotation.momento.KeyInfo;
import keyrotation.momento.KeyManagement.Order;
import keyrotation.momento.KeySecret;
import keyrotation.momento.MomentoKey;
import keyrotation.momento.Verdict;
import keyrotation.secretsmanager.SecretTags;

/**
 * Renews v2 keys: Momento issues another key of the same role and lifetime. The old key keeps
 * working.
 *
 * <p>What a key's token says of itself is not verified, so it grants nothing. A new key gets the
 * role of the old one only if Momento accepts the old key, or if the list of keys says that this
 * function had it issued for this very secret. Any other role must be allowed by the deployment.
 */
public final class IssueRenewal implements KeyRenewal {

  /** How long a new key lives where nothing says how long the old one was to live. */
  private static final Duration DEFAULT_LIFETIME = Duration.ofDays(90);

  /**
   * An operator's request for a v2 key in place of a v1 key.
   *
   * @param accountUnchecked whether the operator has made sure that the v1 key and the management
   *     key are of the same account
   */
  public record ToV2(String roleId, boolean accountUnchecked) {}

  private final AccountKeys keys;
  private final KeyVerification verification;
  private final Set<String> allowedRoles;
  private final Optional<ToV2> toV2;
  private final InstantSource clock;
  private final RotationLog log;

  /** By the id of a current key, what Momento tells of it if it has a right to be renewed. */
  private final Map<String, Optional<KeyInfo>> proofs = new HashMap<>();

  /**
   * Makes the renewal of one secret's keys.
   *
   * @param allowedRoles the roles that a tag or an event may ask for
   * @param toV2 empty unless an operator asks for a v2 key in place of a v1 key
   */
  public IssueRenewal(
      AccountKeys keys,
      KeyVerification verification,
      Set<String> allowedRoles,
      Optional<ToV2> toV2,
      InstantSource clock,
      RotationLog log) {
    this.keys = keys;
    this.verification = verification;
    this.allowedRoles = allowedRoles;
    this.toV2 = toV2;
    this.clock = clock;
    this.log = log;
  }

  @Override
  public void requireRenewable(RotationTask task) {
    requireReplaceable(task);
    keys.requireManagementKey();
  }

  /** Checks the value before any call to Momento: no key may be sent to a foreign host. */
  private void requireReplaceable(RotationTask task) {
    KeySecret current = task.current().requireKey();
    current.requireRoom();
    if (current.key() instanceof MomentoKey.Legacy) {
      throw new RotationException(KEY_NOT_REFRESHABLE, "The key is a legacy key.");
    }
    var _ = verification.requireEndpoint(task.secret(), task.current());
  }

  @Override
  public Prepared prepare(RotationTask task) {
    requireReplaceable(task);
    KeySecret current = task.current().requireKey();
    Optional<KeyInfo> proven = provenKey(task);
    String roleId =
        requestedRole(task)
            .or(() -> proven.map(KeyInfo::roleId))
            .orElseThrow(
                () ->
                    new RotationException(
                        ROLE_UNKNOWN,
                        "Momento does not accept the current key, so its role is not proved, and no"
                            + " tag names a role."));
    Expiry expiry = expiry(task.secret().tags(), proven, clock.instant());
    Optional<Set<String>> cachesOfV1 = cachesToCompare(task);
    return versionId -> {
      Order order = new Order(roleId, KeyDescription.of(task.secret(), versionId), expiry);
      MomentoKey.V2 key =
          log.step(LogStep.ISSUE, versionId, () -> keys.issue(order, task.request().budget()));
      cachesOfV1.ifPresent(caches -> requireSameCaches(caches, key, versionId, task));
      return current.replacedBy(key);
    };
  }

  @Override
  public void rehearse(RotationTask task) {
    var _ = prepare(task);
  }

  @Override
  public boolean isRevoked(RotationTask task) {
    try {
      return task.current()
          .v2Key()
          .filter(key -> keys.find(key.id(), task.request().budget(), log).isEmpty())
          .filter(_ -> provenKey(task).isEmpty())
          .isPresent();
    } catch (RotationException e) {
      if (e.reason().needs() == Needs.WAIT) {
        // The step has logged it, and a key that is not due is in no hurry.
        return false;
      }
      throw e;
    }
  }

  /** Tells whether a stored key has the role that a new one would have. */
  @Override
  public boolean isIntended(RotationTask task, KeyVersion stored) {
    if (!(stored.requireKey().key() instanceof MomentoKey.V2 key)) {
      return true;
    }
    KeyInfo listed = requireListed(key, task);
    return requestedRole(task)
        .or(() -> provenKey(task).map(KeyInfo::roleId))
        .map(listed.roleId()::equals)
        .orElseGet(() -> KeyDescription.isFor(task.secret(), listed));
  }

  @Override
  public Verdict verifySuccessor(RotationTask task, KeyVersion successor) {
    Verdict verdict = verification.verifySuccessor(task, successor);
    return verdict instanceof Verdict.Rejected || isIntended(task, successor)
        ? verdict
        : new Verdict.Rejected("not of the role that is asked for");
  }

  /**
   * Returns what Momento tells of the current key, if the key has a right to be renewed: Momento
   * accepts it, or lists it as issued by this function for this secret. Empty if it is rejected,
   * and for a v1 key.
   */
  private Optional<KeyInfo> provenKey(RotationTask task) {
    return task.current().requireKey().key() instanceof MomentoKey.V2 key
        // A rejection takes the grace period, so it is found out once.
        ? proofs.computeIfAbsent(key.id(), _ -> prove(key, task))
        : Optional.empty();
  }

  private Optional<KeyInfo> prove(MomentoKey.V2 key, RotationTask task) {
    Optional<KeyInfo> issuedHere =
        keys.find(key.id(), task.request().budget(), log)
            .filter(listed -> KeyDescription.isFor(task.secret(), listed));
    if (issuedHere.isPresent()) {
      return issuedHere;
    }
    return verification.isProved(task.secret(), task.current(), task.request())
        ? Optional.of(requireListed(key, task))
        : Optional.empty();
  }

  /** Returns what Momento tells of a key that it accepts. */
  private KeyInfo requireListed(MomentoKey.V2 key, RotationTask task) {
    return keys.findEventually(key.id(), task.request().budget(), log)
        .orElseThrow(
            () ->
                new RotationException(
                    KEY_OF_ANOTHER_ACCOUNT,
                    "Momento accepts the key, but the management key's account does not list it. A"
                        + " key that was issued minutes ago may be listed late."));
  }

  /** Returns the role that the event or the secret's tag asks for. */
  private Optional<String> requestedRole(RotationTask task) {
    Optional<String> roleId = toV2.map(ToV2::roleId).or(task.secret().tags()::roleId);
    roleId.ifPresent(id -> requireAllowed(id, allowedRoles));
    return roleId;
  }

  /** Ends the request unless the deployment allows a role that a tag or an event asks for. */
  static void requireAllowed(String roleId, Set<String> allowedRoles) {
    if (!allowedRoles.contains(roleId)) {
      throw new RotationException(
          ROLE_NOT_ALLOWED, "MOMENTO_ALLOWED_ROLES does not list the role " + roleId + ".");
    }
  }

  /**
   * Returns when a new key is to expire: as the tag says, or after as long a life as the old key's.
   */
  static Expiry expiry(SecretTags tags, Optional<KeyInfo> proven, Instant now) {
    Optional<Duration> requested = tags.keyLifetime();
    if (requested.isEmpty() && proven.filter(KeyInfo::neverExpires).isPresent()) {
      return new Expiry.Never();
    }
    Duration lifetime =
        requested.or(() -> proven.flatMap(KeyInfo::lifetime)).orElse(DEFAULT_LIFETIME);
    return new Expiry.At(now.plus(lifetime).truncatedTo(SECONDS));
  }

  /**
   * Returns the caches that the v2 key is to list as the v1 key does: nothing else tells that the
   * keys are of one account. Empty if that need not be compared.
   */
  private Optional<Set<String>> cachesToCompare(RotationTask task) {
    if (!(task.current().requireKey().key() instanceof MomentoKey.V1)
        || toV2.filter(ToV2::accountUnchecked).isPresent()) {
      return Optional.empty();
    }
    Verdict verdict = verification.verifyKey(task.secret(), task.current(), task.request());
    if (!(verdict instanceof Verdict.Accepted(Set<String> caches)) || caches.isEmpty()) {
      throw otherAccount("The v1 key lists no caches that a v2 key's could be compared with.");
    }
    if (!task.request().budget().allowsRotation()) {
      throw new RotationException(
          OUT_OF_TIME, "Too little time was left to issue a key, compare its caches and store it.");
    }
    return Optional.of(caches);
  }

  /** Ends the request unless the new key lists the same caches. Else the key is given up. */
  private void requireSameCaches(
      Set<String> expected, MomentoKey.V2 key, String versionId, RotationTask task) {
    RotationRequest beforeStore = task.request().with(task.request().budget().beforeStore());
    Credentials credentials =
        new Credentials(verification.requireEndpoint(task.secret(), task.current()), key.token());
    try {
      Verdict verdict = verification.verifyUnstored(credentials, versionId, beforeStore);
      if (verdict instanceof Verdict.Rejected(String code)) {
        throw new RotationException(
            NEW_KEY_REJECTED, "Momento rejects the new key (" + code + ").");
      }
      if (!verdict.equals(new Verdict.Accepted(expected))) {
        throw otherAccount("The v1 key and the new v2 key do not list the same caches.");
      }
    } catch (RotationException e) {
      keys.discard(key, task.request().budget());
      throw e;
    }
  }

  private static RotationException otherAccount(String what) {
    return new RotationException(
        KEY_OF_ANOTHER_ACCOUNT,
        what + " If both are of one account, add \"account_unchecked\": true to the event.");
  }
}
