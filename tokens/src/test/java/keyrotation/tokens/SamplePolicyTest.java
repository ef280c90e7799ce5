package keyrotation.tokens;

import static momento.sdk.auth.accessControl.CacheSelector.AllCaches;
import static momento.sdk.auth.accessControl.TopicSelector.AllTopics;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import keyrotation.sandbox.DisposableToken;
import keyrotation.sandbox.IssuedKey;
import keyrotation.sandbox.IssuedKey.Permissions;
import momento.sdk.AuthClient;
import momento.sdk.auth.CredentialProvider;
import momento.sdk.auth.accessControl.DisposableTokenScope;
import momento.sdk.auth.accessControl.DisposableTokenScopes;
import momento.sdk.auth.accessControl.ExpiresIn;
import momento.sdk.responses.auth.GenerateDisposableTokenResponse;
import org.junit.jupiter.api.Test;

/**
 * The sample policy has the examples of Momento's page on tokens. Momento's own SDK asks for the
 * same permissions.
 */
class SamplePolicyTest {

  private record Example(DisposableTokenScope scope, int seconds) {}

  private static Map<String, Example> examples() {
    Map<String, Example> examples = new LinkedHashMap<>();
    examples.put(
        "one-key-in-one-cache",
        new Example(DisposableTokenScopes.cacheKeyReadWrite("squirrels", "mo"), 30 * 60));
    examples.put(
        "a-prefix-in-all-caches",
        new Example(DisposableTokenScopes.cacheKeyPrefixReadWrite(AllCaches, "squirrel"), 30 * 60));
    examples.put(
        "all-topics-in-one-cache",
        new Example(DisposableTokenScopes.topicSubscribeOnly("squirrel", AllTopics), 30 * 60));
    examples.put(
        "one-topic-in-all-caches",
        new Example(DisposableTokenScopes.topicPublishOnly(AllCaches, "acorn"), 30 * 60));
    examples.put(
        "publish-and-subscribe",
        new Example(DisposableTokenScopes.topicPublishSubscribe("a-cache", "a-topic"), 5 * 60));
    examples.put(
        "subscribe-for-ten-seconds",
        new Example(DisposableTokenScopes.topicSubscribeOnly("a cache", "a topic"), 10));
    examples.put(
        "read-one-key-in-all-caches",
        new Example(DisposableTokenScopes.cacheKeyReadOnly(AllCaches, "key"), 30 * 60));
    return examples;
  }

  @Test
  void momentos_sdk_asks_for_the_same_permissions() throws IOException {
    try (TokenFixture fixture = new TokenFixture()) {
      IssuedKey key = fixture.sandbox.momento().issue(Duration.ofDays(30), Permissions.SUPER_USER);
      fixture.store(key);
      fixture.deploy(Files.readString(Path.of("sample-policy.json")));
      try (AuthClient sdk = AuthClient.create(CredentialProvider.fromString(key.apiKey()))) {
        examples()
            .forEach(
                (rule, example) -> {
                  var response =
                      fixture.request(
                          Map.of("sub", "alice", "groups", "[squirrels]"),
                          Json.object().put("rule", rule).toString());
                  assertThat(response.status()).as(rule).isEqualTo(200);
                  DisposableToken ours = fixture.sandbox.momento().tokens().getLast();
                  assertThat(
                          sdk.generateDisposableTokenAsync(
                                  example.scope, ExpiresIn.seconds(example.seconds))
                              .join())
                      .isInstanceOf(GenerateDisposableTokenResponse.Success.class);
                  DisposableToken theirs = fixture.sandbox.momento().tokens().getLast();
                  assertThat(ours.permissions()).as(rule).isEqualTo(theirs.permissions());
                  assertThat(ours.validUntil()).as(rule).isEqualTo(theirs.validUntil());
                });
      }
    }
  }
}
