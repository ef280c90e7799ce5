#!/bin/sh
# What cdk runs: builds the functions and this app, and has the app describe the stack.
set -eu
cd "$(dirname "$0")"

echo "Building the functions and their stack ..." >&2
mvn --batch-mode --quiet --file ../pom.xml --projects lambda,tokens,infrastructure --also-make \
  -Dstyle.color=never -Dmaven.test.skip=true package >&2

# Use the JDK that Maven found; the one on the PATH may be older.
exec ../target/jdk/bin/java -XX:TieredStopAtLevel=1 -cp "target/classes:$(cat target/class-path)" \
  keyrotation.infrastructure.KeyRotationApp ../lambda/target/function.zip ../tokens/target/function.zip
