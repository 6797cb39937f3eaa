#!/usr/bin/env bash
# run.sh -- a test program on a runtime that install.sh has unpacked, and no other.
#
#   run.sh DIRECTORY RUNTIME PROGRAM [ARG...]    exit 77 where the runtime is not there or has no device
#
# With CLNORM_TEST_SMALL, which no frozen bits are for, the hash of each case is compared with the machine's own OpenCL's.
set -u
dir=$1 runtime=$2 program=$3
shift 2
skip() {
  echo "skipped: $*"
  exit 77
}

on_runtime() {
  local vendors=$dir/$runtime/vendors libraries=$dir/$runtime/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  OCL_ICD_VENDORS=$vendors OPENCL_VENDOR_PATH=$vendors LD_LIBRARY_PATH=$libraries RUSTICL_ENABLE=llvmpipe \
    GALLIUM_PIPE_SEARCH_DIR=$dir/$runtime/lib/gallium-pipe "$@"
}

[ -s "$dir/versions" ] || skip "tests/runtimes/install.sh has not run: there is no $dir"
[ "$runtime" != rusticl ] || [ -s /usr/lib/clc/spirv64-mesa3d-.spv ] || skip "rusticl needs the package libclc-15"
command -v clinfo >/dev/null || skip "clinfo is not installed"
[[ $(on_runtime clinfo -l 2>/dev/null) == *Device* ]] || skip "clinfo finds no device of $runtime"
[ -n "${CLNORM_TEST_SMALL:-}" ] || {
  on_runtime "$@"
  exit
}
hashes=$(mktemp -d)
trap 'rm -rf "$hashes"' EXIT
CLNORM_TEST_HASHES=$hashes/own "$@" >"$hashes/out" 2>&1 || {
  cat "$hashes/out"
  exit 1
}
CLNORM_TEST_HASHES=$hashes/theirs on_runtime "$@" || exit
cases=$(wc -l <"$hashes/own")
[ "$cases" -gt 0 ] && cmp "$hashes/own" "$hashes/theirs" || exit 1
echo "$(basename "$program"): $cases cases with the same bits on $runtime"
