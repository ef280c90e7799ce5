package keyrotation.client;

import grpc.cache_client.pubsub._Discontinuity;
import grpc.cache_client.pubsub._SubscriptionItem;
import grpc.cache_client.pubsub._SubscriptionRequest;
import grpc.cache_client.pubsub._TopicItem;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.SynchronizationContext;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import keyrotation.client.TopicMessage.Position;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A subscription to a topic, over one stream of messages after another.
 *
 * <p>To move to another connection, it opens a stream there that begins after the last message, and
 * leaves the old stream when the new one has begun. What both streams deliver is passed on once.
 */
public final class TopicSubscription implements AutoCloseable {

  record Topic(String cache, String name) {}

  /** Momento will not answer otherwise to the same request with the same key. */
  private static final Set<Status.Code> FINAL =
      Set.of(
          Status.Code.INVALID_ARGUMENT,
          Status.Code.NOT_FOUND,
          Status.Code.PERMISSION_DENIED,
          Status.Code.FAILED_PRECONDITION,
          Status.Code.UNIMPLEMENTED);

  private static final Duration FIRST_PAUSE = Duration.ofMillis(100);

  /** How often the pause is doubled: to about three seconds. */
  private static final int MAX_DOUBLINGS = 5;

  /**
   * How long the old stream is kept beside the new one if no message has come yet: the new stream
   * cannot begin after a certain message then, and the old one may still deliver earlier ones.
   */
  private static final Duration OVERLAP = Duration.ofSeconds(2);

  private static final Logger LOG = LoggerFactory.getLogger(TopicSubscription.class);

  private final CurrentKey key;
  private final FollowingClient<TopicConnection> connections;
  private final Topic topic;
  private final TopicListener listener;
  private final Consumer<TopicSubscription> onClose;
  private final CompletableFuture<TopicSubscription> started = new CompletableFuture<>();

  /** Runs all that follows, one action at a time. */
  private final SynchronizationContext events =
      new SynchronizationContext((thread, failure) -> LOG.error("A subscription failed.", failure));

  private Optional<Stream> live = Optional.empty();
  private Optional<Stream> joining = Optional.empty();
  private Optional<Position> last = Optional.empty();
  private boolean isInterrupted;
  private boolean isAfterGap;
  private boolean isClosed;
  private int failures;

  /** Counts what asks for another stream, so that only the latest gets one. */
  private final AtomicInteger opening = new AtomicInteger();

  TopicSubscription(
      CurrentKey key,
      FollowingClient<TopicConnection> connections,
      Topic topic,
      TopicListener listener,
      Consumer<TopicSubscription> onClose) {
    this.key = key;
    this.connections = connections;
    this.topic = topic;
    this.listener = listener;
    this.onClose = onClose;
  }

  CompletableFuture<TopicSubscription> start() {
    events.execute(this::open);
    return started;
  }

  /** Moves to the connection that is current now. */
  void move() {
    openLater(Duration.ZERO);
  }

  /** Ends the subscription. A message that is being delivered meanwhile may be the last one. */
  @Override
  public void close() {
    onClose.accept(this);
    events.execute(
        () -> {
          isClosed = true;
          live.ifPresent(Stream::cancel);
          joining.ifPresent(Stream::cancel);
          started.cancel(false);
        });
  }

  private void open() {
    if (isClosed) {
      return;
    }
    joining.ifPresent(Stream::cancel);
    joining = Optional.of(new Stream(connections.lease(), last));
    joining.get().open();
  }

  private void receive(Stream stream, _SubscriptionItem item) {
    if (isJoining(stream) && !stream.hasBegun) {
      stream.hasBegun = true;
      failures = 0;
      if (live.isPresent() && stream.start.isEmpty()) {
        later(() -> takeOver(stream), OVERLAP);
      } else {
        takeOver(stream);
      }
    }
    if (isJoining(stream)) {
      stream.held.add(item);
    } else if (isLive(stream)) {
      deliver(item);
    }
  }

  private void takeOver(Stream stream) {
    if (!isJoining(stream)) {
      return;
    }
    live.ifPresent(Stream::cancel);
    live = joining;
    joining = Optional.empty();
    if (isInterrupted) {
      isInterrupted = false;
      call(listener::onResumed);
      if (last.isEmpty()) {
        call(() -> listener.onGap(Optional.empty(), Optional.empty()));
      }
    }
    started.complete(this);
    stream.held.forEach(this::deliver);
    stream.held.clear();
  }

  private void deliver(_SubscriptionItem item) {
    switch (item.getKindCase()) {
      case ITEM -> deliver(item.getItem());
      case DISCONTINUITY -> skip(item.getDiscontinuity());
      default -> {} // A heartbeat.
    }
  }

  private void deliver(_TopicItem item) {
    Position position = new Position(item.getSequencePage(), item.getTopicSequenceNumber());
    if (last.isPresent() && !position.isAfter(last.get())) {
      return; // The other stream has delivered it.
    }
    if (last.isPresent() && !isAfterGap && !position.isNextAfter(last.get())) {
      Optional<Position> before = last;
      call(() -> listener.onGap(before, Optional.of(position)));
    }
    last = Optional.of(position);
    isAfterGap = false;
    TopicMessage message =
        item.getValue().hasText()
            ? new TopicMessage.Text(position, item.getPublisherId(), item.getValue().getText())
            : new TopicMessage.Binary(
                position, item.getPublisherId(), item.getValue().getBinary().toByteArray());
    call(() -> listener.onMessage(message));
  }

