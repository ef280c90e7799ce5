package keyrotation.client;

import static java.nio.charset.StandardCharsets.UTF_8;
import static keyrotation.client.ClientFixture.NEVER;
import static keyrotation.client.ClientFixture.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import keyrotation.client.TopicMessage.Position;
import keyrotation.sandbox.DataPlane;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.Sandbox;
import keyrotation.sandbox.V2Key;
import keyrotation.sandbox.V2Keys;
import momento.sdk.TopicClient;
import momento.sdk.config.TopicConfigurations;
import momento.sdk.responses.topic.TopicPublishResponse;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** How subscriptions survive changes of the key, with the sandbox's Momento. */
class TopicSubscriberTest {

  private static final String CACHE = "sessions";
  private static final String TOPIC = "logins";

  /** Records what a subscription delivers, a line each. */
  private static class Recorder implements TopicListener {
    final LinkedBlockingQueue<String> events = new LinkedBlockingQueue<>();

    @Override
    public void onMessage(TopicMessage message) {
      String value =
          message instanceof TopicMessage.Text text
              ? text.value()
              : "bytes " + new String(((TopicMessage.Binary) message).value(), UTF_8);
      events.add(message.position().sequenceNumber() + " " + value);
    }

    @Override
    public void onGap(Optional<Position> last, Optional<Position> next) {
      events.add("gap " + number(last) + " to " + number(next));
    }

    @Override
    public void onInterrupted(Throwable reason) {
      events.add("interrupted " + Status.fromThrowable(reason).getCode());
    }

    @Override
    public void onResumed() {
      events.add("resumed");
    }

    @Override
    public void onEnd(Throwable reason) {
      events.add("end " + Status.fromThrowable(reason).getCode());
    }

    private static String number(Optional<Position> position) {
      return position.map(at -> at.page() + "/" + at.sequenceNumber()).orElse("?");
    }

    void expect(String... expected) throws InterruptedException {
      for (String event : expected) {
        assertThat(events.poll(60, TimeUnit.SECONDS)).isEqualTo(event);
      }
    }
  }

  private final ClientFixture fixture = new ClientFixture();
  private final DataPlane data = fixture.sandbox.momento().dataPlane();
  private final Sandbox.Route route = fixture.sandbox.routeMomentoHosts();
  private final V2Key first = fixture.v2Key();
  private final String version = fixture.store(first);
  private final CurrentKey key = fixture.key().timeToLive(NEVER).build();
  private final TopicSubscriber subscriber = new TopicSubscriber(key);
  private final Recorder recorder = new Recorder();
  private final TopicClient publisher =
      new TopicClient(
          new MomentoCredentials(
              ApiKey.parse("s", version, fixture.v1Key().consoleJson(), Optional.empty())),
          TopicConfigurations.Laptop.latest());

  @AfterEach
  void stop() {
    publisher.close();
    subscriber.close();
    key.close();
    await("no connection", () -> fixture.sandbox.momento().openConnections() == 0);
    route.close();
    fixture.close();
  }

  @Test
  void delivers_text_and_bytes_with_their_positions() throws InterruptedException {
    subscribe();

    publish("a");
    await(publisher.publish(CACHE, TOPIC, "b".getBytes(UTF_8)));

    recorder.expect("1 a", "2 bytes b");
  }

  @Test
  void continues_with_the_new_key_before_it_leaves_the_old_one() throws InterruptedException {
    subscribe();
    publish("a");
    recorder.expect("1 a");

    fixture.rotate(key, fixture.v2Key());
    publish("b");
    recorder.expect("2 b");
    awaitStreams(2);
    fixture.sandbox.momento().v2Keys().revoke(first.id());
    publish("c");

    recorder.expect("3 c");
    assertThat(recorder.events).isEmpty();
  }

  @Test
  void loses_and_doubles_no_message_while_keys_change() throws InterruptedException {
    subscribe();
    int count = 300;
    data.retainMessages(count); // A busy machine may publish many while a stream is made again.
    // Before the first message, no position is known at which a stream could go on.
    publish("m1");
    recorder.expect("1 m1");
    CompletableFuture<Void> messages =
        CompletableFuture.runAsync(
            () -> IntStream.rangeClosed(2, count).forEach(i -> publish("m" + i)),
            Thread::startVirtualThread);

    V2Key old = first;
    for (int rotation = 0; rotation < 3; rotation++) {
      V2Key next = fixture.v2Key();
      fixture.rotate(key, next);
      fixture.sandbox.momento().v2Keys().revoke(old.id());
      old = next;
    }

    messages.join();
    List<String> received = new ArrayList<>();
    while (received.size() < count - 1) {
      String event = recorder.events.poll(60, TimeUnit.SECONDS);
      assertThat(event).as("after %s", received).isNotNull();
      if (!event.startsWith("interrupted") && !event.equals("resumed")) {
        received.add(event);
      }
    }
    assertThat(received)
        .containsExactlyElementsOf(
            LongStream.rangeClosed(2, count).mapToObj(i -> i + " m" + i).toList());
  }

