package keyrotation.momento;

import static keyrotation.core.FailureReason.MOMENTO_THROTTLED;
import static keyrotation.core.FailureReason.MOMENTO_UNAVAILABLE;
import static keyrotation.core.FailureReason.NEW_KEY_INVALID;
import static keyrotation.core.FailureReason.OUT_OF_TIME;
import static keyrotation.core.FailureReason.RATE_LIMITED_LOCALLY;
import static keyrotation.sandbox.MomentoApiServer.ISSUE;
import static keyrotation.sandbox.MomentoApiServer.LIST;
import static keyrotation.sandbox.MomentoApiServer.REVOKE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.http.HttpClient;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import keyrotation.Settings;
import keyrotation.TimeLimits;
import keyrotation.VirtualTime;
import keyrotation.core.FailureReason;
import keyrotation.core.HostAndPort;
import keyrotation.core.Json;
import keyrotation.core.RateLimit;
import keyrotation.core.RotationException;
import keyrotation.core.Sensitive;
import keyrotation.core.TimeBudget;
import keyrotation.momento.KeyManagement.Order;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.ManualClock;
import keyrotation.sandbox.MomentoApiException;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import keyrotation.sandbox.Sandbox;
import keyrotation.sandbox.V2Key;
import keyrotation.sandbox.V2Keys;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How v2 keys are issued, listed and revoked over HTTP, with the sandbox's server. */
@Execution(ExecutionMode.CONCURRENT)
class KeyManagementTest {

  private static final Order ORDER = new Order("r-viewer", "for a test", new Expiry.Never());

  private final ManualClock clock = new ManualClock();
  private final VirtualTime time = new VirtualTime(clock);
  private final Instant start = time.instant();
  private final Sandbox sandbox = Sandbox.start(clock, RefreshTokens.SINGLE_USE);
  private final V2Keys keys = sandbox.momento().v2Keys();
  private final V2Key manager = keys.issue(V2Keys.OWNER, "management key", Optional.empty());
  private final MomentoApiKeys api = api(sandbox, time);
  private final KeyManagement management = new KeyManagement(api, time, new RateLimit(1000, time));

  @AfterEach
  void stop() {
    api.close();
    sandbox.close();
  }

  @Test
  void issues_a_key_of_the_role_and_expiry_that_were_asked_for() {
    Instant end = start.plus(Duration.ofDays(7));

    MomentoKey.V2 key = issue(new Order("r-viewer", "for a test", new Expiry.At(end)));

    V2Key issued = keys.issued().getLast();
    assertThat(key).isEqualTo(new MomentoKey.V2(token(issued), issued.id(), new Expiry.At(end)));
    assertThat(issued.roleId()).isEqualTo("r-viewer");
    assertThat(issued.description()).isEqualTo("for a test");
  }

  @Test
  void asks_for_no_refresh_token() {
    List<String> answers = new ArrayList<>();
    sandbox
        .momentoApi()
        .alterAnswers(
            body -> {
              answers.add(body);
              return body;
            });

    var _ = issue(new Order("r-viewer", "for a test", new Expiry.At(start.plusSeconds(60))));

    assertThat(answers).singleElement().asString().doesNotContain("refresh_token");
  }

  @Test
  void lists_all_pages() {
    IntStream.range(0, 250)
        .forEach(number -> keys.issue(V2Keys.VIEWER, "key " + number, Optional.empty()));

    assertThat(list())
        .extracting(KeyInfo::id)
        .containsExactlyElementsOf(keys.list().stream().map(V2Key::id).toList());
    assertThat(sandbox.momentoApi().calls().count(LIST)).isEqualTo(3);
  }

  @Test
  void tells_of_each_key_what_momento_tells() {
    Instant end = start.plus(Duration.ofDays(7));
    V2Key key = keys.issue(V2Keys.VIEWER, "of the console", Optional.of(end));

    assertThat(list())
        .contains(
            new KeyInfo(key.id(), "r-viewer", "of the console", start, new Expiry.At(end)),
            new KeyInfo(manager.id(), "r-owner", "management key", start, new Expiry.Never()));
  }

