package keyrotation.sandbox;

import grpc.cache_client.pubsub._Discontinuity;
import grpc.cache_client.pubsub._Heartbeat;
import grpc.cache_client.pubsub._SubscriptionItem;
import grpc.cache_client.pubsub._SubscriptionRequest;
import grpc.cache_client.pubsub._TopicItem;
import grpc.cache_client.pubsub._TopicValue;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** A topic: its latest messages, and its subscriptions. */
final class Topic {

  /**
   * An open stream. gRPC keeps what its client does not read yet, so no write to it waits.
   *
   * @param token the caller's key
   */
  record Subscription(String token, StreamObserver<_SubscriptionItem> stream) {}

  private final Set<Subscription> subscriptions = new LinkedHashSet<>();
  private final Deque<_TopicItem> retained = new ArrayDeque<>();
  private long page = 1;
  private long lastNumber;

  /** Adds a message, forgets old ones beyond the given number, and sends it to all subscribers. */
  synchronized void publish(_TopicValue value, String publisherId, int retention) {
    _TopicItem item =
        _TopicItem.newBuilder()
            .setTopicSequenceNumber(++lastNumber)
            .setSequencePage(page)
            .setValue(value)
            .setPublisherId(publisherId)
            .build();
    retained.add(item);
    while (retained.size() > retention) {
      retained.remove();
    }
    sendToAll(_SubscriptionItem.newBuilder().setItem(item).build());
  }

  /** Opens a subscription: a heartbeat, then what the request resumes, then later messages. */
  synchronized void open(Subscription subscription, _SubscriptionRequest request) {
    StreamObserver<_SubscriptionItem> stream = subscription.stream;
    stream.onNext(
        _SubscriptionItem.newBuilder().setHeartbeat(_Heartbeat.getDefaultInstance()).build());
    long resumeAt = request.getResumeAtTopicSequenceNumber();
    if (resumeAt > 0) {
      // A client that has seen no page yet sends 0.
      boolean isOtherPage = request.getSequencePage() != 0 && request.getSequencePage() != page;
      long forgotten = lastNumber - retained.size();
      if (isOtherPage || resumeAt <= forgotten) {
        stream.onNext(discontinuity(resumeAt - 1, forgotten));
      }
      retained.stream()
          .filter(item -> isOtherPage || item.getTopicSequenceNumber() >= resumeAt)
          .forEach(item -> stream.onNext(_SubscriptionItem.newBuilder().setItem(item).build()));
    }
    subscriptions.add(subscription);
  }

  /** Starts the numbers again at 1, on a new page; returns the page. */
  synchronized long startNewPage() {
    long last = lastNumber;
    // Later pages have greater numbers, but not the next ones.
    page += 10;
    lastNumber = 0;
    retained.clear();
    sendToAll(discontinuity(last, 0));
    return page;
  }

  synchronized List<Subscription> subscriptions() {
    return List.copyOf(subscriptions);
  }

  /** Forgets a subscription whose client has gone. */
  synchronized void remove(Subscription subscription) {
    subscriptions.remove(subscription);
  }

  /** Ends a stream, unless it has ended. */
  synchronized void end(Subscription subscription, StatusRuntimeException error) {
    if (subscriptions.remove(subscription)) {
      if (error.getStatus().isOk()) {
        subscription.stream.onCompleted();
      } else {
        subscription.stream.onError(error);
      }
    }
  }

  private void sendToAll(_SubscriptionItem item) {
    subscriptions.forEach(subscription -> subscription.stream.onNext(item));
  }

  /**
   * Returns a gap between two numbers: that of the last message before it, and that after which the
   * messages continue, as Momento's protocol says, and as its SDKs resume.
   */
  private _SubscriptionItem discontinuity(long before, long last) {
    return _SubscriptionItem.newBuilder()
        .setDiscontinuity(
            _Discontinuity.newBuilder()
                .setLastTopicSequence(before)
                .setNewTopicSequence(last)
                .setNewSequencePage(page))
        .build();
  }
}
