package keyrotation.sandbox;

import grpc.permission_messages.Permissions;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import momento.token.TokenGrpc;
import momento.token._GenerateDisposableTokenRequest;
import momento.token._GenerateDisposableTokenResponse;

/** Momento's token service: {@code GenerateDisposableToken}, and the tokens of its calls. */
final class TokenService extends TokenGrpc.TokenImplBase {

  private static final Duration MAX_LIFETIME = Duration.ofHours(25);
  private static final int MAX_STATEMENTS = 20;

  private final InstantSource clock;
  private final FaultInjector<StatusRuntimeException> calls;
  private final Function<String, SandboxKey> makers;
  private final Map<String, DisposableToken> tokens = new LinkedHashMap<>();

  /**
   * Creates a service without tokens.
   *
   * @param makers returns the key of a call that may make tokens, and refuses other calls
   */
  TokenService(
      InstantSource clock,
      FaultInjector<StatusRuntimeException> calls,
      Function<String, SandboxKey> makers) {
    this.clock = clock;
    this.calls = calls;
    this.makers = makers;
  }

  @Override
  public void generateDisposableToken(
      _GenerateDisposableTokenRequest request,
      StreamObserver<_GenerateDisposableTokenResponse> caller) {
    String token = MomentoServer.CALLERS_TOKEN.get();
    MomentoServer.answer(
        calls, MomentoServer.GENERATE_TOKEN, caller, () -> generate(token, request));
  }

  /** Returns all tokens generated so far, including those whose response was lost. */
  synchronized List<DisposableToken> all() {
    return List.copyOf(tokens.values());
  }

  /** Returns a token that has not expired. */
  synchronized Optional<DisposableToken> find(String token) {
    DisposableToken found = tokens.get(token);
    return found != null && clock.instant().isBefore(found.validUntil())
        ? Optional.of(found)
        : Optional.empty();
  }

  /** Saves the tokens; returns an action that restores them. */
  synchronized Runnable save() {
    Map<String, DisposableToken> saved = new LinkedHashMap<>(tokens);
    return () -> {
      synchronized (this) {
        tokens.clear();
        tokens.putAll(saved);
      }
    };
  }

  private _GenerateDisposableTokenResponse generate(
      String callersToken, _GenerateDisposableTokenRequest request) {
    SandboxKey maker = makers.apply(callersToken);
    require(request.getAuthToken().equals(callersToken), "The two tokens of the call differ");
    // An absent number is 0, and the message has no negative ones.
    Duration lifetime =
        Duration.ofSeconds(Integer.toUnsignedLong(request.getExpires().getValidForSeconds()));
    require(lifetime.isPositive(), "The token has no lifetime");
    require(lifetime.compareTo(MAX_LIFETIME) <= 0, "The lifetime exceeds 25 hours");
    check(request.getPermissions());
    DisposableToken made =
        add(
            request.getTokenId(),
            request.getPermissions(),
            Instant.ofEpochSecond(clock.instant().plus(lifetime).getEpochSecond()),
            maker);
    return _GenerateDisposableTokenResponse.newBuilder()
        .setApiKey(made.token())
        .setEndpoint(MomentoServer.ENDPOINT)
        .setValidUntil(made.validUntil().getEpochSecond())
        .build();
  }

  private synchronized DisposableToken add(
      String id, Permissions permissions, Instant validUntil, SandboxKey maker) {
    String claims =
        "{\"id\":\"%s\",\"exp\":%d}".formatted(Tokens.random(12), validUntil.getEpochSecond());
    DisposableToken token =
        new DisposableToken(Tokens.jwt(claims), id, permissions.getExplicit(), validUntil, maker);
    tokens.put(token.token(), token);
    return token;
  }

  private static void check(Permissions permissions) {
    require(permissions.hasExplicit(), "A token has explicit permissions only");
    int statements = permissions.getExplicit().getPermissionsCount();
    require(statements > 0, "The token has no permissions");
    require(statements <= MAX_STATEMENTS, "The token has more than 20 permissions");
    require(
        permissions.getExplicit().getPermissionsList().stream().allMatch(ScopedData::isComplete),
        "A permission has an unknown role or lacks a selector");
  }

  private static void require(boolean condition, String violation) {
    if (!condition) {
      throw MomentoServer.error(
          Status.INVALID_ARGUMENT.withDescription(violation), "momento_general_err");
    }
  }
}
