#!/usr/bin/env bash
# oclgrind.sh -- the op tests on small shapes under Oclgrind: no race, no access out of bounds, no misuse of the API,
# and the same bits as on the machine's own OpenCL.
#
#   oclgrind.sh MODULE TEST_PROGRAM...     ends with "N passed, N failed"; exit 77 where there is no Oclgrind. MODULE is oclgrind.c
set -u
command -v oclgrind >/dev/null || {
  echo "skipped: oclgrind is not installed"
  exit 77
}
# shellcheck source=tests/under.sh
source "$(dirname "$0")/under.sh"
module=$1
shift

for program in "$@"; do
  name=$(basename "$program")
  CLNORM_TEST_HASHES=$dir/$name.own timeout 300 "$program" >"$dir/out" 2>&1 || tail -n 20 "$dir/out"
  CLNORM_TEST_HASHES=$dir/$name.oclgrind LD_PRELOAD=$module timeout 900 oclgrind --data-races --check-api \
    --log "$dir/$name.log" "$program" >"$dir/out" 2>&1
  code=$?
  [ "$code" = 0 ] || tail -n 20 "$dir/out"
  verdict "$name runs under Oclgrind" "$code"
  code=0
  [ ! -s "$dir/$name.log" ] || { head -n 20 "$dir/$name.log" && code=1; }
  verdict "$name: no race, bound or API error" "$code"
  cases=$(wc -l <"$dir/$name.own")
  [ "$cases" -gt 0 ] && cmp "$dir/$name.own" "$dir/$name.oclgrind"
  code=$?
  verdict "$name: $cases cases with the same bits" "$code"
done
finish
