package keyrotation.client;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.secretsmanager.model.GetSecretValueResponse;

/**
 * The current key of a secret. A thread of its own reads the secret each time that the time to live
 * is over, and at once when {@link #refresh()} asks for it; {@link #get} returns what was read
 * last.
 *
 * <p>If a read fails, or finds no usable key, the last good key stays. The failure is logged, and
 * the next read follows after ten seconds, or after the time to live if that is shorter.
 *
 * <p>The application needs {@code secretsmanager:GetSecretValue} for the secret and, if a KMS key
 * of the account's own encrypts it, {@code kms:Decrypt} for that key.
 */
public final class CurrentKey implements AutoCloseable {

  /** The time to live that is used if none is set. */
  public static final Duration DEFAULT_TIME_TO_LIVE = Duration.ofMinutes(5);

  /** The least time between two reads on demand. */
  private static final Duration MIN_INTERVAL = Duration.ofSeconds(1);

  private static final Duration RETRY_INTERVAL = Duration.ofSeconds(10);
  private static final Duration CALL_TIMEOUT = Duration.ofSeconds(10);
  private static final Logger LOG = LoggerFactory.getLogger(CurrentKey.class);

  private final SecretsManagerClient secretsManager;
  private final String secret;
  private final Duration timeToLive;
  private final Optional<String> endpoint;
  private final ScheduledThreadPoolExecutor thread;
  private final List<Listener> listeners = new CopyOnWriteArrayList<>();
  private volatile ApiKey current;
  private volatile long lastReadOnDemand = System.nanoTime() - MIN_INTERVAL.toNanos();
  private volatile Optional<KeyUnavailableException> failure = Optional.empty();
  private Optional<CompletableFuture<ApiKey>> onDemand = Optional.empty();

  private CurrentKey(Builder builder) {
    this.secretsManager = builder.secretsManager;
    this.secret = builder.secret;
    this.timeToLive = builder.timeToLive;
    this.endpoint = builder.endpoint;
    this.current = read();
    this.thread = new ScheduledThreadPoolExecutor(1, this::newThread);
    thread.setRemoveOnCancelPolicy(true);
    schedule(this::readOnSchedule, untilNextRead());
  }

  /**
   * Begins to describe which key is followed, and how.
   *
   * @param secretsManager the application's client; it closes it, after this
   * @param secret the secret's name or ARN
   */
  public static Builder builder(SecretsManagerClient secretsManager, String secret) {
    return new Builder(secretsManager, secret);
  }

  /** Returns the key that was read last; makes no call. */
  public ApiKey get() {
    return current;
  }

  /**
   * Returns why the latest read of the secret failed; empty if it did not. Meanwhile {@link #get}
   * returns the last good key.
   */
  public Optional<KeyUnavailableException> failure() {
    return failure;
  }

  /**
   * Asks for another key than one that Momento has rejected. If another one is known, it is
   * returned at once. Otherwise the secret is read, at most once a second for all callers together.
   *
   * @return the current key after that, which may still be the rejected one. It never fails: while
   *     the secret cannot be read, it is the last good key
   */
  public synchronized CompletableFuture<ApiKey> refresh(ApiKey rejected) {
    if (!current.versionId().equals(rejected.versionId()) || thread.isShutdown()) {
      return CompletableFuture.completedFuture(current);
    }
    if (onDemand.isEmpty()) {
      onDemand = Optional.of(new CompletableFuture<>());
      Duration sinceLast = Duration.ofNanos(System.nanoTime() - lastReadOnDemand);
      schedule(this::readOnDemand, MIN_INTERVAL.minus(sinceLast));
    }
    return onDemand.get().copy();
  }

  /**
   * Reads the secret, at most once a second for all callers together: for an application that has
   * received an event of a change.
   *
   * @return the current key after that, as of {@link #refresh(ApiKey)}
   */
  public CompletableFuture<ApiKey> refresh() {
    return refresh(current);
  }

  /**
   * Calls a listener each time that another key has become current, on the thread that reads the
   * secret. A listener that fails is called again after the next read.
   *
   * @param known the key that the listener has; if it is not current any more, the listener is
   *     called soon
   * @return what ends the listening
   */
  public Listening onChange(ApiKey known, Consumer<ApiKey> consumer) {
    Listener listener = new Listener(consumer, known.versionId());
    listeners.add(listener);
    schedule(() -> listener.update(current), Duration.ZERO);
    return () -> listeners.remove(listener);
  }

  /** Stops reading the secret. {@link #get} goes on returning the key that was read last. */
  @Override
  public void close() {
    synchronized (this) {
      thread.shutdownNow();
    }
    completeOnDemand();
  }

  /**
   * Runs a task later on the thread that reads the secret; never, if this is closed before.
   *
   * @return false if this is closed now
   */
  synchronized boolean schedule(Runnable task, Duration delay) {
    if (thread.isShutdown()) {
      return false;
    }
    Future<?> unused = thread.schedule(task, delay.toNanos(), TimeUnit.NANOSECONDS);
    return true;
  }

