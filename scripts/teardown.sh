#!/bin/sh
# Deletes the stack that deploy.sh created and keeps its secrets.
set -eu

usage="Usage: scripts/teardown.sh [--yes]
  --yes  asks for no confirmation"
yes=
. "$(dirname "$0")/lib.sh"
read_options "$@"
. "$(dirname "$0")/stack.sh"

resources=$(resources)
[ -n "$resources" ] || fail "There is no stack $stack in this account and region."
refuse_older "$resources"
secrets=$(secrets_of_stack)

echo "This deletes $(of_stack StackId)."
echo "It keeps these secrets, which nothing rotates afterwards:"
echo "${secrets:-the secrets with its tag}" | tr , '\n' | sed 's/^/  /'
[ -n "$yes" ] || confirm "Delete the stack?"
aws cloudformation delete-stack --stack-name "$stack"
echo "Waiting for the deletion ..."
aws cloudformation wait stack-delete-complete --stack-name "$stack"
echo "Deleted. To rotate the secrets again: scripts/deploy.sh. To delete one:"
echo "  aws secretsmanager delete-secret --secret-id NAME"
