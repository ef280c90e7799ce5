package keyrotation.tokens;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.amazonaws.services.lambda.runtime.events.APIGatewayV2HTTPEvent;
import com.amazonaws.services.lambda.runtime.events.APIGatewayV2HTTPEvent.RequestContext;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A caller that API Gateway has verified.
 *
 * @param subject what tells one caller from another
 * @param claims the verified claims, as API Gateway passes them: each is a text
 */
record Identity(String subject, Map<String, String> claims) {

  /** Claims that have another claim beside them, such as {@code email_verified}. */
  private static final Set<String> VERIFIED = Set.of("email", "phone_number");

  private static final Pattern TOKEN_ID = Pattern.compile("[!-~]{1,64}");
  private static final Pattern ROLE =
      Pattern.compile("arn:aws[a-z-]*:sts::(\\d{12}):assumed-role/([^/]+)/.+");
  private static final Pattern USER =
      Pattern.compile("arn:aws[a-z-]*:iam::(\\d{12}):user/(?:.+/)?([^/]+)");

  Identity {
    claims = Map.copyOf(claims);
  }

  /** Returns who has sent a request; empty if API Gateway has not verified it that way. */
  static Optional<Identity> of(APIGatewayV2HTTPEvent event, Authorizer authorizer) {
    Optional<RequestContext.Authorizer> verified =
        Optional.ofNullable(event.getRequestContext()).map(RequestContext::getAuthorizer);
    return switch (authorizer) {
      case JWT ->
          verified
              .map(RequestContext.Authorizer::getJwt)
              .map(RequestContext.Authorizer.JWT::getClaims)
              .flatMap(Identity::ofJwt);
      case IAM ->
          verified
              .map(RequestContext.Authorizer::getIam)
              .map(RequestContext.IAM::getUserArn)
              .flatMap(Identity::ofArn);
    };
  }

  private static Optional<Identity> ofJwt(Map<String, String> received) {
    Map<String, String> claims = new HashMap<>(received);
    claims.values().removeIf(Objects::isNull);
    return Optional.ofNullable(claims.get("sub"))
        .filter(subject -> !subject.isBlank())
        .map(subject -> new Identity(subject, claims));
  }

  /** The name of a role's session is the caller's own choice, so it is no claim. */
  private static Optional<Identity> ofArn(String arn) {
    Matcher role = ROLE.matcher(arn);
    if (role.matches()) {
      return Optional.of(ofIam(role.group(1), "role", role.group(2)));
    }
    Matcher user = USER.matcher(arn);
    return user.matches()
        ? Optional.of(ofIam(user.group(1), "user", user.group(2)))
        : Optional.empty();
  }

  private static Identity ofIam(String account, String kind, String name) {
    return new Identity(account + ":" + kind + "/" + name, Map.of("account", account, kind, name));
  }

  /**
   * Returns a claim. An e-mail address or phone number is one only if the identity provider has
   * verified it: many let their users enter any.
   */
  Optional<String> claim(String name) {
    boolean isTrusted =
        !VERIFIED.contains(name) || claims.getOrDefault(name + "_verified", "").equals("true");
    return isTrusted ? Optional.ofNullable(claims.get(name)) : Optional.empty();
  }

  /**
   * Returns what Momento knows a token's holder by: the subject, or its SHA-256 where Momento takes
   * no such text. Subscribers of a topic receive it with the holder's messages.
   */
  String tokenId() {
    return TOKEN_ID.matcher(subject).matches() ? subject : sha256(subject);
  }

  private static String sha256(String text) {
    try {
      return HexFormat.of()
          .formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // Every JVM has it.
    }
  }

  /** Hides the claims. */
  @Override
  public String toString() {
    return "Identity[" + subject + "]";
  }
}
