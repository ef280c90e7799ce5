package keyrotation.sandbox;

import static io.grpc.Status.Code.INVALID_ARGUMENT;
import static io.grpc.Status.Code.OK;
import static io.grpc.Status.Code.PERMISSION_DENIED;
import static io.grpc.Status.Code.UNAUTHENTICATED;
import static io.grpc.Status.Code.UNAVAILABLE;
import static keyrotation.sandbox.DataPlaneFixture.CACHE;
import static keyrotation.sandbox.DataPlaneFixture.TOPIC;
import static keyrotation.sandbox.DataPlaneFixture.outcome;
import static keyrotation.sandbox.MomentoServer.GENERATE_TOKEN;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.protobuf.ByteString;
import grpc.permission_messages.CacheRole;
import grpc.permission_messages.ExplicitPermissions;
import grpc.permission_messages.Permissions;
import grpc.permission_messages.PermissionsType;
import grpc.permission_messages.PermissionsType.All;
import grpc.permission_messages.PermissionsType.CacheItemSelector;
import grpc.permission_messages.PermissionsType.CachePermissions;
import grpc.permission_messages.PermissionsType.CacheSelector;
import grpc.permission_messages.PermissionsType.TopicPermissions;
import grpc.permission_messages.PermissionsType.TopicSelector;
import grpc.permission_messages.SuperUserPermissions;
import grpc.permission_messages.TopicRole;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import keyrotation.sandbox.DataPermission.AllData;
import momento.token._GenerateDisposableTokenRequest;
import momento.token._GenerateDisposableTokenRequest.Expires;
import momento.token._GenerateDisposableTokenResponse;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class TokenServiceTest {

  private static final Duration WEEK = Duration.ofDays(7);
  private static final Duration HOUR = Duration.ofHours(1);
  private static final All ALL = All.getDefaultInstance();

  private static final PermissionsType READ_ALL =
      cache(CachePermissions.newBuilder().setAllCaches(ALL).setAllItems(ALL));

  private static final PermissionsType ALL_TOPICS =
      PermissionsType.newBuilder()
          .setTopicPermissions(
              TopicPermissions.newBuilder()
                  .setRole(TopicRole.TopicReadWrite)
                  .setAllCaches(ALL)
                  .setAllTopics(ALL))
          .build();

  private final ManualClock clock = new ManualClock();
  private final DataPlaneFixture momento = new DataPlaneFixture(clock);
  private final MomentoServer server = momento.server;
  private final IssuedKey key = server.issue(WEEK, IssuedKey.Permissions.SUPER_USER);

  @AfterEach
  void stop() {
    momento.close();
  }

  @Test
  void a_key_generates_a_token_with_its_endpoint_and_expiry() {
    _GenerateDisposableTokenResponse response = generate(request(READ_ALL, 90).setTokenId("u-1"));

    assertThat(response.getEndpoint()).isEqualTo(MomentoServer.ENDPOINT);
    assertThat(response.getValidUntil()).isEqualTo(clock.instant().getEpochSecond() + 90);
    assertThat(server.tokens())
        .containsExactly(
            new DisposableToken(
                response.getApiKey(),
                "u-1",
                ExplicitPermissions.newBuilder().addPermissions(READ_ALL).build(),
                clock.instant().plusSeconds(90),
                key));
    assertThat(server.calls().seen()).containsExactly(GENERATE_TOKEN);
  }

  @Test
  void the_text_of_a_token_does_not_reveal_it() {
    momento.generateToken(key.token(), READ_ALL);
    DisposableToken token = server.tokens().getFirst();

    assertThat(token.toString())
        .doesNotContain(token.token(), token.apiKey(), key.token(), key.apiKey());
  }

  @Test
  void a_token_is_valid_until_its_lifetime_has_elapsed() {
    String token = generate(request(READ_ALL, 90)).getApiKey();
    clock.advance(Duration.ofSeconds(89));
    assertThat(outcome(() -> momento.get(token, CACHE, "a"))).isEqualTo(OK);

    clock.advance(Duration.ofSeconds(1));

    assertThat(outcome(() -> momento.get(token, CACHE, "a"))).isEqualTo(UNAUTHENTICATED);
  }

  @ParameterizedTest
  @CsvSource({"1, OK", "90000, OK", "90001, INVALID_ARGUMENT", "0, INVALID_ARGUMENT"})
  void a_token_lives_at_most_25_hours(int seconds, Status.Code expected) {
    assertThat(outcome(() -> generate(request(READ_ALL, seconds)))).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource({"1, OK", "20, OK", "21, INVALID_ARGUMENT"})
  void a_token_has_at_most_20_statements(int count, Status.Code expected) {
    PermissionsType[] statements =
        Collections.nCopies(count, READ_ALL).toArray(PermissionsType[]::new);

    assertThat(outcome(() -> momento.generateToken(key.token(), statements))).isEqualTo(expected);
  }

  static Stream<Arguments> incompleteRequests() {
    return Stream.of(
        Arguments.of("no expiry", request(READ_ALL, 90).clearExpires()),
        // The largest number of the message, and not a negative one.
        Arguments.of(
            "136 years",
            request(READ_ALL, 90).setExpires(Expires.newBuilder().setValidForSeconds(-1))),
        Arguments.of("no permissions", request(READ_ALL, 90).clearPermissions()),
        Arguments.of("super user", superUser()),
        Arguments.of("no statements", request(ExplicitPermissions.newBuilder(), 90)),
        Arguments.of("an empty statement", request(PermissionsType.getDefaultInstance(), 90)),
        Arguments.of(
            "no cache", request(cache(CachePermissions.newBuilder().setAllItems(ALL)), 90)),
        Arguments.of(
            "a selector of no cache",
            request(
                cache(
                    CachePermissions.newBuilder()
                        .setCacheSelector(CacheSelector.getDefaultInstance())),
                90)),
        Arguments.of(
            "a selector of no item",
            request(
                cache(
                    CachePermissions.newBuilder()
                        .setAllCaches(ALL)
                        .setItemSelector(CacheItemSelector.getDefaultInstance())),
                90)),
        Arguments.of(
            "an unknown role of a cache",
            request(
                PermissionsType.newBuilder()
                    .setCachePermissions(
                        CachePermissions.newBuilder().setRoleValue(9).setAllCaches(ALL))
                    .build(),
                90)),
        Arguments.of("a topic of no cache", request(topic(TopicPermissions.newBuilder()), 90)),
        Arguments.of(
            "no topic", request(topic(TopicPermissions.newBuilder().setAllCaches(ALL)), 90)),
        Arguments.of(
            "a topic of a selector of no cache",
            request(
                topic(
                    TopicPermissions.newBuilder()
                        .setCacheSelector(CacheSelector.getDefaultInstance())
                        .setAllTopics(ALL)),
                90)),
        Arguments.of(
            "a selector of no topic",
            request(
                topic(
                    TopicPermissions.newBuilder()
                        .setAllCaches(ALL)
                        .setTopicSelector(TopicSelector.getDefaultInstance())),
                90)),
        Arguments.of(
            "an unknown role of a topic",
            request(
                PermissionsType.newBuilder()
                    .setTopicPermissions(
                        TopicPermissions.newBuilder()
                            .setRoleValue(9)
                            .setAllCaches(ALL)
                            .setAllTopics(ALL))
                    .build(),
                90)),
        Arguments.of(
            "a complete and an empty statement",
            request(
                ExplicitPermissions.newBuilder()
                    .addPermissions(READ_ALL)
                    .addPermissions(PermissionsType.getDefaultInstance()),
                90)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("incompleteRequests")
  void an_incomplete_request_is_refused(
      String description, _GenerateDisposableTokenRequest.Builder request) {
    assertThat(outcome(() -> generate(request))).as(description).isEqualTo(INVALID_ARGUMENT);
    assertThat(server.tokens()).isEmpty();
  }

  @Test
  void a_call_whose_two_tokens_differ_is_refused() {
    IssuedKey other = server.issue(WEEK, IssuedKey.Permissions.SUPER_USER);
    _GenerateDisposableTokenRequest request =
        request(READ_ALL, 90).setAuthToken(other.token()).build();

    assertThat(outcome(() -> momento.generateToken(key.token(), request)))
        .isEqualTo(INVALID_ARGUMENT);
  }

  @Test
  void a_data_only_v1_key_generates_no_token() {
    IssuedKey dataOnly = server.issue(WEEK, IssuedKey.Permissions.DATA_ONLY);

    StatusRuntimeException refusal = refusal(dataOnly.token());

    assertThat(refusal.getStatus().getCode()).isEqualTo(PERMISSION_DENIED);
    assertThat(err(refusal)).isEqualTo("momento_general_err");
  }

  @ParameterizedTest
  @EnumSource(AllData.class)
  void a_v2_key_generates_tokens_if_its_role_has_all_data_permissions(AllData data) {
    V2Keys.Role role =
        new V2Keys.Role("r-custom", "Custom", V2Keys.Role.Type.CUSTOM, false, false, data);
    server.v2Keys().add(role);
    String token = momento.issue(role).token();

    assertThat(outcome(() -> momento.generateToken(token, READ_ALL)))
        .isEqualTo(data == AllData.READ_WRITE ? OK : PERMISSION_DENIED);
  }

  @Test
  void an_unknown_expired_or_revoked_key_generates_no_token() {
    V2Key revoked = momento.issue(V2Keys.OWNER);
    server.v2Keys().revoke(revoked.id());
    clock.advance(WEEK);

    for (String token : List.of("unknown", key.token(), revoked.token())) {
      StatusRuntimeException refusal = refusal(token);
      assertThat(refusal.getStatus().getCode()).isEqualTo(UNAUTHENTICATED);
      assertThat(err(refusal)).isEqualTo("invalid_credentials");
    }
    assertThat(server.tokens()).isEmpty();
  }

  @Test
  void a_new_key_generates_tokens_when_it_is_known_everywhere() {
    server.refuseNewKeysAtFirst(1);
    server.v2Keys().refuseNewKeysAtFirst(1);
    String v1 = server.refresh(key).token();
    String v2 = server.v2Keys().issueByCall(V2Keys.OWNER, "", Optional.empty()).token();

    for (String token : List.of(v1, v2)) {
      assertThat(refusal(token).getStatus().getCode()).isEqualTo(UNAUTHENTICATED);
      assertThat(outcome(() -> momento.generateToken(token, READ_ALL))).isEqualTo(OK);
    }
  }

  @Test
  void a_token_makes_no_call_of_the_control_plane() {
    String token = momento.generateToken(key.token(), READ_ALL);

    StatusRuntimeException refusal = refusal(token);
    assertThat(refusal.getStatus().getCode()).isEqualTo(PERMISSION_DENIED);
    assertThat(err(refusal)).isEqualTo("momento_general_err");
    assertThat(outcome(() -> momento.listCaches(token))).isEqualTo(PERMISSION_DENIED);
    assertThat(outcome(() -> momento.refresh(token))).isEqualTo(INVALID_ARGUMENT);
    assertThat(server.tokens()).hasSize(1);
  }

  @Test
  void an_expired_token_is_refused_like_an_unknown_key() {
    String token = momento.generateToken(key.token(), READ_ALL);
    clock.advance(HOUR);

    assertThat(refusal(token).getStatus().getCode()).isEqualTo(UNAUTHENTICATED);
    assertThat(outcome(() -> momento.listCaches(token))).isEqualTo(UNAUTHENTICATED);
    assertThat(momento.outcomes(token)).containsOnly(UNAUTHENTICATED);
  }

  @Test
  void a_token_outlives_its_key() {
    V2Key v2 = momento.issue(V2Keys.OWNER);
    String token = momento.generateToken(v2.token(), READ_ALL);

    server.v2Keys().revoke(v2.id());

    assertThat(outcome(() -> momento.get(token, CACHE, "a"))).isEqualTo(OK);
  }

  @Test
  void restored_keys_do_not_know_later_tokens() {
    String before = momento.generateToken(key.token(), READ_ALL);
    Runnable restore = server.save();
    String later = momento.generateToken(key.token(), READ_ALL);

    restore.run();

    assertThat(outcome(() -> momento.get(before, CACHE, "a"))).isEqualTo(OK);
    assertThat(outcome(() -> momento.get(later, CACHE, "a"))).isEqualTo(UNAUTHENTICATED);
  }

  @Test
  void faults_are_injected_into_the_call() {
    server.calls().onNext(GENERATE_TOKEN, new Fault.Refuse<>(MomentoServer.throttled()));
    assertThat(refusal(key.token()).getStatus().getCode())
        .isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
    assertThat(server.tokens()).isEmpty();

    server.calls().onNext(GENERATE_TOKEN, new Fault.DropResponse<>());
    assertThat(refusal(key.token()).getStatus().getCode()).isEqualTo(UNAVAILABLE);
    assertThat(server.tokens()).hasSize(1);
  }

  @ParameterizedTest
  @CsvSource({
    "CachePermitNone, PERMISSION_DENIED, PERMISSION_DENIED",
    "CacheReadWrite, OK, OK",
    "CacheReadOnly, OK, PERMISSION_DENIED",
    "CacheWriteOnly, PERMISSION_DENIED, OK"
  })
  void a_role_of_caches_allows_reads_or_writes(
      CacheRole role, Status.Code reads, Status.Code writes) {
    String token =
        token(CachePermissions.newBuilder().setRole(role).setAllCaches(ALL).setAllItems(ALL));

    assertThat(momento.outcomes(token))
        .containsExactly(reads, writes, writes, PERMISSION_DENIED, PERMISSION_DENIED);
  }

  @ParameterizedTest
  @CsvSource({
    "TopicPermitNone, PERMISSION_DENIED, PERMISSION_DENIED",
    "TopicReadWrite, OK, OK",
    "TopicReadOnly, PERMISSION_DENIED, OK",
    "TopicWriteOnly, OK, PERMISSION_DENIED"
  })
  void a_role_of_topics_allows_to_publish_or_subscribe(
      TopicRole role, Status.Code publish, Status.Code subscribe) {
    String token =
        token(TopicPermissions.newBuilder().setRole(role).setAllCaches(ALL).setAllTopics(ALL));

    assertThat(momento.outcomes(token))
        .containsExactly(
            PERMISSION_DENIED, PERMISSION_DENIED, PERMISSION_DENIED, publish, subscribe);
  }

  @Test
  void a_cache_is_selected_by_its_exact_name() {
    String[] names = {"session", "sessions", "sessions2", "prices"};
    server.setCaches(Set.of(names));
    CacheSelector one = CacheSelector.newBuilder().setCacheName("sessions").build();
    String ofCache = token(readOnly().setCacheSelector(one).setAllItems(ALL));
    String ofTopic = token(readWrite().setCacheSelector(one).setAllTopics(ALL));
    String ofAll = momento.generateToken(key.token(), READ_ALL, ALL_TOPICS);

    assertThat(cachesRead(ofCache, names)).containsExactly("sessions");
    assertThat(cachesPublishedTo(ofTopic, names)).containsExactly("sessions");
    assertThat(cachesRead(ofAll, names)).containsExactly(names);
    assertThat(cachesPublishedTo(ofAll, names)).containsExactly(names);
  }

  @Test
  void an_item_is_selected_by_its_exact_key() {
    assertThat(keysRead(item(CacheItemSelector.newBuilder().setKey(utf8("user/1")))))
        .containsExactly("user/1");
    assertThat(keysRead(item(CacheItemSelector.newBuilder().setKey(utf8("user/10")))))
        .containsExactly("user/10");
  }

  @Test
  void items_are_selected_by_the_prefix_of_their_keys() {
    assertThat(keysRead(item(CacheItemSelector.newBuilder().setKeyPrefix(utf8("user/1")))))
        .containsExactly("user/1", "user/10", "user/100");
    assertThat(keysRead(item(CacheItemSelector.newBuilder().setKeyPrefix(utf8("user/10")))))
        .containsExactly("user/10", "user/100");
    assertThat(keysRead(item(CacheItemSelector.newBuilder().setKeyPrefix(utf8("")))))
        .containsExactly(KEYS);
  }

  @Test
  void a_prefix_of_keys_consists_of_bytes() {
    ByteString half = utf8("é").substring(0, 1);

    String token = item(CacheItemSelector.newBuilder().setKeyPrefix(half));

    assertThat(outcome(() -> momento.get(token, CACHE, "é"))).isEqualTo(OK);
    assertThat(outcome(() -> momento.get(token, CACHE, "€"))).isEqualTo(PERMISSION_DENIED);
  }

  @Test
  void a_statement_that_names_no_items_is_about_all() {
    assertThat(keysRead(token(readOnly().setAllCaches(ALL)))).containsExactly(KEYS);
    assertThat(keysRead(token(readOnly().setAllCaches(ALL).setAllItems(ALL))))
        .containsExactly(KEYS);
  }

  @Test
  void topics_are_selected_by_exact_name_or_prefix() {
    assertThat(topicsPublished(topics(TopicSelector.newBuilder().setTopicName("user/1"))))
        .containsExactly("user/1");
    assertThat(topicsPublished(topics(TopicSelector.newBuilder().setTopicName("user/10"))))
        .containsExactly("user/10");
    assertThat(topicsPublished(topics(TopicSelector.newBuilder().setTopicNamePrefix("user/1"))))
        .containsExactly("user/1", "user/10", "user/100");
    assertThat(topicsPublished(topics(TopicSelector.newBuilder().setTopicNamePrefix("user/10"))))
        .containsExactly("user/10", "user/100");
  }

  @Test
  void a_subscription_needs_its_topic_in_scope() {
    String token = topics(TopicSelector.newBuilder().setTopicNamePrefix("user/10"));

    assertThat(outcome(() -> momento.subscribe(token, CACHE, "user/10", 0, 0).opened()))
        .isEqualTo(OK);
    assertThat(outcome(() -> momento.subscribe(token, CACHE, "user/1", 0, 0).opened()))
        .isEqualTo(PERMISSION_DENIED);
  }

  @Test
  void statements_add_up() {
    PermissionsType writeOne =
        PermissionsType.newBuilder()
            .setCachePermissions(
                CachePermissions.newBuilder()
                    .setRole(CacheRole.CacheWriteOnly)
                    .setAllCaches(ALL)
                    .setItemSelector(CacheItemSelector.newBuilder().setKey(utf8("a"))))
            .build();
    PermissionsType none =
        PermissionsType.newBuilder()
            .setCachePermissions(CachePermissions.newBuilder().setAllCaches(ALL).setAllItems(ALL))
            .build();
    String token = momento.generateToken(key.token(), none, READ_ALL, writeOne, ALL_TOPICS);

    assertThat(momento.outcomes(token)).containsOnly(OK);
    assertThat(outcome(() -> momento.get(token, CACHE, "b"))).isEqualTo(OK);
    assertThat(outcome(() -> momento.set(token, CACHE, "b", "1", HOUR)))
        .isEqualTo(PERMISSION_DENIED);
  }

  @Test
  void subscriptions_end_when_their_token_expires() {
    String token = momento.generateToken(key.token(), ALL_TOPICS);
    DataPlaneFixture.Stream ofKey = momento.subscribe(key.token()).opened();
    DataPlaneFixture.Stream ofToken = momento.subscribe(token).opened();

    clock.advance(HOUR);

    assertThat(ofToken.end().getStatus().getCode()).isEqualTo(UNAUTHENTICATED);
    assertThat(err(ofToken.end())).isEqualTo("invalid_credentials");
    assertThat(ofKey.isQuiet()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"u-1", ""})
  void a_message_names_the_token_id_of_its_publisher(String id) {
    DataPlaneFixture.Stream stream = momento.subscribe(key.token()).opened();
    String token = generate(request(ALL_TOPICS, 90).setTokenId(id)).getApiKey();

    momento.publish(token, 7);

    assertThat(stream.nextItem().getItem().getPublisherId()).isEqualTo(id);
  }

  @Test
  void a_message_of_a_key_names_no_publisher() {
    DataPlaneFixture.Stream stream = momento.subscribe(key.token()).opened();

    momento.publish(key.token(), CACHE, TOPIC, "7");

    assertThat(stream.nextItem().getItem().getPublisherId()).isEmpty();
  }

  private static final String[] KEYS = {"user", "user/", "user/1", "user/10", "user/100", "user/2"};

  private List<String> keysRead(String token) {
    return Stream.of(KEYS)
        .filter(name -> outcome(() -> momento.get(token, CACHE, name)) == OK)
        .toList();
  }

  private List<String> topicsPublished(String token) {
    return Stream.of(KEYS)
        .filter(name -> outcome(() -> momento.publish(token, CACHE, name, "1")) == OK)
        .toList();
  }

  private List<String> cachesRead(String token, String... names) {
    return Stream.of(names)
        .filter(name -> outcome(() -> momento.get(token, name, "a")) == OK)
        .toList();
  }

  private List<String> cachesPublishedTo(String token, String... names) {
    return Stream.of(names)
        .filter(name -> outcome(() -> momento.publish(token, name, TOPIC, "1")) == OK)
        .toList();
  }

  private String item(CacheItemSelector.Builder selector) {
    return token(readOnly().setAllCaches(ALL).setItemSelector(selector));
  }

  private String topics(TopicSelector.Builder selector) {
    return token(readWrite().setAllCaches(ALL).setTopicSelector(selector));
  }

  private String token(CachePermissions.Builder statement) {
    return momento.generateToken(
        key.token(), PermissionsType.newBuilder().setCachePermissions(statement).build());
  }

  private String token(TopicPermissions.Builder statement) {
    return momento.generateToken(
        key.token(), PermissionsType.newBuilder().setTopicPermissions(statement).build());
  }

  private _GenerateDisposableTokenResponse generate(
      _GenerateDisposableTokenRequest.Builder request) {
    return momento.generateToken(key.token(), request.setAuthToken(key.token()).build());
  }

  private StatusRuntimeException refusal(String token) {
    return catchThrowableOfType(
        StatusRuntimeException.class, () -> momento.generateToken(token, READ_ALL));
  }

  private static CachePermissions.Builder readOnly() {
    return CachePermissions.newBuilder().setRole(CacheRole.CacheReadOnly);
  }

  private static TopicPermissions.Builder readWrite() {
    return TopicPermissions.newBuilder().setRole(TopicRole.TopicReadWrite);
  }

  private static PermissionsType cache(CachePermissions.Builder statement) {
    return PermissionsType.newBuilder()
        .setCachePermissions(statement.setRole(CacheRole.CacheReadOnly))
        .build();
  }

  private static PermissionsType topic(TopicPermissions.Builder statement) {
    return PermissionsType.newBuilder()
        .setTopicPermissions(statement.setRole(TopicRole.TopicReadOnly))
        .build();
  }

  private static _GenerateDisposableTokenRequest.Builder request(
      PermissionsType statement, int seconds) {
    return request(ExplicitPermissions.newBuilder().addPermissions(statement), seconds);
  }

  private static _GenerateDisposableTokenRequest.Builder request(
      ExplicitPermissions.Builder permissions, int seconds) {
    return _GenerateDisposableTokenRequest.newBuilder()
        .setExpires(Expires.newBuilder().setValidForSeconds(seconds))
        .setPermissions(Permissions.newBuilder().setExplicit(permissions));
  }

  private static _GenerateDisposableTokenRequest.Builder superUser() {
    return request(READ_ALL, 90)
        .setPermissions(Permissions.newBuilder().setSuperUser(SuperUserPermissions.SuperUser));
  }

  private static ByteString utf8(String text) {
    return ByteString.copyFromUtf8(text);
  }

  private static String err(StatusRuntimeException error) {
    return Optional.ofNullable(error.getTrailers())
        .map(trailers -> trailers.get(MomentoServer.header("err")))
        .orElse("none");
  }
}
