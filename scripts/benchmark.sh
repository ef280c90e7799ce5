#!/bin/sh
# Measures the function, or the client library.
set -eu

usage="Usage: scripts/benchmark.sh [--client]
  --client  measures what a call through the client library costs, instead of
            the function's duration and memory use at several memory sizes"
client=
. "$(dirname "$0")/lib.sh"
read_options "$@"

cd "$(dirname "$0")/.."
if [ -n "$client" ]; then
  exec scripts/run-in-sandbox.sh --in-tests client keyrotation.client.CallBenchmark
fi
exec scripts/run-in-sandbox.sh Benchmark
