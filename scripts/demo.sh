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

echo "Building the function and the sandbox ..."
mvn --batch-mode --quiet --projects sandbox,lambda --also-make -Dmaven.test.skip=true package &
build=$!
trap 'kill $build' INT TERM
wait $build
trap - INT TERM

# The JDK that Maven has found; the one on the PATH may be older.
java=$(sed -n 's/^ *java\.home = //p' sandbox/target/jdk.properties)/bin/java
exec "$java" -XX:TieredStopAtLevel=1 \
  --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow \
  -cp "sandbox/target/classes:$(cat sandbox/target/class-path)" \
  keyrotation.sandbox.Demo lambda/target/function.zip "$@" $keep
