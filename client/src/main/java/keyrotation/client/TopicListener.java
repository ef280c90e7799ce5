package keyrotation.client;

import java.util.Optional;

/**
 * What an application does with the messages of a subscription. The methods are called one at a
 * time, in order; while one runs, the next message waits at Momento.
 */
@FunctionalInterface
public interface TopicListener {

  /** Takes a message. No message comes twice, and none comes after a later one. */
  void onMessage(TopicMessage message);

  /**
   * Notices that messages are missing which Momento does not retain any more.
   *
   * @param last the last message before the gap; empty if there was none, after a lost connection,
   *     so that it is not known whether any message is missing
   * @param next the first message after the gap; empty if that has not come yet
   */
  default void onGap(Optional<TopicMessage.Position> last, Optional<TopicMessage.Position> next) {}

  /** Notices that the connection is lost. It is made again, and messages then continue. */
  default void onInterrupted(Throwable reason) {}

  /** Notices that the connection is back. */
  default void onResumed() {}

  /** Notices that the subscription has ended because Momento refuses it; no message follows. */
  default void onEnd(Throwable reason) {}
}
