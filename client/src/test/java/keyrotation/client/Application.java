package keyrotation.client;

import static java.util.stream.Collectors.toMap;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.LongStream;
import keyrotation.client.TopicMessage.Position;
import momento.sdk.CacheClient;
import momento.sdk.TopicClient;
import momento.sdk.config.Configurations;
import momento.sdk.config.TopicConfigurations;
import momento.sdk.exceptions.SdkException;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;

/**
 * An application with traffic, in a process of its own: it calls a cache, publishes numbers to a
 * topic, and subscribes to them, until its standard input ends. It writes what it has counted to
 * its standard output, a line of JSON every tenth of a second.
 *
 * <p>Beside it, calls of the same kind go over a client of Momento's SDK whose key never changes.
 */
final class Application implements AutoCloseable {

  /** Of the key that is rotated. */
  static final String SECRET = "momento/api-key";

  /** Of the key that never changes. */
  static final String FIXED_SECRET = "momento/fixed-key";

  static final String CACHE = "sessions";

  private static final Duration TIME_TO_LIVE = Duration.ofSeconds(1);
  private static final Duration GRACE_PERIOD = Duration.ofSeconds(1);
  private static final int CALLERS = 8;

  /** How many calls with the key that changes are under way at most: the last one publishes. */
  static final long CALLS_AT_ONCE = CALLERS + 1L;

  private static final Duration CALL_INTERVAL = Duration.ofMillis(2);
  private static final Duration PUBLISH_INTERVAL = Duration.ofMillis(10);
  private static final Duration REPORT_INTERVAL = Duration.ofMillis(100);

  /** How long the last message may take, once no more are published. */
  private static final Duration LAST_MESSAGE = Duration.ofSeconds(15);

  private static final ObjectMapper JSON = new ObjectMapper();

  /**
   * What an application has counted so far.
   *
   * @param version the version of the secret whose key it uses
   * @param calls to caches and topics, with the key that changes
   * @param failures of these calls, by code
   * @param fixedFailures of the calls with the key that never changes, by code
   * @param published how many numbers; the others count those that arrived or did not
   * @param interruptions how often the subscription's connection was lost
   * @param clients how many cache clients that follow the key are open
   */
  record Report(
      String version,
      long calls,
      Map<String, Long> failures,
      Map<String, Long> fixedFailures,
      long published,
      long received,
      long lost,
      long doubled,
      long gaps,
      long interruptions,
      int clients) {}

  /** A cache client that is counted while it is open. */
  private record Cache(CacheClient client, AtomicInteger open) implements AutoCloseable {
    Cache {
      open.incrementAndGet();
    }

    @Override
    public void close() {
      client.close();
      open.decrementAndGet();
    }
  }

  /** How calls have ended: successes, and failures by their code. */
  private static final class Tally {
    private final LongAdder calls = new LongAdder();
    private final Map<String, LongAdder> failures = new ConcurrentHashMap<>();

    /** Waits for a call and counts it; returns whether it has succeeded. */
    boolean count(CompletableFuture<?> call) {
      Object answer = call.handle((value, failure) -> failure == null ? value : failure).join();
      calls.increment();
      if (answer instanceof Throwable failure) {
        String code =
            failure instanceof SdkException error
                ? error.getErrorCode().name()
                : failure.getClass().getSimpleName();
        failures.computeIfAbsent(code, _ -> new LongAdder()).increment();
      }
      return !(answer instanceof Throwable);
    }

    Map<String, Long> failures() {
      return failures.entrySet().stream()
          .collect(toMap(Map.Entry::getKey, count -> count.getValue().sum()));
    }
  }

  private final String topic = "numbers-" + ProcessHandle.current().pid();
  private final SecretsManagerClient secretsManager = SecretsManagerClient.create();
  private final CurrentKey key =
      CurrentKey.builder(secretsManager, SECRET).timeToLive(TIME_TO_LIVE).build();
  private final AtomicInteger openClients = new AtomicInteger();
  private final FollowingClient<Cache> cache =
      new FollowingClient<>(key, made -> new Cache(client(made), openClients), GRACE_PERIOD);
  private final FollowingClient<TopicClient> publisher =
      new FollowingClient<>(
          key,
          made ->
              new TopicClient(new MomentoCredentials(made), TopicConfigurations.Laptop.latest()),
          GRACE_PERIOD);
  private final TopicSubscriber subscriber = new TopicSubscriber(key);
  private final CacheClient fixed;

