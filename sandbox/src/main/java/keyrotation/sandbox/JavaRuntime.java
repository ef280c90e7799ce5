package keyrotation.sandbox;

import static java.util.stream.Collectors.joining;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.api.client.AWSLambda;
import com.amazonaws.services.lambda.runtime.serialization.PojoSerializer;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import keyrotation.sandbox.LambdaServer.Function;
import software.amazon.awssdk.utilslite.SdkInternalThreadLocal;

/** The runtime for Java: this JVM's program, with AWS's runtime interface client. */
public final class JavaRuntime implements LambdaRuntime {

  private static final String NATIVE_LIBRARY_PROPERTY =
      "-Dcom.amazonaws.services.lambda.runtime.api.client.runtimeapi.NativeClient.JNI=";
  // The managed runtime leaves the rest of the memory for everything but the heap.
  private static final double HEAP_SHARE = 0.85;
  private static final int INITIAL_HEAP_DIVISOR = 64;
  private static final Pattern COLLECTOR = Pattern.compile("-XX:\\+Use\\w+GC\\b");

  /** Makes the runtime. */
  public JavaRuntime() {}

  @Override
  public String id() {
    return "java25";
  }

  @Override
  public List<String> command(Function function, Path task, Path scratch) {
    String classPath =
        Stream.concat(clientJars(), Stream.of(task, task.resolve("lib").resolve("*")))
            .map(Path::toString)
            .collect(joining(File.pathSeparator));
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    // Lambda's own choices, which the function's options replace.
    String options = function.environment().getOrDefault("JAVA_TOOL_OPTIONS", "");
    if (!COLLECTOR.matcher(options).find()) {
      command.add("-XX:+UseSerialGC");
    }
    if (!function.snapStart() && !options.contains("Tiered")) {
      command.add("-XX:TieredStopAtLevel=1");
    }
    command.add("-Xshare:auto");
    command.add("--enable-native-access=ALL-UNNAMED");
    command.add("-Dorg.crac.Core.Compat=com.amazonaws.services.lambda.crac");
    command.add(NATIVE_LIBRARY_PROPERTY + unpackNativeLibrary(scratch.resolve("native")));
    command.add("-Xmx" + (int) (function.memoryMegabytes() * HEAP_SHARE) + "m");
    // The JVM begins with this share of the machine's memory, which in Lambda is the function's.
    command.add("-Xms" + function.memoryMegabytes() / INITIAL_HEAP_DIVISOR + "m");
    command.addAll(List.of("-cp", classPath, AWSLambda.class.getName(), function.handler()));
    return command;
  }

  /** Returns the jars of the runtime interface client, which the managed runtime provides. */
  private static Stream<Path> clientJars() {
    return Stream.of(
            AWSLambda.class, Context.class, PojoSerializer.class, SdkInternalThreadLocal.class)
        .map(JavaRuntime::jarOf);
  }

  private static Path jarOf(Class<?> type) {
    try {
      return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * Unpacks the native library of the runtime interface client, which would otherwise unpack it
   * into a directory that all processes share, and leave it there.
   */
  private static Path unpackNativeLibrary(Path directory) {
    String machine = System.getProperty("os.arch").equals("aarch64") ? "aarch_64" : "x86_64";
    boolean musl =
        Files.exists(Path.of("/lib/ld-musl-" + machine.replace("aarch_", "aarch") + ".so.1"));
    String name = "libaws-lambda-jni.linux" + (musl ? "_musl-" : "-") + machine + ".so";
    Path library = directory.resolve(name);
    if (Files.exists(library)) {
      return library;
    }
    try (InputStream packed = AWSLambda.class.getResourceAsStream("/jni/" + name)) {
      Files.createDirectories(directory);
      Files.copy(Objects.requireNonNull(packed, name), library);
      return library;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
