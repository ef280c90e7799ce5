package keyrotation.sandbox.benchmark;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import keyrotation.sandbox.LambdaRuntime;
import keyrotation.sandbox.LambdaServer.Function;

/**
 * A plain function for Node that makes the calls of a rotation, and the runtime that starts it.
 *
 * @param node the program {@code node}
 */
record NodePeer(Path node) implements LambdaRuntime {

  private static final String LOCK = "package-lock.json";
  private static final List<String> FILES =
      List.of("package.json", LOCK, "function.mjs", "runtime.mjs");

  /**
   * Copies the peer's files, and has npm install the packages that it needs, unless they are there.
   *
   * @throws IllegalStateException if Node or npm is missing, or fails
   */
  static Program install(Path sources, Path target) throws IOException, InterruptedException {
    Path node = find("node");
    Path npm = find("npm");
    Files.createDirectories(target);
    Path installed = target.resolve("node_modules").resolve(LOCK);
    boolean current =
        Files.exists(installed) && Files.mismatch(sources.resolve(LOCK), installed) == -1;
    for (String file : FILES) {
      Files.copy(sources.resolve(file), target.resolve(file), StandardCopyOption.REPLACE_EXISTING);
    }
    if (!current) {
      int status =
          new ProcessBuilder(npm.toString(), "ci", "--loglevel=error", "--no-audit", "--no-fund")
              .directory(target.toFile())
              .redirectErrorStream(true)
              .redirectOutput(target.resolve("npm.log").toFile())
              .start()
              .waitFor();
      if (status != 0) {
        throw new IllegalStateException(
            "npm could not install the packages of the function for Node: "
                + Files.readString(target.resolve("npm.log")));
      }
      Files.copy(sources.resolve(LOCK), installed, StandardCopyOption.REPLACE_EXISTING);
    }
    return new Program("Node", target, "function.handler", new NodePeer(node));
  }

  private static Path find(String program) {
    return Stream.of(
            Optional.ofNullable(System.getenv("PATH")).orElse("").split(File.pathSeparator))
        .map(directory -> Path.of(directory, program))
        .filter(Files::isExecutable)
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalStateException(
                    "The benchmark needs Node.js 20 or newer and npm; it found no program "
                        + program
                        + "."));
  }

  @Override
  public String id() {
    return "nodejs";
  }

  @Override
  public List<String> command(Function function, Path task, Path scratch) {
    return List.of(node.toString(), "runtime.mjs");
  }
}