  private final Tally following = new Tally();
  private final Tally bare = new Tally();
  private final AtomicLong attempted = new AtomicLong();
  private final Set<Long> notPublished = ConcurrentHashMap.newKeySet();
  private long received;
  private long lastReceived;
  private long lost;
  private long doubled;
  private long gaps;
  private long interruptions;
  private volatile boolean isStopping;

  private Application() {
    try (CurrentKey read = CurrentKey.builder(secretsManager, FIXED_SECRET).build()) {
      fixed = client(read.get());
    }
  }

  public static void main(String[] args) throws IOException, InterruptedException {
    try (Application application = new Application()) {
      application.run();
      application.report();
    }
  }

  private void run() throws IOException, InterruptedException {
    var _ = subscriber.subscribe(CACHE, topic, new Subscription()).join();
    List<Thread> threads = new ArrayList<>();
    for (int caller = 0; caller < CALLERS; caller++) {
      String item = "item-" + caller;
      threads.add(repeat(CALL_INTERVAL, () -> call(item)));
    }
    threads.add(repeat(PUBLISH_INTERVAL, this::publish));
    threads.add(repeat(REPORT_INTERVAL, this::report));
    while (System.in.read() != -1) {
      // The input has not ended.
    }
    isStopping = true;
    for (Thread thread : threads) {
      thread.join();
    }
    awaitMessages();
  }

  /** Does something again and again, until the application stops. */
  private Thread repeat(Duration interval, Runnable work) {
    return Thread.ofVirtual()
        .start(
            () -> {
              while (!isStopping) {
                work.run();
                LockSupport.parkNanos(interval.toNanos());
              }
            });
  }

  private void call(String item) {
    following.count(cache.call(cache -> cache.client.set(CACHE, item, "value")));
    following.count(cache.call(cache -> cache.client.get(CACHE, item)));
    bare.count(fixed.get(CACHE, item));
  }

  /** Publishes the next number. If that fails, it may have been published all the same. */
  private void publish() {
    long number = attempted.incrementAndGet();
    if (!following.count(
        publisher.call(client -> client.publish(CACHE, topic, Long.toString(number))))) {
      notPublished.add(number);
    }
  }

  /** Counts the published numbers between two that have arrived. */
  private long lostBetween(long before, long after) {
    return LongStream.range(before + 1, after).filter(n -> !notPublished.contains(n)).count();
  }

  private synchronized void awaitMessages() throws InterruptedException {
    long end = System.nanoTime() + LAST_MESSAGE.toNanos();
    while (lostBetween(lastReceived, attempted.get() + 1) > 0 && System.nanoTime() < end) {
      wait(LAST_MESSAGE.toMillis());
    }
    lost += lostBetween(lastReceived, attempted.get() + 1);
  }

  private synchronized void report() {
    Report report =
        new Report(
            key.get().versionId(),
            following.calls.sum(),
            following.failures(),
            bare.failures(),
            attempted.get() - notPublished.size(),
            received,
            lost,
            doubled,
            gaps,
            interruptions,
            openClients.get());
    try {
      System.out.println(JSON.writeValueAsString(report));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() {
    subscriber.close();
    publisher.close();
    cache.close();
    key.close();
    fixed.close();
    secretsManager.close();
  }

  private static CacheClient client(ApiKey key) {
    return new CacheClient(
        new MomentoCredentials(key), Configurations.Laptop.latest(), Duration.ofMinutes(10));
  }

  /** Compares the numbers that arrive with those that were published. */
  private final class Subscription implements TopicListener {

    @Override
    public void onMessage(TopicMessage message) {
      synchronized (Application.this) {
        long number = Long.parseLong(((TopicMessage.Text) message).value());
        received++;
        if (number > lastReceived) {
          lost += lostBetween(lastReceived, number);
          lastReceived = number;
        } else {
          doubled++;
        }
        Application.this.notifyAll();
      }
    }

    @Override
    public void onGap(Optional<Position> last, Optional<Position> next) {
      synchronized (Application.this) {
        gaps++;
      }
    }

    @Override
    public void onInterrupted(Throwable reason) {
      synchronized (Application.this) {
        interruptions++;
      }
    }
  }
}
