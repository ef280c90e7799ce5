# What the scripts that talk to AWS share; they read it in.

stack=momento-auth-token-refresh-stack
errors=$(mktemp)
trap 'rm -f "$errors"' EXIT

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
  aws cloudformation describe-stack-resources --stack-name "$stack" --output text \
    --query 'StackResources[].[LogicalResourceId,ResourceType,PhysicalResourceId]' 2>"$errors" \
    || grep -q 'does not exist' "$errors" \
    || fail "$(cat "$errors")"
}

# Ends the script if those resources are the older system's, whose names begin like this.
refuse_older() {
  if echo "$1" | grep -q '^momentoauthtoken'; then
    fail "The stack $stack is the older system's, and its secrets go with it." \
      "See \"Moving over from the TypeScript function\" in the README."
  fi
}
