package keyrotation;

import keyrotation.sandbox.MomentoServer.RefreshTokens;

/** A kind of key, as far as rotations of it differ. */
enum KeyKind {
  V1_WITH_REUSABLE_TOKEN,
  V1_WITH_SINGLE_USE_TOKEN,
  V2;

  static KeyKind of(RefreshTokens tokens) {
    return tokens == RefreshTokens.REUSABLE ? V1_WITH_REUSABLE_TOKEN : V1_WITH_SINGLE_USE_TOKEN;
  }

  /** Returns how often a refresh token of a v1 key works. */
  RefreshTokens tokens() {
    return this == V1_WITH_REUSABLE_TOKEN ? RefreshTokens.REUSABLE : RefreshTokens.SINGLE_USE;
  }
}
