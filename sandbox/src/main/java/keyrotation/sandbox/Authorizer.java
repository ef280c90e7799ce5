package keyrotation.sandbox;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.util.stream.Collectors.joining;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.Signature;
import java.security.SignatureException;
import java.security.interfaces.RSAPublicKey;
import java.time.Instant;
import java.util.Base64;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/** Decides which requests an {@link HttpApi} passes on to its function. */
public sealed interface Authorizer {

  /**
   * Returns what an event says about its caller; empty if the request is refused.
   *
   * @param authorization the header of the request
   */
  Optional<ObjectNode> caller(Optional<String> authorization, Instant now);

  /**
   * Accepts the JWTs of an identity provider, by the rules that AWS documents, with the algorithm
   * RS256 only.
   *
   * @param issuer the claim {@code iss}
   * @param audience a token names one of them in {@code aud}, or in {@code client_id} if it has no
   *     {@code aud}
   * @param keyId the id of the key in the header of a token
   */
  record Jwt(String issuer, Set<String> audience, String keyId, RSAPublicKey key)
      implements Authorizer {

    private static final ObjectMapper JSON = new ObjectMapper();

    /** Copies the audience. */
    public Jwt {
      audience = Set.copyOf(audience);
    }

    @Override
    public Optional<ObjectNode> caller(Optional<String> authorization, Instant now) {
      return authorization
          .map(header -> header.replaceFirst("^Bearer ", ""))
          .flatMap(this::signedClaims)
          .filter(claims -> areValid(claims, now))
          .map(Jwt::callerWith);
    }

    private Optional<JsonNode> signedClaims(String token) {
      String[] parts = token.split("\\.", -1);
      if (parts.length != 3) {
        return Optional.empty();
      }
      try {
        JsonNode header = JSON.readTree(decode(parts[0]));
        byte[] signed = (parts[0] + "." + parts[1]).getBytes(US_ASCII);
        return header.path("alg").asText().equals("RS256")
                && header.path("kid").asText().equals(keyId)
                && isSignature(decode(parts[2]), signed)
            ? Optional.of(JSON.readTree(decode(parts[1])))
            : Optional.empty();
      } catch (IOException | IllegalArgumentException e) {
        return Optional.empty();
      }
    }

    private boolean isSignature(byte[] signature, byte[] signed) {
      try {
        // The algorithm is not the token's choice.
        Signature verifier = Signature.getInstance("SHA256withRSA");
        verifier.initVerify(key);
        verifier.update(signed);
        return verifier.verify(signature);
      } catch (SignatureException e) {
        return false;
      } catch (GeneralSecurityException e) {
        throw new IllegalStateException(e);
      }
    }

    private boolean areValid(JsonNode claims, Instant now) {
      JsonNode recipients = claims.has("aud") ? claims.path("aud") : claims.path("client_id");
      return claims.path("iss").asText().equals(issuer)
          && texts(recipients).anyMatch(audience::contains)
          && claims.path("exp").isNumber()
          && seconds(now) < claims.path("exp").asDouble()
          && hasBegun(claims, "nbf", now)
          && hasBegun(claims, "iat", now);
    }

    private static boolean hasBegun(JsonNode claims, String name, Instant now) {
      return !claims.has(name)
          || (claims.path(name).isNumber() && claims.path(name).asDouble() <= seconds(now));
    }

    private static double seconds(Instant time) {
      return time.toEpochMilli() / 1000.0;
    }

    private static Stream<String> texts(JsonNode oneOrMore) {
      return oneOrMore.isArray()
          ? StreamSupport.stream(oneOrMore.spliterator(), false).map(JsonNode::asText)
          : Stream.of(oneOrMore.asText());
    }

    private static ObjectNode callerWith(JsonNode claims) {
      ObjectNode caller = JSON.createObjectNode();
      ObjectNode jwt = caller.putObject("jwt");
      ObjectNode texts = jwt.putObject("claims");
      for (Map.Entry<String, JsonNode> claim : claims.properties()) {
        if (!claim.getValue().isNull()) {
          texts.put(claim.getKey(), text(claim.getValue()));
        }
      }
      // Those that the route demands, and it demands none.
      jwt.putNull("scopes");
      return caller;
    }

    /** Returns a claim as a text. AWS does not document the form of an object; here it is JSON. */
    private static String text(JsonNode claim) {
      if (claim.isArray()) {
        return StreamSupport.stream(claim.spliterator(), false)
            .map(Jwt::text)
            .collect(joining(" ", "[", "]"));
      }
      return claim.isObject() ? claim.toString() : claim.asText();
    }

    private static byte[] decode(String part) {
      return Base64.getUrlDecoder().decode(part);
    }
  }

  /**
   * Accepts requests of known principals of IAM. It does not verify their signatures.
   *
   * @param principals by their access key ids
   */
  record Iam(Map<String, Principal> principals) implements Authorizer {

    private static final Pattern CREDENTIAL =
        Pattern.compile("AWS4-HMAC-SHA256 Credential=([^/,]+)/.*");

    /**
     * A user or the session of a role.
     *
     * @param callerId such as {@code AIDA…}, or {@code AROA…:session}
     */
    public record Principal(String accountId, String callerId, String userArn) {}

    /** Copies the principals. */
    public Iam {
      principals = Map.copyOf(principals);
    }

    @Override
    public Optional<ObjectNode> caller(Optional<String> authorization, Instant now) {
      return authorization
          .map(CREDENTIAL::matcher)
          .filter(Matcher::matches)
          .map(credential -> credential.group(1))
          .flatMap(
              accessKey ->
                  Optional.ofNullable(principals.get(accessKey))
                      .map(principal -> callerWith(accessKey, principal)));
    }

    private static ObjectNode callerWith(String accessKey, Principal principal) {
      ObjectNode caller = Jwt.JSON.createObjectNode();
      caller
          .putObject("iam")
          .put("accessKey", accessKey)
          .put("accountId", principal.accountId)
          .put("callerId", principal.callerId)
          .putNull("cognitoIdentity")
          .putNull("principalOrgId")
          .put("userArn", principal.userArn)
          .put("userId", principal.callerId);
      return caller;
    }
  }
}
