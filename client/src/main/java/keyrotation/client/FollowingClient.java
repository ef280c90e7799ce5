package keyrotation.client;

import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Sends calls to a client that has the current key. When the key changes, a new client takes over;
 * the old one is closed when its calls have ended.
 *
 * <p>If Momento rejects the key of a call, the secret is read again, and the call is repeated once
 * with the client of the newer key. If there is no newer key, it is repeated with the client of the
 * previous key, while that is still open: a new key may not be known to all servers of Momento at
 * once. Momento has not executed a call whose key it rejects, so any call may be repeated.
 *
 * <p>Not for subscriptions, which would end with their client: {@link TopicSubscriber} is.
 *
 * @param <C> the client: of Momento's SDK a {@code CacheClient}, {@code TopicClient}, {@code
 *     LeaderboardClient} and so on
 */
public final class FollowingClient<C extends AutoCloseable> implements AutoCloseable {

  /** How long the client of the previous key stays open at least, unless another time is set. */
  public static final Duration DEFAULT_GRACE_PERIOD = Duration.ofMinutes(1);

  private final CurrentKey key;
  private final Function<ApiKey, ? extends C> factory;
  private final Duration gracePeriod;
  private final CurrentKey.Listening listening;
  private volatile Lease<C> current;
  private volatile Optional<Lease<C>> previous = Optional.empty();
  private volatile Runnable afterSwitch = () -> {};
  private volatile boolean isClosed;

  /**
   * Makes the first client.
   *
   * @param factory makes a client of a key, for example {@code key -> new CacheClient(new
   *     MomentoCredentials(key), configuration, timeToLive)}. If it fails, the old client stays in
   *     use, and the factory is called again after the next read of the secret. While it runs, the
   *     secret is not read
   */
  public FollowingClient(CurrentKey key, Function<ApiKey, ? extends C> factory) {
    this(key, factory, DEFAULT_GRACE_PERIOD);
  }

  /** The same with another grace period, during which the client of the previous key stays open. */
  public FollowingClient(
      CurrentKey key, Function<ApiKey, ? extends C> factory, Duration gracePeriod) {
    this.key = key;
    this.factory = factory;
    this.gracePeriod = gracePeriod;
    ApiKey first = key.get();
    this.current = new Lease<>(first, factory.apply(first));
    this.listening = key.onChange(first, this::follow);
  }

  /**
   * Makes a call with the current client.
   *
   * @param call starts the call, and is called again if it is repeated. The client stays open until
   *     the future that it returns is complete, and must not be used after that
   * @throws IllegalStateException if this is closed
   */
  public <R> CompletableFuture<R> call(Function<? super C, CompletableFuture<R>> call) {
    Lease<C> lease = lease();
    CompletableFuture<R> answer = start(call, lease);
    if (answer.isDone() && !isRejected(answer)) {
      lease.release();
      return answer;
    }
    Call<R> pending = new Call<>(call, lease, answer);
    CompletableFuture<R> unused = answer.whenComplete(pending);
    return pending;
  }

  /**
   * Closes the clients when their calls have ended. Later calls fail. The {@link CurrentKey} stays
   * open.
   */
  @Override
  public void close() {
    listening.close();
    synchronized (this) {
      if (!isClosed) {
        isClosed = true;
        current.release();
        previous.ifPresent(Lease::release);
      }
    }
  }

  /** Returns the current client, for a user that releases it. */
  Lease<C> lease() {
    while (!isClosed) {
      Lease<C> lease = current;
      if (lease.acquire()) {
        return lease;
      }
    }
    throw new IllegalStateException("The client is closed.");
  }

  /** Sets what runs each time that a new client has taken over. */
  void afterSwitch(Runnable action) {
    afterSwitch = action;
  }

  private void follow(ApiKey next) {
    Lease<C> made = new Lease<>(next, factory.apply(next));
    synchronized (this) {
      if (isClosed) {
        made.release();
        return;
      }
      previous.ifPresent(Lease::release);
      Lease<C> old = current;
      previous = Optional.of(old);
      current = made;
      key.schedule(() -> retire(old), gracePeriod);
    }
    afterSwitch.run();
  }

  private synchronized void retire(Lease<C> old) {
    if (!isClosed && previous.filter(lease -> lease == old).isPresent()) {
      previous = Optional.empty();
      old.release();
    }
  }

  /** Returns a client with another key than the given one, if there is any. */
  private Optional<Lease<C>> other(Lease<C> rejected) {
    Lease<C> newest = current;
    Optional<Lease<C>> other = newest == rejected ? previous : Optional.of(newest);
    return other.filter(Lease::acquire);
  }

  private <R> CompletableFuture<R> start(
      Function<? super C, CompletableFuture<R>> call, Lease<C> lease) {
    try {
      return Objects.requireNonNull(call.apply(lease.client()), "The call returned no future.");
    } catch (Throwable e) {
      lease.release();
      throw e;
    }
  }

  private static boolean isRejected(CompletableFuture<?> answer) {
    return answer.isCompletedExceptionally() || Rejection.isOne(answer.join(), null);
  }

  /** A call that has not ended: the future that the caller has, and what completes it. */
  private final class Call<R> extends CompletableFuture<R>
      implements BiConsumer<@Nullable R, @Nullable Throwable> {

    private final Function<? super C, CompletableFuture<R>> call;
    private volatile Lease<C> lease;
    private volatile CompletableFuture<R> answer;
    private volatile boolean isRepeated;

    Call(
        Function<? super C, CompletableFuture<R>> call,
        Lease<C> lease,
        CompletableFuture<R> answer) {
      this.call = call;
      this.lease = lease;
      this.answer = answer;
    }

    @Override
    public void accept(@Nullable R result, @Nullable Throwable exception) {
      if (isDone() || isRepeated || !Rejection.isOne(result, exception)) {
        lease.release();
        end(result, exception);
      } else {
        // Not on the thread that reads the secret: the call is the application's code.
        CompletableFuture<?> unused =
            key.refresh(lease.key()).thenRunAsync(() -> repeat(result, exception));
      }
    }

    private void repeat(@Nullable R result, @Nullable Throwable exception) {
      Optional<Lease<C>> other = isDone() ? Optional.empty() : other(lease); // It may be canceled.
      lease.release();
      if (other.isEmpty()) {
        end(result, exception);
        return;
      }
      lease = other.get();
      isRepeated = true;
      try {
        answer = start(call, lease);
      } catch (Throwable e) {
        end(null, e);
        return;
      }
      CompletableFuture<R> unused = answer.whenComplete(this);
    }

    private void end(@Nullable R result, @Nullable Throwable exception) {
      if (exception == null) {
        complete(result);
      } else {
        completeExceptionally(exception);
      }
    }

    /** Cancels the call itself, too. */
    @Override
    public boolean cancel(boolean mayInterrupt) {
      boolean isCanceled = super.cancel(mayInterrupt);
      answer.cancel(mayInterrupt);
      return isCanceled;
    }
  }
}
