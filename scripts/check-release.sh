#!/bin/sh
# Tries a release in an AWS account: deploys, changes and deletes stacks, and cleans up.
set -eu

usage="Usage: scripts/check-release.sh [--yes] [FOLDER]
  --yes   asks for no confirmation
  FOLDER  the folder with the files of the release (default: dist)
Creates a bucket, three secrets without real keys, and three stacks that rotate them: two by name, one
by tag. Then changes one stack, starts its function, deletes all, and says what it found. It takes
about ten minutes. The account and the region are those of the aws command."
yes=
. "$(dirname "$0")/lib.sh"
read_options "$@"
folder=${operands:-dist}
need aws "Install the AWS command line."
[ -f "$folder/momento-key-rotation.template.json" ] \
  || fail "There is no release in $folder. Build one with scripts/release.sh."
[ -z "${AWS_REGION:-}" ] || export AWS_DEFAULT_REGION="$AWS_REGION"
account=$(aws sts get-caller-identity --query Account --output text)
region=${AWS_DEFAULT_REGION:-$(aws configure get region || true)}
[ -n "$region" ] || fail "Set AWS_REGION."
echo "This creates three stacks, three secrets and a bucket in account $account, region $region, and deletes them." >&2
[ -n "$yes" ] || confirm "Go on?"

name=momento-release-check-$(date +%s)
key=check/rotation-function.zip
work=$(mktemp -d)

# Deletes all that was created, also after a failure.
clean_up() {
  status=$?
  trap - EXIT
  echo "Deleting all ..." >&2
  for stack in "$name-a" "$name-b" "$name-tag"; do
    aws cloudformation delete-stack --stack-name "$stack" || status=1
  done
  for stack in "$name-a" "$name-b" "$name-tag"; do
    aws cloudformation wait stack-delete-complete --stack-name "$stack" || status=1
  done
  for secret in "$name/a" "$name/b" "$name/tagged"; do
    [ "$status" != 0 ] || [ "$(value "$secret")" = "the value of $secret" ] || {
      echo "The value of the secret $secret was changed." >&2
      status=1
    }
    aws secretsmanager delete-secret --secret-id "$secret" --force-delete-without-recovery >/dev/null || status=1
  done
  aws s3 rb "s3://$name" --force >/dev/null || status=1
  rm -rf "$work"
  [ "$status" = 0 ] || fail "The check failed, or a resource of it remains. The reason is above; its names begin with $name."
  echo "The release is good: stacks were created side by side, changed and deleted." >&2
  exit 0
}

value() {
  aws secretsmanager get-secret-value --secret-id "$1" --query SecretString --output text
}

# Deploys a stack: deploy NAME PARAMETER=VALUE ...
deploy() {
  stack=$1
  shift
  echo "Deploying $stack ..." >&2
  aws cloudformation deploy --stack-name "$stack" --s3-bucket "$name" --no-fail-on-empty-changeset \
    --template-file "$folder/momento-key-rotation.template.json" --capabilities CAPABILITY_IAM \
    --parameter-overrides "ArchiveBucket=$name" "ArchiveKey=$key" CreatedSecretName= "$@" >/dev/null
}

# Prints the name of a stack's function.
function_of() {
  aws cloudformation list-stack-resources --stack-name "$1" --output text \
    --query "StackResourceSummaries[?ResourceType=='AWS::Lambda::Function'].PhysicalResourceId"
}

# Ends the script unless the environment of a stack's function has a text: require NAME TEXT
require() {
  aws lambda get-function-configuration --function-name "$(function_of "$1")" \
    --query Environment.Variables --output json | grep -qF "$2" \
    || fail "The function of $1 has not $2 in its environment."
}

trap clean_up EXIT
trap 'exit 130' INT TERM
aws s3 mb "s3://$name" >/dev/null
aws s3 cp --only-show-errors "$folder/rotation-function.zip" "s3://$name/$key"
for secret in "$name/a" "$name/b" "$name/tagged"; do
  aws secretsmanager create-secret --name "$secret" --secret-string "the value of $secret" \
    --tags "Key=momento:rotate,Value=$(case $secret in */tagged) echo "$name" ;; *) echo no ;; esac)" >/dev/null
done
deploy "$name-a" "SecretNames=$name/a"
deploy "$name-b" "SecretNames=$name/b"
deploy "$name-tag" "SecretTagValue=$name"
deploy "$name-a" "SecretNames=$name/a" CheckIntervalInHours=1
require "$name-a" "$name/a"
require "$name-a" '"CHECK_INTERVAL_IN_HOURS": "1"'
require "$name-b" "$name/b"
require "$name-b" '"CHECK_INTERVAL_IN_HOURS": "24"'
require "$name-tag" "momento:rotate=$name"
echo "Starting the function ..." >&2
for stack in "$name-a" "$name-b" "$name-tag"; do
  error=$(echo '{"status":true}' | aws lambda invoke --function-name "$(function_of "$stack")" \
    --payload fileb:///dev/stdin --query FunctionError --output text "$work/response")
  [ "$error" = None ] || fail "The function of $stack failed: $(cat "$work/response")"
done
