#!/usr/bin/env bash
# seeded.sh -- offline.py finds what it is for: a private array in a copy of the kernels, on one target of each family.
#
#   seeded.sh UNITS KERNELS [ARGUMENT OF offline.py]...    ends with "N passed, N failed"; exit 77 without any tools
set -u
here=$(cd "$(dirname "$0")" && pwd)
units=$1 kernels=$2
shift 2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cp -r "$kernels" "$dir/cl"
# Indexed by what only the device knows, so that no compiler can keep it in registers.
sed -i '/VIEWS;/a \
    float seeded[1024];\
    for (uint i = 0; i < 1024; i++)\
        seeded[i] = ((global float *)work)[i];\
    ((global float *)work)[g.sets] = seeded[g.len % 1024];' "$dir/cl/common/rows.clh"
passed=0 failed=0 skipped=0
for target in gfx906 sm_80 tgllp; do
  out=$(timeout 600 python3 -B "$here/offline.py" "$units" --targets "$target" --units '^layernorm.rows.forward.wide$' \
    --kernels "$dir/cl" "$@" 2>&1)
  code=$?
  if [ "$code" = 77 ]; then
    skipped=$((skipped + 1))
  elif [ "$code" = 1 ] && grep -q 'stack of rows is [0-9]* in' <<<"$out"; then
    passed=$((passed + 1))
    continue
  else
    failed=$((failed + 1))
  fi
  printf '%s\n' "$out"
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] || exit 1
[ "$passed" -gt 0 ] || exit 77
