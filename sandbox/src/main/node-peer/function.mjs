// A plain rotation of a Momento key: what a function for Node does if it has no probe, no resume and no other safeguard.
// The benchmark compares the Java function with it.
import { randomUUID } from "node:crypto";
import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from "@aws-sdk/client-secrets-manager";
import {
  AuthClient,
  AuthClientConfigurations,
  CacheClient,
  Configurations,
  CredentialProvider,
  ListCachesResponse,
  RefreshApiKeyResponse,
} from "@gomomento/sdk";

const { MOMENTO_CONTROL_ENDPOINT, MOMENTO_API_ENDPOINT, MOMENTO_MANAGEMENT_KEY_SECRET, ROLE } = process.env;
const LIFETIME_SECONDS = 30 * 24 * 3600;

const secretsManager = new SecretsManagerClient();

export async function handler(event) {
  const SecretId = event.momento_auth_token_secret_name;
  const current = await secretsManager.send(new GetSecretValueCommand({ SecretId }));
  const old = JSON.parse(current.SecretString);
  const renewed = old.refreshToken ? await refresh(old) : await issue(old);

  const VersionId = randomUUID();
  await secretsManager.send(
    new PutSecretValueCommand({
      SecretId,
      ClientRequestToken: VersionId,
      SecretString: JSON.stringify(renewed),
      VersionStages: ["AWSPENDING"],
    }),
  );
  await verify(renewed);
  await secretsManager.send(
    new UpdateSecretVersionStageCommand({
      SecretId,
      VersionStage: "AWSCURRENT",
      MoveToVersionId: VersionId,
      RemoveFromVersionId: current.VersionId,
    }),
  );
  return { secrets: [{ secret: SecretId, result: "ROTATED" }] };
}

/** Exchanges a v1 key for a new one. */
async function refresh({ apiKey, refreshToken }) {
  const client = new AuthClient({
    configuration: AuthClientConfigurations.Default.latest(),
    credentialProvider: credentials({ apiKey }),
  });
  const response = await client.refreshApiKey(refreshToken);
  if (response.type !== RefreshApiKeyResponse.Success) {
    throw new Error(`The key was not refreshed: ${response}`);
  }
  return {
    apiKey: response.apiKey,
    refreshToken: response.refreshToken,
    validUntil: String(response.expiresAt.epoch()),
  };
}

/** Has a new v2 key issued. */
async function issue({ endpoint }) {
  const management = await secretsManager.send(new GetSecretValueCommand({ SecretId: MOMENTO_MANAGEMENT_KEY_SECRET }));
  const response = await fetch(`https://${MOMENTO_API_ENDPOINT}/api-keys`, {
    method: "POST",
    headers: { Authorization: JSON.parse(management.SecretString).apiKey, "Content-Type": "application/json" },
    body: JSON.stringify({
      role_id: ROLE,
      expiry: Math.floor(Date.now() / 1000) + LIFETIME_SECONDS,
      description: "key rotation",
      exclude_refresh_token: true,
    }),
  });
  if (!response.ok) {
    throw new Error(`No key was issued: HTTP ${response.status}`);
  }
  return { apiKey: (await response.json()).api_key, endpoint };
}

async function verify(key) {
  const client = new CacheClient({
    configuration: Configurations.Lambda.latest(),
    credentialProvider: credentials(key),
    defaultTtlSeconds: 60,
  });
  const response = await client.listCaches();
  client.close();
  if (response.type !== ListCachesResponse.Success) {
    throw new Error(`Momento does not accept the new key: ${response}`);
  }
}

function credentials({ apiKey, endpoint }) {
  const provider = endpoint
    ? CredentialProvider.fromApiKeyV2({ apiKey, endpoint })
    : CredentialProvider.fromString({ apiKey });
  // The SDK would call port 443 of the key's endpoint.
  const endpointOfSandbox = () => MOMENTO_CONTROL_ENDPOINT;
  return Object.assign(provider, { getControlEndpoint: endpointOfSandbox, getCacheEndpoint: endpointOfSandbox });
}
