#!/usr/bin/env bash
# run.sh -- a test program on a runtime that install.sh has unpacked, and no other.
#
#   run.sh DIRECTORY RUNTIME PROGRAM [ARG...]    exit 77 where the runtime is not there or has no device
#
# RUNTIME is intel, rusticl, or of another system, whose loader and C library run it: pocl6, rusticl25, arm64. arm64 runs the test of
# that name cross-compiled, in CLNORM_ARM64_BUILD. With CLNORM_TEST_SMALL, which no frozen bits are for, the hash of each case is
# compared with the machine's own OpenCL's.
set -u
dir=$1 runtime=$2 program=$3
shift 2
skip() {
  echo "skipped: $*"
  exit 77
}
[ -d "$dir/$runtime/vendors" ] || skip "there is no $runtime in $dir: tests/runtimes/install.sh"
source=$(realpath "$(dirname "$0")/../..")

in_namespace() { unshare --user --map-root-user --mount "$@"; }

debian13=$dir/debian13/usr/lib/x86_64-linux-gnu
by_debian13=(env "OCL_ICD_VENDORS=$dir/$runtime/vendors" RUSTICL_ENABLE=llvmpipe "GALLIUM_PIPE_SEARCH_DIR=$debian13/gallium-pipe"
  "$dir/debian13/usr/lib64/ld-linux-x86-64.so.2" --library-path "$debian13:/usr/lib/x86_64-linux-gnu")

# The root has the machine's other directories. QEMU runs what is of arm64, PoCL's linker too, in this namespace alone.
# shellcheck disable=SC2016
in_arm64='
  root=$1 head="\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00"
  mask="\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"
  shift
  for d in /*; do
    case $d in /bin | /boot | /etc | /lib* | /sbin | /usr | /var) continue ;; esac
    [ -L "$d" ] || [ ! -d "$d" ] || { mkdir -p "$root$d" && mount --rbind "$d" "$root$d"; } || exit
  done
  mkdir -p "$root/formats" && mount -t binfmt_misc none "$root/formats" || exit
  printf "%s" ":arm64:M::$head:$mask:$root/qemu:F" >"$root/formats/register" || exit
  exec chroot "$root" "$@"'

# The program as the runtime's system has it.
of_arm64() {
  local build=$CLNORM_ARM64_BUILD
  (
    flock 9
    export CLNORM_ARM64_ROOT=$dir/arm64
    cmake -S "$source" -B "$build" -DCMAKE_TOOLCHAIN_FILE="$source/cmake/arm64.cmake" -DCMAKE_BUILD_TYPE=Release -DCLNORM_CLI=OFF \
      -DCLNORM_EXAMPLES=OFF -DCLNORM_BENCH=OFF -DCLNORM_CLBLAST=OFF && cmake --build "$build" -j 2 --target "$(basename "$1")"
  ) 9>"$build.lock" >"$build.$(basename "$1").log" 2>&1 || {
    cat "$build.$(basename "$1").log"
    return 1
  } >&2
  echo "$build/tests/$(basename "$1")"
}

on_runtime() {
  case $runtime in
  pocl6) "${by_debian13[@]}" "$(command -v "$1")" "${@:2}" ;;
  rusticl25) # shellcheck disable=SC2016
    in_namespace bash -c 'mount -t overlay overlay -o "lowerdir=$1:/usr/lib" /usr/lib && exec "${@:2}"' - "$dir/rusticl25/over" \
      "${by_debian13[@]}" "$(command -v "$1")" "${@:2}"
    ;;
  arm64) in_namespace bash -c "$in_arm64" - "$dir/arm64" "$@" ;;
  *)
    OCL_ICD_VENDORS=$dir/$runtime/vendors OPENCL_VENDOR_PATH=$dir/$runtime/vendors RUSTICL_ENABLE=llvmpipe \
      LD_LIBRARY_PATH=$dir/$runtime/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} GALLIUM_PIPE_SEARCH_DIR=$dir/$runtime/lib/gallium-pipe "$@"
    ;;
  esac
}

[ "$runtime" != rusticl ] || [ -s /usr/lib/clc/spirv64-mesa3d-.spv ] || skip "rusticl needs the package libclc-15"
[ "$runtime" != arm64 ] || { command -v clang && command -v ld.lld; } >/dev/null || skip "arm64 needs clang and lld"
command -v clinfo >/dev/null || skip "clinfo is not installed"
said=$(on_runtime clinfo -l 2>&1)
[[ $said == *Device* ]] || skip "clinfo finds no device of $runtime: ${said##*$'\n'}"
theirs=$program
[ "$runtime" != arm64 ] || theirs=$(of_arm64 "$program") || exit 1
[ -n "${CLNORM_TEST_SMALL:-}" ] || {
  on_runtime "$theirs" "${@:2}"
  exit
}
hashes=$(mktemp -d)
trap 'rm -rf "$hashes"' EXIT
CLNORM_TEST_HASHES=$hashes/own "$@" >"$hashes/out" 2>&1 || {
  cat "$hashes/out"
  exit 1
}
CLNORM_TEST_HASHES=$hashes/theirs on_runtime "$theirs" "${@:2}" || exit
cases=$(wc -l <"$hashes/own")
[ "$cases" -gt 0 ] && cmp "$hashes/own" "$hashes/theirs" || exit 1
echo "$(basename "$program"): $cases cases with the same bits on $runtime"
