package keyrotation.rotation;

import static keyrotation.sandbox.MomentoApiServer.LIST;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.OutputStream;
import java.io.PrintStream;
import java.net.http.HttpClient;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import keyrotation.RotationHandler;
import keyrotation.Settings;
import keyrotation.VirtualTime;
import keyrotation.core.RateLimit;
import keyrotation.core.RotationException;
import keyrotation.core.TimeBudget;
import keyrotation.momento.KeyManagement;
import keyrotation.momento.MomentoApiKeys;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.ManualClock;
import keyrotation.sandbox.MomentoApiException;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import keyrotation.sandbox.Sandbox;
import keyrotation.sandbox.SecretsManagerState.Value;
import keyrotation.sandbox.V2Key;
import keyrotation.sandbox.V2Keys;
import keyrotation.secretsmanager.SecretStore;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;

/** How the rotations of an invocation share the list of the account's keys. */
class AccountKeysTest {

  private static final String MANAGEMENT_SECRET = "momento/management-key";

  private final ManualClock clock = new ManualClock();
  private final VirtualTime time = new VirtualTime(clock);
  private final Sandbox sandbox = Sandbox.start(clock, RefreshTokens.SINGLE_USE);
  private final V2Keys keys = sandbox.momento().v2Keys();
  private final V2Key listed = keys.issue(V2Keys.OWNER, "management key", Optional.empty());
  private final SecretsManagerClient client =
      RotationHandler.configured(sandbox.secretsManager().functionsClientBuilder());
  private final MomentoApiKeys api =
      new MomentoApiKeys(
          Settings.from(sandbox.environment()).v2().apiEndpoint(),
          HttpClient.newBuilder().sslContext(sandbox.authority().contextForClients()),
          time);
  private final RotationLog log =
      new RotationLog(new PrintStream(OutputStream.nullOutputStream()), time, "1");
  private final TimeBudget budget =
      new TimeBudget(time, time.instant().plus(Duration.ofHours(1)), TimeBudget.PROPAGATION_GRACE);
  private final AccountKeys account =
      new AccountKeys(
          new KeyManagement(api, time, new RateLimit(1000, time)),
          new ManagementKey(
              Optional.of(MANAGEMENT_SECRET),
              new SecretStore(client, Optional.empty(), new RateLimit(1000, time), time),
              log),
          time);

  AccountKeysTest() {
    var _ =
        sandbox
            .secretsManager()
            .state()
            .create(
                MANAGEMENT_SECRET,
                new Value.Text(listed.consoleJson()),
                UUID.randomUUID().toString(),
                null);
  }

  @AfterEach
  void stop() {
    api.close();
    client.close();
    sandbox.close();
  }

  @Test
  void the_list_is_read_once() {
    assertThat(account.findIfListed(listed.id())).isEmpty();

    assertThat(account.find(listed.id(), budget, log)).isPresent();
    assertThat(account.find("another", budget, log)).isEmpty();

    assertThat(account.findIfListed(listed.id())).isPresent();
    assertThat(sandbox.momentoApi().calls().count(LIST)).isEqualTo(1);
  }

  @Test
  void a_second_look_that_fails_leaves_what_was_listed_before() {
    assertThat(account.find(listed.id(), budget, log)).isPresent();
    sandbox.momentoApi().calls().onEvery(LIST, new Fault.Refuse<>(MomentoApiException.internal()));

    assertThatThrownBy(() -> account.findEventually("another", budget, log))
        .isInstanceOf(RotationException.class);

    assertThat(account.find(listed.id(), budget, log)).isPresent();
  }

  @Test
  void a_look_that_failed_does_not_end_a_later_one() {
    assertThat(account.find(listed.id(), budget, log)).isPresent();
    sandbox.momentoApi().calls().onEvery(LIST, new Fault.Refuse<>(MomentoApiException.internal()));
    assertThatThrownBy(() -> account.findEventually("another", budget, log))
        .isInstanceOf(RotationException.class);
    sandbox.momentoApi().calls().clearFaults();
    clock.advance(Duration.ofSeconds(1));
    V2Key later = keys.issue(V2Keys.VIEWER, "console", Optional.empty());

    assertThat(account.findEventually(later.id(), budget, log)).isPresent();
  }

  @Test
  void a_failure_to_list_counts_for_all_until_a_later_look() {
    sandbox.momentoApi().calls().onEvery(LIST, new Fault.Refuse<>(MomentoApiException.internal()));
    assertThatThrownBy(() -> account.find(listed.id(), budget, log))
        .isInstanceOf(RotationException.class);
    int calls = sandbox.momentoApi().calls().count(LIST);

    assertThatThrownBy(() -> account.find(listed.id(), budget, log))
        .isInstanceOf(RotationException.class);

    assertThat(sandbox.momentoApi().calls().count(LIST)).isEqualTo(calls);
  }
}
