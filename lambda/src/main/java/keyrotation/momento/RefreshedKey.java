package keyrotation.momento;

import keyrotation.core.Sensitive;

/** A key that a refresh has just returned, with its refresh token and its expiry. */
public record RefreshedKey(MomentoKey.V1 key, Sensitive refreshToken, Expiry expiry) {}
