package keyrotation.rotation;

import java.time.Instant;
import java.util.Optional;
import keyrotation.core.RotationException;
import keyrotation.core.Sensitive;
import keyrotation.core.Time;
import keyrotation.core.TimeBudget;
import keyrotation.momento.Expiry;
import keyrotation.momento.KeyInfo;
import keyrotation.momento.KeyListing;
import keyrotation.momento.KeyManagement;
import keyrotation.momento.MomentoKey;

/**
 * The v2 keys of the management key's account. All rotations of an invocation share the list of
 * keys, which is read when one first needs it. If that fails, it fails for all of them at once: to
 * wait for each would take the time of other secrets.
 */
public final class AccountKeys {

  /** The list of keys at an instant. */
  private record Listing(Instant at, KeyListing keys) {}

  /** Why the list could not be read at an instant. */
  private record Failure(Instant at, RotationException why) {}

  private final KeyManagement management;
  private final ManagementKey managementKey;
  private final Time time;
  private Optional<Listing> listing = Optional.empty();
  private Optional<Failure> failure = Optional.empty();

  public AccountKeys(KeyManagement management, ManagementKey managementKey, Time time) {
    this.management = management;
    this.managementKey = managementKey;
    this.time = time;
  }

  /** Tells whether there is a management key to ask with. */
  public boolean canBeManaged() {
    return managementKey.isConfigured();
  }

  /** Returns when the management key expires, if this invocation has read it. */
  public Optional<Expiry> expiryOfManagementKey() {
    return managementKey.ifRead().map(MomentoKey.V2::expiry);
  }

  /** Reads the management key, if that was not done before. A failure is logged. */
  public void readManagementKey() {
    try {
      requireManagementKey();
    } catch (RotationException logged) {
      // Secrets that need the key fail with the reason.
    }
  }

  /** Throws unless there is a management key. Momento is not asked about it. */
  void requireManagementKey() {
    var _ = managementKey.require();
  }

  /** Tells whether this is the id of the management key. */
  boolean isManagementKey(String keyId) {
    return managementKey.require().id().equals(keyId);
  }

  /** Returns the list as it was last read, and reads it if it was not. */
  KeyListing list(TimeBudget budget, RotationLog log) {
    return listedSince(Instant.MIN, budget, log);
  }

  /** Finds a key in the list as it was last read; empty as well if it was not read. */
  synchronized Optional<KeyInfo> findIfListed(String keyId) {
    return listing.flatMap(read -> read.keys.find(keyId));
  }

  /** Finds a key in the list as it was last read, and reads it if it was not. */
  Optional<KeyInfo> find(String keyId, TimeBudget budget, RotationLog log) {
    return list(budget, log).find(keyId);
  }

  /**
   * Finds a key that exists, though the list may not show it at once; gives up after some reads.
   */
  Optional<KeyInfo> findEventually(String keyId, TimeBudget budget, RotationLog log) {
    Optional<KeyInfo> found = find(keyId, budget, log);
    return found.isPresent()
        ? found
        : time.retryWhileStale(
            Optional::isPresent, () -> listedSince(time.instant(), budget, log).find(keyId));
  }

  /** Returns the list as of an instant or later. Others wait for it, so that it is read once. */
  private synchronized KeyListing listedSince(
      Instant earliest, TimeBudget budget, RotationLog log) {
    Optional<Listing> recent = listing.filter(read -> !read.at.isBefore(earliest));
    if (recent.isPresent()) {
      return recent.get().keys;
    }
    failure
        .filter(failed -> !failed.at.isBefore(earliest))
        .ifPresent(
            failed -> {
              throw failed.why;
            });
    Instant now = time.instant();
    try {
      Sensitive key = managementKey.require().token();
      KeyListing keys = log.step(LogStep.LIST_KEYS, () -> management.list(key, budget));
      listing = Optional.of(new Listing(now, keys));
      return keys;
    } catch (RotationException e) {
      failure = Optional.of(new Failure(now, e));
      throw e;
    }
  }

  /** Has a key issued. */
  MomentoKey.V2 issue(KeyManagement.Order order, TimeBudget budget) {
    return management.issue(managementKey.require().token(), order, budget);
  }

  /** Revokes a key that was just issued and is stored nowhere, if possible. */
  void discard(MomentoKey.V2 key, TimeBudget budget) {
    management.discard(managementKey.require().token(), key.id(), budget);
  }

  /**
   * Revokes a key.
   *
   * @param keyId as the list has it
   */
  void revoke(String keyId, TimeBudget budget) {
    management.revoke(managementKey.require().token(), keyId, budget);
  }

  /** Returns what a new management key has to be able to do: to list keys and to revoke them. */
  public KeyVerification.Requirement mustManageKeys() {
    return (newKey, request) ->
        newKey.v2Key().ifPresent(key -> requireManages(key, request.budget()));
  }

  private void requireManages(MomentoKey.V2 newKey, TimeBudget budget) {
    // The API may not know a new key at once.
    time.retryWhileStale(
            Optional::isEmpty,
            () -> {
              try {
                management.requireManages(newKey.token(), budget);
                return Optional.<RotationException>empty();
              } catch (RotationException e) {
                return Optional.of(e);
              }
            })
        .ifPresent(
            why -> {
              throw new RotationException(why.reason(), "The new management key: " + why.what());
            });
  }
}
