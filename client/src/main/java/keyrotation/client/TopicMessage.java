package keyrotation.client;

/** A message of a topic. */
public sealed interface TopicMessage {

  /** Returns its place in the topic. */
  Position position();

  /**
   * Returns the id that Momento gives the publisher's token; empty if it has none. It is the {@code
   * token_id} of a disposable token.
   */
  String publisherId();

  /** A message of text. */
  record Text(Position position, String publisherId, String value) implements TopicMessage {}

  /** A message of bytes. */
  @SuppressWarnings("ArrayRecordComponent") // Messages are handed over, not compared.
  record Binary(Position position, String publisherId, byte[] value) implements TopicMessage {}

  /**
   * The place of a message in its topic.
   *
   * @param page Momento begins another page, with a larger number, when it has lost a topic's state
   * @param sequenceNumber counts the messages of the page, from 1
   */
  record Position(long page, long sequenceNumber) {

    boolean isAfter(Position other) {
      return page > other.page || (page == other.page && sequenceNumber > other.sequenceNumber);
    }

    boolean isNextAfter(Position other) {
      return page == other.page && sequenceNumber == other.sequenceNumber + 1;
    }
  }
}
