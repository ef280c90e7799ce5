package keyrotation.sandbox.benchmark;

import java.nio.file.Path;
import keyrotation.sandbox.JavaRuntime;
import keyrotation.sandbox.LambdaRuntime;

/**
 * A function that can be measured.
 *
 * @param archive its archive or directory
 */
record Program(String name, Path archive, String handler, LambdaRuntime runtime) {

  /** The function of this project. */
  static Program java(Path archive) {
    return new Program(
        "Java", archive, "keyrotation.RotationHandler::handleRequest", new JavaRuntime());
  }
}
