package keyrotation.tokens;

import grpc.permission_messages.Permissions;
import io.grpc.ChannelCredentials;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import keyrotation.client.ApiKey;
import keyrotation.client.CurrentKey;
import keyrotation.client.FollowingClient;
import keyrotation.client.KeyUnavailableException;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;

/** Makes tokens with the current key of the secret. */
final class TokenMaker implements AutoCloseable {

  /** The key, and Momento's token service with it. */
  private record Connection(CurrentKey key, FollowingClient<TokenService> service) {}

  private final TokenSettings settings;
  private final SecretsManagerClient secretsManager;
  private final ChannelCredentials credentials;
  private @Nullable Connection connection;

  /** Reads nothing yet: a snapshot of Lambda must not hold the key. */
  TokenMaker(
      TokenSettings settings, SecretsManagerClient secretsManager, ChannelCredentials credentials) {
    this.settings = settings;
    this.secretsManager = secretsManager;
    this.credentials = credentials;
  }

  /**
   * Makes a token. If the key was rotated or revoked since it was read, it is read again.
   *
   * @throws TokenException if the key cannot be read, or Momento makes no token with it
   */
  Token make(Permissions permissions, Duration lifetime, String tokenId) {
    Connection current;
    try {
      current = connection();
    } catch (KeyUnavailableException e) {
      throw unavailable(e);
    }
    try {
      return Token.of(
          current.service.call(with -> with.generate(permissions, lifetime, tokenId)).join());
    } catch (CompletionException e) {
      if (e.getCause() instanceof StatusRuntimeException refusal) {
        throw explain(refusal.getStatus(), current.key);
      }
      throw e;
    }
  }

  private synchronized Connection connection() {
    if (connection == null) {
      CurrentKey.Builder builder = CurrentKey.builder(secretsManager, settings.secretId());
      settings.endpoint().ifPresent(builder::endpoint);
      CurrentKey key = builder.build();
      connection = new Connection(key, new FollowingClient<>(key, this::connect));
    }
    return connection;
  }

  @Override
  public synchronized void close() {
    if (connection != null) {
      connection.service.close();
      connection.key.close();
    }
  }

  private TokenService connect(ApiKey key) {
    return new TokenService(key, credentials);
  }

  private static TokenException unavailable(KeyUnavailableException e) {
    return new TokenException(RefusalReason.KEY_UNAVAILABLE, "" + e.getMessage());
  }

  private TokenException explain(Status status, CurrentKey key) {
    String secret = settings.secretId();
    boolean isOfProxy =
        Optional.ofNullable(status.getDescription())
            .filter(text -> text.startsWith("HTTP status code"))
            .isPresent();
    return switch (isOfProxy ? Status.Code.UNAVAILABLE : status.getCode()) {
      case UNAUTHENTICATED ->
          // There may be another key that cannot be read.
          key.failure()
              .map(TokenMaker::unavailable)
              .orElseGet(
                  () ->
                      new TokenException(
                          RefusalReason.KEY_REJECTED,
                          ("Momento rejects the key of the secret %s. Rotate the secret; if that"
                                  + " fails, store a valid key.")
                              .formatted(secret)));
      case PERMISSION_DENIED ->
          new TokenException(
              RefusalReason.KEY_NOT_ALLOWED,
              ("Momento lets the key of the secret %s make no such token. Store a super user key,"
                      + " or a v2 key whose role may make tokens.")
                  .formatted(secret));
      case RESOURCE_EXHAUSTED ->
          new TokenException(
              RefusalReason.MOMENTO_THROTTLED,
              ("Momento made no token with the key of the secret %s: the account makes too many"
                      + " calls a second. If this goes on, lower TOKENS_PER_SECOND or"
                      + " MOMENTO_REFRESHES_PER_SECOND.")
                  .formatted(secret));
      case INVALID_ARGUMENT, FAILED_PRECONDITION, OUT_OF_RANGE, NOT_FOUND, UNIMPLEMENTED ->
          new TokenException(
              RefusalReason.MOMENTO_REFUSED,
              ("Momento made no token with the key of the secret %s: it refuses what the rule asks"
                      + " for (%s). Compare the rule with Momento's limits of names and lifetimes.")
                  .formatted(secret, status.getCode()));
      default ->
          new TokenException(
              RefusalReason.MOMENTO_UNAVAILABLE,
              ("Momento made no token with the key of the secret %s: it did not answer, or with an"
                   + " error of its own (%s). If this goes on, check Momento's status page and the"
                   + " function's outbound network access.")
                  .formatted(secret, status.getCode()));
    };
  }
}
