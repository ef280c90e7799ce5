#!/bin/sh
# Builds the function, sends it events in the local sandbox and shows the results.
set -eu

usage() {
  echo "Usage: scripts/demo.sh [--event FILE | --all] [--keep]"
  echo "  --event FILE  sends this event, one of events/*.json (default: events/manual.json)"
  echo "  --all         sends all events/*.json, one after the other"
  echo "  --keep        leaves the sandbox running and prints how to call it"
}

event=
all=
keep=
while [ $# -gt 0 ]; do
  case $1 in
    --event)
      if [ $# -lt 2 ] || [ ! -f "$2" ]; then
        echo "No such event file: ${2:-}" >&2
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
