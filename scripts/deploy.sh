#!/bin/sh
# Puts the function, its schedule and its secrets into an AWS account, or brings them up to date.
set -eu

usage() {
  echo "Usage: scripts/deploy.sh [--synth] [--yes]"
  echo "  --synth  stops at the CloudFormation template; needs no AWS account"
  echo "  --yes    does not ask before permissions are granted"
  echo "Settings are environment variables; the README lists them. Account and region are those of"
  echo "the aws command: AWS_PROFILE and AWS_REGION choose others."
}

synth=
approval=
while [ $# -gt 0 ]; do
  case $1 in
    --synth) synth=yes ;;
    --yes) approval="--require-approval never" ;;
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
  case $resources in
    *"$arn"*) echo "$1" ;;
    *)
      echo "The secret $1 is there already; it is used as it is." >&2
      echo "$arn"
      ;;
  esac
}

need mvn "Maven, 3.8 or newer, builds the function."
need npm "it comes with Node.js, which runs the CDK."
[ package-lock.json -ot node_modules/.package-lock.json ] || npm ci --silent --no-audit --no-fund

if [ -n "$synth" ]; then
  npx cdk synth --quiet
  echo "The template: infrastructure/cdk.out/$stack.template.json"
  exit
fi

resources=$(resources)
refuse_older "$resources"
if [ "${SECRETS:-create}" = create ]; then
  rest=${MOMENTO_AUTH_TOKEN_SECRET_NAME:-momento/authentication-token},
  ids=
  while [ -n "$rest" ]; do
    name=$(echo "${rest%%,*}" | tr -d ' ')
    rest=${rest#*,}
    id=$(secret_id "$name")
    ids=$ids${ids:+,}$id
  done
  export MOMENTO_AUTH_TOKEN_SECRET_NAME="$ids"
fi
if ! aws ssm get-parameter --name /cdk-bootstrap/hnb659fds/version >/dev/null 2>&1; then
  echo "The CDK has not been used in this account and region yet; making what it needs there."
  npx cdk bootstrap
fi
npx cdk deploy $approval
echo "Secrets that have no key yet need their first; store Momento's file in each of them:"
echo "  aws secretsmanager put-secret-value --secret-id NAME --secret-string file://momento_token.info.json"
