#!/bin/sh
# The command that cdk runs: builds the function and the CDK app, then synthesizes the stack.
set -eu
cd "$(dirname "$0")"

echo "Building the function and its stack ..." >&2
mvn --batch-mode --quiet --file ../pom.xml --projects lambda,infrastructure --also-make \
  -Dstyle.color=never -Dmaven.test.skip=true package >&2

# Use the JDK that Maven found; the one on the PATH may be older.
java=$(sed -n 's/^ *java\.home = //p' ../sandbox/target/jdk.properties)/bin/java
exec "$java" -XX:TieredStopAtLevel=1 -cp "target/classes:$(cat target/class-path)" \
  keyrotation.infrastructure.KeyRotationApp ../lambda/target/function.zip
