package keyrotation.core;

import java.util.Arrays;
import java.util.Optional;

/** The steps of Secrets Manager's own rotation, in their order. */
public enum RotationStep {
  CREATE_SECRET("createSecret"),
  SET_SECRET("setSecret"),
  TEST_SECRET("testSecret"),
  FINISH_SECRET("finishSecret");

  private final String nameInEvents;

  RotationStep(String nameInEvents) {
    this.nameInEvents = nameInEvents;
  }

  public static Optional<RotationStep> named(String name) {
    return Arrays.stream(values()).filter(step -> step.nameInEvents.equals(name)).findFirst();
  }

  /** Returns the name as Secrets Manager writes it. */
  @Override
  public String toString() {
    return nameInEvents;
  }
}