  @Test
  void revokes_a_key_and_takes_a_missing_one_for_revoked() {
    V2Key key = keys.issue(V2Keys.VIEWER, "of the console", Optional.empty());

    revoke(key.id());
    revoke(key.id());

    assertThat(keys.accepts(key.token())).isFalse();
    assertThat(sandbox.momentoApi().calls().count(REVOKE)).isEqualTo(2);
  }

  @Test
  void sends_no_path_in_place_of_an_id() {
    assertThatThrownBy(() -> revoke("../roles")).isInstanceOf(IllegalArgumentException.class);
    assertThat(sandbox.momentoApi().calls().count(REVOKE)).isZero();
  }

  @ParameterizedTest
  @CsvSource({"1, 0", "3, 0", "1, 7"})
  void repeats_a_throttled_issue_as_late_as_momento_asks_for(int times, long pause) {
    for (int call = 1; call <= times; call++) {
      refuse(
          ISSUE,
          call,
          pause == 0
              ? MomentoApiException.throttled()
              : MomentoApiException.throttledFor(Duration.ofSeconds(pause)));
    }

    var _ = issue(ORDER);

    assertThat(issued()).hasSize(1);
    assertThat(Duration.between(start, time.instant()))
        .isGreaterThanOrEqualTo(Duration.ofSeconds(pause));
  }

  @Test
  void waits_until_the_date_that_momento_names() {
    refuse(LIST, 1, MomentoApiException.throttledUntil(start.plusSeconds(7)));

    assertThat(list()).hasSize(1);

    // A wait is up to a fifth longer than Momento asks for.
    assertThat(Duration.between(start, time.instant()))
        .isBetween(Duration.ofSeconds(7), Duration.ofMillis(8500));
  }

  @Test
  void gives_up_a_call_that_stays_throttled() {
    sandbox.momentoApi().calls().onEvery(LIST, new Fault.Refuse<>(MomentoApiException.throttled()));

    assertFails(MOMENTO_THROTTLED, "HTTP 429", this::list);

    assertThat(sandbox.momentoApi().calls().count(LIST)).isEqualTo(4);
  }

  @Test
  void repeats_a_list_and_a_revocation_after_an_error_of_the_service() {
    V2Key key = keys.issue(V2Keys.VIEWER, "of the console", Optional.empty());
    refuse(LIST, 1, MomentoApiException.internal());
    refuse(LIST, 2, MomentoApiException.badGateway());
    refuse(REVOKE, 1, MomentoApiException.internal());

    assertThat(list()).hasSize(2);
    revoke(key.id());

    assertThat(keys.accepts(key.token())).isFalse();
  }

  @Test
  void repeats_an_issue_once_if_momento_may_have_carried_it_out() {
    sandbox
        .momentoApi()
        .calls()
        .onEvery(ISSUE, new Fault.FailAfterwards<>(MomentoApiException.internal()));

    assertFails(MOMENTO_UNAVAILABLE, "HTTP 500", () -> issue(ORDER));

    assertThat(issued()).hasSize(2);
  }

  @Test
  void repeats_an_issue_that_never_reached_momento() {
    VirtualTime other = new VirtualTime();
    try (MomentoApiKeys unreachable =
        new MomentoApiKeys(new HostAndPort("localhost", 1), HttpClient.newBuilder(), other)) {
      KeyManagement nowhere = new KeyManagement(unreachable, other, new RateLimit(1000, other));
      Instant before = other.instant();

      assertFails(
          MOMENTO_UNAVAILABLE,
          "ConnectException",
          () -> nowhere.issue(token(manager), ORDER, budget(other, Duration.ofMinutes(1))));

      // Three pauses, each twice as long as the one before.
      assertThat(Duration.between(before, other.instant()))
          .isBetween(Duration.ofMillis(1400), Duration.ofMillis(1700));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "unauthorized, MANAGEMENT_KEY_REJECTED",
    "forbidden, MANAGEMENT_KEY_REJECTED",
    "notFound, ROLE_NOT_FOUND",
    "badRequest, ISSUE_REJECTED",
  })
  void does_not_repeat_a_call_that_momento_refuses(String error, FailureReason reason) {
    sandbox.momentoApi().calls().onEvery(ISSUE, new Fault.Refuse<>(error(error)));

    assertFails(reason, "HTTP 4", () -> issue(ORDER));

    assertThat(sandbox.momentoApi().calls().count(ISSUE)).isEqualTo(1);
  }

