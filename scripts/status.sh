#!/bin/sh
# Shows how each secret is. It changes nothing.
set -eu

usage="Usage: scripts/status.sh [--json] [--stack NAME] [SECRET ...]
  --json        prints the function's responses as JSON, one in a line
  --stack NAME  the stack whose function is asked (default: that of scripts/deploy.sh)
  SECRET        the name or ARN of a secret; without one, all secrets that the function rotates
Shows the kind, age and expiry of each key, when it is due, an unfinished rotation, the times at
which replaced keys are revoked, each replica that is not in sync, and each problem with its next
step. Whether Momento accepts a key, scripts/rotate.sh --dry-run finds out. Ends with status 1 if a
secret has a problem, or a replica whose replication failed."
json=
stack=
. "$(dirname "$0")/lib.sh"
read_options "$@"
. "$(dirname "$0")/function.sh"

table=status
require_names
if [ -z "$operands" ]; then
  invoke "Reading all secrets" '{"status":true}'
fi
for name in $operands; do
  invoke "Reading $name" "{\"momento_auth_token_secret_name\":\"$name\",\"status\":true}"
done
show status
