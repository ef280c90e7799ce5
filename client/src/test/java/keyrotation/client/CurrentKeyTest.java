package keyrotation.client;

import static keyrotation.client.ClientFixture.NEVER;
import static keyrotation.client.ClientFixture.SECRET;
import static keyrotation.client.ClientFixture.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.SecretsManagerException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** How the current key of a secret is read and followed, with the sandbox's Secrets Manager. */
class CurrentKeyTest {

  private static final Duration SHORT = Duration.ofMillis(20);

  private final ClientFixture fixture = new ClientFixture();

  @AfterEach
  void stop() {
    fixture.close();
  }

  @Test
  void reads_the_secret_once_and_then_answers_without_a_call() {
    String version = fixture.store(fixture.v2Key());

    try (CurrentKey key = fixture.key().timeToLive(NEVER).build()) {
      assertThat(key.get().versionId()).isEqualTo(version);
      assertThat(key.get()).isSameAs(key.get());
    }
    assertThat(fixture.reads()).isEqualTo(1);
  }

  @Test
  void reads_both_kinds_of_key() {
    fixture.store(fixture.v1Key());
    try (CurrentKey key = fixture.key().timeToLive(NEVER).build()) {
      String version = fixture.store(fixture.v2Key());

      assertThat(await(key.refresh(key.get())).versionId()).isEqualTo(version);
    }
  }

  @Test
  void notices_a_change_when_the_time_to_live_is_over() throws InterruptedException {
    fixture.store(fixture.v2Key());
    try (CurrentKey key = fixture.key().timeToLive(SHORT).build()) {
      var changes = new LinkedBlockingQueue<ApiKey>();
      key.onChange(key.get(), changes::add);

      String version = fixture.store(fixture.v2Key());

      assertThat(changes.take().versionId()).isEqualTo(version);
      await("the key", () -> key.get().versionId().equals(version));
    }
  }

  @Test
  void reports_each_change_once_and_no_read_that_finds_the_same_version() {
    fixture.store(fixture.v2Key());
    try (CurrentKey key = fixture.key().timeToLive(SHORT).build()) {
      List<String> changes = new ArrayList<>();
      key.onChange(key.get(), changed -> changes.add(changed.versionId()));
      String version = fixture.store(fixture.v2Key());
      await("the change", () -> key.get().versionId().equals(version));
      int reads = fixture.reads();
      await("more reads", () -> fixture.reads() > reads + 3);

      assertThat(changes).containsExactly(version);
    }
  }

  @Test
  void reports_to_a_listener_that_has_an_older_key() throws InterruptedException {
    fixture.store(fixture.v2Key());
    try (CurrentKey key = fixture.key().timeToLive(NEVER).build()) {
      ApiKey old = key.get();
      fixture.store(fixture.v2Key());
      ApiKey newest = await(key.refresh(old));
      var changes = new LinkedBlockingQueue<ApiKey>();

      key.onChange(old, changes::add);

      assertThat(changes.take()).isEqualTo(newest);
    }
  }

  @Test
  void calls_a_listener_again_that_has_failed() {
    fixture.store(fixture.v2Key());
    try (CurrentKey key = fixture.key().timeToLive(SHORT).build()) {
      AtomicInteger calls = new AtomicInteger();
      List<String> others = new ArrayList<>();
      key.onChange(
          key.get(),
          changed -> {
            if (calls.incrementAndGet() < 3) {
              throw new NoClassDefFoundError("not yet");
            }
          });
      key.onChange(key.get(), changed -> others.add(changed.versionId()));

      String version = fixture.store(fixture.v2Key());

      await("three calls", () -> calls.get() == 3);
      assertThat(others).containsExactly(version);
    }
  }

  @Test
  void returns_a_new_key_only_when_all_listeners_have_it() {
    fixture.store(fixture.v2Key());
    try (CurrentKey key = fixture.key().timeToLive(NEVER).build()) {
      CountDownLatch isCalled = new CountDownLatch(1);
      CountDownLatch isDone = new CountDownLatch(1);
      key.onChange(
          key.get(),
          changed -> {
            isCalled.countDown();
            await(isDone);
          });
      ApiKey old = key.get();
      String version = fixture.store(fixture.v2Key());
      CompletableFuture<ApiKey> demand = key.refresh(old);
      await(isCalled);

      assertThat(key.get()).isEqualTo(old);
      assertThat(key.refresh(old)).isNotDone();

      isDone.countDown();
      assertThat(await(demand).versionId()).isEqualTo(version);
    }
  }

  @Test
  void calls_no_listener_that_has_ended() {
    fixture.store(fixture.v2Key());
    try (CurrentKey key = fixture.key().timeToLive(NEVER).build()) {
      AtomicInteger calls = new AtomicInteger();
      key.onChange(key.get(), changed -> calls.incrementAndGet()).close();
      fixture.store(fixture.v2Key());

      await(key.refresh(key.get()));

      assertThat(calls).hasValue(0);
    }
  }

