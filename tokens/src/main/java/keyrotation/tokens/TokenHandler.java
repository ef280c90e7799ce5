package keyrotation.tokens;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import com.amazonaws.services.lambda.runtime.events.APIGatewayV2HTTPEvent;
import com.amazonaws.services.lambda.runtime.events.APIGatewayV2HTTPResponse;
import io.grpc.ChannelCredentials;
import io.grpc.TlsChannelCredentials;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.security.Security;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Objects;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;

/**
 * The function's entry point: answers a request that API Gateway has verified with a token, or with
 * problem details (RFC 9457).
 */
public final class TokenHandler
    implements RequestHandler<APIGatewayV2HTTPEvent, APIGatewayV2HTTPResponse> {

  static {
    // A SnapStart snapshot would keep addresses that were looked up before it was taken. The JVM
    // reads these properties once, at the first look-up, and no class looks a name up before this.
    Security.setProperty("networkaddress.cache.ttl", "0");
    Security.setProperty("networkaddress.cache.negative.ttl", "0");
  }

  /** The policy in the archive's root. A deployment puts its own in place of the empty one. */
  private static final String POLICY = "/policy.json";

  private static final Duration SOCKET_TIMEOUT = Duration.ofSeconds(4);

  private final Policy policy;
  private final Authorizer authorizer;
  private final TokenMaker tokens;
  private final RateLimit rateLimit;
  private final InstantSource clock;
  private final PrintStream log;

  @SuppressWarnings("UnusedVariable") // The context that it is registered with holds it weakly.
  private final Priming priming;

  /** Reads the environment and the policy; called by Lambda, once for each process. */
  public TokenHandler() {
    this(TokenSettings.from(System.getenv()), packedPolicy());
  }

  private TokenHandler(TokenSettings settings, String policy) {
    this(
        settings,
        Policy.parse(policy, settings.authorizer(), settings.maxLifetime()),
        SecretsManagerClient.builder()
            .httpClientBuilder(UrlConnectionHttpClient.builder().socketTimeout(SOCKET_TIMEOUT))
            .build(),
        TlsChannelCredentials.create(),
        InstantSource.system(),
        System.out);
  }

  TokenHandler(
      TokenSettings settings,
      Policy policy,
      SecretsManagerClient secretsManager,
      ChannelCredentials credentials,
      InstantSource clock,
      PrintStream log) {
    this.policy = policy;
    this.authorizer = settings.authorizer();
    this.tokens = new TokenMaker(settings, secretsManager, credentials);
    this.rateLimit = new RateLimit(settings.tokensPerSecond(), clock);
    this.clock = clock;
    this.log = log;
    this.priming = new Priming(settings, secretsManager, credentials).register();
  }

  /** Ends the threads; Lambda ends the process instead. */
  void close() {
    tokens.close();
  }

  private static String packedPolicy() {
    try (InputStream file = TokenHandler.class.getResourceAsStream(POLICY)) {
      return new String(Objects.requireNonNull(file, POLICY).readAllBytes(), UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public APIGatewayV2HTTPResponse handleRequest(APIGatewayV2HTTPEvent event, Context context) {
    TokenLog line = new TokenLog(log, clock, context.getAwsRequestId(), event);
    try {
      Token token = token(event, line);
      line.issued(token);
      return Answers.issued(token);
    } catch (TokenException e) {
      line.refused(e);
      return Answers.refused(e.reason(), line.apiRequestId());
    } catch (RuntimeException e) {
      TokenException failure = TokenLog.internal(e);
      line.refused(failure);
      return Answers.refused(failure.reason(), line.apiRequestId());
    }
  }

  private Token token(APIGatewayV2HTTPEvent event, TokenLog line) {
    Identity caller =
        Identity.of(event, authorizer)
            .orElseThrow(
                () ->
                    new TokenException(
                        RefusalReason.CALLER_UNVERIFIED,
                        "API Gateway has passed no verified caller with a claim sub, or no role or"
                            + " user of AWS. If API Gateway has not sent the event, find out who"
                            + " may invoke the function."));
    line.setSubject(caller.subject());
    TokenRequest request = TokenRequest.of(event);
    Policy.Rule rule = policy.ruleFor(caller, request.rule());
    line.setRule(rule.name());
    var permissions = rule.permissionsFor(caller);
    if (!rateLimit.acquire()) {
      throw new TokenException(
          RefusalReason.RATE_LIMITED,
          "There are more requests a second than TOKENS_PER_SECOND allows. Have clients keep their"
              + " tokens until shortly before their end, or raise the setting up to Momento's"
              + " limit.");
    }
    return tokens.make(permissions, rule.lifetime(request.lifetime()), caller.tokenId());
  }
}
