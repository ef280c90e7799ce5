#!/bin/sh
# Builds the function and the sandbox, and runs one of the sandbox's programs with the function's archive:
# run-in-sandbox.sh PROGRAM [ARGUMENT ...]
set -eu
cd "$(dirname "$0")/.."

echo "Building the function and the sandbox ..."
mvn --batch-mode --quiet --projects sandbox,lambda --also-make -Dstyle.color=never -Dmaven.test.skip=true package &
build=$!
trap 'kill $build' INT TERM
wait $build
trap - INT TERM

program=$1
shift
# Use the JDK that Maven found; the one on the PATH may be older.
exec target/jdk/bin/java -XX:TieredStopAtLevel=1 \
  --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow \
  -cp "sandbox/target/classes:$(cat sandbox/target/class-path)" \
  "keyrotation.sandbox.$program" lambda/target/function.zip "$@"
