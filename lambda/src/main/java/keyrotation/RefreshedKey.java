package keyrotation;

/** A key that a refresh has just returned, with its refresh token and its expiry. */
record RefreshedKey(MomentoKey.V1 key, Sensitive refreshToken, Expiry expiry) {}
