// Prints the function's responses as a table: report.mjs status|rotate FILE, or as they are:
// report.mjs json FILE, or the names of their secrets with a key: report.mjs names FILE. The file has a
// response in each line. Ends with status 1 if a secret has a problem or a
// failed replica, or its work failed.
import { readFileSync } from "node:fs";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Returns a report; of an error, the one in its last line. */
function report(line) {
  const response = JSON.parse(line);
  if (!("errorMessage" in response)) {
    return response;
  }
  const lines = response.errorMessage.split("\n");
  try {
    const inError = JSON.parse(lines.at(-1));
    if (inError.secrets.length > 0) {
      return inError;
    }
    console.error(lines[0]);
  } catch {
    console.error(response.errorMessage);
    console.error("The function did not report. It may have changed some secrets: see scripts/status.sh,");
    console.error("and docs/runbook.md#alarm-function-errors.");
  }
  return { failed: true, secrets: [] };
}

/** Returns the time until or since an instant, in the largest unit of which it has two. */
function duration(milliseconds) {
  const [unit, name] =
    milliseconds >= 2 * DAY ? [DAY, "d"] : milliseconds >= 2 * HOUR ? [HOUR, "h"] : [MINUTE, "m"];
  return Math.floor(milliseconds / unit) + name;
}

function until(instant, over) {
  if (instant === undefined) {
    return "-";
  }
  const left = Date.parse(instant) - Date.now();
  return Number.isNaN(left) ? instant : left > 0 ? duration(left) : over;
}

const short = (versionId) => versionId.slice(0, 8);
const minute = (instant) => instant.slice(0, 16).replace("T", " ") + " UTC";

function state(secret) {
  if (secret.result !== "STATUS") {
    return secret.result.toLowerCase();
  }
  if (secret.problem?.reason === "AWAITING_FIRST_KEY") {
    return "empty";
  }
  if (secret.problem) {
    return "problem";
  }
  if (secret.paused) {
    return "paused";
  }
  if (!secret.kind) {
    return "empty";
  }
  return secret.unfinished_version_id ? "unfinished" : "ok";
}

const replicationFailed = (secret) => secret.replicas?.some(({ status }) => status === "Failed");

function statusRow(secret) {
  const age = secret.stored ? duration(Date.now() - Date.parse(secret.stored)) : "-";
  const details = secret.result === "STATUS" ? [] : [secret.message];
  if (secret.unfinished_version_id) {
    details.push(`The next rotation resumes with version ${short(secret.unfinished_version_id)}.`);
  }
  if (secret.next_own_rotation) {
    details.push(`Secrets Manager rotates it by ${minute(secret.next_own_rotation)}.`);
  }
  for (const [version, time] of Object.entries(secret.revoked_after ?? {})) {
    details.push(`The key of version ${short(version)} is revoked after ${minute(time)}.`);
  }
  for (const { region, status, status_message: message } of secret.replicas ?? []) {
    if (status !== "InSync") {
      details.push(`Replica in ${region}: ${status}${message ? ". " + message : "."}`);
    }
  }
  if (secret.problem) {
    const { reason, message, next_step: nextStep } = secret.problem;
    details.push(`${reason}: ${message}`, nextStep);
  }
  return {
    cells: [
      secret.secret,
      secret.kind ?? "-",
      age,
      until(secret.valid_until, "expired"),
      until(secret.due, "now"),
      state(secret),
    ],
    details,
  };
}

const WITH_DETAILS = ["FAILED", "SKIPPED", "AWAITING_FIRST_KEY", "PAUSED", "REVOKED"];
const BY_HAND =
  "Its replaced keys are v1 keys, or an operator had them issued: docs/runbook.md#revoke-a-key-by-hand";

const revokedNone = (secret) => secret.result === "REVOKED" && secret.keys_revoked === 0;
const result = (secret) => (revokedNone(secret) ? "NONE_REVOKED" : secret.result);

function rotateRow(secret) {
  const oldKeyEnds = secret.previous_revoked_after ?? secret.previous_valid_until;
  const details = WITH_DETAILS.includes(secret.result) ? [secret.message] : [];
  return {
    cells: [
      secret.secret,
      result(secret),
      until(secret.valid_until, "expired"),
      until(oldKeyEnds, "expired"),
    ],
    details: revokedNone(secret) ? [...details, BY_HAND] : details,
  };
}

/** Breaks a text into lines of at most 100 characters, indented by four. */
function wrap(text) {
  const lines = [];
  for (const word of text.split(" ")) {
    if (lines.length > 0 && lines.at(-1).length + 1 + word.length <= 96) {
      lines[lines.length - 1] += " " + word;
    } else {
      lines.push(word);
    }
  }
  return lines.map((line) => "    " + line);
}

function print(head, rows) {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((r) => r.cells[i].length)));
  const line = (cells) => cells.map((cell, i) => cell.padEnd(widths[i])).join("  ").trimEnd();
  console.log(line(head));
  for (const { cells, details } of rows) {
    console.log(line(cells));
    details.flatMap(wrap).forEach((detail) => console.log(detail));
  }
}

function counts(secrets) {
  const byName = new Map();
  for (const name of secrets) {
    byName.set(name, (byName.get(name) ?? 0) + 1);
  }
  return [...byName].map(([name, count]) => `${count} ${name}`).join(", ");
}

const [mode, file] = process.argv.slice(2);
const lines = readFileSync(file, "utf8").split("\n").filter(Boolean);
const reports = lines.map(report);
const secrets = reports.flatMap((each) => each.secrets);
const failed =
  reports.some((each) => each.failed) ||
  secrets.some((secret) => secret.problem || revokedNone(secret) || replicationFailed(secret));
if (mode === "json") {
  reports.forEach((each) => console.log(JSON.stringify(each)));
} else if (mode === "names") {
  secrets.filter((secret) => secret.version_id).forEach((secret) => console.log(secret.secret));
} else if (secrets.length > 0) {
  if (mode === "status") {
    print(["SECRET", "KIND", "AGE", "EXPIRES-IN", "DUE-IN", "STATE"], secrets.map(statusRow));
  } else {
    print(["SECRET", "RESULT", "EXPIRES-IN", "OLD-KEY-ENDS-IN"], secrets.map(rotateRow));
  }
  const ends = reports.map((each) => each.management_key_valid_until).find((end) => end);
  if (ends !== undefined) {
    console.error(`The management key expires in: ${until(ends, "expired")}.`);
  }
  const results = secrets.map((secret) => (mode === "status" ? state(secret) : result(secret)));
  console.error(`Secrets: ${counts(results)}.`);
}
process.exitCode = failed ? 1 : 0;
