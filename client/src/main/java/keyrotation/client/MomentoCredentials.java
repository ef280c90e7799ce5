package keyrotation.client;

import momento.sdk.auth.CredentialProvider;

/**
 * Credentials for Momento's SDK, of a key of either kind.
 *
 * <p>Version 1.21.0 of the SDK reads v1 keys alone from text. From 1.23.0 on, its {@code
 * CredentialProvider.fromApiKeyV2} does for v2 keys what this class does.
 */
public final class MomentoCredentials extends CredentialProvider {

  private static final int HTTPS = 443;

  private final ApiKey key;

  /** Makes credentials of a key. */
  public MomentoCredentials(ApiKey key) {
    this.key = key;
  }

  @Override
  public String getAuthToken() {
    return key.token();
  }

  @Override
  public String getControlEndpoint() {
    return key.hosts().control();
  }

  @Override
  public String getCacheEndpoint() {
    return key.hosts().cache();
  }

  @Override
  public String getStorageEndpoint() {
    return key.hosts().storage();
  }

  @Override
  public String getTokenEndpoint() {
    return key.hosts().token();
  }

  @Override
  public boolean isEndpointSecure() {
    return true;
  }

  @Override
  public int getPort() {
    return HTTPS;
  }
}
