#!/bin/sh
# Deploys or updates the function, its schedule and its secrets in an AWS account.
set -eu

usage="Usage: scripts/deploy.sh [--synth] [--yes]
  --synth  writes the CloudFormation template and stops; needs no AWS account
  --yes    asks for no confirmation: of granted permissions, of cdk bootstrap, of a secret
           that the stack will no longer rotate
Settings are environment variables; docs/settings.md lists them. The account and the region are
those of the aws command; AWS_PROFILE and AWS_REGION select others."
synth=
yes=
stack=
. "$(dirname "$0")/lib.sh"
read_options "$@"

# The CDK app runs in infrastructure, where a relative path would lead elsewhere.
policy=$(echo "${TOKENS_POLICY:-}" | sed 's/^ *//; s/ *$//')
case $policy in
  '' | /*) ;;
  *) export TOKENS_POLICY="$PWD/$policy" ;;
esac
cd "$(dirname "$0")/../infrastructure"
errors=$(mktemp)
trap 'rm -f "$errors"' EXIT
. ../scripts/stack.sh

# Prints the ARN of a secret that exists outside the stack, or else the name unchanged. By its ARN
# the stack uses the secret as it is; CloudFormation cannot create it again.
secret_id() {
  case $1 in
    arn:*)
      echo "$1"
      return
      ;;
  esac
  if ! found=$(aws secretsmanager describe-secret --secret-id "$1" --output text \
    --query '[ARN,DeletedDate]' 2>"$errors"); then
    # The CDK app reports an invalid name, together with all other invalid settings.
    grep -qE 'ResourceNotFound|InvalidParameter|alidation' "$errors" || fail "$(cat "$errors")"
    echo "$1"
    return
  fi
  arn=$(echo "$found" | cut -f 1)
  [ "$(echo "$found" | cut -f 2)" = None ] || fail "The secret $1 is scheduled for deletion." \
    "To restore it: aws secretsmanager restore-secret --secret-id $1"
  if echo "$resources" | cut -f 2- | grep -qxF "AWS::SecretsManager::Secret$tab$arn"; then
    echo "$1"
  else
    echo "The secret $1 already exists; the stack uses it as it is." >&2
    echo "$arn"
  fi
}

# Prints the names of secrets, one per line, given names or ARNs separated by commas.
names() {
  echo "$1" | tr , '\n' | sed -E 's/^arn:.*:secret:(.*)-[A-Za-z0-9]{6}$/\1/'
}

# Asks before the stack stops rotating a secret that a setting no longer names.
keep_rotating() {
  for name in $(names "$1"); do
    names "$2" | grep -qxF "$name" && continue
    echo "The stack rotates $name, but MOMENTO_AUTH_TOKEN_SECRET_NAME does not name it."
    [ -n "$yes" ] || confirm "Stop rotating it?"
  done
}

need mvn "Maven 3.8 or newer builds the function."
need npm "npm installs the CDK; it comes with Node.js 20 or newer."
[ -z "$(find package-lock.json -newer node_modules/.package-lock.json 2>&1)" ] \
  || npm ci --loglevel=error --no-audit --no-fund >/dev/null \
  || fail "npm could not install the CDK command line."

if [ -n "$synth" ]; then
  npx cdk synth --quiet
  echo "The template: infrastructure/cdk.out/$stack.template.json"
  exit
fi

resources=$(resources)
refuse_older "$resources"
ids=${MOMENTO_AUTH_TOKEN_SECRET_NAME:-}
[ -n "$ids${MOMENTO_AUTH_TOKEN_SECRET_TAG:-}" ] || ids=momento/authentication-token
if [ -n "$ids" ] && [ "${CREATE_SECRETS:-true}" = true ]; then
  rest=$ids,
  ids=
  while [ -n "$rest" ]; do
    id=$(secret_id "$(echo "${rest%%,*}" | sed 's/^ *//; s/ *$//')")
    rest=${rest#*,}
    ids=$ids$id${rest:+,}
  done
fi
if [ -n "$resources" ]; then
  describe
  keep_rotating "$(output SecretNames)" "$ids"
fi

if ! aws ssm get-parameter --name /cdk-bootstrap/hnb659fds/version >/dev/null 2>"$errors"; then
  grep -q ParameterNotFound "$errors" || fail "$(cat "$errors")"
  echo "This account and region are not bootstrapped for the CDK, which needs a bucket and roles."
  [ -n "$yes" ] || confirm "Run cdk bootstrap?"
  npx cdk bootstrap
fi
npx cdk deploy -c MOMENTO_AUTH_TOKEN_SECRET_NAME="$ids" ${yes:+--require-approval never}
[ -z "${MOMENTO_FIRST_KEY_ROLE:-}" ] \
  || echo "Scheduled runs have a first key issued for each secret that the stack has created."
echo "Store a first key, the file from Momento's console, in each secret that has no key yet:"
echo "  scripts/store-key.sh momento_token.info.json NAME"
# The stack is deployed, whatever the secrets are like.
../scripts/rotate.sh --all --dry-run || true
../scripts/status.sh || true
