package keyrotation.momento;

import keyrotation.core.Sensitive;

/**
 * What a call to Momento needs to be made with a key.
 *
 * @param endpoint the host name that Momento's services are reached under
 * @param token the token, as calls carry it
 */
public record Credentials(String endpoint, Sensitive token) {}
