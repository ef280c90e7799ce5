package keyrotation.sandbox.cloudwatch;

/** The state of an alarm. */
public enum AlarmState {
  OK,
  ALARM,
  INSUFFICIENT_DATA
}
