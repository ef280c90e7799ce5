package keyrotation.rotation;

import keyrotation.momento.Verdict;

/** Renews each key in the way of its kind. */
public final class RenewalByKind implements KeyRenewal {

  private final KeyRenewal ofV1;
  private final KeyRenewal ofV2;

  public RenewalByKind(KeyRenewal ofV1, KeyRenewal ofV2) {
    this.ofV1 = ofV1;
    this.ofV2 = ofV2;
  }

  @Override
  public void requireRenewable(RotationTask task) {
    of(task.current()).requireRenewable(task);
  }

  @Override
  public Prepared prepare(RotationTask task) {
    return of(task.current()).prepare(task);
  }

  @Override
  public void rehearse(RotationTask task) {
    of(task.current()).rehearse(task);
  }

  @Override
  public boolean isRevoked(RotationTask task) {
    return of(task.current()).isRevoked(task);
  }

  @Override
  public boolean isIntended(RotationTask task, KeyVersion stored) {
    return of(stored).isIntended(task, stored);
  }

  @Override
  public Verdict verifySuccessor(RotationTask task, KeyVersion successor) {
    return of(successor).verifySuccessor(task, successor);
  }

  private KeyRenewal of(KeyVersion version) {
    return version.holdsV2() ? ofV2 : ofV1;
  }
}
