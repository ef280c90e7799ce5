package keyrotation.rotation;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import keyrotation.core.RotationException;
import keyrotation.core.Time;
import keyrotation.momento.KeyInfo;
import keyrotation.momento.KeyManagement;
import keyrotation.momento.MomentoKey;

/**
 * The v2 keys of the management key's account. All rotations of an invocation share the list of
 * keys, which is read when one first needs it. If that fails, it fails for all of them at once: to
 * wait for each would take the time of other secrets.
 */
public final class AccountKeys {

  /** The list of keys at an instant. */
  private record Listing(Instant at, List<KeyInfo> keys) {}

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

  /** Finds a key in the list as it was last read. */
  Optional<KeyInfo> find(String keyId, RotationTask task, RotationLog log) {
    return find(keyId, Instant.MIN, task, log);
  }

  /**
   * Finds a key that exists, though the list may not show it at once; gives up after some reads.
   */
  Optional<KeyInfo> findEventually(String keyId, RotationTask task, RotationLog log) {
    Optional<KeyInfo> found = find(keyId, task, log);
    return found.isPresent()
        ? found
        : time.retryWhileStale(Optional::isPresent, () -> find(keyId, time.instant(), task, log));
  }

  private Optional<KeyInfo> find(
      String keyId, Instant earliest, RotationTask task, RotationLog log) {
    return listedSince(earliest, task, log).stream()
        .filter(key -> key.id().equals(keyId))
        .findFirst();
  }

  /** Returns the list as of an instant or later. Others wait for it, so that it is read once. */
  private synchronized List<KeyInfo> listedSince(
      Instant earliest, RotationTask task, RotationLog log) {
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
      var key = managementKey.require();
      List<KeyInfo> keys =
          log.step(LogStep.LIST_KEYS, () -> management.list(key, task.request().budget()));
      listing = Optional.of(new Listing(now, keys));
      return keys;
    } catch (RotationException e) {
      failure = Optional.of(new Failure(now, e));
      throw e;
    }
  }

  /** Has a key issued. */
  MomentoKey.V2 issue(KeyManagement.Order order, RotationTask task) {
    return management.issue(managementKey.require(), order, task.request().budget());
  }

  /** Revokes a key that was just issued and is stored nowhere, if possible. */
  void discard(MomentoKey.V2 key, RotationTask task) {
    management.discard(managementKey.require(), key.id(), task.request().budget());
  }
}
