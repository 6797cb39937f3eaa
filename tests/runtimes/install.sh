#!/usr/bin/env bash
# install.sh -- more OpenCL runtimes of a CPU, unpacked into a directory of their own: nothing is installed, no root is
# needed, and no other program sees them. Intel's of PyPI; Mesa's rusticl of Debian 12 (bookworm); PoCL 6 and rusticl 25 of
# Debian 13 (trixie); Debian 12's PoCL for arm64, with QEMU. 570 MB to download, 2 GB on disk.
#
#   tests/runtimes/install.sh [DIRECTORY]    default ~/.cache/clnorm-runtimes; what is there already stays
#
# rusticl 22 also needs libclc-15 and looks for it in /usr/lib/clc alone: apt-get install libclc-15. Intel's runtime is
# under Intel's own licence: to be had from PyPI, not to be passed on. What cannot be had is left out, and said.
set -u
dir=$(realpath -m "${1:-$HOME/.cache/clnorm-runtimes}") failed=0
part=$dir/part # what is being made
library=usr/lib/x86_64-linux-gnu
mkdir -p "$dir" || exit 1

# lacking RUNTIME...: whether one of them is not there; then in a folder to make them in.
lacking() {
  local runtime
  for runtime in "$@"; do
    [ -d "$dir/$runtime/vendors" ] || { rm -rf "$part" && mkdir -p "$part/debs" && cd "$part" && return || exit 1; }
  done
  return 1
}
keep() { # RUNTIME...
  local runtime
  sort -u versions >"$1/versions"
  for runtime in "$@"; do
    rm -rf "${dir:?}/$runtime" && mv "$runtime" "$dir/$runtime" || return
  done
}
lacks() { echo "install.sh: $* could not be had" >&2 && failed=1; }
download() { (cd debs && timeout 600 apt-get -qq -o APT::Sandbox::User=root download "$@"); }

unpacked() { # INTO DEB...
  local into=$1 deb
  shift
  for deb in "$@"; do
    dpkg -x "$deb" "$into" || return
    echo "$(dpkg-deb -f "$deb" Package) $(dpkg-deb -f "$deb" Version) $(dpkg-deb -f "$deb" Architecture)" >>versions
  done
}

# closure INTO SUITE ARCHITECTURE PACKAGE...: packages with all that they need, as a system's root, by lists of its own.
closure() {
  local into=$1 suite=$2 architecture=$3 apt=$part/$1.apt link to
  shift 3
  mkdir -p "$apt"/{state,lists/partial,cache/archives/partial} "$into"
  : >"$apt/state/status"
  echo "deb http://deb.debian.org/debian $suite main" >"$apt/sources.list"
  local lists=(-o Dir::State="$apt/state" -o Dir::State::lists="$apt/lists" -o Dir::State::status="$apt/state/status"
    -o Dir::Cache="$apt/cache" -o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o APT::Architecture="$architecture" -o APT::Architectures="$architecture" -o APT::Install-Recommends=0
    -o Acquire::Languages=none -o APT::Sandbox::User=root -o Debug::NoLocking=1)
  timeout 300 apt-get -qq "${lists[@]}" update &&
    timeout 600 apt-get -qq "${lists[@]}" -y --download-only install "$@" >/dev/null &&
    unpacked "$into" "$apt"/cache/archives/*.deb || return
  rm -rf "$apt" "$into"/usr/share/{doc,man,locale}
  find "$into" -type l -lname '/*' | while read -r link; do # into the root, wherever that lies
    to=$(readlink "$link")
    ln -sfn "$(realpath -m --relative-to="$(dirname "$link")" "$into$to")" "$link"
  done
}

intel() {
  local wheels=(intel-opencl-rt==2026.2.0 intel-cmplr-lib-rt==2026.2.0 tbb==2023.2.0) wheel
  timeout 600 python3 -m pip download -q --disable-pip-version-check --no-cache-dir --no-deps -d wheels "${wheels[@]}" || return
  for wheel in wheels/*.whl; do
    python3 -m zipfile -e "$wheel" wheels/all || return
  done
  mkdir -p intel/vendors
  mv wheels/all/intel_opencl_rt-*.data/data/lib intel/lib &&
    mv wheels/all/*.data/data/lib/lib{irng.so,imf.so,intlc.so.5,svml.so,tbb.so.12,tbbmalloc.so.2} intel/lib || return
  rm -f intel/lib/{libOpenCL.so*,libcommon_clang.so,libintelocl.so.*} # another loader; what Python unpacks twice
  printf '%s\n' "${wheels[@]/==/ }" >versions
  echo "$dir/intel/lib/libintelocl.so" >intel/vendors/intel.icd
}

rusticl() {
  download mesa-opencl-icd libllvmspirvlib15 && unpacked all debs/*.deb || return
  mkdir -p rusticl/vendors
  mv "all/$library" rusticl/lib || return
  echo "$dir/rusticl/lib/libRusticlOpenCL.so.1" >rusticl/vendors/rusticl.icd
}

# Their own loader and C library run them; what rusticl reads from places that are built into it, run.sh lays over /usr/lib.
debian13() {
  closure debian13 trixie amd64 pocl-opencl-icd mesa-opencl-icd libclang-common-19-dev || return
  mkdir -p debian13/vendors pocl6/vendors rusticl25/{vendors,over/llvm-19/lib/clang}
  mv debian13/usr/lib/clc rusticl25/over/clc &&
    mv debian13/usr/lib/llvm-19/lib/clang/19 rusticl25/over/llvm-19/lib/clang/19 || return
  echo "$dir/debian13/$library/libpocl.so.2" >pocl6/vendors/pocl.icd
  echo "$dir/debian13/$library/libRusticlOpenCL.so.1" >rusticl25/vendors/rusticl.icd
}

arm64() {
  closure arm64 bookworm arm64 pocl-opencl-icd ocl-icd-opencl-dev opencl-c-headers check libsubunit-dev \
    libxxhash-dev libc6-dev libgcc-12-dev clinfo && download qemu-user-static && unpacked all debs/*.deb || return
  mv all/usr/bin/qemu-aarch64-static arm64/qemu || return
  mkdir -p arm64/vendors && cp arm64/etc/OpenCL/vendors/pocl.icd arm64/vendors
}

lacking intel && { { intel && keep intel; } || lacks intel; }
lacking rusticl && { { rusticl && keep rusticl; } || lacks rusticl; }
lacking debian13 pocl6 rusticl25 && { { debian13 && keep debian13 pocl6 rusticl25; } || lacks pocl6 and rusticl25; }
lacking arm64 && { { arm64 && keep arm64; } || lacks arm64; }
rm -rf "$part"
echo "$dir"
cat "$dir"/*/versions 2>/dev/null | grep -E '^(pocl|mesa|intel)-|^qemu|^tbb' | sort -u
exit "$failed"