  private static MomentoApiException error(String name) {
    return switch (name) {
      case "unauthorized" -> MomentoApiException.unauthorized();
      case "forbidden" -> MomentoApiException.forbidden();
      case "notFound" -> MomentoApiException.notFound("There is no such role.");
      default -> MomentoApiException.badRequest("A field is invalid.");
    };
  }

  @ParameterizedTest
  @ValueSource(ints = {301, 401, 403, 404, 407, 418})
  void takes_what_an_intermediary_says_for_no_answer_of_momento(int status) {
    sandbox
        .momentoApi()
        .calls()
        .onEvery(ISSUE, new Fault.Refuse<>(MomentoApiException.ofGateway(status)));

    assertFails(MOMENTO_UNAVAILABLE, "HTTP " + status, () -> issue(ORDER));
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      delimiter = ';',
      textBlock =
          """
          {"message":"Forbidden"}; MOMENTO_UNAVAILABLE; HTTP 403
          {"code":"PermissionDenied"}; MANAGEMENT_KEY_REJECTED; (HTTP 403, PermissionDenied)
          {"err":"denied"}; MANAGEMENT_KEY_REJECTED; (HTTP 403)
          {"code":"eyJhbGciOiJ9.e30"}; MANAGEMENT_KEY_REJECTED; (HTTP 403)
          """)
  void takes_a_refusal_for_momentos_by_its_code_and_shows_only_what_may_be_one(
      String body, FailureReason reason, String shown) {
    sandbox
        .momentoApi()
        .calls()
        .onEvery(LIST, new Fault.Refuse<>(MomentoApiException.withBody(403, body)));

    assertFails(reason, shown, this::list);
  }

  @Test
  void an_interruption_ends_a_call_and_is_passed_on() {
    Thread.currentThread().interrupt();

    assertThatThrownBy(this::list)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("Interrupted");

    assertThat(Thread.interrupted()).isTrue();
  }

