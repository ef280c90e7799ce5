#!/bin/sh
# Builds the function and the sandbox, and runs one of the sandbox's programs with the function's archive, or a
# program that stands among the tests of a module:
# run-in-sandbox.sh PROGRAM [ARGUMENT ...]
# run-in-sandbox.sh --in-tests MODULE CLASS [ARGUMENT ...]
set -eu
cd "$(dirname "$0")/.."

if [ "$1" = --in-tests ]; then
  modules=sandbox,lambda,$2
  tests=-DskipTests
else
  modules=sandbox,lambda
  tests=-Dmaven.test.skip=true
fi
echo "Building the function and the sandbox ..."
mvn --batch-mode --quiet --projects "$modules" --also-make -Dstyle.color=never $tests package &
build=$!
trap 'kill $build' INT TERM
wait $build
trap - INT TERM

if [ "$1" = --in-tests ]; then
  class_path=$2/target/test-classes:$2/target/classes:$(cat "$2/target/test-class-path")
  shift 2
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
