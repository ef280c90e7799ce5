# shellcheck shell=sh
# Functions of the scripts that invoke the deployed function; they need lib.sh, and $stack as
# stack.sh does.

set -f # An operand is no pattern of file names.
work=$(mktemp -d)
responses=$work/responses
errors=$work/errors
: >"$responses"
dots=
trap 'rm -rf "$work"; [ -z "$dots" ] || kill "$dots"' EXIT
trap 'exit 130' INT TERM

. "$(dirname "$0")/stack.sh"
[ -z "$target" ] || target=$target:live
need aws "Install the AWS command line."
need node "Node.js 20 or newer prints the tables."

# Sends the function an event and waits for the response, which is added to $responses, in a line.
# Shows a text meanwhile, and at a terminal a dot every two seconds. The event is sent once: the
# AWS command line would send it again as another request. Without a response, the script shows
# those that it has, as the table $table, and ends.
# shellcheck disable=SC2154 # Each script sets $table.
invoke() {
  find_function
  printf '%s ...' "$1" >&2
  if [ -t 2 ]; then
    (while sleep 2; do printf . >&2; done) &
    dots=$!
  fi
  status=0
  echo "$2" | AWS_MAX_ATTEMPTS=1 aws lambda invoke --cli-read-timeout 910 \
    --function-name "$target" \
    --payload fileb:///dev/stdin "$work/response" >/dev/null 2>"$errors" || status=$?
  if [ -n "$dots" ]; then
    kill "$dots"
    dots=
  fi
  echo >&2
  if [ "$status" != 0 ]; then
    [ ! -s "$responses" ] || show "$table" || true
    fail "The function did not answer. $(sed '/^$/d' "$errors")
It may have done the work all the same: look with scripts/status.sh before you repeat it."
  fi
  cat "$work/response" >>"$responses"
  echo >>"$responses"
}

# Ends the script unless each operand can be the name or ARN of a secret; drops repeated ones.
# shellcheck disable=SC2154 # lib.sh sets $newline.
require_names() {
  case $operands in
    *[!A-Za-z0-9/_+=.@:"$newline"-]*) fail "This is no name or ARN of a secret: $operands" ;;
  esac
  operands=$(echo "$operands" | awk '!seen[$0]++')
}

# Prints the responses: show status|rotate
show() {
  [ -z "$json" ] || set -- json
  node "$(dirname "$0")/report.mjs" "$1" "$responses"
}
