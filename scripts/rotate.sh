#!/bin/sh
# Rotates secrets now.
set -eu

usage="Usage: scripts/rotate.sh [OPTION ...] --all | SECRET ...
  --all                    rotates all secrets that the function rotates
  --dry-run                reports what a rotation would do, and makes no key
  --if-due                 rotates keys that are due, as a scheduled run does
  --issued-before INSTANT  rotates keys that were stored before, such as 2026-11-22T04:00:00Z:
                           after a failure, a repetition rotates the rest
  --revoke-now             then revokes the replaced v2 keys, in place of after their grace period
  --yes                    asks for no confirmation of --revoke-now
  --stack NAME             the stack whose function rotates (default: that of scripts/deploy.sh)
  --json                   prints the function's responses as JSON, one in a line
  SECRET                   the name or ARN of a secret
Ends with status 1 if any secret failed."
all=
dry_run=
if_due=
issued_before=
revoke_now=
yes=
stack=
json=
. "$(dirname "$0")/lib.sh"
read_options "$@"
. "$(dirname "$0")/function.sh"

case ${all:+all}:$operands in
  : | all:?*) misuse ;;
esac
case $dry_run$if_due${issued_before:+yes} in
  yesyes*) misuse ;;
esac
[ -z "$dry_run" ] || [ -z "$revoke_now" ] || misuse
case $issued_before in
  *[!0-9TZ:.-]*) fail "This is no instant such as 2026-11-22T04:00:00Z: $issued_before" ;;
esac
require_names
table=rotate
start=$(date -u +%Y-%m-%dT%H:%M:%SZ)

verb=Rotating
[ -z "$dry_run" ] || verb=Checking
fields=
[ -z "$dry_run" ] || fields=',"dry_run":true'
[ -z "$if_due" ] || fields=',"if_due":true'
[ -z "$issued_before" ] || fields=",\"issued_before\":\"$issued_before\""

if [ -n "$revoke_now" ] && [ -z "$yes" ]; then
  echo "After the rotation, this revokes the replaced v2 keys of these secrets." >&2
  echo "Applications that still use one of them fail at once. v1 keys cannot be revoked." >&2
  confirm "Rotate and revoke?"
fi

if [ -n "$all" ]; then
  invoke "$verb all secrets" "{\"all\":true$fields}"
fi
for name in $operands; do
  invoke "$verb $name" "{\"momento_auth_token_secret_name\":\"$name\"$fields}"
done
failed=
show rotate || failed=yes

if [ -n "$revoke_now" ]; then
  [ -z "$failed" ] || fail "Nothing was revoked, because a rotation failed. After the mend, repeat this with" \
    "--issued-before ${issued_before:-$start}, which rotates only the rest."
  [ -z "$all" ] || operands=$(node "$(dirname "$0")/report.mjs" names "$responses")
  : >"$responses"
  for name in $operands; do
    invoke "Revoking the replaced keys of $name" \
      "{\"momento_auth_token_secret_name\":\"$name\",\"revoke_previous\":true}"
  done
  show rotate || failed=yes
fi
[ -z "$failed" ]