  @Test
  void loses_no_message_if_the_key_changes_before_the_first_one() throws InterruptedException {
    subscribe();
    fixture.rotate(key, fixture.v2Key());

    publish("a");
    recorder.expect("1 a");
    awaitStreams(2);
    await("one stream", () -> data.openSubscriptions() == 1);
    publish("b");

    recorder.expect("2 b");
    assertThat(recorder.events).isEmpty();
  }

  @Test
  void notices_at_once_that_its_key_is_dead_and_reads_the_secret() throws InterruptedException {
    subscribe();
    publish("a");
    recorder.expect("1 a");
    fixture.store(fixture.v2Key());

    fixture.sandbox.momento().v2Keys().revoke(first.id());
    recorder.expect("interrupted UNAUTHENTICATED");
    publish("b");

    recorder.expect("resumed", "2 b");
    assertThat(fixture.reads()).isEqualTo(2);
  }

  @Test
  void goes_on_trying_while_the_key_is_dead_and_says_so_once() throws InterruptedException {
    subscribe();
    publish("a");
    recorder.expect("1 a");
    fixture.sandbox.momento().v2Keys().revoke(first.id());
    recorder.expect("interrupted UNAUTHENTICATED");
    awaitStreams(3);
    publish("b");

    fixture.store(fixture.v2Key());

    recorder.expect("resumed", "2 b");
  }

  @Test
  void resumes_after_streams_that_break_or_end_silently() throws InterruptedException {
    subscribe();
    publish("a");
    recorder.expect("1 a");

    data.endSubscriptions(Status.OK);
    recorder.expect("interrupted UNAVAILABLE", "resumed");
    publish("b");
    recorder.expect("2 b");
    fixture.sandbox.momento().disconnectClients();
    recorder.expect("interrupted UNAVAILABLE", "resumed");
    publishAgain("c");

    recorder.expect("3 c");
  }

  @Test
  void reports_a_gap_that_momento_does_not_retain() throws InterruptedException {
    data.retainMessages(2);
    subscribe();
    publish("a");
    recorder.expect("1 a");
    refuse(DataPlane.SUBSCRIBE, Status.UNAVAILABLE);
    data.endSubscriptions(Status.UNAVAILABLE);
    recorder.expect("interrupted UNAVAILABLE");
    IntStream.rangeClosed(2, 6).forEach(i -> publish("m" + i));

    fixture.sandbox.clearFaults();

    recorder.expect("resumed", "gap 1/1 to ?", "5 m5", "6 m6");
  }

  @Test
  void reports_that_messages_may_be_missing_if_none_had_come() throws InterruptedException {
    subscribe();
    data.endSubscriptions(Status.INTERNAL);

    recorder.expect("interrupted INTERNAL", "resumed", "gap ? to ?");
    publish("a");
    recorder.expect("1 a");
  }

  @Test
  void reports_a_gap_when_momento_has_begun_another_page() throws InterruptedException {
    subscribe();
    publish("a");
    recorder.expect("1 a");

    data.startNewPage(CACHE, TOPIC);
    publish("b");

    recorder.expect("gap 1/1 to ?", "1 b");
  }

  @Test
  void ends_when_momento_refuses_the_topic() throws InterruptedException {
    subscribe();
    publish("a");
    recorder.expect("1 a");

    fixture.sandbox.momento().setCaches(Set.of());
    data.endSubscriptions(Status.UNAVAILABLE);

    recorder.expect("interrupted UNAVAILABLE", "end NOT_FOUND");
  }

  @Test
  void fails_at_the_start_as_a_call_without_it_would() {
    assertRefused("no-such-cache", Status.Code.NOT_FOUND);
    refuse(DataPlane.SUBSCRIBE, Status.UNAVAILABLE);
    assertRefused(CACHE, Status.Code.UNAVAILABLE);
    fixture.sandbox.clearFaults();
    fixture.sandbox.momento().v2Keys().revoke(first.id());
    assertRefused(CACHE, Status.Code.UNAUTHENTICATED);

    fixture.store(fixture.v2Key());
    subscribe();
  }

  @Test
  void subscribes_with_the_newer_key_if_the_one_it_knows_is_dead() {
    fixture.store(fixture.v2Key());
    fixture.sandbox.momento().v2Keys().revoke(first.id());

    subscribe();
  }

