# under.sh -- sourced by what runs the tests on small shapes under a checker: a directory of its own, and the count.
# shellcheck shell=bash
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export CLNORM_TEST_SMALL=1
passed=0 failed=0

verdict() { # NAME RESULT
  if [ "$2" = 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
  printf '%s %s\n' "$([ "$2" = 0 ] && echo ok || echo 'not ok')" "$1"
}

# The last line, and whether all went well.
finish() {
  echo "$passed passed, $failed failed"
  [ "$failed" = 0 ]
}
