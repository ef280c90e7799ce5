package keyrotation.sandbox;

import static java.nio.charset.StandardCharsets.US_ASCII;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.UncheckedIOException;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.security.interfaces.RSAPublicKey;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/** A stand-in for an identity provider: signs JWTs with a key of its own. */
public final class IdentityProvider {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Base64.Encoder BASE64_URL = Base64.getUrlEncoder().withoutPadding();

  private final String issuer;
  private final InstantSource clock;
  private final String keyId = Tokens.random(6);
  private final KeyPair keys;

  /**
   * Makes a key.
   *
   * @param issuer the claim {@code iss} of the tokens
   */
  public IdentityProvider(String issuer, InstantSource clock) {
    this.issuer = issuer;
    this.clock = clock;
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
      generator.initialize(2048);
      this.keys = generator.generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Returns an authorizer that accepts the tokens for this audience. */
  public Authorizer.Jwt authorizer(Set<String> audience) {
    return new Authorizer.Jwt(issuer, audience, keyId, (RSAPublicKey) keys.getPublic());
  }

  /**
   * Signs a token that is valid from now on.
   *
   * @param claims are added to {@code iss}, {@code iat} and {@code exp}, or replace them
   */
  public String token(Map<String, Object> claims, Duration lifetime) {
    Instant now = clock.instant();
    Map<String, Object> all = new HashMap<>();
    all.put("iss", issuer);
    all.put("iat", now.getEpochSecond());
    all.put("exp", now.plus(lifetime).getEpochSecond());
    all.putAll(claims);
    String signed = part(Map.of("alg", "RS256", "typ", "JWT", "kid", keyId)) + "." + part(all);
    return signed + "." + BASE64_URL.encodeToString(signature(signed));
  }

  private byte[] signature(String signed) {
    try {
      Signature signer = Signature.getInstance("SHA256withRSA");
      signer.initSign(keys.getPrivate());
      signer.update(signed.getBytes(US_ASCII));
      return signer.sign();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String part(Map<String, Object> content) {
    try {
      return BASE64_URL.encodeToString(JSON.writeValueAsBytes(content));
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException(e);
    }
  }
}
