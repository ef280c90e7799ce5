package keyrotation.rotation;

import java.util.List;
import java.util.Optional;
import keyrotation.core.Time;
import keyrotation.momento.KeyInfo;
import keyrotation.momento.KeyManagement;
import keyrotation.momento.MomentoKey;

/**
 * The v2 keys of the management key's account. All rotations of an invocation share the list of
 * keys, which is read when one first needs it.
 */
public final class AccountKeys {

  private final KeyManagement management;
  private final ManagementKey managementKey;
  private final Time time;
  private List<KeyInfo> listed = List.of();
  private boolean isListed;

  public AccountKeys(KeyManagement management, ManagementKey managementKey, Time time) {
    this.management = management;
    this.managementKey = managementKey;
    this.time = time;
  }

  /** Finds a key in the list as it was first read. */
  synchronized Optional<KeyInfo> find(String keyId, RotationTask task, RotationLog log) {
    if (!isListed) {
      list(task, log);
    }
    return listed.stream().filter(key -> key.id().equals(keyId)).findFirst();
  }

  /**
   * Finds a key that exists, though the list may not show it at once; gives up after some reads.
   */
  synchronized Optional<KeyInfo> findEventually(String keyId, RotationTask task, RotationLog log) {
    Optional<KeyInfo> found = find(keyId, task, log);
    return found.isPresent()
        ? found
        : time.retryWhileStale(
            Optional::isPresent,
            () -> {
              list(task, log);
              return find(keyId, task, log);
            });
  }

  private void list(RotationTask task, RotationLog log) {
    var key = managementKey.require();
    listed = log.step(LogStep.LIST_KEYS, () -> management.list(key, task.request().budget()));
    isListed = true;
  }

  /** Has a key issued. */
  MomentoKey.V2 issue(KeyManagement.Order order, RotationTask task) {
    return management.issue(managementKey.require(), order, task.request().budget());
  }

  /** Revokes a key that was just issued and is stored nowhere. */
  void revoke(MomentoKey.V2 key, RotationTask task) {
    management.revoke(managementKey.require(), key.id(), task.request().budget());
  }
}
