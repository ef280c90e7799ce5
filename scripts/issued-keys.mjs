// Prints the valid v2 keys that the function has had issued, one a line: id, expiry, description.
// The argument is the host and port of Momento's API. The value of the management key's secret comes
// on standard input, so that no list of processes shows it.
import { readFileSync } from "node:fs";

const ISSUER = "momento-key-rotation/1 ";
const MAX_PAGES = 1000;

function keyIn(value) {
  try {
    const { apiKey, authToken, apiToken } = JSON.parse(value);
    return apiKey ?? authToken ?? apiToken;
  } catch {
    return value;
  }
}

async function listKeys(api, managementKey) {
  if (!managementKey) {
    throw { code: "no management key" };
  }
  const keys = [];
  let next = "";
  for (let page = 0; page < MAX_PAGES; page++) {
    const response = await fetch(`https://${api}/api-keys?limit=100${next}`, {
      headers: { Authorization: managementKey },
      redirect: "error",
      signal: AbortSignal.timeout(10_000),
    });
    if (!response.ok) {
      throw { code: `HTTP ${response.status}` };
    }
    const { key_info: found, next_token: token } = await response.json();
    keys.push(...found);
    if (!token) {
      return keys;
    }
    next = `&next_token=${encodeURIComponent(token)}`;
  }
  throw { code: "a list without an end" };
}

/** Others can write a description, and a terminal must not obey it. */
function printable(text) {
  return String(text).replace(/[^ -~]/g, "?");
}

try {
  const keys = await listKeys(process.argv[2], keyIn(readFileSync(0, "utf8").trim()));
  const now = Date.now() / 1000;
  for (const { key_id: id, description, expires_at_epoch_seconds: end } of keys) {
    if (String(description).startsWith(ISSUER) && (!end || end > now)) {
      const expiry = end ? new Date(end * 1000).toISOString().replace(".000", "") : "never";
      console.log(printable(`${id}  expires: ${expiry}  ${description}`));
    }
  }
} catch (e) {
  // The message is left out: it may quote the key.
  console.error(`Momento's list of keys could not be read (${e.cause?.code ?? e.code ?? e.name}).`);
  process.exitCode = 1;
}