  private void readOnSchedule() {
    update();
    schedule(this::readOnSchedule, untilNextRead());
  }

  private void readOnDemand() {
    update();
    lastReadOnDemand = System.nanoTime();
    completeOnDemand();
  }

  private void completeOnDemand() {
    Optional<CompletableFuture<ApiKey>> waiting;
    synchronized (this) {
      waiting = onDemand;
      onDemand = Optional.empty();
    }
    waiting.ifPresent(future -> future.complete(current));
  }

  /**
   * Reads the secret. Listeners have a new key before {@link #get} and {@link #refresh} return it.
   */
  private void update() {
    ApiKey newest = current;
    try {
      newest = read();
      if (!newest.versionId().equals(current.versionId())) {
        LOG.info("The key of the secret {} is now that of version {}.", secret, newest.versionId());
      } else if (failure.isPresent()) {
        LOG.info("The secret {} can be read again.", secret);
      }
      failure = Optional.empty();
    } catch (KeyUnavailableException e) {
      if (failure.isEmpty() && !thread.isShutdown()) {
        LOG.warn(
            "{} The last good key stays in use, and the secret is read again.", e.getMessage());
      }
      failure = Optional.of(e);
    }
    for (Listener listener : listeners) {
      listener.update(newest);
    }
    current = newest;
  }

  private ApiKey read() {
    try {
      GetSecretValueResponse value =
          secretsManager.getSecretValue(
              request ->
                  request
                      .secretId(secret)
                      .versionStage("AWSCURRENT")
                      .overrideConfiguration(limits -> limits.apiCallTimeout(CALL_TIMEOUT)));
      String text = Optional.ofNullable(value.secretString()).orElse("");
      return ApiKey.parse(secret, value.versionId(), text, endpoint);
    } catch (KeyUnavailableException e) {
      throw e;
    } catch (RuntimeException e) { // Also if the application has closed its client.
      throw new KeyUnavailableException(
          "Could not read the secret %s: %s.%s".formatted(secret, e.getMessage(), nextStep(e)), e);
    }
  }

  private static String nextStep(RuntimeException failure) {
    String code =
        failure instanceof AwsServiceException error && error.awsErrorDetails() != null
            ? error.awsErrorDetails().errorCode()
            : "";
    return switch (code) {
      case "ResourceNotFoundException" -> " Check the secret's name and the region.";
      case "AccessDeniedException" ->
          " Allow the application secretsmanager:GetSecretValue, and kms:Decrypt if the secret has"
              + " a KMS key of your own.";
      default -> "";
    };
  }

  /** Returns a time up to a tenth shorter than it may be, so that many processes spread out. */
  private Duration untilNextRead() {
    Duration longest =
        failure.isPresent() && timeToLive.compareTo(RETRY_INTERVAL) > 0
            ? RETRY_INTERVAL
            : timeToLive;
    return longest.multipliedBy(ThreadLocalRandom.current().nextLong(900, 1001)).dividedBy(1000);
  }

  private Thread newThread(Runnable work) {
    Thread made = new Thread(work, "current-key-" + secret);
    made.setDaemon(true);
    return made;
  }

  /** What ends the listening to changes. */
  @FunctionalInterface
  public interface Listening extends AutoCloseable {
    @Override
    void close();
  }

  /** A consumer of changes, and the version of the key that it has. */
  private final class Listener {
    private final Consumer<ApiKey> consumer;
    private String knownVersion;

    Listener(Consumer<ApiKey> consumer, String knownVersion) {
      this.consumer = consumer;
      this.knownVersion = knownVersion;
    }

    void update(ApiKey key) {
      if (!key.versionId().equals(knownVersion)) {
        try {
          consumer.accept(key);
          knownVersion = key.versionId();
        } catch (Throwable e) { // Not even a missing class may end the reading of the secret.
          LOG.error("A listener failed; it is called again after the next read of {}.", secret, e);
        }
      }
    }
  }

  /** Describes which key is followed, and how. */
  public static final class Builder {
    private final SecretsManagerClient secretsManager;
    private final String secret;
    private Duration timeToLive = DEFAULT_TIME_TO_LIVE;
    private Optional<String> endpoint = Optional.empty();

    private Builder(SecretsManagerClient secretsManager, String secret) {
      this.secretsManager = secretsManager;
      this.secret = secret;
    }

    /**
     * Sets how old the key may be before the secret is read again.
     *
     * @throws IllegalArgumentException if the time is not positive
     */
    public Builder timeToLive(Duration timeToLive) {
      if (timeToLive.isNegative() || timeToLive.isZero()) {
        throw new IllegalArgumentException("The time to live must be positive: " + timeToLive);
      }
      this.timeToLive = timeToLive;
      return this;
    }

    /** Sets the endpoint of v2 keys that are stored without one, such as a bare key. */
    public Builder endpoint(String endpoint) {
      this.endpoint = Optional.of(endpoint);
      return this;
    }

    /**
     * Reads the secret for the first time.
     *
     * @throws KeyUnavailableException if it cannot be read, or holds no usable key
     */
    public CurrentKey build() {
      return new CurrentKey(this);
    }
  }
}
