package keyrotation;

/** What a report can say about a secret, in the words of docs/responses.md. */
enum ReportedResult {
  ROTATED,
  RESUMED,
  ALREADY_ROTATED,
  NOT_DUE,
  KEY_IS_NEWER,
  STATUS,
  WOULD_ROTATE,
  ROLLED_BACK,
  STEP_DONE,
  AWAITING_FIRST_KEY,
  ROTATION_IN_PROGRESS,
  FIRST_KEY_ISSUED,
  REVOKED,
  PAUSED,
  SKIPPED,
  FAILED
}
