package keyrotation;

import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import keyrotation.sandbox.MomentoApiServer;
import keyrotation.sandbox.MomentoServer;

/** What a remote call is for. The function logs each call as a step of that name. */
enum CallPurpose {
  DESCRIBE("DescribeSecret"),
  READ_CURRENT("GetSecretValue"),
  READ_PREVIOUS("GetSecretValue"),
  READ_SUCCESSOR("GetSecretValue"),
  READ_PENDING("GetSecretValue"),
  READ_VERSION("GetSecretValue"),
  FIND_VERSION("GetSecretValue"),
  PROBE(CallPosition.PUT, "probe_write"),
  REFRESH(MomentoServer.REFRESH),
  LIST_KEYS(MomentoApiServer.LIST),
  ISSUE(MomentoApiServer.ISSUE),
  STAGE(CallPosition.PUT),
  ADOPT(CallPosition.PUT),
  VERIFY(MomentoServer.LIST_CACHES),
  PROMOTE("UpdateSecretVersionStage"),
  REMOVE_LABEL("UpdateSecretVersionStage"),
  GIVE_UP("UpdateSecretVersionStage"),
  RETIRE("UpdateSecretVersionStage"),
  REVOKE(MomentoApiServer.REVOKE);

  private final String action;
  private final String step;

  CallPurpose(String action) {
    this.action = action;
    this.step = name().toLowerCase(Locale.ROOT);
  }

  CallPurpose(String action, String step) {
    this.action = action;
    this.step = step;
  }

  /** Returns the service's action that is called. */
  String action() {
    return action;
  }

  /** Returns the purpose of the calls in a logged step; empty if it makes none. */
  static Optional<CallPurpose> ofStep(String step) {
    return Stream.of(values()).filter(purpose -> purpose.step.equals(step)).findFirst();
  }
}
