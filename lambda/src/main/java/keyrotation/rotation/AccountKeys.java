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

  /** The list of keys at an instant, or why it could not be read. */
  private sealed interface Listing {
    record Read(Instant at, List<KeyInfo> keys) implements Listing {}

    record Failed(RotationException why) implements Listing {}
  }

  private final KeyManagement management;
  private final ManagementKey managementKey;
  private final Time time;
  private Optional<Listing> latest = Optional.empty();

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
    return switch (listedSince(earliest, task, log)) {
      case Listing.Read(_, List<KeyInfo> keys) ->
          keys.stream().filter(key -> key.id().equals(keyId)).findFirst();
      case Listing.Failed(RotationException why) -> throw why;
    };
  }

  /** Returns the list as of an instant or later. Others wait for it, so that it is read once. */
  private synchronized Listing listedSince(Instant earliest, RotationTask task, RotationLog log) {
    boolean isRecent =
        latest
            .filter(
                listing ->
                    !(listing instanceof Listing.Read(Instant at, _)) || !at.isBefore(earliest))
            .isPresent();
    if (!isRecent) {
      latest = Optional.of(list(task, log));
    }
    return latest.orElseThrow();
  }

  private Listing list(RotationTask task, RotationLog log) {
    Instant now = time.instant();
    try {
      var key = managementKey.require();
      return new Listing.Read(
          now, log.step(LogStep.LIST_KEYS, () -> management.list(key, task.request().budget())));
    } catch (RotationException e) {
      return new Listing.Failed(e);
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
