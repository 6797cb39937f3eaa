#!/usr/bin/env bash
# install.sh -- more OpenCL runtimes of a CPU, unpacked into a directory of their own: nothing is installed, no root is
# needed, and no other program sees them. Intel's of PyPI; Mesa's rusticl of Debian 12 (bookworm); PoCL 6 and rusticl 25 of
# Debian 13 (trixie); Debian 12's PoCL for arm64, with QEMU. 570 MB to download, 2 GB on disk.
#
#   tests/runtimes/install.sh [DIRECTORY]    default ~/.cache/clnorm-runtimes
#
# rusticl 22 also needs libclc-15 and looks for it in /usr/lib/clc alone: apt-get install libclc-15. Intel's runtime is
# under Intel's own licence: to be had from PyPI, not to be passed on. What cannot be had is left out, and said.
set -u
dir=$(realpath -m "${1:-$HOME/.cache/clnorm-runtimes}")
part=$dir.part
rm -rf "$part"
mkdir -p "$part"
cd "$part" || exit 1
library=usr/lib/x86_64-linux-gnu

unpacked() { # INTO DEB...
  local into=$1 deb
  shift
  for deb in "$@"; do
    dpkg -x "$deb" "$into" || return
    echo "$(dpkg-deb -f "$deb" Package) $(dpkg-deb -f "$deb" Version) $(dpkg-deb -f "$deb" Architecture)" >>"$into.versions"
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
  timeout 600 python3 -m pip download -q --disable-pip-version-check --no-deps -d wheels "${wheels[@]}" || return
  for wheel in wheels/*.whl; do
    python3 -m zipfile -e "$wheel" wheels/all || return
  done
  mkdir -p intel/vendors
  mv wheels/all/intel_opencl_rt-*.data/data/lib intel/lib &&
    mv wheels/all/*.data/data/lib/lib{irng.so,imf.so,intlc.so.5,svml.so,tbb.so.12,tbbmalloc.so.2} intel/lib || return
  rm -rf wheels intel/lib/{libOpenCL.so*,libcommon_clang.so,libintelocl.so.*} # another loader; what Python unpacks twice
  printf '%s\n' "${wheels[@]/==/ }" >intel.versions
  echo "$dir/intel/lib/libintelocl.so" >intel/vendors/intel.icd
}

rusticl() {
  mkdir -p debs rusticl/vendors
  (cd debs && timeout 600 apt-get -qq -o APT::Sandbox::User=root download mesa-opencl-icd libllvmspirvlib15) && unpacked rusticl debs/*.deb &&
    mv "rusticl/$library" rusticl/lib || return
  rm -rf debs rusticl/{usr,etc}
  echo "$dir/rusticl/lib/libRusticlOpenCL.so.1" >rusticl/vendors/rusticl.icd
}

# Their own loader and C library run them; what rusticl reads from places that are built into it, run.sh lays over /usr/lib.
debian13() {
  closure debian13 trixie amd64 pocl-opencl-icd mesa-opencl-icd libclang-common-19-dev || return
  mkdir -p pocl6/vendors rusticl25/{vendors,over/llvm-19/lib/clang}
  mv debian13/usr/lib/clc rusticl25/over/clc && mv debian13/usr/lib/llvm-19/lib/clang/19 rusticl25/over/llvm-19/lib/clang/19 || return
  echo "$dir/debian13/$library/libpocl.so.2" >pocl6/vendors/pocl.icd
  echo "$dir/debian13/$library/libRusticlOpenCL.so.1" >rusticl25/vendors/rusticl.icd
}

arm64() {
  closure arm64 bookworm arm64 pocl-opencl-icd ocl-icd-opencl-dev opencl-c-headers check libsubunit-dev libxxhash-dev \
    libc6-dev libgcc-12-dev clinfo || return
  mkdir -p debs
  (cd debs && timeout 600 apt-get -qq -o APT::Sandbox::User=root download qemu-user-static) && unpacked qemu debs/*.deb &&
    mv qemu/usr/bin/qemu-aarch64-static arm64/qemu || return
  cat qemu.versions >>arm64.versions
  mkdir -p arm64/vendors && cp arm64/etc/OpenCL/vendors/pocl.icd arm64/vendors
  rm -rf debs qemu
}

failed=0
lacks() { echo "install.sh: $* could not be had" >&2 && failed=1; }
intel || lacks intel
rusticl || lacks rusticl
debian13 || lacks pocl6 and rusticl25
arm64 || lacks arm64
cat ./*.versions | grep -E '^(pocl|mesa|intel)-opencl|^qemu|^tbb|^libclc|^intel' | sort -u >versions
rm -rf ./*.versions debs wheels "$dir"
mv "$part" "$dir"
echo "$dir"
cat "$dir/versions"
exit "$failed"
