package keyrotation.client;

import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.LoggerFactory;

/**
 * A client and the key that it was made with. Counts the client's users, and closes it when the
 * last one has left. Its owner is the first user.
 */
final class Lease<C extends AutoCloseable> {

  private final ApiKey key;
  private final C client;
  private final AtomicInteger users = new AtomicInteger(1);

  Lease(ApiKey key, C client) {
    this.key = key;
    this.client = client;
  }

  ApiKey key() {
    return key;
  }

  C client() {
    return client;
  }

  /** Adds a user; returns false if the client is closed. */
  boolean acquire() {
    int count;
    do {
      count = users.get();
    } while (count > 0 && !users.compareAndSet(count, count + 1));
    return count > 0;
  }

  /** Removes a user. */
  void release() {
    if (users.decrementAndGet() == 0) {
      try {
        client.close();
      } catch (Exception e) {
        LoggerFactory.getLogger(Lease.class).warn("A client could not be closed.", e);
      }
    }
  }
}
