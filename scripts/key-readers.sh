#!/bin/sh
# Lists the principals that may still hold a key that was replaced.
set -eu

usage="Usage: scripts/key-readers.sh [--rotated INSTANT] [--days DAYS] [--json]
                              [--stack NAME] SECRET
Lists the principals that have read SECRET before its last rotation and not since, according to
CloudTrail's event history. They may still hold an old key. It reads no key and prints none.
  SECRET             the name or the ARN of the secret
  --rotated INSTANT  the time of the rotation, such as 2026-11-22T04:00:12Z (default: when the current
                     version became AWSCURRENT)
  --days DAYS        how many days before the rotation to look back, 1 to 90 (default: 90)
  --json             prints JSON, with all sessions, addresses and user agents
  --stack NAME       the stack whose function's own reads are left out (default: that of
                     scripts/deploy.sh)
Exit status: 0 if it lists no principal, 1 if it lists one. 2 if it cannot tell: wrong options, a
failed call, or a rotation less than 15 minutes ago, whose reads CloudTrail may not have yet.
The event history is that of one account and region, and has 90 days. Each replica of the secret is
read in its own region. The account and the region are those of the aws command."
rotated=
days=90
json=
stack=
. "$(dirname "$0")/lib.sh"
failure=2
read_options "$@"
case $operands in
  '' | *"$newline"*) misuse ;;
esac
case $days in
  [1-9] | [1-8][0-9] | 90) ;;
  *) misuse ;;
esac
case $rotated in
  '' | [0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]*Z) ;;
  *) misuse ;;
esac

errors=$(mktemp)
trap 'rm -f "$errors"' EXIT
. "$(dirname "$0")/stack.sh"
need aws "Install the AWS command line."
need node "Install Node.js 20 or newer."
find_function
node "$(dirname "$0")/key-readers.mjs" "$operands" "$rotated" "$days" "$json" "$target"
