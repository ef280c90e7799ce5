#!/bin/sh
# Builds the function and shows what it does with an event, on this machine alone.
set -eu

usage() {
  echo "Usage: scripts/demo.sh [--event FILE | --all] [--keep]"
  echo "  --event FILE  sends this event, one of events/*.json; events/manual.json if not given"
  echo "  --all         sends all of them, one after the other"
  echo "  --keep        leaves the sandbox running, and says how to talk to it"
}

event=
all=
keep=
while [ $# -gt 0 ]; do
  case $1 in
    --event)
      if [ $# -lt 2 ] || [ ! -f "$2" ]; then
        echo "There is no such event: ${2:-}" >&2
        usage >&2
        exit 2
      fi
      event=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
      shift
      ;;
    --all) all=yes ;;
    --keep) keep=--keep ;;
    --help)
      usage
      exit
      ;;
    *)
      usage >&2
      exit 2
      ;;
  esac
  shift
done

cd "$(dirname "$0")/.."
if [ -n "$all" ]; then
  set -- events/*.json
else
  set -- "${event:-events/manual.json}"
fi

exec scripts/run-in-sandbox.sh Demo "$@" $keep
