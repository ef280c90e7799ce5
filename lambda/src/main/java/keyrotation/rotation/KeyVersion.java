package keyrotation.rotation;

import static keyrotation.core.FailureReason.SECRET_MALFORMED;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import keyrotation.core.RotationException;
import keyrotation.core.Sensitive;
import keyrotation.momento.Expiry;
import keyrotation.momento.KeySecret;
import keyrotation.momento.MomentoKey;
import keyrotation.secretsmanager.Version;

/** A version of a secret, and the key that it holds. The value is parsed once. */
public final class KeyVersion {

  /** The key that a version holds, or why it holds none. */
  private sealed interface Content {
    record Key(KeySecret secret) implements Content {}

    record Invalid(RotationException why) implements Content {}
  }

  private final Version version;
  private final Content content;

  private KeyVersion(Version version, Content content) {
    this.version = version;
    this.content = content;
  }

  /** Parses a version's value. A value that cannot be parsed fails only where it is needed. */
  static KeyVersion of(Version version) {
    try {
      return new KeyVersion(version, new Content.Key(KeySecret.parse(textOf(version))));
    } catch (RotationException e) {
      return new KeyVersion(version, new Content.Invalid(e));
    }
  }

  String id() {
    return version.id();
  }

  Instant created() {
    return version.created();
  }

  /** Returns the staging labels that were read together with the value. */
  List<String> labels() {
    return version.labels();
  }

  /**
   * Returns the value, as it is stored.
   *
   * @throws RotationException {@code SECRET_MALFORMED}, if it is binary
   */
  Sensitive text() {
    return textOf(version);
  }

  /**
   * Returns the key, with its refresh token and its expiry.
   *
   * @throws RotationException as {@link KeySecret#parse} does; {@code SECRET_MALFORMED}, if the
   *     value is binary
   */
  KeySecret requireKey() {
    return switch (content) {
      case Content.Key(KeySecret secret) -> secret;
      case Content.Invalid(RotationException why) -> throw why;
    };
  }

  /** Returns the key; empty if the value is binary or cannot be parsed. */
  Optional<KeySecret> key() {
    return content instanceof Content.Key(KeySecret secret)
        ? Optional.of(secret)
        : Optional.empty();
  }

  /** Returns the v2 key that the version holds; empty if it holds none. */
  Optional<MomentoKey.V2> v2Key() {
    return key()
        .map(KeySecret::key)
        .flatMap(key -> key instanceof MomentoKey.V2 v2 ? Optional.of(v2) : Optional.empty());
  }

  /** Tells whether the version holds the v2 key with this id. */
  boolean holdsV2Key(String keyId) {
    return v2Key().filter(key -> key.id().equals(keyId)).isPresent();
  }

  /** Tells whether the version holds a v2 key. */
  boolean holdsV2() {
    return v2Key().isPresent();
  }

  /** Returns when the key ends, as far as that is known. */
  Expiry expiry() {
    return key().map(KeySecret::expiry).orElseGet(Expiry.Unknown::new);
  }

  boolean hasSameValueAs(KeyVersion other) {
    return version.text().equals(other.version.text());
  }

  /**
   * Tells whether this is another key than the source's, and can be renewed. A v1 key ends no
   * earlier than the source's. A v2 key may, since its lifetime can be changed.
   */
  boolean canReplace(KeyVersion source) {
    return !hasSameValueAs(source)
        && key()
            .filter(
                mine ->
                    holdsV2()
                        || (mine.refreshToken().isPresent()
                            && !source.expiry().isAfter(mine.expiry())))
            .isPresent();
  }

  private static Sensitive textOf(Version version) {
    return version
        .text()
        .orElseThrow(
            () ->
                new RotationException(
                    SECRET_MALFORMED, "The version " + version.id() + " is binary, not text."));
  }
}
