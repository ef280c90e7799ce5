package keyrotation.client;

import static keyrotation.client.ClientFixture.NEVER;
import static keyrotation.client.ClientFixture.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.Status;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import keyrotation.sandbox.Fault;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** When a client is replaced and closed, with a client that only records what happens to it. */
class FollowingClientTest {

  /** A client whose calls end when the test ends them. */
  private static final class Client implements AutoCloseable {
    final String version;
    final List<CompletableFuture<String>> calls = new CopyOnWriteArrayList<>();
    volatile boolean isClosed;

    Client(ApiKey key) {
      version = key.versionId();
    }

    CompletableFuture<String> start() {
      assertThat(isClosed).as("A closed client is called.").isFalse();
      CompletableFuture<String> call = new CompletableFuture<>();
      calls.add(call);
      return call;
    }

    void endCalls() {
      calls.removeIf(
          call -> {
            call.complete("answer");
            return true;
          });
    }

    @Override
    public void close() {
      assertThat(isClosed).as("A client is closed twice.").isFalse();
      isClosed = true;
    }
  }

  private final ClientFixture fixture = new ClientFixture();
  private final String first = fixture.store(fixture.v2Key());
  private final CurrentKey key = fixture.key().timeToLive(NEVER).build();
  private final List<Client> clients = new CopyOnWriteArrayList<>();

  @AfterEach
  void stop() {
    key.close();
    fixture.close();
  }

  @Test
  void calls_the_client_of_the_current_key() {
    try (FollowingClient<Client> following = following(NEVER)) {
      assertThat(following.call(client -> done(client.version))).isCompletedWithValue(first);

      String second = rotate();

      assertThat(following.call(client -> done(client.version))).isCompletedWithValue(second);
      assertThat(clients).extracting(client -> client.version).containsExactly(first, second);
    }
  }

  @Test
  void closes_the_old_client_when_the_grace_period_is_over_and_its_calls_have_ended() {
    try (FollowingClient<Client> following = following(Duration.ofMillis(1))) {
      CompletableFuture<String> call = following.call(Client::start);
      CompletableFuture<String> other = following.call(Client::start);
      rotate();
      rotate();
      Client old = clients.get(0);
      await("the second client's end", () -> clients.get(1).isClosed);

      old.calls.get(0).complete("answer");
      assertThat(call).isCompletedWithValue("answer");
      assertThat(old.isClosed).isFalse();
      old.calls.get(1).completeExceptionally(new IllegalStateException("failed"));

      assertThat(other).isCompletedExceptionally();
      assertThat(old.isClosed).isTrue();
    }
  }

  @Test
  void keeps_the_previous_client_open_for_the_grace_period_and_none_before_it() {
    FollowingClient<Client> following = following(NEVER);
    rotate();
    rotate();

    assertThat(clients).extracting(client -> client.isClosed).containsExactly(true, false, false);
    following.close();
    assertThat(clients).extracting(client -> client.isClosed).containsOnly(true);
  }

  @Test
  void closes_the_current_client_when_the_last_call_has_ended() {
    FollowingClient<Client> following = following(NEVER);
    CompletableFuture<String> call = following.call(Client::start);

    following.close();
    following.close();

    assertThat(clients.get(0).isClosed).isFalse();
    clients.get(0).calls.get(0).complete("answer");
    assertThat(call).isCompletedWithValue("answer");
    assertThat(clients.get(0).isClosed).isTrue();
    assertThatThrownBy(() -> following.call(Client::start))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("The client is closed.");
  }

  @Test
  void makes_no_client_after_it_is_closed() {
    following(NEVER).close();

    rotate();

    assertThat(clients).hasSize(1);
  }

  @Test
  void passes_on_what_a_call_throws_and_counts_it_as_ended() {
    FollowingClient<Client> following = following(NEVER);

    assertThatThrownBy(
            () ->
                following.call(
                    client -> {
                      throw new IllegalArgumentException("no such cache name");
                    }))
        .hasMessage("no such cache name");

    following.close();
    assertThat(clients.get(0).isClosed).isTrue();
  }

  @Test
  void cancels_the_call_itself() {
    try (FollowingClient<Client> following = following(NEVER)) {
      CompletableFuture<String> call = following.call(Client::start);

      call.cancel(true);

      assertThat(clients.get(0).calls.get(0)).isCancelled();
    }
    assertThat(clients.get(0).isClosed).isTrue();
  }

  @Test
  void repeats_no_call_that_was_canceled_while_the_secret_was_read() {
    CountDownLatch isCanceled = new CountDownLatch(1);
    FollowingClient<Client> following = following(Duration.ofMillis(1));
    CompletableFuture<String> call = following.call(Client::start);
    fixture.store(fixture.v2Key());
    fixture
        .sandbox
        .secretsManager()
        .calls()
        .onNext("GetSecretValue", new Fault.Before<>(() -> await(isCanceled)));

    clients.get(0).calls.get(0).completeExceptionally(Status.UNAUTHENTICATED.asRuntimeException());
    call.cancel(true);
    isCanceled.countDown();
    await("the old client's end", () -> clients.get(0).isClosed);
    following.close();

    assertThat(clients.get(1).calls).isEmpty();
    assertThat(clients.get(1).isClosed).isTrue();
  }

  @Test
  void keeps_the_old_client_until_another_one_can_be_made() {
    AtomicInteger attempts = new AtomicInteger();
    try (CurrentKey often = fixture.key().timeToLive(Duration.ofMillis(20)).build();
        FollowingClient<Client> following =
            new FollowingClient<>(
                often,
                made -> {
                  if (attempts.incrementAndGet() == 2) {
                    throw new IllegalStateException("cannot connect");
                  }
                  return add(made);
                })) {
      String second = fixture.store(fixture.v2Key());

      await("a third attempt", () -> clients.size() == 2);
      await(
          "the new client",
          () -> following.call(client -> done(client.version)).join().equals(second));
    }
  }

  @Test
  void loses_no_client_when_calls_and_changes_meet() {
    try (FollowingClient<Client> following = following(Duration.ofMillis(1))) {
      List<Thread> callers =
          IntStream.range(0, 4)
              .mapToObj(
                  caller ->
                      Thread.ofVirtual()
                          .start(
                              () -> {
                                while (clients.size() < 4) {
                                  var _ = following.call(Client::start);
                                  clients.forEach(Client::endCalls);
                                }
                              }))
              .toList();
      rotate();
      rotate();
      rotate();
      callers.forEach(FollowingClientTest::join);
      clients.forEach(Client::endCalls);
      await(
          "the old clients' end",
          () -> clients.stream().filter(client -> !client.isClosed).count() == 1);
    }
    assertThat(clients).hasSize(4).extracting(client -> client.isClosed).containsOnly(true);
  }

  private FollowingClient<Client> following(Duration gracePeriod) {
    return new FollowingClient<>(key, this::add, gracePeriod);
  }

  private Client add(ApiKey made) {
    Client client = new Client(made);
    clients.add(client);
    return client;
  }

  /** Stores another key, and waits until it is known. */
  private String rotate() {
    return fixture.rotate(key, fixture.v2Key());
  }

  private static <T> CompletableFuture<T> done(T value) {
    return CompletableFuture.completedFuture(value);
  }

  private static void join(Thread thread) {
    try {
      thread.join();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
