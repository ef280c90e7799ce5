package keyrotation.client;

import static keyrotation.client.ClientFixture.NEVER;
import static keyrotation.client.ClientFixture.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Status;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import keyrotation.sandbox.DataPlane;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.Sandbox;
import keyrotation.sandbox.SandboxKey;
import keyrotation.sandbox.V2Key;
import keyrotation.sandbox.V2Keys;
import momento.sdk.CacheClient;
import momento.sdk.config.Configurations;
import momento.sdk.exceptions.MomentoErrorCode;
import momento.sdk.responses.cache.GetResponse;
import momento.sdk.responses.cache.SetResponse;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** How calls of Momento's cache client follow the key, with the SDK and the sandbox's Momento. */
class CacheClientTest {

  private static final String CACHE = "sessions";

  private final ClientFixture fixture = new ClientFixture();
  private final Sandbox.Route route = fixture.sandbox.routeMomentoHosts();

  @AfterEach
  void stop() {
    route.close();
    fixture.close();
  }

  @Test
  void uses_keys_of_both_kinds() {
    fixture.store(fixture.v1Key());
    try (CurrentKey key = key();
        FollowingClient<CacheClient> cache = cache(key)) {
      assertThat(await(set(cache, "v1"))).isInstanceOf(SetResponse.Success.class);
      rotate(key, fixture.v2Key());

      assertThat(value(await(get(cache)))).isEqualTo("v1");
      assertThat(fixture.reads()).isEqualTo(2);
    }
  }

  @Test
  void repeats_a_call_with_the_newer_key_if_its_own_was_revoked() {
    V2Key old = fixture.v2Key();
    fixture.store(old);
    try (CurrentKey key = key();
        FollowingClient<CacheClient> cache = cache(key)) {
      await(set(cache, "before"));
      fixture.store(fixture.v2Key());
      fixture.sandbox.momento().v2Keys().revoke(old.id());

      assertThat(value(await(get(cache)))).isEqualTo("before");
      assertThat(fixture.reads()).isEqualTo(2);
      assertThat(calls(DataPlane.GET)).isEqualTo(2);
    }
  }

  @Test
  void returns_the_rejection_if_there_is_no_newer_key() {
    V2Key revoked = fixture.v2Key();
    fixture.store(revoked);
    fixture.sandbox.momento().v2Keys().revoke(revoked.id());
    try (CurrentKey key = key();
        FollowingClient<CacheClient> cache = cache(key)) {
      assertThat(await(get(cache)))
          .isInstanceOfSatisfying(
              GetResponse.Error.class,
              error ->
                  assertThat(error.getErrorCode())
                      .isEqualTo(MomentoErrorCode.AUTHENTICATION_ERROR));
      assertThat(calls(DataPlane.GET)).isEqualTo(1);
    }
  }

  @Test
  void repeats_a_rejected_call_once() {
    V2Key old = fixture.v2Key();
    fixture.store(old);
    try (CurrentKey key = key();
        FollowingClient<CacheClient> cache = cache(key)) {
      V2Key dead = fixture.v2Key();
      fixture.store(dead);
      fixture.sandbox.momento().v2Keys().revoke(old.id());
      fixture.sandbox.momento().v2Keys().revoke(dead.id());

      assertThat(await(get(cache))).isInstanceOf(GetResponse.Error.class);
      assertThat(calls(DataPlane.GET)).isEqualTo(2);
    }
  }

  @Test
  void falls_back_to_the_previous_key_if_the_new_one_is_not_known_yet() {
    fixture.store(fixture.v2Key());
    try (CurrentKey key = key();
        FollowingClient<CacheClient> cache = cache(key)) {
      await(set(cache, "before"));
      V2Key unknown = fixture.v2Key();
      fixture.sandbox.momento().v2Keys().revoke(unknown.id());
      rotate(key, unknown);

      assertThat(value(await(get(cache)))).isEqualTo("before");
    }
  }

  @Test
  void follows_a_rollback() {
    fixture.store(fixture.v2Key());
    try (CurrentKey key = key();
        FollowingClient<CacheClient> cache = cache(key)) {
      await(set(cache, "before"));
      V2Key bad = fixture.v2Key();
      rotate(key, bad);
      ApiKey badKey = key.get();
      fixture.rollBack();
      fixture.sandbox.momento().v2Keys().revoke(bad.id());

      assertThat(value(await(get(cache)))).isEqualTo("before");
      assertThat(key.get()).isNotEqualTo(badKey);
    }
  }

  @Test
  void leaves_other_errors_alone() {
    V2Key viewer =
        fixture.sandbox.momento().v2Keys().issue(V2Keys.VIEWER, "viewer", Optional.empty());
    fixture.store(viewer);
    try (CurrentKey key = key();
        FollowingClient<CacheClient> cache = cache(key)) {
      assertThat(await(set(cache, "x")))
          .isInstanceOfSatisfying(
              SetResponse.Error.class,
              error ->
                  assertThat(error.getErrorCode()).isEqualTo(MomentoErrorCode.PERMISSION_ERROR));
      fixture
          .sandbox
          .momento()
          .calls()
          .onEvery(
              DataPlane.GET, new Fault.Refuse<>(Status.RESOURCE_EXHAUSTED.asRuntimeException()));
      assertThat(await(get(cache))).isInstanceOf(GetResponse.Error.class);

      assertThat(fixture.reads()).isEqualTo(1);
      assertThat(calls(DataPlane.SET)).isEqualTo(1);
    }
  }

  @Test
  void closes_the_connections_of_old_clients() {
    fixture.store(fixture.v2Key());
    try (CurrentKey key = key();
        FollowingClient<CacheClient> cache =
            new FollowingClient<>(key, CacheClientTest::client, Duration.ofMillis(1))) {
      for (int rotation = 0; rotation < 3; rotation++) {
        assertThat(await(set(cache, "x"))).isInstanceOf(SetResponse.Success.class);
        rotate(key, fixture.v2Key());
      }
      assertThat(await(set(cache, "x"))).isInstanceOf(SetResponse.Success.class);

      await("one connection", () -> fixture.sandbox.momento().openConnections() == 1);
    }
    await("no connection", () -> fixture.sandbox.momento().openConnections() == 0);
  }

  /** Stores another key, and waits until it is followed. */
  private void rotate(CurrentKey key, SandboxKey next) {
    fixture.rotate(key, next);
  }

  private CurrentKey key() {
    return fixture.key().timeToLive(NEVER).build();
  }

  private static FollowingClient<CacheClient> cache(CurrentKey key) {
    return new FollowingClient<>(key, CacheClientTest::client);
  }

  private static CacheClient client(ApiKey key) {
    return new CacheClient(
        new MomentoCredentials(key), Configurations.Laptop.latest(), Duration.ofMinutes(10));
  }

  private static CompletableFuture<SetResponse> set(
      FollowingClient<CacheClient> cache, String value) {
    return cache.call(client -> client.set(CACHE, "key", value));
  }

  private static CompletableFuture<GetResponse> get(FollowingClient<CacheClient> cache) {
    return cache.call(client -> client.get(CACHE, "key"));
  }

  private static String value(GetResponse response) {
    assertThat(response).isInstanceOf(GetResponse.Hit.class);
    return ((GetResponse.Hit) response).valueString();
  }

  private int calls(String name) {
    return fixture.sandbox.momento().calls().count(name);
  }
}
