#!/usr/bin/env bash
# again.sh -- every op a hundred times with one thread of PoCL's, with all, and with more than there are cores: one set of bits.
#
#   again.sh TEST_AGAIN     ends with "N passed, N failed"
set -u
# shellcheck source=tests/under.sh
source "$(dirname "$0")/under.sh"
test=$(realpath "$1")

for threads in 1 '' 7; do
  name=${threads:-all}
  env ${threads:+POCL_MAX_PTHREAD_COUNT=$threads} CLNORM_TEST_HASHES="$dir/$name" timeout 2400 "$test" >"$dir/out" 2>&1
  code=$?
  [ "$code" = 0 ] || tail -n 20 "$dir/out"
  verdict "threads: $name, ${CLNORM_TEST_RUNS:-100} runs" "$code"
done
for name in all 7; do
  cmp "$dir/1" "$dir/$name"
  verdict "$(wc -l <"$dir/$name") cases with the bits of one thread: $name" $?
done
finish
