# shellcheck shell=sh
# Functions that the scripts share.

# The status of a script that fails.
failure=1

fail() {
  echo "$@" >&2
  exit "$failure"
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

# Asks for confirmation; any answer but yes ends the script.
confirm() {
  printf '%s [y/N] ' "$1" >&2
  read -r answer || answer=
  case $answer in
    y | Y | yes) ;;
    *) fail "Canceled; nothing was changed." ;;
  esac
}

newline='
'

# Reads the options that the text in $usage lists, each in a line: "  --NAME VALUE  ..." puts a value
# into the variable NAME, "  --NAME  ..." puts yes; in the variable's name, _ stands for -. A script
# sets $usage and these variables before.
# If $usage has a line "  OPERAND  ..." as well, the other arguments go into $operands, one a line.
read_options() {
  operands=
  while [ $# -gt 0 ]; do
    case $1 in
      --help)
        echo "$usage"
        exit
        ;;
      --*[!a-z-]* | --) misuse ;;
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
        eval "$(echo "${1#--}" | tr - _)=\$2"
        shift
        ;;
      *"  $1  "*) eval "$(echo "${1#--}" | tr - _)=yes" ;;
      *) misuse ;;
    esac
    shift
  done
}