  @Test
  void keeps_the_last_good_key_while_secrets_manager_is_away() {
    fixture.store(fixture.v2Key());
    try (CurrentKey key = fixture.key().timeToLive(SHORT).build()) {
      ApiKey before = key.get();
      fixture.refuseReads();
      int reads = fixture.reads();
      await("failed reads", () -> fixture.reads() > reads + 3);
      assertThat(key.get()).isEqualTo(before);
      await("the failure", () -> key.failure().isPresent());
      assertThat(key.failure()).get().asString().contains("Could not read the secret");

      String version = fixture.store(fixture.v2Key());
      fixture.sandbox.clearFaults();

      await("the new key", () -> key.get().versionId().equals(version));
      assertThat(key.failure()).isEmpty();
    }
  }

  @Test
  void keeps_the_last_good_key_while_the_secret_holds_none() {
    fixture.store(fixture.v2Key());
    try (CurrentKey key = fixture.key().timeToLive(SHORT).build()) {
      ApiKey before = key.get();

      fixture.store("{}");
      int reads = fixture.reads();
      await("more reads", () -> fixture.reads() > reads + 2);

      assertThat(key.get()).isEqualTo(before);
    }
  }

  @Test
  void returns_a_newer_key_on_demand_without_a_read() {
    fixture.store(fixture.v2Key());
    try (CurrentKey key = fixture.key().timeToLive(NEVER).build()) {
      ApiKey old = key.get();
      fixture.store(fixture.v2Key());
      ApiKey newest = await(key.refresh(old));

      assertThat(key.refresh(old)).isCompletedWithValue(newest);
      assertThat(fixture.reads()).isEqualTo(2);
    }
  }

  @Test
  void reads_the_secret_when_an_event_has_told_of_a_change() {
    fixture.store(fixture.v2Key());
    try (CurrentKey key = fixture.key().timeToLive(NEVER).build()) {
      String version = fixture.store(fixture.v2Key());

      assertThat(await(key.refresh()).versionId()).isEqualTo(version);
    }
  }

  @Test
  void makes_one_read_for_a_storm_of_demands() {
    fixture.store(fixture.v2Key());
    try (CurrentKey key = fixture.key().timeToLive(NEVER).build()) {
      ApiKey old = key.get();
      String version = fixture.store(fixture.v2Key());

      List<CompletableFuture<ApiKey>> demands = new ArrayList<>();
      for (int demand = 0; demand < 1000; demand++) {
        demands.add(key.refresh(old));
      }

      assertThat(demands).allSatisfy(d -> assertThat(await(d).versionId()).isEqualTo(version));
      assertThat(fixture.reads()).isEqualTo(2);
    }
  }

  @Test
  void makes_at_most_one_read_on_demand_a_second() {
    fixture.store(fixture.v2Key());
    try (CurrentKey key = fixture.key().timeToLive(NEVER).build()) {
      await(key.refresh(key.get()));
      long first = System.nanoTime();

      await(key.refresh(key.get()));

      assertThat(Duration.ofNanos(System.nanoTime() - first)).isGreaterThan(Duration.ofMillis(800));
      assertThat(fixture.reads()).isEqualTo(3);
    }
  }

  @Test
  void ends_a_demand_with_the_last_good_key_if_the_secret_cannot_be_read() {
    fixture.store(fixture.v2Key());
    try (CurrentKey key = fixture.key().timeToLive(NEVER).build()) {
      fixture.refuseReads();

      assertThat(await(key.refresh(key.get()))).isEqualTo(key.get());
    }
  }

  @Test
  void ends_a_demand_when_it_is_closed_and_refuses_none_after() {
    fixture.store(fixture.v2Key());
    CurrentKey key = fixture.key().timeToLive(NEVER).build();
    CompletableFuture<ApiKey> demand = key.refresh(key.get());

    key.close();

    assertThat(await(demand)).isEqualTo(key.get());
    assertThat(key.refresh(key.get())).isCompletedWithValue(key.get());
  }

  @Test
  void leaves_no_thread_behind() {
    String secret = "of this test alone";
    fixture.secretsManager.createSecret(
        r -> r.name(secret).secretString(fixture.v2Key().consoleJson()));
    CurrentKey key = CurrentKey.builder(fixture.secretsManager, secret).timeToLive(SHORT).build();
    await("the thread", () -> isAlive("current-key-" + secret));

    key.close();

    await("the thread's end", () -> !isAlive("current-key-" + secret));
  }

  private static boolean isAlive(String thread) {
    return Thread.getAllStackTraces().keySet().stream()
        .anyMatch(alive -> alive.getName().equals(thread));
  }

  @Test
  void says_at_the_start_why_the_secret_cannot_be_read() {
    assertThatThrownBy(() -> fixture.key().build())
        .isInstanceOf(KeyUnavailableException.class)
        .hasMessageStartingWith("Could not read the secret momento/api-key: ")
        .hasMessageEndingWith("Check the secret's name and the region.");
  }

  @Test
  void names_the_permissions_that_the_application_needs() {
    fixture.store(fixture.v2Key());
    fixture
        .sandbox
        .secretsManager()
        .calls()
        .onEvery(
            "GetSecretValue",
            new Fault.Refuse<>(
                SecretsManagerException.accessDenied("secretsmanager:GetSecretValue", SECRET)));

    assertThatThrownBy(() -> fixture.key().build())
        .hasMessageContaining(
            "Allow the application secretsmanager:GetSecretValue, and kms:Decrypt");
  }

  @Test
  void refuses_a_time_to_live_that_is_not_positive() {
    assertThatThrownBy(() -> fixture.key().timeToLive(Duration.ZERO))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
