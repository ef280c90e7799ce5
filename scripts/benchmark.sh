#!/bin/sh
# Measures the function's duration and memory use at several memory sizes.
exec "$(dirname "$0")/run-in-sandbox.sh" Benchmark
