package keyrotation.tokens;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import grpc.permission_messages.CacheRole;
import grpc.permission_messages.Permissions;
import grpc.permission_messages.PermissionsType;
import grpc.permission_messages.TopicRole;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PolicyTest {

  private static final Duration HOUR = Duration.ofHours(1);

  private static Policy parse(String json) {
    return Policy.parse(json, Authorizer.JWT, HOUR);
  }

  /** Returns a policy whose one rule has these conditions and this one permission. */
  private static Policy policy(String claims, String permission) {
    return parse(
        """
        {"rules": [{"name": "a", "claims": %s, "lifetimeSeconds": 60, "permissions": [%s]}]}
        """
            .formatted(claims, permission));
  }

  private static Identity caller(Map<String, String> claims) {
    return new Identity(claims.getOrDefault("sub", "alice"), claims);
  }

  private static boolean covers(String claims, Map<String, String> of) {
    Policy policy =
        policy(claims, "{\"access\":\"publish\",\"caches\":\"all\",\"topics\":\"all\"}");
    try {
      return policy.ruleFor(caller(of), Optional.empty()).name().equals("a");
    } catch (TokenException e) {
      assertThat(e.reason()).isEqualTo(RefusalReason.RULE_MISSING);
      return false;
    }
  }

  private static PermissionsType granted(String permission, Map<String, String> claims) {
    Identity caller = caller(claims);
    Permissions permissions =
        policy("{}", permission).ruleFor(caller, Optional.empty()).permissionsFor(caller);
    return permissions.getExplicit().getPermissions(0);
  }

  @Test
  void the_policy_in_the_archive_is_valid_and_denies_everything() throws IOException {
    Policy packed = parse(Files.readString(Path.of("src/main/resources/policy.json")));

    assertThat(packed.rules()).isEmpty();
    assertThatThrownBy(() -> packed.ruleFor(caller(Map.of("sub", "alice")), Optional.empty()))
        .isInstanceOf(TokenException.class)
        .hasMessageStartingWith("No rule of the policy covers the caller.");
  }

  @Test
  void the_sample_policy_is_valid() throws IOException {
    assertThat(parse(Files.readString(Path.of("sample-policy.json"))).rules()).hasSize(11);
  }

  @Test
  void the_policy_on_the_page_about_tokens_is_valid() throws IOException {
    String page = Files.readString(Path.of("../docs/tokens.md"));
    Matcher block = Pattern.compile("(?s)```json\n(\\{\n  \"rules\".*?)```").matcher(page);

    assertThat(block.find()).isTrue();
    assertThat(parse(block.group(1)).rules()).hasSize(2);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          read-only  | CacheReadOnly
          write-only | CacheWriteOnly
          read-write | CacheReadWrite
          """)
  void access_to_keys_becomes_a_role_of_a_cache(String access, CacheRole role) {
    PermissionsType granted =
        granted("{\"access\":\"%s\",\"cache\":\"c\",\"key\":\"k\"}".formatted(access), Map.of());

    assertThat(granted.getCachePermissions().getRole()).isEqualTo(role);
    assertThat(granted.getCachePermissions().getCacheSelector().getCacheName()).isEqualTo("c");
    assertThat(granted.getCachePermissions().getItemSelector().getKey())
        .isEqualTo(ByteString.copyFromUtf8("k"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          publish           | TopicWriteOnly
          subscribe         | TopicReadOnly
          publish-subscribe | TopicReadWrite
          """)
  void access_to_topics_becomes_a_role_of_a_topic(String access, TopicRole role) {
    PermissionsType granted =
        granted("{\"access\":\"%s\",\"cache\":\"c\",\"topic\":\"t\"}".formatted(access), Map.of());

    assertThat(granted.getTopicPermissions().getRole()).isEqualTo(role);
    assertThat(granted.getTopicPermissions().getCacheSelector().getCacheName()).isEqualTo("c");
    assertThat(granted.getTopicPermissions().getTopicSelector().getTopicName()).isEqualTo("t");
  }

  @Test
  void prefixes_and_all_names_can_be_granted() {
    var items =
        granted("{\"access\":\"read-only\",\"caches\":\"all\",\"keyPrefix\":\"p\"}", Map.of());
    assertThat(items.getCachePermissions().hasAllCaches()).isTrue();
    assertThat(items.getCachePermissions().getItemSelector().getKeyPrefix().toStringUtf8())
        .isEqualTo("p");

    var keys = granted("{\"access\":\"read-only\",\"cache\":\"c\",\"keys\":\"all\"}", Map.of());
    assertThat(keys.getCachePermissions().hasAllItems()).isTrue();

    var topics =
        granted("{\"access\":\"publish\",\"caches\":\"all\",\"topicPrefix\":\"p\"}", Map.of());
    assertThat(topics.getTopicPermissions().hasAllCaches()).isTrue();
    assertThat(topics.getTopicPermissions().getTopicSelector().getTopicNamePrefix()).isEqualTo("p");

    var all = granted("{\"access\":\"publish\",\"cache\":\"c\",\"topics\":\"all\"}", Map.of());
    assertThat(all.getTopicPermissions().hasAllTopics()).isTrue();
  }

  @Test
  void claims_take_the_place_of_placeholders() {
    var granted =
        granted(
            "{\"access\":\"read-only\",\"cache\":\"of-{tenant}\",\"keyPrefix\":\"{tenant}/user/{sub}/\"}",
            Map.of("sub", "alice@example.com", "tenant", "t-1"));

    assertThat(granted.getCachePermissions().getCacheSelector().getCacheName()).isEqualTo("of-t-1");
    assertThat(granted.getCachePermissions().getItemSelector().getKeyPrefix().toStringUtf8())
        .isEqualTo("t-1/user/alice@example.com/");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "a/b", "a b", "[a b]", "a{b}", "ä", "a\u0000", "*", "a,b"})
  void a_value_with_other_characters_fills_no_placeholder(String value) {
    assertThatThrownBy(
            () ->
                granted(
                    "{\"access\":\"publish\",\"caches\":\"all\",\"topic\":\"{tenant}\"}",
                    Map.of("tenant", value)))
        .isInstanceOfSatisfying(
            TokenException.class,
            e -> assertThat(e.reason()).isEqualTo(RefusalReason.CLAIM_UNUSABLE))
        .hasMessageContaining("the claim tenant");
  }

  @Test
  void a_value_of_128_characters_fills_a_placeholder_and_a_longer_one_does_not() {
    String permission = "{\"access\":\"publish\",\"caches\":\"all\",\"topic\":\"{tenant}\"}";

    assertThatCode(() -> granted(permission, Map.of("tenant", "a".repeat(128))))
        .doesNotThrowAnyException();
    assertThatThrownBy(() -> granted(permission, Map.of("tenant", "a".repeat(129))))
        .isInstanceOf(TokenException.class);
  }

  @Test
  void a_missing_claim_fills_no_placeholder() {
    assertThatThrownBy(
            () ->
                granted(
                    "{\"access\":\"publish\",\"caches\":\"all\",\"topic\":\"{tenant}\"}",
                    Map.of("sub", "alice")))
        .isInstanceOf(TokenException.class);
  }

  @ParameterizedTest
  @CsvSource({"email, a@example.com", "phone_number, 12025550123"})
  void an_address_counts_only_if_it_is_verified(String claim, String value) {
    String condition = "{\"%s\":{\"equals\":\"%s\"}}".formatted(claim, value);
    String topic =
        "{\"access\":\"publish\",\"caches\":\"all\",\"topic\":\"{%s}\"}".formatted(claim);
    String verified = claim + "_verified";

    assertThat(covers(condition, Map.of(claim, value, verified, "true"))).isTrue();
    assertThat(covers(condition, Map.of(claim, value, verified, "false"))).isFalse();
    assertThat(covers(condition, Map.of(claim, value))).isFalse();
    assertThatThrownBy(() -> granted(topic, Map.of(claim, value)))
        .isInstanceOf(TokenException.class);
    assertThat(
            granted(topic, Map.of(claim, value, verified, "true"))
                .getTopicPermissions()
                .getTopicSelector()
                .getTopicName())
        .isEqualTo(value);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          admins            | true
          [admins]          | true
          [users admins]    | true
          [admins users]    | true
          users admins more | true
          [admins2]         | false
          [not-admins]      | false
          [users]           | false
          [admins,users]    | false
          xadmins           | false
          []                | false
          ``                | false
          [admins           | false
          xadmins]          | false
          """)
  void an_element_of_a_list_is_matched_as_a_whole(String groups, boolean isCovered) {
    assertThat(covers("{\"groups\":{\"contains\":\"admins\"}}", Map.of("groups", groups)))
        .isEqualTo(isCovered);
  }

  @Test
  void a_text_is_matched_as_a_whole() {
    String condition = "{\"scope\":{\"equals\":\"admin\"}}";

    assertThat(covers(condition, Map.of("scope", "admin"))).isTrue();
    assertThat(covers(condition, Map.of("scope", "admin user"))).isFalse();
    assertThat(covers(condition, Map.of("scope", "[admin]"))).isFalse();
    assertThat(covers(condition, Map.of())).isFalse();
  }

  @Test
  void all_conditions_have_to_be_met() {
    String conditions = "{\"a\":{\"equals\":\"1\"},\"b\":{\"equals\":\"2\"}}";

    assertThat(covers(conditions, Map.of("a", "1", "b", "2"))).isTrue();
    assertThat(covers(conditions, Map.of("a", "1", "b", "3"))).isFalse();
    assertThat(covers(conditions, Map.of("a", "1"))).isFalse();
  }

  @Test
  void the_first_rule_that_covers_the_caller_applies_unless_the_request_names_another() {
    Policy policy =
        parse(
            """
            {"rules": [
              {"name": "operators", "claims": {"role": {"equals": "operator"}}, "lifetimeSeconds": 1,
               "permissions": [{"access": "publish", "caches": "all", "topics": "all"}]},
              {"name": "all", "claims": {}, "lifetimeSeconds": 1,
               "permissions": [{"access": "subscribe", "caches": "all", "topics": "all"}]}]}
            """);
    Identity operator = caller(Map.of("role", "operator"));
    Identity user = caller(Map.of("role", "user"));

    assertThat(policy.ruleFor(operator, Optional.empty()).name()).isEqualTo("operators");
    assertThat(policy.ruleFor(operator, Optional.of("all")).name()).isEqualTo("all");
    assertThat(policy.ruleFor(user, Optional.empty()).name()).isEqualTo("all");
    assertThatThrownBy(() -> policy.ruleFor(user, Optional.of("operators")))
        .isInstanceOf(TokenException.class);
    assertThatThrownBy(() -> policy.ruleFor(user, Optional.of("none")))
        .isInstanceOf(TokenException.class);
  }

  @Test
  void a_request_can_shorten_a_tokens_life_and_not_extend_it() {
    Policy.Rule rule =
        policy("{}", "{\"access\":\"publish\",\"caches\":\"all\",\"topics\":\"all\"}")
            .rules()
            .getFirst();

    assertThat(rule.lifetime(Optional.empty())).hasSeconds(60);
    assertThat(rule.lifetime(Optional.of(Duration.ofSeconds(59)))).hasSeconds(59);
    assertThat(rule.lifetime(Optional.of(Duration.ofSeconds(61)))).hasSeconds(60);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "user/{sub}/",
        "{sub}/",
        "{a}/{b}/",
        "user-{sub}-x/y",
        "a{sub} ",
        "plain",
        "{a}#{b}\u00e9"
      })
  void a_prefix_may_end_after_a_separator(String prefix) {
    assertThatCode(() -> Template.prefix(prefix)).doesNotThrowAnyException();
  }

  @ParameterizedTest
  @ValueSource(strings = {"user/{sub}", "{a}{b}/", "{a}-{b}/", "user-{sub}-x", "{a}/{b}", "{a}:"})
  void a_prefix_must_not_let_one_value_begin_with_another(String prefix) {
    assertThatThrownBy(() -> Template.prefix(prefix))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("a claim's value cannot contain, such as /");
  }

  @ParameterizedTest
  @ValueSource(strings = {"user/{sub}", "{a}/{b}", "{sub}", "plain", "{a} {b}:"})
  void a_whole_name_may_end_in_a_placeholder(String name) {
    assertThatCode(() -> Template.exact(name)).doesNotThrowAnyException();
  }

  @ParameterizedTest
  @ValueSource(strings = {"{a}{b}", "{a}-{b}", "{a}.{b}/{c}:{d}", "x{a}y{b}"})
  void a_whole_name_must_not_let_two_values_flow_together(String name) {
    assertThatThrownBy(() -> Template.exact(name)).isInstanceOf(IllegalArgumentException.class);
  }

  private static String twoPermissions(String one, String other) {
    return """
    {"rules": [
      {"name": "a", "claims": {}, "lifetimeSeconds": 60, "permissions": [{%s}]},
      {"name": "b", "claims": {}, "lifetimeSeconds": 60, "permissions": [{%s}]}]}
    """
        .formatted(one, other);
  }

  private static String items(String cache, String field, String text) {
    return "\"access\":\"read-only\",%s,\"%s\":\"%s\"".formatted(cache, field, text);
  }

  @ParameterizedTest
  @CsvSource({
    "keyPrefix, {tenant}/, keyPrefix, user/{sub}/",
    "keyPrefix, user/{sub}/, keyPrefix, user/{tenant}/",
    "keyPrefix, user/{sub}/, keyPrefix, user/admin/",
    "keyPrefix, user/{sub}/, key, user/admin/theme",
    "key, {sub}, key, theme",
    "key, x-{sub}, key, {sub}-x",
    "keyPrefix, a-{sub}/, keyPrefix, a-{sub}-b/",
    "key, {a}/{b}, key, {a}/{c}",
  })
  void names_that_a_claims_value_could_mix_up_are_refused(
      String field, String text, String otherField, String otherText) {
    for (String cache : List.of("\"caches\":\"all\"", "\"cache\":\"c\"", "\"cache\":\"{t}\"")) {
      String one = items("\"caches\":\"all\"", field, text);
      String other = items(cache, otherField, otherText);

      assertThatThrownBy(() -> parse(twoPermissions(one, other)))
          .hasMessageContaining(
              "rules[1].permissions[0].%s must not overlap with rules[0].permissions[0].%s"
                  .formatted(otherField, field));
      assertThatThrownBy(() -> parse(twoPermissions(other, one)))
          .hasMessageContaining("must not overlap");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "keyPrefix, user/{sub}/, key, user/{sub}/theme",
    "keyPrefix, user/{sub}/, keyPrefix, user/",
    "keyPrefix, user/{sub}/, keyPrefix, user/1",
    "keyPrefix, user/{sub}/, keyPrefix, tenant/{tenant}/",
    "keyPrefix, t/{tenant}/, keyPrefix, t/{tenant}/{sub}/",
    "keyPrefix, user/{sub}/, key, user/{sub}",
    "keyPrefix, user/{sub}/, key, user",
    "key, user/{sub}, keyPrefix, user/1",
    "key, x-{sub}, key, y-{sub}",
    "key, {sub}-x, key, theme",
    "key, x-{sub}, key, x-",
    "key, x-{sub}/a, key, x-1#a",
  })
  void names_that_no_value_can_mix_up_are_allowed(
      String field, String text, String otherField, String otherText) {
    String one = items("\"cache\":\"c\"", field, text);
    String other = items("\"cache\":\"c\"", otherField, otherText);

    assertThatCode(() -> parse(twoPermissions(one, other))).doesNotThrowAnyException();
    assertThatCode(() -> parse(twoPermissions(other, one))).doesNotThrowAnyException();
  }

  @Test
  void names_in_different_caches_and_of_topics_and_keys_have_nothing_to_do_with_each_other() {
    String keys = items("\"cache\":\"c\"", "keyPrefix", "{sub}/");

    assertThatCode(() -> parse(twoPermissions(keys, items("\"cache\":\"d\"", "keyPrefix", "a/"))))
        .doesNotThrowAnyException();
    assertThatCode(
            () ->
                parse(
                    twoPermissions(
                        keys, "\"access\":\"publish\",\"cache\":\"c\",\"topicPrefix\":\"a/\"")))
        .doesNotThrowAnyException();
  }

  @Test
  void a_cache_that_a_claims_value_could_name_is_refused() {
    String keys = "\"access\":\"read-only\",\"keys\":\"all\",\"cache\":\"%s\"";

    assertThatThrownBy(
            () -> parse(twoPermissions(keys.formatted("{tenant}"), keys.formatted("prices"))))
        .hasMessageContaining(
            "rules[1].permissions[0].cache must not overlap with rules[0].permissions[0].cache");
    assertThatCode(
            () -> parse(twoPermissions(keys.formatted("of-{tenant}"), keys.formatted("prices"))))
        .doesNotThrowAnyException();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          []                              | It must be one JSON object
          {"rules":[],"rules":[]}         | It must be one JSON object
          {"rules":[]} {}                 | It must be one JSON object
          {}                              | rules must be a list.
          {"rules":{}}                    | rules must be a list.
          {"rule":[],"rules":[]}          | rule must be left out
          {"rules":[1]}                   | rules[0].name must be a text that is not empty.
          {"rules":[{"name":"a b"}]}      | rules[0].name must be 1 to 64 characters
          {"rules":[{"name":"a"}]}        | rules[0].claims must be an object
          {"rules":[{"name":"a"}]}        | rules[0].lifetimeSeconds must be a whole number from 1 to 3600.
          {"rules":[{"name":"a"}]}        | rules[0].permissions must be a list of 1 to 20 permissions.
          {"rules":[{"name":"a","x":1}]}  | rules[0].x must be left out
          {"rules":[{"name":"a"},{"name":"a"}]}        | rules[1].name must differ
          {"rules":[{"lifetimeSeconds":0}]}            | rules[0].lifetimeSeconds must be
          {"rules":[{"lifetimeSeconds":3601}]}         | rules[0].lifetimeSeconds must be
          {"rules":[{"lifetimeSeconds":1.5}]}          | rules[0].lifetimeSeconds must be
          {"rules":[{"lifetimeSeconds":"60"}]}         | rules[0].lifetimeSeconds must be
          {"rules":[{"claims":{"g":"x"}}]}             | rules[0].claims.g must be {"equals": TEXT}
          {"rules":[{"claims":{"g":{}}}]}              | rules[0].claims.g must be {"equals": TEXT}
          {"rules":[{"claims":{"g":{"is":"x"}}}]}      | rules[0].claims.g.is must be left out
          {"rules":[{"claims":{"g":{"equals":""}}}]}   | rules[0].claims.g.equals must be a text
          {"rules":[{"claims":{"g":{"equals":1}}}]}    | rules[0].claims.g.equals must be a text
          {"rules":[{"claims":{"g":{"contains":"a b"}}}]} | rules[0].claims.g.contains must have no space
          {"rules":[{"permissions":[]}]}               | rules[0].permissions must be a list of 1 to 20
          {"rules":[{"permissions":[{"access":"all"}]}]}                     | rules[0].permissions[0].access must be read-only
          {"rules":[{"permissions":[{"access":"publish"}]}]}                 | rules[0].permissions[0] must have either cache
          {"rules":[{"permissions":[{"access":"publish","cache":"c","caches":"all"}]}]} | rules[0].permissions[0] must have either cache
          {"rules":[{"permissions":[{"access":"publish","caches":"*"}]}]}    | rules[0].permissions[0].caches must be "all".
          {"rules":[{"permissions":[{"access":"publish","cache":"c"}]}]}     | rules[0].permissions[0] must have one of topic, topicPrefix and topics
          {"rules":[{"permissions":[{"access":"publish","cache":"c","key":"k"}]}]}  | rules[0].permissions[0].key must be left out
          {"rules":[{"permissions":[{"access":"read-only","cache":"c","topic":"t"}]}]} | rules[0].permissions[0].topic must be left out
          {"rules":[{"permissions":[{"access":"publish","cache":"c","topic":"t","topics":"all"}]}]} | rules[0].permissions[0] must have one of topic
          {"rules":[{"permissions":[{"access":"publish","cache":"c","topics":"some"}]}]} | rules[0].permissions[0].topics must be "all".
          {"rules":[{"permissions":[{"access":"publish","cache":"","topic":"t"}]}]}  | rules[0].permissions[0].cache must not be empty.
          {"rules":[{"permissions":[{"access":"publish","cache":"c","topicPrefix":"{sub}"}]}]} | rules[0].permissions[0].topicPrefix must have a character after {sub}
          {"rules":[{"permissions":[{"access":"publish","cache":"c","topic":"{sub"}]}]}  | rules[0].permissions[0].topic must have braces around names of claims only
          {"rules":[{"permissions":[{"access":"publish","cache":"c","topic":"{}"}]}]}  | rules[0].permissions[0].topic must have braces around names of claims only
          {"rules":[{"permissions":[{"access":"publish","cache":"c","topic":"{sub }"}]}]}  | rules[0].permissions[0].topic must have braces around names of claims only
          {"rules":[{"permissions":[{"access":"publish","cache":"c","topic":"sub}"}]}]}  | rules[0].permissions[0].topic must have braces around names of claims only
          """)
  void an_invalid_policy_is_refused_with_the_place_and_the_rule(String json, String mistake) {
    assertThatThrownBy(() -> parse(json))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(mistake);
  }

  @Test
  void more_than_20_permissions_are_refused() {
    String one = "{\"access\":\"publish\",\"caches\":\"all\",\"topics\":\"all\"}";

    assertThatCode(() -> policy("{}", (one + ",").repeat(19) + one)).doesNotThrowAnyException();
    assertThatThrownBy(() -> policy("{}", (one + ",").repeat(20) + one))
        .hasMessageContaining("must be a list of 1 to 20 permissions");
  }

  @Test
  void callers_with_aws_credentials_have_three_claims_only() {
    String json =
        """
        {"rules": [{"name": "a", "claims": {"%s": {"equals": "x"}}, "lifetimeSeconds": 60,
          "permissions": [{"access": "publish", "caches": "all", "topic": "{%s}"}]}]}
        """;

    assertThatCode(() -> Policy.parse(json.formatted("role", "user"), Authorizer.IAM, HOUR))
        .doesNotThrowAnyException();
    assertThatThrownBy(() -> Policy.parse(json.formatted("groups", "sub"), Authorizer.IAM, HOUR))
        .hasMessageContaining("rules[0].claims.groups must name account, role or user")
        .hasMessageContaining("rules[0].permissions[0].topic must name account, role or user");
  }
}
