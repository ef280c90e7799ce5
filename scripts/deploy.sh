#!/bin/sh
# Puts the function, its schedule and its secrets into an AWS account, or brings them up to date.
set -eu

usage() {
  echo "Usage: scripts/deploy.sh [--synth] [--yes]"
  echo "  --synth  stops at the CloudFormation template; needs no AWS account"
  echo "  --yes    does not ask: before permissions are granted, before the account is prepared for"
  echo "           the CDK, before a secret is given up that the stack rotates"
  echo "Settings are environment variables; the README lists them. Account and region are those of"
  echo "the aws command: AWS_PROFILE and AWS_REGION choose others."
}

synth=
sure=
while [ $# -gt 0 ]; do
  case $1 in
    --synth) synth=yes ;;
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

cd "$(dirname "$0")/../infrastructure"
. ../scripts/stack.sh
tab=$(printf '\t')

# Returns what to call a secret: by its ARN if it is there and not the stack's. Then it is taken as
# it is; CloudFormation can't make it again.
secret_id() {
  case $1 in
    arn:*)
      echo "$1"
      return
      ;;
  esac
  if ! found=$(aws secretsmanager describe-secret --secret-id "$1" --output text \
    --query '[ARN,DeletedDate]' 2>"$errors"); then
    # What is no name at all will be told with all other mistakes.
    grep -qE 'ResourceNotFound|InvalidParameter|alidation' "$errors" || fail "$(cat "$errors")"
    echo "$1"
    return
  fi
  arn=$(echo "$found" | cut -f 1)
  [ "$(echo "$found" | cut -f 2)" = None ] || fail "The secret $1 is scheduled for deletion." \
    "Keep it: aws secretsmanager restore-secret --secret-id $1"
  if echo "$resources" | cut -f 2- | grep -qxF "AWS::SecretsManager::Secret$tab$arn"; then
    echo "$1"
  else
    echo "The secret $1 is there already; it is used as it is." >&2
    echo "$arn"
  fi
}

# Tells the names of secrets, a line each, of names or ARNs separated by commas.
names() {
  echo "$1" | tr , '\n' | sed -E 's/^arn:.*:secret:(.*)-[A-Za-z0-9]{6}$/\1/'
}

# Asks before the stack stops rotating a secret that a setting no longer names.
keep_rotating() {
  for name in $(names "$1"); do
    names "$2" | grep -qxF "$name" && continue
    echo "The stack rotates $name, but MOMENTO_AUTH_TOKEN_SECRET_NAME does not name it."
    [ -n "$sure" ] || confirm "Rotate it no longer?"
  done
}

need mvn "Maven, 3.8 or newer, builds the function."
need npm "it comes with Node.js, which runs the CDK."
[ package-lock.json -ot node_modules/.package-lock.json ] \
  || npm ci --loglevel=error --no-audit --no-fund >/dev/null \
  || fail "npm could not install the CDK's command line."

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
[ -z "$resources" ] || keep_rotating "$(secrets_of_stack)" "$ids"

if ! aws ssm get-parameter --name /cdk-bootstrap/hnb659fds/version >/dev/null 2>"$errors"; then
  grep -q ParameterNotFound "$errors" || fail "$(cat "$errors")"
  echo "The CDK has not been used in this account and region yet; it needs a bucket and roles there."
  [ -n "$sure" ] || confirm "Run cdk bootstrap?"
  npx cdk bootstrap
fi
npx cdk deploy -c MOMENTO_AUTH_TOKEN_SECRET_NAME="$ids" ${sure:+--require-approval never}
echo "Secrets that have no key yet need their first; store Momento's file in each of them:"
echo "  aws secretsmanager put-secret-value --secret-id NAME --secret-string file://momento_token.info.json"
