# What the scripts that talk to AWS share; they read it in.

stack=momento-auth-token-refresh-stack
errors=$(mktemp)
trap 'rm -f "$errors"' EXIT

# Version 1 of AWS's command line knows the region by this name alone, the CDK by both.
[ -z "${AWS_REGION:-}" ] || export AWS_DEFAULT_REGION="$AWS_REGION"

fail() {
  echo "$@" >&2
  exit 1
}

need() {
  command -v "$1" >/dev/null || fail "This needs $1, which is not there: $2"
}

# Tells what the stack consists of, a resource a line: its logical id, its type, its physical id.
# There is none where there is no stack.
resources() {
  need aws "it is AWS's command line."
  aws cloudformation list-stack-resources --stack-name "$stack" --output text \
    --query "StackResourceSummaries[?ResourceStatus!='DELETE_COMPLETE'].[LogicalResourceId,ResourceType,PhysicalResourceId]" \
    2>"$errors" || grep -q 'does not exist' "$errors" || fail "$(cat "$errors")"
}

# Tells something of the stack as it is deployed.
of_stack() {
  aws cloudformation describe-stacks --stack-name "$stack" --output text --query "Stacks[0].$1"
}

# Tells which secrets the stack names, separated by commas.
secrets_of_stack() {
  of_stack "Outputs[?OutputKey=='SecretNames'].OutputValue" | sed 's/^None$//'
}

# Asks whether to go on; any answer but yes ends the script.
confirm() {
  printf '%s [y/N] ' "$1"
  read -r answer || answer=
  case $answer in
    y | Y | yes) ;;
    *) fail "Nothing was done." ;;
  esac
}

# Ends the script if those resources are the older system's, whose names begin like this.
refuse_older() {
  if echo "$1" | grep -q '^momentoauthtoken'; then
    fail "The stack $stack is the older system's, and its secrets go with it." \
      "See \"Moving over from the TypeScript function\" in the README."
  fi
}
