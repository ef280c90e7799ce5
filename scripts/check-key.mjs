// Tells which kind of key a file from Momento's console has, and what is missing. Ends with status 1
// if the function cannot rotate such a key. Prints no part of the key.
import { readFileSync } from "node:fs";

class Unusable extends Error {}

function json(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function decoded(text, encoding) {
  return json(Buffer.from(text, encoding).toString("utf8"));
}

/** Returns the claims of a JWT. */
function claims(text) {
  const parts = text.split(".");
  return parts.length === 3 ? decoded(parts[1], "base64url") : undefined;
}

function days(seconds) {
  const left = Math.floor((seconds * 1000 - Date.now()) / 86_400_000);
  return left < 0 ? "has expired" : `expires in ${left} days`;
}

function describeV2({ exp }, endpoint) {
  if (endpoint === undefined) {
    throw new Unusable(
      'A v2 key. The file lacks the field "endpoint": add the host name that the console shows.',
    );
  }
  if (typeof endpoint !== "string" || !/^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$/.test(endpoint)) {
    throw new Unusable('A v2 key. The field "endpoint" must be a host name, without scheme and port.');
  }
  const life = exp === undefined ? "never expires" : days(exp);
  if (life === "has expired") {
    throw new Unusable("A v2 key that has expired. Create a new one in the console.");
  }
  return `A v2 key. It ${life}.`;
}

function describeV1(token, file) {
  const inner = claims(token) ?? {};
  if (inner.t === "g") {
    throw new Unusable("A v2 key in the form of a v1 key. Store the JWT within it, and its endpoint.");
  }
  if (inner.t === "disposable") {
    throw new Unusable("A disposable token, which cannot be rotated. Create a key in the console.");
  }
  if (!file.refreshToken) {
    throw new Unusable(
      'A v1 key without the field "refreshToken": it never expires, or is a disposable token.' +
        " Create a v1 key with an expiry, or a v2 key.",
    );
  }
  const end = inner.exp ?? Number(file.validUntil ?? NaN);
  if (!(end > 0)) {
    throw new Unusable('A v1 key without the field "validUntil". Store the file as it was downloaded.');
  }
  const life = days(end);
  if (life === "has expired") {
    throw new Unusable("A v1 key that has expired. Create a new one in the console.");
  }
  return `A v1 key with a refresh token. It ${life}.`;
}

function describe(text) {
  const file = json(text);
  const key = file === undefined ? text.trim() : (file.apiKey ?? file.authToken ?? file.apiToken);
  if (typeof key !== "string" || key.trim() === "") {
    throw new Unusable('The file has no field "apiKey". Store the JSON file of the console.');
  }
  const jwt = claims(key.trim());
  if (jwt?.t === "g") {
    return describeV2(jwt, file?.endpoint);
  }
  if (jwt?.t === "gr") {
    throw new Unusable("A v2 refresh token in the place of the key.");
  }
  if (jwt?.cp && jwt.c) {
    throw new Unusable("A legacy key, which cannot be rotated. Create a v2 key in the console.");
  }
  const v1 = jwt === undefined ? decoded(key.trim(), "base64") : undefined;
  if (!v1?.endpoint || !v1.api_key) {
    throw new Unusable("The key is neither a v1 key nor a v2 key. Was it copied whole?");
  }
  if (file === undefined) {
    throw new Unusable("A v1 key alone. Store the JSON file of the console, with its refresh token.");
  }
  return describeV1(v1.api_key, file);
}

try {
  console.error(describe(readFileSync(process.argv[2], "utf8")));
} catch (e) {
  if (!(e instanceof Unusable)) {
    throw e;
  }
  console.error(`${e.message} Nothing was stored.`);
  process.exitCode = 1;
}
