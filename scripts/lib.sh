# shellcheck shell=sh
# Functions that the scripts share.

fail() {
  echo "$@" >&2
  exit 1
}

need() {
  command -v "$1" >/dev/null || fail "The command $1 was not found. $2"
}

# Ends the script with its usage: an option is wrong.
# shellcheck disable=SC2154 # Each script sets $usage.
misuse() {
  echo "$usage" >&2
  exit 2
}

newline='
'

# Reads the options that the text in $usage lists, each in a line: "  --NAME VALUE  ..." puts a value
# into the variable NAME, "  --NAME  ..." puts yes. A script sets $usage and these variables before.
# If $usage has a line "  OPERAND  ..." as well, the other arguments go into $operands, one a line.
read_options() {
  operands=
  while [ $# -gt 0 ]; do
    case $1 in
      --help)
        echo "$usage"
        exit
        ;;
      --*[!a-z]* | --) misuse ;;
      --*) ;;
      -* | '' | *"$newline"*) misuse ;;
      *)
        case $usage in
          *"$newline  "[A-Z]*) operands=$operands${operands:+$newline}$1 ;;
          *) misuse ;;
        esac
        shift
        continue
        ;;
    esac
    case $usage in
      *"  $1 "[A-Z]*)
        [ -n "${2:-}" ] || misuse
        eval "${1#--}=\$2"
        shift
        ;;
      *"  $1  "*) eval "${1#--}=yes" ;;
      *) misuse ;;
    esac
    shift
  done
}
