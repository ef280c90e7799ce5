#!/bin/sh
# Removes all that deploy.sh has put into an AWS account, but for the secrets.
set -eu

usage() {
  echo "Usage: scripts/teardown.sh [--yes]"
  echo "  --yes  does not ask"
}

sure=
while [ $# -gt 0 ]; do
  case $1 in
    --yes) sure=yes ;;
    --help)
      usage
      exit
      ;;
    *)
      usage >&2
      exit 2
      ;;
  esac
  shift
done

. "$(dirname "$0")/stack.sh"

resources=$(resources)
[ -n "$resources" ] || fail "There is no stack $stack in this account and region."
refuse_older "$resources"
secrets=$(secrets_of_stack)

echo "This deletes $(of_stack StackId)."
echo "Nothing rotates these secrets then; they stay:"
echo "${secrets:-those with its tag}" | tr , '\n' | sed 's/^/  /'
[ -n "$sure" ] || confirm "Delete the stack?"
aws cloudformation delete-stack --stack-name "$stack"
echo "Waiting until it is gone ..."
aws cloudformation wait stack-delete-complete --stack-name "$stack"
echo "Done. To have the secrets rotated again: scripts/deploy.sh. To be rid of one:"
echo "  aws secretsmanager delete-secret --secret-id NAME"
