package keyrotation.client;

import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Subscribes to topics with the current key. When the key changes, it subscribes anew before it
 * leaves the old subscription; when a connection breaks, it makes another one. Messages continue
 * after the last one.
 *
 * <p>It calls Momento's service directly: in version 1.21.0 of Momento's SDK, callbacks get no
 * sequence numbers, subscriptions cannot begin at one, and they end silently when Momento rejects
 * their key.
 */
public final class TopicSubscriber implements AutoCloseable {

  /** How many subscriptions this can have: as many as Momento allows on a connection. */
  public static final int MAX_SUBSCRIPTIONS = 100;

  private final CurrentKey key;
  private final FollowingClient<TopicConnection> connections;
  private final Set<TopicSubscription> subscriptions = ConcurrentHashMap.newKeySet();
  private boolean isClosed;

  /** Makes a subscriber; it connects at the first subscription. */
  public TopicSubscriber(CurrentKey key) {
    this.key = key;
    // An old connection is needed only until its streams have moved.
    this.connections = new FollowingClient<>(key, TopicConnection::new, Duration.ZERO);
    connections.afterSwitch(() -> subscriptions.forEach(TopicSubscription::move));
  }

  /**
   * Subscribes to a topic, from the next message on.
   *
   * @return the subscription, once Momento has confirmed it. If Momento refuses it or cannot be
   *     reached, the future ends with gRPC's {@code StatusRuntimeException}
   * @throws IllegalStateException if this is closed, or has as many subscriptions as it can have
   */
  public CompletableFuture<TopicSubscription> subscribe(
      String cache, String topic, TopicListener listener) {
    TopicSubscription subscription =
        new TopicSubscription(
            key,
            connections,
            new TopicSubscription.Topic(cache, topic),
            listener,
            subscriptions::remove);
    synchronized (subscriptions) {
      if (isClosed) {
        throw new IllegalStateException("The subscriber is closed.");
      }
      if (subscriptions.size() == MAX_SUBSCRIPTIONS) {
        throw new IllegalStateException(
            "There are %d subscriptions; use another subscriber.".formatted(MAX_SUBSCRIPTIONS));
      }
      subscriptions.add(subscription);
    }
    return subscription.start();
  }

  /** Ends all subscriptions. The {@link CurrentKey} stays open. */
  @Override
  public void close() {
    synchronized (subscriptions) {
      isClosed = true;
    }
    List.copyOf(subscriptions).forEach(TopicSubscription::close);
    connections.close();
  }
}
