package keyrotation.sandbox;

import static io.grpc.Status.Code.NOT_FOUND;
import static io.grpc.Status.Code.OK;
import static io.grpc.Status.Code.PERMISSION_DENIED;
import static io.grpc.Status.Code.UNAUTHENTICATED;
import static io.grpc.Status.Code.UNAVAILABLE;
import static keyrotation.sandbox.DataPlaneFixture.CACHE;
import static keyrotation.sandbox.DataPlaneFixture.TOPIC;
import static keyrotation.sandbox.DataPlaneFixture.until;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import grpc.cache_client.ECacheResult;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import keyrotation.sandbox.DataPermission.AllData;
import keyrotation.sandbox.DataPlaneFixture.Stream;
import keyrotation.sandbox.IssuedKey.Permissions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class DataPlaneTest {

  private static final Duration WEEK = Duration.ofDays(7);
  private static final Duration MINUTE = Duration.ofMinutes(1);

  private final ManualClock clock = new ManualClock();
  private final DataPlaneFixture momento = new DataPlaneFixture(clock);
  private final DataPlane dataPlane = momento.server.dataPlane();
  private final String token = momento.issue(V2Keys.OWNER).token();

  @AfterEach
  void stop() {
    momento.close();
  }

  @Test
  void an_item_is_found_until_its_time_to_live_has_elapsed() {
    momento.set(token, CACHE, "a", "1", MINUTE);
    clock.advance(MINUTE.minusMillis(1));

    assertThat(momento.get(token, CACHE, "a").getResult()).isEqualTo(ECacheResult.Hit);
    assertThat(momento.get(token, CACHE, "a").getCacheBody().toStringUtf8()).isEqualTo("1");
    clock.advance(Duration.ofMillis(1));
    assertThat(momento.get(token, CACHE, "a").getResult()).isEqualTo(ECacheResult.Miss);
  }

  @Test
  void a_deleted_item_is_missing() {
    momento.set(token, CACHE, "a", "1", MINUTE);
    momento.set(token, CACHE, "b", "2", MINUTE);

    momento.delete(token, CACHE, "a");

    assertThat(momento.get(token, CACHE, "a").getResult()).isEqualTo(ECacheResult.Miss);
    assertThat(momento.get(token, CACHE, "b").getResult()).isEqualTo(ECacheResult.Hit);
  }

  @Test
  void caches_share_no_items() {
    momento.set(token, "sessions", "a", "1", MINUTE);

    assertThat(momento.get(token, "prices", "a").getResult()).isEqualTo(ECacheResult.Miss);
  }

  @Test
  void calls_of_a_cache_that_does_not_exist_are_refused() {
    momento.server.setCaches(Set.of("other"));

    assertThat(momento.outcomes(token)).containsOnly(NOT_FOUND);
    assertThat(err(() -> momento.get(token, CACHE, "a"))).isEqualTo("cache_not_found");
  }

  @Test
  void messages_of_each_topic_are_numbered_from_1() {
    Stream logins = momento.subscribe(token).opened();
    Stream others = momento.subscribe(token, CACHE, "other", 0, 0).opened();
    Stream prices = momento.subscribe(token, "prices", TOPIC, 0, 0).opened();

    momento.publish(token, 7, 8);
    momento.publish(token, CACHE, "other", "9");
    momento.publish(token, "prices", TOPIC, "10");

    assertThat(logins.next(2)).containsExactly("1: 7", "2: 8");
    assertThat(others.next()).isEqualTo("1: 9");
    assertThat(prices.next()).isEqualTo("1: 10");
  }

  @Test
  void all_subscribers_receive_the_messages_of_concurrent_publishers_in_the_same_order() {
    Stream one = momento.subscribe(token).opened();
    Stream other = momento.subscribe(token).opened();

    try (ExecutorService publishers = Executors.newFixedThreadPool(4)) {
      IntStream.range(0, 400).forEach(i -> publishers.execute(() -> momento.publish(token, i)));
    }

    List<String> received = one.next(400);
    assertThat(received.stream().map(item -> item.replaceFirst(":.*", "")))
        .containsExactlyElementsOf(
            IntStream.rangeClosed(1, 400).mapToObj(Integer::toString).toList());
    assertThat(other.next(400)).isEqualTo(received);
  }

  @Test
  void a_subscription_begins_with_later_messages() {
    momento.publish(token, 7);
    Stream stream = momento.subscribe(token).opened();
    momento.publish(token, 8);

    assertThat(stream.next()).isEqualTo("2: 8");
  }

  @Test
  void a_subscription_resumes_at_a_number() {
    momento.publish(token, 7, 8, 9);
    Stream stream = momento.subscribe(token, CACHE, TOPIC, 2, 1).opened();
    momento.publish(token, 10);

    assertThat(stream.next(3)).containsExactly("2: 8", "3: 9", "4: 10");
  }

  @Test
  void a_subscription_that_knows_no_page_resumes_on_any() {
    momento.publish(token, 7, 8);

    assertThat(momento.subscribe(token, CACHE, TOPIC, 2, 0).opened().next()).isEqualTo("2: 8");
  }

  @Test
  void a_subscription_that_resumes_after_the_last_message_waits_for_the_next() {
    momento.publish(token, 7);
    Stream stream = momento.subscribe(token, CACHE, TOPIC, 2, 1).opened();
    momento.publish(token, 8);

    assertThat(stream.next()).isEqualTo("2: 8");
  }

  @Test
  void a_subscription_that_resumes_before_what_is_retained_begins_with_a_discontinuity() {
    dataPlane.retainMessages(2);
    momento.publish(token, 6, 7, 8, 9);

    Stream stream = momento.subscribe(token, CACHE, TOPIC, 2, 1).opened();

    assertThat(stream.next(3))
        .containsExactly("discontinuity from 1 to 2 on page 1", "3: 8", "4: 9");
  }

  @Test
  void if_nothing_is_retained_a_resumed_subscription_waits_for_the_next_message() {
    dataPlane.retainMessages(0);
    momento.publish(token, 6, 7);
    Stream stream = momento.subscribe(token, CACHE, TOPIC, 1, 1).opened();
    momento.publish(token, 8);

    assertThat(stream.next(2)).containsExactly("discontinuity from 0 to 2 on page 1", "3: 8");
  }

  @Test
  void a_subscription_that_resumes_on_another_page_begins_with_a_discontinuity() {
    momento.publish(token, 6, 7, 8);
    long old = 1;
    long page = dataPlane.startNewPage(CACHE, TOPIC);
    momento.publish(token, 9, 10);

    Stream stream = momento.subscribe(token, CACHE, TOPIC, 2, old).opened();

    assertThat(page).isGreaterThan(old);
    assertThat(stream.next(3))
        .containsExactly("discontinuity from 1 to 0 on page " + page, "1: 9", "2: 10");
  }

  @Test
  void open_subscriptions_receive_a_discontinuity_when_a_page_starts() {
    Stream stream = momento.subscribe(token).opened();
    momento.publish(token, 6, 7);
    long page = dataPlane.startNewPage(CACHE, TOPIC);
    momento.publish(token, 8);

    assertThat(stream.next(4))
        .containsExactly("1: 6", "2: 7", "discontinuity from 2 to 0 on page " + page, "1: 8");
  }

  @Test
  void a_subscriber_that_does_not_read_holds_up_no_one_and_receives_all_later() {
    Stream slow = momento.subscribeSlowly(token, 1).opened();
    Stream stream = momento.subscribe(token).opened();
    String large = "x".repeat(20_000);

    IntStream.range(0, 200).forEach(_ -> momento.publish(token, CACHE, TOPIC, large));

    List<String> received = stream.next(200);
    assertThat(received).last().isEqualTo("200: " + large);
    slow.readOn();
    assertThat(slow.next(200)).isEqualTo(received);
  }

  @ParameterizedTest
  @EnumSource(Permissions.class)
  void each_v1_key_may_do_everything(Permissions permissions) {
    assertThat(momento.outcomes(momento.server.issue(WEEK, permissions).token())).containsOnly(OK);
  }

  @Test
  void owners_and_operators_may_do_everything() {
    assertThat(momento.outcomes(momento.issue(V2Keys.OWNER).token())).containsOnly(OK);
    assertThat(momento.outcomes(momento.issue(V2Keys.OPERATOR).token())).containsOnly(OK);
  }

  @Test
  void viewers_may_read_and_subscribe() {
    String viewer = momento.issue(V2Keys.VIEWER).token();

    assertThat(momento.outcomes(viewer))
        .containsExactly(OK, PERMISSION_DENIED, PERMISSION_DENIED, PERMISSION_DENIED, OK);
    assertThat(err(() -> momento.publish(viewer, 1))).isEqualTo("momento_general_err");
  }

  @Test
  void a_role_may_forbid_everything_and_a_removed_one_does() {
    V2Keys.Role none =
        new V2Keys.Role("r-none", "None", V2Keys.Role.Type.CUSTOM, true, true, AllData.NONE);
    V2Keys.Role removed =
        new V2Keys.Role("r-removed", "Removed", V2Keys.Role.Type.CUSTOM, true, true);
    momento.server.v2Keys().add(none);

    assertThat(momento.outcomes(momento.issue(none).token())).containsOnly(PERMISSION_DENIED);
    assertThat(momento.outcomes(momento.issue(removed).token())).containsOnly(PERMISSION_DENIED);
  }

  @Test
  void an_unknown_key_is_refused() {
    assertThat(momento.outcomes("unknown")).containsOnly(UNAUTHENTICATED);
    assertThat(err(() -> momento.get("unknown", CACHE, "a"))).isEqualTo("invalid_credentials");
  }

  @Test
  void an_expired_or_revoked_key_is_refused() {
    IssuedKey v1 = momento.server.issue(WEEK, Permissions.SUPER_USER);
    V2Key v2 = momento.server.v2Keys().issueAged(V2Keys.OWNER, "", Duration.ZERO, WEEK);
    V2Key revoked = momento.issue(V2Keys.OWNER);

    clock.advance(WEEK);
    momento.server.v2Keys().revoke(revoked.id());

    assertThat(momento.outcomes(v1.token())).containsOnly(UNAUTHENTICATED);
    assertThat(momento.outcomes(v2.token())).containsOnly(UNAUTHENTICATED);
    assertThat(momento.outcomes(revoked.token())).containsOnly(UNAUTHENTICATED);
    assertThat(momento.outcomes(token)).containsOnly(OK);
  }

  @Test
  void subscriptions_end_when_their_key_is_revoked() {
    V2Key key = momento.issue(V2Keys.VIEWER);
    Stream others = momento.subscribe(token).opened();
    Stream stream = momento.subscribe(key.token()).opened();

    momento.server.v2Keys().revoke(key.id());

    assertEndsForWantOfKey(stream);
    assertThat(dataPlane.openSubscriptions()).isEqualTo(1);
    assertThat(others.isQuiet()).isTrue();
  }

  @Test
  void subscriptions_end_when_their_key_expires() {
    IssuedKey v1 = momento.server.issue(WEEK, Permissions.DATA_ONLY);
    V2Key v2 = momento.server.v2Keys().issueAged(V2Keys.OWNER, "", Duration.ZERO, WEEK);
    Stream ofV1 = momento.subscribe(v1.token()).opened();
    Stream ofV2 = momento.subscribe(v2.token()).opened();

    clock.advance(WEEK);

    assertEndsForWantOfKey(ofV1);
    assertEndsForWantOfKey(ofV2);
  }

  @Test
  void subscriptions_end_by_the_real_clock_too() {
    try (DataPlaneFixture now = new DataPlaneFixture(InstantSource.system())) {
      // Connects before the key's time runs.
      now.publish(now.issue(V2Keys.OWNER).token(), 1);
      IssuedKey key = now.server.issue(Duration.ofSeconds(3), Permissions.DATA_ONLY);

      assertEndsForWantOfKey(now.subscribe(key.token()).opened());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        DataPlane.GET,
        DataPlane.SET,
        DataPlane.DELETE,
        DataPlane.PUBLISH,
        DataPlane.SUBSCRIBE
      })
  void faults_are_injected_into_each_call(String call) {
    List<String> names =
        List.of(
            DataPlane.GET, DataPlane.SET, DataPlane.DELETE, DataPlane.PUBLISH, DataPlane.SUBSCRIBE);
    momento.server.calls().onNext(call, new Fault.Refuse<>(outage()));

    assertThat(momento.outcomes(token))
        .containsExactlyElementsOf(
            names.stream().map(name -> name.equals(call) ? UNAVAILABLE : OK).toList());
    assertThat(momento.outcomes(token)).containsOnly(OK);
    assertThat(momento.server.calls().seen())
        .containsExactlyElementsOf(
            java.util.stream.Stream.of(names, names).flatMap(List::stream).toList());
  }

  @Test
  void a_subscription_whose_response_is_dropped_does_not_open() {
    momento.server.calls().onNext(DataPlane.SUBSCRIBE, new Fault.DropResponse<>());

    assertThat(momento.subscribe(token).end().getStatus().getCode()).isEqualTo(UNAVAILABLE);
    assertThat(dataPlane.openSubscriptions()).isZero();
  }

  @Test
  void a_late_subscription_begins_with_what_follows_its_heartbeat() {
    momento
        .server
        .calls()
        .onNext(DataPlane.SUBSCRIBE, new Fault.Before<>(() -> momento.publish(token, 7)));
    Stream stream = momento.subscribe(token).opened();
    momento.publish(token, 8);

    assertThat(stream.next()).isEqualTo("2: 8");
  }

  @Test
  void a_client_counts_as_a_connection_until_it_closes() {
    assertThat(momento.server.openConnections()).isZero();
    momento.publish(token, 1);
    assertThat(momento.server.openConnections()).isEqualTo(1);

    momento.disconnect();

    until(() -> momento.server.openConnections() == 0);
  }

  @Test
  void a_stream_counts_as_a_subscription_until_its_client_cancels_it() {
    Stream stream = momento.subscribe(token).opened();
    momento.subscribe(token, CACHE, "other", 0, 0).opened();
    assertThat(dataPlane.openSubscriptions()).isEqualTo(2);
    assertThat(dataPlane.openSubscriptions(CACHE, TOPIC)).isEqualTo(1);

    stream.cancel();

    until(() -> dataPlane.openSubscriptions() == 1);
    assertThat(dataPlane.openSubscriptions(CACHE, TOPIC)).isZero();
  }

  @Test
  void disconnected_clients_lose_their_streams_and_can_connect_again() {
    Stream stream = momento.subscribe(token).opened();

    momento.server.disconnectClients();

    assertThat(stream.end().getStatus().getCode()).isEqualTo(UNAVAILABLE);
    until(() -> dataPlane.openSubscriptions() == 0);
    momento.subscribe(token).opened();
    assertThat(momento.server.openConnections()).isEqualTo(1);
  }

  @Test
  void a_test_ends_the_subscriptions_of_a_topic() {
    Stream stream = momento.subscribe(token).opened();
    Stream others = momento.subscribe(token, CACHE, "other", 0, 0).opened();

    dataPlane.endSubscriptions(CACHE, TOPIC, Status.RESOURCE_EXHAUSTED);

    assertThat(stream.end().getStatus().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
    momento.publish(token, CACHE, "other", "7");
    assertThat(others.next()).isEqualTo("1: 7");
  }

  @Test
  void a_test_completes_all_subscriptions() {
    Stream stream = momento.subscribe(token).opened();
    Stream others = momento.subscribe(token, CACHE, "other", 0, 0).opened();

    dataPlane.endSubscriptions(Status.OK);

    assertThat(stream.end().getStatus().getCode()).isEqualTo(OK);
    assertThat(others.end().getStatus().getCode()).isEqualTo(OK);
    assertThat(dataPlane.openSubscriptions()).isZero();
  }

  @Test
  void many_calls_are_counted() {
    momento.set(token, CACHE, "a", "1", MINUTE);

    try (ExecutorService clients = Executors.newFixedThreadPool(4)) {
      IntStream.range(0, 5_000).forEach(_ -> clients.execute(() -> momento.get(token, CACHE, "a")));
    }

    assertThat(momento.server.calls().count(DataPlane.GET)).isEqualTo(5_000);
  }

  private static void assertEndsForWantOfKey(Stream stream) {
    StatusRuntimeException end = stream.end();
    assertThat(end.getStatus().getCode()).isEqualTo(UNAUTHENTICATED);
    assertThat(err(end)).isEqualTo("invalid_credentials");
  }

  private static StatusRuntimeException outage() {
    return Status.UNAVAILABLE.asRuntimeException();
  }

  /** Returns the trailer {@code err} with which a call is refused. */
  private static String err(Runnable call) {
    return err(catchThrowableOfType(StatusRuntimeException.class, call::run));
  }

  private static String err(StatusRuntimeException error) {
    return Optional.ofNullable(error.getTrailers())
        .map(trailers -> trailers.get(MomentoServer.header("err")))
        .orElse("none");
  }
}
