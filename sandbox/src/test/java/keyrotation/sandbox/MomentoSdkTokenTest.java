package keyrotation.sandbox;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import keyrotation.sandbox.IssuedKey.Permissions;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import momento.sdk.AuthClient;
import momento.sdk.CacheClient;
import momento.sdk.ISubscriptionCallbacks;
import momento.sdk.TopicClient;
import momento.sdk.auth.CredentialProvider;
import momento.sdk.auth.accessControl.CacheItemSelector;
import momento.sdk.auth.accessControl.CacheRole;
import momento.sdk.auth.accessControl.CacheSelector;
import momento.sdk.auth.accessControl.DisposableToken.CacheItemPermission;
import momento.sdk.auth.accessControl.DisposableToken.TopicPermission;
import momento.sdk.auth.accessControl.DisposableTokenPermission;
import momento.sdk.auth.accessControl.DisposableTokenScope;
import momento.sdk.auth.accessControl.ExpiresIn;
import momento.sdk.auth.accessControl.TopicRole;
import momento.sdk.auth.accessControl.TopicSelector;
import momento.sdk.config.TopicConfigurations;
import momento.sdk.exceptions.MomentoErrorCode;
import momento.sdk.exceptions.SdkException;
import momento.sdk.responses.auth.GenerateDisposableTokenResponse;
import momento.sdk.responses.cache.GetResponse;
import momento.sdk.responses.cache.SetResponse;
import momento.sdk.responses.topic.TopicMessage;
import momento.sdk.responses.topic.TopicPublishResponse;
import momento.sdk.responses.topic.TopicSubscribeResponse;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Momento's own SDK for Java generates tokens with the stand-in and uses them. */
class MomentoSdkTokenTest {

  private static final String CACHE = "sessions";
  private static final CacheSelector SESSIONS = CacheSelector.ByName(CACHE);

  private final ManualClock clock = new ManualClock();
  private final Sandbox sandbox = Sandbox.start(clock, RefreshTokens.REUSABLE);
  private final Sandbox.Route route = sandbox.routeMomentoHosts();
  private final IssuedKey key = sandbox.momento().issue(Duration.ofDays(7), Permissions.SUPER_USER);

  @AfterEach
  void stop() {
    route.close();
    sandbox.close();
  }

  @Test
  void a_cache_client_uses_a_token_inside_its_scope_only() {
    GenerateDisposableTokenResponse.Success token =
        generate(
            new CacheItemPermission(
                CacheRole.ReadWrite, SESSIONS, CacheItemSelector.ByKeyPrefix("user/1/")),
            new CacheItemPermission(CacheRole.ReadOnly, SESSIONS, CacheItemSelector.AllCacheItems));

    assertThat(token.endpoint()).isEqualTo(MomentoServer.ENDPOINT);
    assertThat(token.expiresAt().getEpoch())
        .isEqualTo(clock.instant().plusSeconds(600).getEpochSecond());
    assertThat(sandbox.momento().tokens())
        .singleElement()
        .satisfies(
            made -> {
              assertThat(made.id()).isEqualTo("u-1");
              assertThat(made.maker()).isEqualTo(key);
              assertThat(made.apiKey()).isEqualTo(token.authToken());
            });
    try (CacheClient client = MomentoSdkTest.cacheClient(token.authToken())) {
      assertThat(client.set(CACHE, "user/1/a", "1").join()).isInstanceOf(SetResponse.Success.class);
      assertThat(client.get(CACHE, "user/1/a").join()).isInstanceOf(GetResponse.Hit.class);
      assertThat(client.get(CACHE, "user/10/a").join()).isInstanceOf(GetResponse.Miss.class);
      assertThat(errorOf(client.set(CACHE, "user/10/a", "1").join()))
          .isEqualTo(MomentoErrorCode.PERMISSION_ERROR);
      assertThat(errorOf(client.get("prices", "user/1/a").join()))
          .isEqualTo(MomentoErrorCode.PERMISSION_ERROR);
      assertThat(errorOf(client.listCaches().join())).isEqualTo(MomentoErrorCode.PERMISSION_ERROR);

      clock.advance(Duration.ofMinutes(10));
      assertThat(errorOf(client.get(CACHE, "user/1/a").join()))
          .isEqualTo(MomentoErrorCode.AUTHENTICATION_ERROR);
    }
  }

