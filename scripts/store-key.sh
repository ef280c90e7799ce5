#!/bin/sh
# Stores a key from Momento's console in a secret.
set -eu

usage="Usage: scripts/store-key.sh [--yes] [--stack NAME] FILE [SECRET]
  --yes         asks for no confirmation before it replaces a key
  --stack NAME  the stack whose function rotates the secret (default: that of scripts/deploy.sh)
  FILE          the JSON file with the key, such as momento_token.info.json
  SECRET        the name or ARN of the secret (default: momento/authentication-token; with --stack,
                the one secret that the stack names)
Says which kind of key the file has and what is missing, stores it, and has the function report
what a rotation would do. Delete the file afterwards."
yes=
stack=
json=
table=rotate
. "$(dirname "$0")/lib.sh"
read_options "$@"
. "$(dirname "$0")/function.sh"

file=$(echo "$operands" | sed -n 1p)
name=$(echo "$operands" | sed -n 2p)
if [ -z "$file" ] || [ -n "$(echo "$operands" | sed -n 3p)" ]; then
  misuse
fi
[ -f "$file" ] || fail "There is no file $file."
operands=${name:-momento/authentication-token}
require_names
find_function
[ -n "$name" ] || [ -z "$described" ] || operands=$(output SecretNames)
case $operands in
  *,*) fail "The stack $stack rotates several secrets. Name one of them: $operands" ;;
  '') fail "The stack $stack names no secret in its output SecretNames. Name the secret." ;;
esac
name=$operands

node "$(dirname "$0")/check-key.mjs" "$file"
labels=$(aws secretsmanager describe-secret --secret-id "$name" --query VersionIdsToStages \
  --output text 2>"$errors") || {
  grep -q ResourceNotFound "$errors" || fail "$(sed '/^$/d' "$errors")"
  fail "There is no secret $name in this account and region. Name one that the function rotates," \
    "or have scripts/deploy.sh create it."
}
case $labels in
  *AWSCURRENT*) [ -n "$yes" ] || confirm "$name has a value. Replace it?" ;;
esac
aws secretsmanager put-secret-value --secret-id "$name" --secret-string "file://$file" \
  >/dev/null 2>"$errors" || fail "$(sed '/^$/d' "$errors")"
echo "Stored in $name." >&2
invoke "Checking $name" "{\"momento_auth_token_secret_name\":\"$name\",\"dry_run\":true}"
failed=
show rotate || failed=yes
echo "Delete the file $file." >&2
[ -z "$failed" ]
