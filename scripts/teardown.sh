#!/bin/sh
# Deletes a stack and keeps its secrets.
set -eu

usage="Usage: scripts/teardown.sh [--yes] [--stack NAME]
  --yes         asks for no confirmation
  --stack NAME  deletes the stack NAME (default: that of scripts/deploy.sh)"
yes=
stack=
. "$(dirname "$0")/lib.sh"
read_options "$@"
errors=$(mktemp)
trap 'rm -f "$errors"' EXIT
. "$(dirname "$0")/stack.sh"

# Names the v2 keys that stay valid. Only a pipe sees the management key.
name_issued_keys() {
  echo "These v2 keys stay valid, and this function no longer revokes them. It has had them issued, or"
  echo "another function of the same Momento account has:"
  if keys=$(aws secretsmanager get-secret-value --secret-id "$1" --query SecretString --output text \
    2>"$errors" | node "$(dirname "$0")/issued-keys.mjs" "$2" 2>>"$errors"); then
    echo "${keys:-none}" | sed 's/^/  /'
  else
    echo "  They could not be listed. $(sed '/^$/d' "$errors" | head -n 1)"
  fi
}

resources=$(resources)
[ -n "$resources" ] || miss_stack
refuse_older "$resources"
describe
# All stacks of this project have this output, and other stacks have more in them than this.
[ -n "$target" ] || [ -n "$(output RotateNowCommand)" ] || fail "The stack $stack is no stack of deploy.sh or of the" \
  "release's template. Delete it with the tool that made it."
find_function
secrets=$(output SecretNames)
management=$(output ManagementKeySecret)

echo "This deletes $(output StackId)."
echo "It keeps these secrets, which nothing rotates afterwards:"
echo "${secrets:-the secrets with its tag}" | tr , '\n' | sed 's/^/  /'
[ -z "$management" ] || name_issued_keys "$management" "$(output MomentoApiEndpoint)"
[ -n "$yes" ] || confirm "Delete the stack?"
aws cloudformation delete-stack --stack-name "$stack"
echo "Waiting for the deletion ..."
aws cloudformation wait stack-delete-complete --stack-name "$stack"
echo "Deleted. To rotate the secrets again, deploy the stack again. To delete one:"
echo "  aws secretsmanager delete-secret --secret-id NAME"
