# shellcheck shell=sh
# Names the stack and its function, and has functions that ask CloudFormation about them. It needs
# lib.sh, and a file for messages in $errors. $stack is the name in a script's option --stack, or
# empty: then the names follow STACK_SUFFIX, as the CDK app's do.

tab=$(printf '\t')
described=

# Version 1 of the AWS command line reads only AWS_DEFAULT_REGION; the CDK reads both.
[ -z "${AWS_REGION:-}" ] || export AWS_DEFAULT_REGION="$AWS_REGION"

target=
case $stack in
  [!A-Za-z]* | *[!A-Za-z0-9-]*) fail "This is no name of a stack: $stack" ;;
  '')
    suffix=$(echo "${STACK_SUFFIX:-}" | sed 's/^ *//; s/ *$//')
    case $suffix in
      *[!a-z0-9-]* | ?????????????????*)
        fail "STACK_SUFFIX is \"$suffix\", but must be lower-case letters, digits and hyphens, 16 at most."
        ;;
    esac
    stack=momento-auth-token-refresh-stack${suffix:+-$suffix}
    target=momento-auth-token-refresh-lambda${suffix:+-$suffix}
    ;;
esac

# Prints the stack's resources, one per line: logical id, type, physical id. Prints nothing if the
# stack does not exist.
# shellcheck disable=SC2154 # Each script sets $errors.
resources() {
  need aws "Install the AWS command line."
  aws cloudformation list-stack-resources --stack-name "$stack" --output text \
    --query "StackResourceSummaries[?ResourceStatus!='DELETE_COMPLETE'].[LogicalResourceId,ResourceType,PhysicalResourceId]" \
    2>"$errors" || grep -q 'does not exist' "$errors" || fail "$(cat "$errors")"
}

# Ends the script: there is no such stack.
miss_stack() {
  fail "There is no stack $stack in this account and region."
}

# Asks once for what output prints.
describe() {
  described=$(aws cloudformation describe-stacks --stack-name "$stack" --output text \
    --query "Stacks[0].[[['StackId',StackId]],Outputs[].[OutputKey,OutputValue]][]" 2>"$errors") || {
    ! grep -q 'does not exist' "$errors" || miss_stack
    fail "$(sed '/^$/d' "$errors")"
  }
}

# Prints an output of the described stack, or its StackId, or nothing.
output() {
  printf '%s\n' "$described" | sed -n "s/^$1$tab//p"
}

# Sets $target where only the stack knows it: to the ARN of its alias live.
find_function() {
  if [ -z "$target" ]; then
    [ -n "$described" ] || describe
    target=$(output FunctionAliasArn)
    [ -n "$target" ] || fail "The stack $stack has no output FunctionAliasArn, so it has no function that rotates keys."
  fi
}

# Ends the script if the resources belong to the older TypeScript system, known by this prefix.
refuse_older() {
  if echo "$1" | grep -q '^momentoauthtoken'; then
    fail "The stack $stack is the older TypeScript system's; deleting it deletes its secrets." \
      "See docs/migrating-from-typescript.md."
  fi
}