  @Test
  void needs_the_right_to_subscribe_only() throws InterruptedException {
    fixture.rotate(
        key, fixture.sandbox.momento().v2Keys().issue(V2Keys.VIEWER, "viewer", Optional.empty()));

    subscribe();
    publish("a");

    recorder.expect("1 a");
  }

  @Test
  void lets_messages_wait_while_the_listener_is_busy() throws InterruptedException {
    CountDownLatch done = new CountDownLatch(1);
    Recorder busy =
        new Recorder() {
          @Override
          public void onMessage(TopicMessage message) {
            ClientFixture.await(done);
            super.onMessage(message);
          }
        };
    await(subscriber.subscribe(CACHE, TOPIC, busy));
    IntStream.rangeClosed(1, 50).forEach(i -> publish("m" + i));
    fixture.rotate(key, fixture.v2Key());
    subscribe();

    publish("m51");
    recorder.expect("51 m51");
    done.countDown();

    busy.expect(IntStream.rangeClosed(1, 51).mapToObj(i -> i + " m" + i).toArray(String[]::new));
  }

  @Test
  void goes_on_after_a_message_that_the_listener_failed_for() throws InterruptedException {
    Recorder failing =
        new Recorder() {
          @Override
          public void onMessage(TopicMessage message) {
            super.onMessage(message);
            throw new IllegalStateException("the listener's own failure");
          }
        };
    await(subscriber.subscribe(CACHE, TOPIC, failing));
    publish("a");
    publish("b");

    failing.expect("1 a", "2 b");
  }

  @Test
  void closes_one_subscription_and_leaves_the_others() throws InterruptedException {
    TopicSubscription ended = await(subscriber.subscribe(CACHE, TOPIC, new Recorder()));
    subscribe();

    ended.close();
    await("one stream", () -> data.openSubscriptions() == 1);
    publish("a");

    recorder.expect("1 a");
  }

  @Test
  void takes_no_subscription_when_it_is_closed() {
    subscriber.close();

    assertThatThrownBy(() -> subscriber.subscribe(CACHE, TOPIC, recorder))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("The subscriber is closed.");
  }

  @Test
  void gives_up_when_it_cannot_ask_for_another_key_any_more() throws InterruptedException {
    subscribe();
    key.close();
    data.endSubscriptions(Status.UNAVAILABLE);

    recorder.expect("interrupted UNAVAILABLE", "end UNKNOWN");
    fixture.sandbox.momento().v2Keys().revoke(first.id());
    assertThat(subscriber.subscribe(CACHE, TOPIC, recorder))
        .failsWithin(60, TimeUnit.SECONDS)
        .withThrowableOfType(ExecutionException.class)
        .withMessageContaining("The CurrentKey is closed.");
  }

  @Test
  void has_no_more_subscriptions_than_a_connection_carries() {
    List<CompletableFuture<TopicSubscription>> all =
        IntStream.range(0, TopicSubscriber.MAX_SUBSCRIPTIONS)
            .mapToObj(i -> subscriber.subscribe(CACHE, "topic " + i, recorder))
            .toList();
    assertThatThrownBy(() -> subscriber.subscribe(CACHE, TOPIC, recorder))
        .isInstanceOf(IllegalStateException.class);

    all.forEach(subscription -> await(subscription).close());
    subscribe();
  }

  private void subscribe() {
    await(subscriber.subscribe(CACHE, TOPIC, recorder));
  }

  private void publish(String message) {
    assertThat(await(publisher.publish(CACHE, TOPIC, message)))
        .isInstanceOf(TopicPublishResponse.Success.class);
  }

  /** Publishes over a connection that may have to be made again. */
  private void publishAgain(String message) {
    await(
        "a connection",
        () ->
            await(publisher.publish(CACHE, TOPIC, message))
                instanceof TopicPublishResponse.Success);
  }

  private void assertRefused(String cache, Status.Code code) {
    assertThat(subscriber.subscribe(cache, TOPIC, recorder))
        .failsWithin(60, TimeUnit.SECONDS)
        .withThrowableOfType(ExecutionException.class)
        .havingCause()
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            error -> assertThat(error.getStatus().getCode()).isEqualTo(code));
  }

  private void refuse(String call, Status status) {
    fixture
        .sandbox
        .momento()
        .calls()
        .onEvery(call, new Fault.Refuse<>(status.asRuntimeException()));
  }

  private void awaitStreams(int count) {
    await(
        count + " streams",
        () -> fixture.sandbox.momento().calls().count(DataPlane.SUBSCRIBE) >= count);
  }
}
