package keyrotation.infrastructure;

import software.amazon.awscdk.Stack;
import software.constructs.Construct;

/** The function and all that it needs in an AWS account. It is empty as yet. */
final class KeyRotationStack extends Stack {

  KeyRotationStack(Construct scope, String id) {
    super(scope, id);
  }
}
