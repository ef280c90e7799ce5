# shellcheck shell=sh
# Functions that deploy.sh and teardown.sh share; they need lib.sh.

stack=momento-auth-token-refresh-stack
tab=$(printf '\t')
errors=$(mktemp)
trap 'rm -f "$errors"' EXIT

# Version 1 of the AWS command line reads only AWS_DEFAULT_REGION; the CDK reads both.
[ -z "${AWS_REGION:-}" ] || export AWS_DEFAULT_REGION="$AWS_REGION"

# Prints the stack's resources, one per line: logical id, type, physical id. Prints nothing if the
# stack does not exist.
resources() {
  need aws "Install the AWS command line."
  aws cloudformation list-stack-resources --stack-name "$stack" --output text \
    --query "StackResourceSummaries[?ResourceStatus!='DELETE_COMPLETE'].[LogicalResourceId,ResourceType,PhysicalResourceId]" \
    2>"$errors" || grep -q 'does not exist' "$errors" || fail "$(cat "$errors")"
}

# Asks once for what output prints.
describe() {
  described=$(aws cloudformation describe-stacks --stack-name "$stack" --output text \
    --query "Stacks[0].[[['StackId',StackId]],Outputs[].[OutputKey,OutputValue]][]")
}

# Prints an output of the deployed stack, or its StackId, or nothing.
output() {
  printf '%s\n' "$described" | sed -n "s/^$1$tab//p"
}

# Ends the script if the resources belong to the older TypeScript system, known by this prefix.
refuse_older() {
  if echo "$1" | grep -q '^momentoauthtoken'; then
    fail "The stack $stack is the older TypeScript system's; deleting it deletes its secrets." \
      "See docs/migrating-from-typescript.md."
  fi
}