  @Test
  void a_topic_client_uses_a_token_inside_its_scope_only() throws Exception {
    GenerateDisposableTokenResponse.Success token =
        generate(
            new TopicPermission(
                TopicRole.PublishSubscribe, SESSIONS, TopicSelector.ByName("user/1")),
            new TopicPermission(
                TopicRole.PublishOnly, SESSIONS, TopicSelector.ByTopicNamePrefix("log/")));
    FirstMessage first = new FirstMessage();

    try (TopicClient client = topicClient(token.authToken())) {
      assertThat(client.subscribe(CACHE, "user/1", first).join())
          .isInstanceOf(TopicSubscribeResponse.Subscription.class);
      assertThat(client.publish(CACHE, "user/1", "hello").join())
          .isInstanceOf(TopicPublishResponse.Success.class);
      assertThat(first.text.get(30, SECONDS)).isEqualTo("hello");
      assertThat(client.publish(CACHE, "log/a", "hello").join())
          .isInstanceOf(TopicPublishResponse.Success.class);
      assertThat(errorOf(client.subscribe(CACHE, "log/a", first).join()))
          .isEqualTo(MomentoErrorCode.PERMISSION_ERROR);
      assertThat(errorOf(client.publish(CACHE, "user/10", "hello").join()))
          .isEqualTo(MomentoErrorCode.PERMISSION_ERROR);
    }
  }

  @Test
  void a_key_that_may_generate_no_token_is_refused() {
    IssuedKey dataOnly = sandbox.momento().issue(Duration.ofDays(7), Permissions.DATA_ONLY);

    // This version of the SDK reports each failure of the call so.
    assertThat(
            errorOf(
                generateWith(
                    dataOnly.apiKey(),
                    new CacheItemPermission(
                        CacheRole.ReadOnly, SESSIONS, CacheItemSelector.AllCacheItems))))
        .isEqualTo(MomentoErrorCode.INVALID_ARGUMENT_ERROR);
    assertThat(sandbox.momento().calls().count(MomentoServer.GENERATE_TOKEN)).isEqualTo(1);
    assertThat(sandbox.momento().tokens()).isEmpty();
  }

  private GenerateDisposableTokenResponse.Success generate(
      DisposableTokenPermission... permissions) {
    return (GenerateDisposableTokenResponse.Success) generateWith(key.apiKey(), permissions);
  }

  private static GenerateDisposableTokenResponse generateWith(
      String apiKey, DisposableTokenPermission... permissions) {
    try (AuthClient client = AuthClient.create(CredentialProvider.fromString(apiKey))) {
      return client
          .generateDisposableTokenAsync(
              new DisposableTokenScope(List.of(permissions)), ExpiresIn.minutes(10), "u-1")
          .join();
    }
  }

  private static TopicClient topicClient(String apiKey) {
    return TopicClient.builder(
            CredentialProvider.fromString(apiKey), TopicConfigurations.Laptop.latest())
        .build();
  }

  private static MomentoErrorCode errorOf(Object response) {
    return ((SdkException) response).getErrorCode();
  }

  /** The text of the first message of a subscription. */
  private static final class FirstMessage implements ISubscriptionCallbacks {
    private final CompletableFuture<String> text = new CompletableFuture<>();

    @Override
    public void onItem(TopicMessage message) {
      text.complete(((TopicMessage.Text) message).getValue());
    }

    @Override
    public void onCompleted() {}

    @Override
    public void onError(Throwable error) {
      text.completeExceptionally(error);
    }
  }
}