  @Test
  void makes_no_call_once_it_is_closed() {
    assertThat(list()).hasSize(1);
    api.close();

    assertFails(MOMENTO_UNAVAILABLE, "IOException", this::list);

    assertThat(sandbox.momentoApi().calls().count(LIST)).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "[]",
        "null",
        "{",
        "{}",
        "{\"key_info\":{}}",
        "{\"key_info\":\"none\"}",
        "<html>"
      })
  void a_list_that_is_none_is_an_error(String body) {
    sandbox.momentoApi().alterAnswers(_ -> body);

    assertFails(MOMENTO_UNAVAILABLE, "", this::list);
  }

  @Test
  void a_list_without_an_end_is_an_error() {
    sandbox.momentoApi().alterAnswers(_ -> "{\"key_info\":[],\"next_token\":\"\"}");
    assertThat(list()).isEmpty();
    sandbox
        .momentoApi()
        .alterAnswers(_ -> "{\"key_info\":[],\"next_token\":\"" + manager.id() + "\"}");

    assertFails(MOMENTO_UNAVAILABLE, "no end", this::list);
  }

  @Test
  void an_answer_without_an_end_is_an_error() {
    sandbox.momentoApi().alterAnswers(_ -> "{\"key_info\":[\"" + "x".repeat(2 << 20) + "\"]}");

    assertFails(MOMENTO_UNAVAILABLE, "", this::list);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "7",
        "{}",
        "{\"key_id\":\"../x\",\"role_id\":\"r\",\"issued_at_epoch_seconds\":1}",
        "{\"key_id\":\"x\",\"issued_at_epoch_seconds\":1}",
        "{\"key_id\":\"x\",\"role_id\":\"r\"}",
        "{\"key_id\":\"x\",\"role_id\":\"r\",\"issued_at_epoch_seconds\":1e30}",
        "{\"key_id\":\"x\",\"role_id\":\"r\",\"issued_at_epoch_seconds\":1,"
            + "\"expires_at_epoch_seconds\":-1}",
      })
  void leaves_out_a_key_that_is_described_in_an_unknown_form(String entry) {
    sandbox.momentoApi().alterAnswers(_ -> "{\"key_info\":[" + entry + "]}");

    assertThat(list()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      delimiter = ';',
      textBlock =
          """
          "api_key":"; "api_key":"x.
          "role_id":"r-viewer"; "role_id":"r-owner"
          "description":"for a test"; "description":"for a"
          "key_id":"; "key_id":"x
          "key_info": ; "other":
          "issued_at; "expires_at_epoch_seconds":4000000000,"issued_at
          """)
  void a_key_that_is_not_as_it_was_asked_for_is_revoked_if_its_id_is_known(
      String text, String other) {
    sandbox.momentoApi().alterAnswers(body -> body.replace(text, other));

    assertFails(NEW_KEY_INVALID, "", () -> issue(ORDER));

    boolean isReadable = !text.startsWith("\"api_key");
    assertThat(keys.accepts(issued().getLast().token())).isEqualTo(!isReadable);
  }

  @Test
  void an_answer_that_stops_half_way_ends_with_its_time_limit() {
    sandbox.momentoApi().calls().onEvery(LIST, new Fault.StopHalfway<>());

    assertFails(
        MOMENTO_UNAVAILABLE,
        "no answer in time",
        () -> management.list(token(manager), budget(time, TimeLimits.TO_REFRESH.plusMillis(500))));
  }

  @Test
  void begins_no_call_that_would_leave_too_little_time_to_store_a_key() {
    Duration tooLittle = TimeLimits.TO_REFRESH.minusMillis(1);

    assertFails(
        OUT_OF_TIME,
        "Too little time",
        () -> management.issue(token(manager), ORDER, budget(time, tooLittle)));

    assertThat(issued()).isEmpty();
  }

  @Test
  void an_answer_hides_its_body() {
    ApiAnswer answer =
        api.issue(
            token(manager),
            Json.object().put("role_id", "r-viewer").put("expiry", "never"),
            Duration.ofSeconds(5));

    assertThat(answer).isInstanceOf(ApiAnswer.Success.class);
    assertThat(answer).hasToString("Success[hidden]");
  }

  @Test
  void keeps_to_the_pace_of_refreshes() {
    RateLimit hourly = new RateLimit(Duration.ofHours(1), time);
    var _ = hourly.acquire(1, Duration.ZERO);
    KeyManagement paced = new KeyManagement(api, time, hourly);

    assertFails(
        RATE_LIMITED_LOCALLY,
        "MOMENTO_REFRESHES_PER_SECOND",
        () -> paced.list(token(manager), budget(time, Duration.ofMinutes(1))));
  }

  private void refuse(String action, int nth, MomentoApiException error) {
    sandbox.momentoApi().calls().onNth(action, nth, new Fault.Refuse<>(error));
  }

  private MomentoKey.V2 issue(Order order) {
    return management.issue(token(manager), order, budget(time, Duration.ofMinutes(1)));
  }

  private List<KeyInfo> list() {
    return management.list(token(manager), budget(time, Duration.ofMinutes(1))).keys();
  }

  private void revoke(String id) {
    management.revoke(token(manager), id, budget(time, Duration.ofMinutes(1)));
  }

  private List<V2Key> issued() {
    return keys.issued().stream().filter(key -> !key.equals(manager)).toList();
  }

  private void assertFails(FailureReason reason, String text, ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            RotationException.class,
            e -> {
              assertThat(e.reason()).isEqualTo(reason);
              assertThat(e).hasNoCause().hasMessageContaining(text);
              keys.issued().forEach(key -> assertThat(e).hasMessageNotContaining(key.token()));
            });
  }

  private static Sensitive token(V2Key key) {
    return new Sensitive(key.token());
  }

  private static TimeBudget budget(VirtualTime time, Duration left) {
    return new TimeBudget(time, time.instant().plus(left), TimeBudget.PROPAGATION_GRACE);
  }

  private static MomentoApiKeys api(Sandbox sandbox, VirtualTime time) {
    return new MomentoApiKeys(
        Settings.from(sandbox.environment()).v2().apiEndpoint(),
        HttpClient.newBuilder().sslContext(sandbox.authority().contextForClients()),
        time);
  }
}
