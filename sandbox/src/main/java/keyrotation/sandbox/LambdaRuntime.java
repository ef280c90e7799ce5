package keyrotation.sandbox;

import java.nio.file.Path;
import java.util.List;
import keyrotation.sandbox.LambdaServer.Function;

/** A managed runtime: it starts the processes of functions in one language. */
public interface LambdaRuntime {

  /** Returns the runtime's identifier, such as {@code java25}. */
  String id();

  /**
   * Returns the command that starts a process of a function.
   *
   * @param task the directory with the function's files, in which the command is run
   * @param scratch a directory for files of the runtime
   */
  List<String> command(Function function, Path task, Path scratch);
}
