package keyrotation;

/** A key that Momento has just made, and what renews it. */
record RefreshedKey(MomentoKey.V1 key, Sensitive refreshToken, Expiry expiry) {}
