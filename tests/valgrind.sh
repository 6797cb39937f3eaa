#!/usr/bin/env bash
# valgrind.sh -- tests on small shapes under memcheck, with their kernels: no access out of bounds, no use of what nobody
# has written, nothing of ours lost, and the same bits as without.
#
#   valgrind.sh TEST_PROGRAM...     ends with "N passed, N failed"; exit 77 where there is no valgrind
#
# valgrind (3.19) has no AVX-512 and hides it, so that PoCL takes the CPU for a haswell. A run without it, for the same CPU,
# compiles those kernels first: valgrind takes a minute for a program, and sees what LLVM loses.
set -u
command -v valgrind >/dev/null || {
  echo "skipped: valgrind is not installed"
  exit 77
}
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/under.sh
source "$(dirname "$0")/under.sh"
narrow=()
grep -qw avx2 /proc/cpuinfo 2>/dev/null && narrow=(POCL_KERNELLIB_NAME=avx2)

for program in "$@"; do
  name=$(basename "$program")
  env "${narrow[@]}" CLNORM_TEST_HASHES="$dir/$name.own" timeout 900 "$program" >"$dir/out" 2>&1
  code=$?
  [ "$code" = 0 ] || tail -n 20 "$dir/out"
  verdict "$name runs for the CPU that valgrind shows" "$code"
  CLNORM_TEST_HASHES=$dir/$name.valgrind timeout 1800 valgrind -q --suppressions="$here/valgrind.supp" \
    --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite --num-callers=30 \
    --error-exitcode=99 --log-file="$dir/log" "$program" >"$dir/out" 2>&1
  code=$?
  [ "$code" = 0 ] || { tail -n 20 "$dir/out" && head -n 60 "$dir/log"; }
  verdict "$name under valgrind" "$code"
  [ -s "$dir/$name.own" ] || continue # no op's
  cmp "$dir/$name.own" "$dir/$name.valgrind"
  verdict "$name: $(wc -l <"$dir/$name.own") cases with the same bits" $?
done
finish
