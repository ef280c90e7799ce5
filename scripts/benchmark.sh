#!/bin/sh
# Measures the function, or the client library.
set -eu

usage="Usage: scripts/benchmark.sh [--quick] [--fleets] [--client]
  --quick   makes few runs, and measures the deployed memory size only
  --fleets  measures daily runs over 1 to 10,000 secrets, instead of the function
            and the one for Node
  --client  measures what a call through the client library costs, instead of
            the function, which is compared with a function for Node"
quick=
fleets=
client=
. "$(dirname "$0")/lib.sh"
read_options "$@"

cd "$(dirname "$0")/.."
if [ -n "$client" ]; then
  exec scripts/run-in-sandbox.sh --in-tests client keyrotation.client.CallBenchmark
fi
if [ -n "$fleets" ]; then
  exec scripts/run-in-sandbox.sh benchmark.Benchmark --fleets ${quick:+--quick}
fi
need node "The benchmark needs Node.js 20 or newer, for the function that it compares this one with."
need npm "The benchmark needs npm, which comes with Node.js and installs the packages of a function for Node."
exec scripts/run-in-sandbox.sh benchmark.Benchmark ${quick:+--quick}
