package keyrotation;

import java.util.Arrays;
import keyrotation.sandbox.MomentoServer;

/** The remote calls of a rotation to which nothing happens, in order. */
enum RotationCall {
  DESCRIBE("DescribeSecret"),
  READ_CURRENT("GetSecretValue"),
  /** Looks whether an earlier delivery of the request has stored a key. */
  FIND_VERSION("GetSecretValue"),
  /** Writes the current version again, which proves the right to write. */
  PROBE("PutSecretValue"),
  REFRESH(MomentoServer.REFRESH),
  STAGE("PutSecretValue"),
  READ_SUCCESSOR("GetSecretValue"),
  VERIFY(MomentoServer.LIST_CACHES),
  /** Looks whether the source is still current. */
  DESCRIBE_AGAIN("DescribeSecret"),
  PROMOTE("UpdateSecretVersionStage"),
  /** Takes the label of a successor off the promoted version. */
  REMOVE_LABEL("UpdateSecretVersionStage");

  private final String action;

  RotationCall(String action) {
    this.action = action;
  }

  String action() {
    return action;
  }

  /** Returns which of the calls of its action it is, counting from 1. */
  int nth() {
    return (int)
        Arrays.stream(values())
            .filter(this::isOfSameAction)
            .filter(call -> call.compareTo(this) <= 0)
            .count();
  }

  /** Returns how many calls of its action a rotation makes. */
  int ofSameAction() {
    return (int) Arrays.stream(values()).filter(this::isOfSameAction).count();
  }

  boolean isMomentos() {
    return this == REFRESH || this == VERIFY;
  }

  private boolean isOfSameAction(RotationCall other) {
    return action.equals(other.action);
  }
}