  /** Momento skips messages that it does not retain. */
  private void skip(_Discontinuity gap) {
    Position end = new Position(gap.getNewSequencePage(), gap.getNewTopicSequence());
    if (last.isPresent() && end.isAfter(last.get())) {
      // Otherwise the other stream has delivered what this one skips.
      Optional<Position> before = last;
      call(() -> listener.onGap(before, Optional.empty()));
      isAfterGap = true;
    }
  }

  private void end(Stream stream, Status status) {
    boolean wasLive = isLive(stream);
    if (isClosed || (!wasLive && !isJoining(stream))) {
      return; // This side has ended it.
    }
    if (wasLive) {
      live = Optional.empty();
    } else {
      joining = Optional.empty();
    }
    if (joining.isPresent()) {
      joining.filter(other -> other.hasBegun).ifPresent(this::takeOver);
      return;
    }
    StatusRuntimeException reason = status.asRuntimeException();
    boolean mayContinue =
        started.isDone()
            ? !FINAL.contains(status.getCode())
            : status.getCode() == Status.Code.UNAUTHENTICATED && failures == 0;
    if (live.isEmpty() && !mayContinue) {
      giveUp(reason);
      return;
    }
    if (live.isEmpty() && started.isDone() && !isInterrupted) {
      isInterrupted = true;
      call(() -> listener.onInterrupted(reason));
    }
    failures++;
    if (status.getCode() == Status.Code.UNAUTHENTICATED) {
      ApiKey rejected = stream.lease.key();
      CompletableFuture<?> unused =
          key.refresh(rejected)
              .thenAccept(newest -> openLater(newest.equals(rejected) ? pause() : Duration.ZERO));
    } else {
      openLater(pause());
    }
  }

  private void giveUp(RuntimeException reason) {
    if (isClosed) {
      return;
    }
    isClosed = true;
    onClose.accept(this);
    live.ifPresent(Stream::cancel);
    joining.ifPresent(Stream::cancel);
    if (!started.completeExceptionally(reason)) {
      call(() -> listener.onEnd(reason));
    }
  }

  /** Returns a pause that grows with the number of failures, and differs between processes. */
  private Duration pause() {
    long millis = FIRST_PAUSE.toMillis() << Math.min(failures, MAX_DOUBLINGS);
    return Duration.ofMillis(ThreadLocalRandom.current().nextLong(millis / 2, millis));
  }

  private void openLater(Duration delay) {
    int mine = opening.incrementAndGet();
    later(
        () -> {
          if (mine == opening.get()) {
            open();
          }
        },
        delay);
  }

  private void later(Runnable action, Duration delay) {
    // The listener's code must not run on the thread that reads the secret.
    Runnable onAnotherThread =
        () -> ForkJoinPool.commonPool().execute(() -> events.execute(action));
    if (!key.schedule(onAnotherThread, delay)) {
      events.execute(() -> giveUp(new IllegalStateException("The CurrentKey is closed.")));
    }
  }

  private void call(Runnable listenersMethod) {
    try {
      listenersMethod.run();
    } catch (RuntimeException e) {
      LOG.error("The listener of {} failed.", topic, e);
    }
  }

  private boolean isLive(Stream stream) {
    return live.filter(stream::equals).isPresent();
  }

  private boolean isJoining(Stream stream) {
    return joining.filter(stream::equals).isPresent();
  }

  /** A stream of messages, which holds a connection open until it has ended. */
  private final class Stream
      implements ClientResponseObserver<_SubscriptionRequest, _SubscriptionItem> {

    private final Lease<TopicConnection> lease;

    /** The message that it begins after; empty if it begins with the next one of the topic. */
    private final Optional<Position> start;

    private final List<_SubscriptionItem> held = new ArrayList<>();
    private boolean hasBegun;
    private Optional<ClientCallStreamObserver<_SubscriptionRequest>> call = Optional.empty();

    Stream(Lease<TopicConnection> lease, Optional<Position> start) {
      this.lease = lease;
      this.start = start;
    }

    void open() {
      _SubscriptionRequest.Builder request =
          _SubscriptionRequest.newBuilder().setCacheName(topic.cache).setTopic(topic.name);
      start.ifPresent(
          position ->
              request
                  .setSequencePage(position.page())
                  .setResumeAtTopicSequenceNumber(position.sequenceNumber() + 1));
      lease.client().stub().subscribe(request.build(), this);
    }

    void cancel() {
      call.ifPresent(stream -> stream.cancel("The subscription has moved or ended.", null));
    }

    @Override
    public void beforeStart(ClientCallStreamObserver<_SubscriptionRequest> call) {
      this.call = Optional.of(call);
      // The next message is asked for when one is done with, so that a slow listener is not
      // flooded.
      call.disableAutoRequestWithInitial(1);
    }

    @Override
    public void onNext(_SubscriptionItem item) {
      events.execute(
          () -> {
            receive(this, item);
            call.ifPresent(stream -> stream.request(1));
          });
    }

    @Override
    public void onError(Throwable failure) {
      lease.release();
      events.execute(() -> end(this, Status.fromThrowable(failure)));
    }

    @Override
    public void onCompleted() {
      onError(Status.UNAVAILABLE.withDescription("The stream has ended.").asRuntimeException());
    }
  }
}
