#!/bin/sh
# Builds the function and the sandbox, and runs one of the sandbox's programs with the function's archive, or a
# program that stands among the function's tests:
# run-in-sandbox.sh PROGRAM [ARGUMENT ...]
# run-in-sandbox.sh --in-tests CLASS [ARGUMENT ...]
set -eu
cd "$(dirname "$0")/.."

if [ "$1" = --in-tests ]; then
  tests=-DskipTests
else
  tests=-Dmaven.test.skip=true
fi
echo "Building the function and the sandbox ..."
mvn --batch-mode --quiet --projects sandbox,lambda --also-make -Dstyle.color=never $tests package &
build=$!
trap 'kill $build' INT TERM
wait $build
trap - INT TERM

if [ "$1" = --in-tests ]; then
  class_path=lambda/target/test-classes:lambda/target/classes:$(cat lambda/target/test-class-path)
  shift
else
  class_path=sandbox/target/classes:$(cat sandbox/target/class-path)
  program=keyrotation.sandbox.$1
  shift
  set -- "$program" lambda/target/function.zip "$@"
fi
# Use the JDK that Maven found; the one on the PATH may be older.
exec target/jdk/bin/java -XX:TieredStopAtLevel=1 \
  --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow \
  -cp "$class_path" "$@"
