#!/bin/sh
# Builds the function and shows it rotate a key, on this machine alone.
set -eu
cd "$(dirname "$0")/.."

event=events/manual.json
keep=
while [ $# -gt 0 ]; do
  case $1 in
    --keep) keep=--keep ;;
    *)
      echo "Usage: scripts/demo.sh [--keep]" >&2
      echo "  --keep  leaves the sandbox running, and says how to talk to it" >&2
      exit 2
      ;;
  esac
  shift
done

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
  keyrotation.sandbox.Demo lambda/target/function.zip "$event" $keep
