#!/bin/sh
# Stores a key from Momento's console in a secret.
set -eu

usage="Usage: scripts/store-key.sh FILE [SECRET]
  FILE    the JSON file with the key, such as momento_token.info.json
  SECRET  the name or ARN of the secret (default: momento/authentication-token)
Says which kind of key the file has and what is missing, stores it, and has the function report
what a rotation would do. Delete the file afterwards."
json=
. "$(dirname "$0")/lib.sh"
read_options "$@"
. "$(dirname "$0")/function.sh"

file=$(echo "$operands" | sed -n 1p)
name=$(echo "$operands" | sed -n 2p)
[ -n "$file" ] && [ -z "$(echo "$operands" | sed -n 3p)" ] || misuse
[ -f "$file" ] || fail "There is no file $file."
operands=${name:-momento/authentication-token}
require_names
name=$operands

node "$(dirname "$0")/check-key.mjs" "$file"
aws secretsmanager put-secret-value --secret-id "$name" --secret-string "file://$file" \
  --query VersionId --output text >/dev/null 2>"$errors" || {
  grep -q ResourceNotFound "$errors" || fail "$(sed '/^$/d' "$errors")"
  fail "There is no secret $name in this account and region. scripts/deploy.sh creates it, or:" \
    "aws secretsmanager create-secret --name $name --secret-string file://$file"
}
echo "Stored in $name. Delete the file $file."
invoke "Checking $name" "{\"momento_auth_token_secret_name\":\"$name\",\"dry_run\":true}"
show rotate
