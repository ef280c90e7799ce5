package keyrotation.sandbox;

import com.google.protobuf.ByteString;

/** What a call of Momento's data plane does, and to what. */
public sealed interface DataAccess {

  /** The name of the cache, which topics belong to, too. */
  String cache();

  /** Reads an item. */
  record Read(String cache, ByteString key) implements DataAccess {}

  /** Sets or deletes an item. */
  record Write(String cache, ByteString key) implements DataAccess {}

  /** Publishes to a topic. */
  record Publish(String cache, String topic) implements DataAccess {}

  /** Subscribes to a topic. */
  record Subscribe(String cache, String topic) implements DataAccess {}
}
