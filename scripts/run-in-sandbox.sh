#!/bin/sh
# Builds the function and the sandbox, then runs a program of the sandbox with the function's archive.
# Usage: run-in-sandbox.sh PROGRAM [ARGUMENT ...]
set -eu
cd "$(dirname "$0")/.."

echo "Building the function and the sandbox ..."
mvn --batch-mode --quiet --projects sandbox,lambda --also-make -Dstyle.color=never -Dmaven.test.skip=true package &
build=$!
trap 'kill $build' INT TERM
wait $build
trap - INT TERM

# Use the JDK that Maven found; the one on the PATH may be older.
java=$(sed -n 's/^ *java\.home = //p' sandbox/target/jdk.properties)/bin/java
program=$1
shift
exec "$java" -XX:TieredStopAtLevel=1 \
  --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow \
  -cp "sandbox/target/classes:$(cat sandbox/target/class-path)" \
  "keyrotation.sandbox.$program" lambda/target/function.zip "$@"
