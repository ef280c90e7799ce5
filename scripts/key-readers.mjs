// Finds the principals that may still hold a key that was replaced, in CloudTrail's event history.
// key-readers.sh states the arguments and the exit status.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

const [secretId, givenRotation, days, json, functionName] = process.argv.slice(2);

const DAY = 24 * 3_600_000;
const HISTORY = 90 * DAY;
/** CloudTrail has most events after five minutes. AWS guarantees no time. */
const DELAY = 15 * 60_000;
/** For so long after a rotation a read may have returned the old key. */
const PROPAGATION = 60_000;
/** The calls are limited to two a second in an account and region, for all callers together. */
const RETRIES = { AWS_RETRY_MODE: "adaptive", AWS_MAX_ATTEMPTS: "20" };
const PROGRESS = process.stderr.isTTY ? 50 : 1000;

class Failure extends Error {}

/** Others choose the names of sessions and user agents, and a terminal must not obey them. */
function printable(text) {
  return String(text).replace(/[^ -~]/g, "?");
}

function note(text) {
  console.error(printable(text));
}

function iso(time) {
  return new Date(time).toISOString().replace(/\.\d+Z$/, "Z");
}

function plural(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** Version 1 of the AWS command line prints seconds since 1970, version 2 a date. */
function timeOf(value) {
  return typeof value === "number" ? value * 1000 : Date.parse(value);
}

function failed(args, stderr) {
  const reason = stderr.split("\n").findLast((line) => line.trim()) ?? "no output";
  return new Failure(`aws ${args[0]} ${args[1]}: ${reason}`);
}

async function aws(...args) {
  try {
    const { stdout } = await promisify(execFile)("aws", [...args, "--output", "json"], {
      maxBuffer: 64 << 20,
    });
    return JSON.parse(stdout);
  } catch (e) {
    throw failed(args, e.stderr ?? e.message);
  }
}

/** Visits the events with a name, the newest first. The text output comes page by page. */
async function lookUp(eventName, from, visit) {
  const args = ["cloudtrail", "lookup-events", "--start-time", iso(from)];
  args.push("--lookup-attributes", `AttributeKey=EventName,AttributeValue=${eventName}`);
  args.push("--output", "text", "--query", "Events[].[CloudTrailEvent]");
  const child = spawn("aws", args, {
    env: { ...process.env, ...RETRIES },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const closed = once(child, "close");
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      if (line && line !== "None") {
        visit(JSON.parse(line));
      }
    }
  } catch (e) {
    child.kill();
    throw e;
  }
  const [status] = await closed;
  if (status !== 0) {
    throw failed(args, stderr);
  }
}

async function roleOfFunction() {
  try {
    return (await aws("lambda", "get-function-configuration", "--function-name", functionName)).Role;
  } catch (e) {
    note(`The reads of the function are not left out, for its role is unknown. ${e.message}`);
    return undefined;
  }
}

/** Returns the id of a principal, and the session if it has assumed a role. */
function readerOf({ userIdentity: who = {} }) {
  const [principal, session = ""] = String(who.principalId ?? "").split(":");
  if (who.type === "AssumedRole") {
    const role = who.sessionContext?.sessionIssuer?.arn ?? who.arn?.replace(/\/[^/]*$/, "");
    return { id: role ?? `AssumedRole ${principal}`, session };
  }
  const id = who.arn ?? who.invokedBy;
  if (id) {
    return { id, session: "" };
  }
  // A principal of another account, or one that signed in through IAM Identity Center.
  const name = principal || who.userName || who.onBehalfOf?.userId;
  return { id: [who.type, who.accountId, name].filter(Boolean).join(" "), session };
}

/** A secret and its current version, and how events name them. */
class Secret {
  constructor(described, versions) {
    this.name = described.Name;
    this.arn = described.ARN;
    this.region = this.arn.split(":")[3];
    this.account = this.arn.split(":")[4];
    this.primaryRegion = described.PrimaryRegion ?? this.region;
    this.otherRegions = [
      ...(described.ReplicationStatus ?? []).map((replica) => replica.Region),
      this.primaryRegion,
    ].filter((region) => region !== this.region);
    this.changed = timeOf(described.LastChangedDate);
    this.current = versions.find((version) => version.VersionStages?.includes("AWSCURRENT"));
    // A caller may name a secret by an ARN without the six random characters.
    this.ids = new Set([this.name, this.arn, this.arn.replace(/-[^-]{6}$/, "")]);
    if (!this.current) {
      throw new Failure(`${this.name} has no version AWSCURRENT.`);
    }
  }

  isIn({ eventSource, requestParameters }) {
    return (
      eventSource === "secretsmanager.amazonaws.com" && this.ids.has(requestParameters?.secretId)
    );
  }

  /** Whether a read returned the current key for sure. */
  isReadOfCurrent({ eventTime, requestParameters }, rotated) {
    const { versionId, versionStage = "AWSCURRENT" } = requestParameters ?? {};
    return versionId
      ? versionId === this.current.VersionId
      : versionStage === "AWSCURRENT" && Date.parse(eventTime) > rotated + PROPAGATION;
  }

  /**
   * Finds when AWSCURRENT was moved to the current version, which can be long after that was stored.
   * An operator's PutSecretValue moves the label without an event of its own.
   */
  async findRotation(now) {
    const created = timeOf(this.current.CreatedDate);
    let moved = 0;
    await lookUp("UpdateSecretVersionStage", Math.max(created, now - HISTORY), (event) => {
      const toCurrent = event.requestParameters?.versionStage === "AWSCURRENT";
      if (toCurrent && this.isIn(event) && !event.errorCode) {
        moved = Math.max(moved, Date.parse(event.eventTime));
      }
    });
    // The event of a move may be missing yet, but not the time of the last change.
    return { rotated: moved || created, settled: this.changed <= now - DELAY };
  }
}

class Readers {
  principals = new Map();
  failed = 0;
  own = 0;

  add(event, ofCurrent, functionRole) {
    const { id, session } = readerOf(event);
    if (event.errorCode) {
      this.failed++;
    } else if (id === functionRole) {
      this.own++;
    } else {
      const sessions = this.principals.get(id) ?? new Map();
      this.principals.set(id, sessions);
      const reader = sessions.get(session) ?? newReader(session);
      sessions.set(session, reader);
      const time = Date.parse(event.eventTime);
      if (ofCurrent) {
        reader.lastNew = Math.max(reader.lastNew, time);
      } else {
        reader.lastOld = Math.max(reader.lastOld, time);
        reader.reads++;
        reader.addresses.add(printable(event.sourceIPAddress));
        reader.agents.add(printable(event.userAgent));
      }
    }
  }

  /** Returns the principals that have read an old key, with the sessions that may hold it. */
  ofOldKeys() {
    return [...this.principals]
      .map(([id, sessions]) => {
        const readers = [...sessions.values()];
        const old = readers.filter((reader) => reader.reads > 0);
        const holders = old.filter((reader) => reader.lastOld >= reader.lastNew);
        return {
          id,
          holders,
          sessions: old.length,
          readSince: readers.some((reader) => reader.lastNew > 0),
          last: Math.max(...holders.map((reader) => reader.lastOld)),
          reads: holders.reduce((sum, reader) => sum + reader.reads, 0),
          addresses: [...new Set(holders.flatMap((reader) => [...reader.addresses]))].sort(),
        };
      })
      .filter((principal) => principal.sessions > 0)
      .sort((a, b) => a.readSince - b.readSince || b.last - a.last);
  }
}

function newReader(session) {
  return { session, lastOld: 0, lastNew: 0, reads: 0, addresses: new Set(), agents: new Set() };
}

function table(principals, account) {
  const rows = principals.map(({ id, holders, sessions, readSince, last, reads, addresses }) => [
    printable(id.split(":")[4] === account ? id.split(":").slice(5).join(":") : id),
    iso(last),
    String(reads),
    holders[0].session ? `${holders.length} of ${sessions}` : "-",
    readSince ? "yes" : "no",
    addresses.slice(0, 2).join(" ") + (addresses.length > 2 ? ` +${addresses.length - 2}` : ""),
  ]);
  rows.unshift(["PRINCIPAL", "LAST READ", "READS", "SESSIONS", "READ SINCE", "FROM"]);
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows
    .map((row) => row.map((cell, column) => cell.padEnd(widths[column])).join("  ").trimEnd())
    .join("\n");
}

function report(secret, rotated, from, completeUntil, principals) {
  return {
    secret: secret.arn,
    rotated: iso(rotated),
    from: iso(from),
    complete_until: iso(completeUntil),
    principals: principals.map((principal) => ({
      principal: principal.id,
      last_read: iso(principal.last),
      reads: principal.reads,
      read_since: principal.readSince,
      sessions: principal.holders.map((reader) => ({
        ...(reader.session && { session: printable(reader.session) }),
        last_read: iso(reader.lastOld),
        reads: reader.reads,
        addresses: [...reader.addresses].sort(),
        user_agents: [...reader.agents].sort(),
      })),
    })),
  };
}

function showProgress(count, event) {
  if (count % PROGRESS === 0) {
    const text = `${count} events read, back to ${printable(event.eventTime)}`;
    process.stderr.write(process.stderr.isTTY ? `\r${text}\x1b[K` : `${text}\n`);
  }
}

async function main() {
  const now = Date.now();
  const given = Date.parse(givenRotation);
  if (givenRotation && !(given <= now)) {
    throw new Failure(`This is no time in the past: ${givenRotation}`);
  }
  const [described, { Versions: versions }, functionRole] = await Promise.all([
    aws("secretsmanager", "describe-secret", "--secret-id", secretId),
    aws("secretsmanager", "list-secret-version-ids", "--secret-id", secretId),
    roleOfFunction(),
  ]);
  const secret = new Secret(described, versions);
  if (!givenRotation && secret.region !== secret.primaryRegion) {
    throw new Failure(
      `This is a replica. Run this in ${secret.primaryRegion}: it prints the command for each replica.`,
    );
  }
  const { rotated, settled } = givenRotation
    ? { rotated: given, settled: given <= now - DELAY }
    : await secret.findRotation(now);
  if (rotated <= now - HISTORY) {
    throw new Failure(
      `The last rotation was at ${iso(rotated)}. The event history has 90 days, so no read before the ` +
        "rotation is known.",
    );
  }

  const from = Math.max(rotated - days * DAY, now - HISTORY);
  note(`Reading CloudTrail's event history in ${secret.region}, back to ${iso(from)} ...`);
  const readers = new Readers();
  let count = 0;
  await lookUp("GetSecretValue", from, (event) => {
    showProgress(++count, event);
    if (secret.isIn(event)) {
      readers.add(event, secret.isReadOfCurrent(event, rotated), functionRole);
    }
  });
  if (process.stderr.isTTY) {
    process.stderr.write("\r\x1b[K");
  }

  const all = readers.ofOldKeys();
  const listed = all.filter((principal) => principal.holders.length > 0);
  if (json) {
    console.log(JSON.stringify(report(secret, rotated, from, now - DELAY, listed), null, 2));
  } else if (listed.length > 0) {
    console.log(table(listed, secret.account));
  }
  note(
    `${listed.length} of ${plural(all.length, "principal")} that read a key from before ` +
      `${iso(rotated)} may still hold it.`,
  );
  if (readers.failed + readers.own > 0) {
    note(
      `Left out: ${plural(readers.failed, "failed read")}, ` +
        `${plural(readers.own, "read")} of the rotation function.`,
    );
  }
  if (settled) {
    note(`Complete until ${iso(now - DELAY)}: CloudTrail can have an event 15 minutes late.`);
  } else {
    note(
      "Not complete: the rotation, or another change of the secret, was less than 15 minutes ago, and " +
        `CloudTrail can have an event 15 minutes late. Run this again after ${iso(now + DELAY)}.`,
    );
  }
  for (const region of secret.otherRegions) {
    note(
      `Not read: the event history in ${region}, where the secret exists, too. To read it: ` +
        `AWS_REGION=${region} scripts/key-readers.sh --rotated ${iso(rotated)} ${secret.name}`,
    );
  }
  if (listed.length > 0) {
    return 1;
  }
  return settled ? 0 : 2;
}

try {
  process.exitCode = await main();
} catch (e) {
  note(e instanceof Failure ? e.message : `An event could not be understood (${e.name}).`);
  process.exitCode = 2;
}
