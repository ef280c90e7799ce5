#!/bin/sh
# Builds the function, sends it events in the local sandbox and shows the results.
set -eu

usage="Usage: scripts/demo.sh [--kind KIND] [--event FILE | --all] [--keep] | --revocation | --clients | --tokens | --year
  --kind KIND   rotates a key of this kind alone, v1 or v2 (default: one of each)
  --event FILE  sends this event, one of events/*.json (default: events/manual.json)
  --all         sends all events/*.json, one after the other
  --keep        leaves the sandbox running and prints how to call it
  --revocation  shows how a replaced key is revoked, on a clock that is moved by days
  --clients     changes the key of an application under load: none of its calls fails
  --tokens      has curl fetch a short-lived token, which Momento's SDK uses within its scope
  --year        plays a year with incidents, shows which alarms go off, and draws target/year.svg"
kind=both
event=
all=
keep=
revocation=
clients=
tokens=
year=
. "$(dirname "$0")/lib.sh"
read_options "$@"

case $kind in
  v1 | v2 | both) ;;
  *) misuse ;;
esac
if [ -n "$event" ]; then
  if [ ! -f "$event" ]; then
    echo "No such event file: $event" >&2
    misuse
  fi
  event=$(cd "$(dirname "$event")" && pwd)/$(basename "$event")
fi

cd "$(dirname "$0")/.."
if [ -n "$revocation" ]; then
  exec scripts/run-in-sandbox.sh --in-tests lambda keyrotation.RevocationDemo
fi
if [ -n "$clients" ]; then
  exec scripts/run-in-sandbox.sh --in-tests client keyrotation.client.ClientsDemo lambda/target/function.zip
fi
if [ -n "$tokens" ]; then
  need curl "The demo fetches tokens with it."
  exec scripts/run-in-sandbox.sh --in-tests tokens keyrotation.tokens.TokensDemo \
    lambda/target/function.zip tokens/target/function.zip tokens/sample-policy.json
fi
if [ -n "$year" ]; then
  echo "Synthesizing the stack, whose filters and alarms are applied ..."
  STACK_SUFFIX="" CHECK_INTERVAL_IN_HOURS=24 MOMENTO_MANAGEMENT_KEY_SECRET=momento/management-key \
    scripts/deploy.sh --synth > /dev/null
  exec scripts/run-in-sandbox.sh --in-tests lambda keyrotation.YearDemo \
    infrastructure/cdk.out/momento-auth-token-refresh-stack.template.json target/year.svg
fi
if [ -n "$all" ]; then
  set -- events/*.json
else
  set -- "${event:-events/manual.json}"
fi

exec scripts/run-in-sandbox.sh Demo "$kind" "$@" ${keep:+--keep}
