#!/bin/sh
# Measures how long the function takes, and how much memory, at several sizes of it.
exec "$(dirname "$0")/run-in-sandbox.sh" Benchmark
