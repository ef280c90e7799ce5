package keyrotation.rotation;

import static keyrotation.core.FailureReason.INTERNAL_ERROR;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.PrintStream;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Collection;
import java.util.Optional;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Supplier;
import keyrotation.core.Json;
import keyrotation.core.RotationException;
import org.jspecify.annotations.Nullable;

/**
 * The log of an invocation, or of its work on one secret: a line of JSON for each step.
 *
 * <p>Lambda forwards such lines from standard output unchanged, and filters them by {@code level}.
 */
public final class RotationLog {

  /** A longer line has its message cut, so that no line has more than 8 KiB. */
  private static final int MAX_LENGTH = 4_000;

  private static final int CUT_LENGTH = 1_000;

  private final PrintStream out;
  private final InstantSource clock;
  private final String requestId;
  private final String trigger;
  private final Collection<ObjectNode> figuresOfAll;
  private String secret;
  private ObjectNode figures = Json.object();

  private RotationLog(
      PrintStream out,
      InstantSource clock,
      String requestId,
      String trigger,
      Collection<ObjectNode> figuresOfAll,
      String secret) {
    this.out = out;
    this.clock = clock;
    this.requestId = requestId;
    this.trigger = trigger;
    this.figuresOfAll = figuresOfAll;
    this.secret = secret;
  }

  /** Makes the log of an invocation whose event was not read yet. */
  public RotationLog(PrintStream out, InstantSource clock, String requestId) {
    this(out, clock, requestId, "", new ConcurrentLinkedQueue<>(), "");
  }

  /**
   * Makes the log of the same invocation, after its event was read.
   *
   * @param by what started the invocation: {@code schedule}, {@code secrets_manager} or {@code
   *     manual}
   */
  public RotationLog startedBy(String by) {
    return new RotationLog(out, clock, requestId, by, figuresOfAll, secret);
  }

  /**
   * Makes the log of the same invocation for a secret.
   *
   * @param name the secret's name or ARN, as the request gave it
   */
  public RotationLog forSecret(String name) {
    return new RotationLog(out, clock, requestId, trigger, figuresOfAll, name);
  }

  public String requestId() {
    return requestId;
  }

  /** Logs the secret under its name from now on, even if the request used its ARN. */
  void secretIs(String name) {
    secret = name;
  }

  /** Has the result line of this secret carry these figures, instead of earlier ones. */
  void figuresAre(ObjectNode ofSecret) {
    figures = ofSecret;
  }

  /** Carries out a step, and logs how it ended and how long it took. */
  public <T> T step(LogStep name, Supplier<T> step) {
    return step(name, "", step);
  }

  /** Carries out a step on a version, and logs it. */
  public <T extends @Nullable Object> T step(LogStep name, String versionId, Supplier<T> step) {
    Instant start = clock.instant();
    try {
      T result = step.get();
      write("INFO", name, versionId, "done", start, "");
      return result;
    } catch (RotationException e) {
      write("WARN", name, versionId, e.reason().name(), start, e.what());
      throw e;
    } catch (RuntimeException e) {
      RotationException failure = internal(name, e);
      write("ERROR", name, versionId, failure.reason().name(), start, failure.what());
      throw failure;
    }
  }

  /** Carries out a step without a result, and logs it. */
  public void step(LogStep name, String versionId, Runnable step) {
    var _ =
        this.<@Nullable Object>step(
            name,
            versionId,
            () -> {
              step.run();
              return null;
            });
  }

  /** Logs a problem that does not end the step. */
  void warn(LogStep step, String versionId, RotationException failure) {
    write("WARN", step, versionId, failure.reason().name(), clock.instant(), failure.what());
  }

  /** Carries out the work on the secret. Every exception becomes a result, and is logged. */
  public RotationResult result(Supplier<RotationResult> work) {
    return resultIfAny(() -> Optional.of(work.get())).orElseThrow();
  }

  /** Carries out work on the secret that may turn out to be none, and then has no result. */
  public Optional<RotationResult> resultIfAny(Supplier<Optional<RotationResult>> work) {
    Instant start = clock.instant();
    Optional<RotationResult> result;
    try {
      result = work.get();
    } catch (RotationException e) {
      result = Optional.of(new RotationResult.Failed(secret, e));
    } catch (RuntimeException | Error e) {
      // Even an error of the JVM must not end the work on other secrets.
      result = Optional.of(new RotationResult.Failed(secret, internal(LogStep.RESULT, e)));
    }
    result.ifPresent(
        of -> {
          ObjectNode facts = of.json();
          String level = of instanceof RotationResult.Failed ? "ERROR" : "INFO";
          String outcome = facts.path("result").asText();
          ObjectNode line = line(level, LogStep.RESULT, outcome, start);
          line.setAll(figures);
          figuresOfAll.add(figures);
          line.setAll(facts);
          print(line);
        });
    return result;
  }

  /** Logs a fact that was found out, with the level of a success. */
  void fact(LogStep step, String name, String value) {
    print(line("INFO", step, "done", clock.instant()).put(name, value));
  }

  /**
   * Logs the end of a scheduled run, with the figures of all its secrets. It is the run's last
   * line, and its sign of life.
   *
   * @param counts what the run did
   */
  public void run(Instant start, ObjectNode counts) {
    ObjectNode line = line("INFO", LogStep.RUN, "done", start);
    line.setAll(counts);
    line.setAll(SecretFigures.ofAll(figuresOfAll));
    print(line);
  }

  /** Describes an unexpected exception by its class and stack trace. */
  static RotationException internal(LogStep step, Throwable e) {
    // Its message is left out: it may quote a key.
    String place =
        e.getClass().getName() + " " + Arrays.stream(e.getStackTrace()).limit(5).toList();
    return new RotationException(INTERNAL_ERROR, "The step " + step + " failed: " + place + ".");
  }

  private void write(
      String level, LogStep step, String versionId, String outcome, Instant start, String message) {
    ObjectNode line = line(level, step, outcome, start);
    if (!versionId.isEmpty()) {
      line.put("version_id", versionId);
    }
    if (!message.isEmpty()) {
      line.put("message", message);
    }
    print(line);
  }

  private void print(ObjectNode line) {
    if (line.toString().length() > MAX_LENGTH) {
      String message = line.path("message").asText();
      line.put("message", message.substring(0, Math.min(message.length(), CUT_LENGTH)) + " …");
    }
    out.println(line);
  }

  private ObjectNode line(String level, LogStep step, String outcome, Instant start) {
    Instant now = clock.instant();
    ObjectNode line =
        Json.object()
            .put("timestamp", now.toString())
            .put("level", level)
            .put("request_id", requestId);
    if (!trigger.isEmpty()) {
      line.put("trigger", trigger);
    }
    if (!secret.isEmpty()) {
      line.put("secret", secret);
    }
    return line.put("step", step.toString())
        .put("outcome", outcome)
        .put("duration_ms", Duration.between(start, now).toMillis());
  }
}
