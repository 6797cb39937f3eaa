#!/usr/bin/env bash
# gpu.sh -- the tests and the bench on a machine that has a GPU, its driver, a compiler and nothing else.
#
#   tests/gpu.sh pack                here: what the other machine lacks, in build/kit, and all of it with the sources in
#                                    build/clnorm-gpu.tar.gz (headers, ICD loader, Check, libraries of the command, CMake)
#   tests/gpu.sh run [WHAT...]       there, in the unpacked archive: builds, runs WHAT (tests, bench, peers; default all)
#                                    and writes one file, build/gpu-report.md
#
# OCL_ICD_VENDORS names other drivers. CLNORM_TEST_DEVICE (gpu), CLNORM_GPU_MINUTES (of tests and bench each: 60) and JOBS (all cores) say on what, how
# long and how wide. Exit 1 where a test or the bench failed, 77 where no driver of a GPU is found.
set -u
cd "$(dirname "$0")/.." || exit 1
kit=$PWD/build/kit
out=$PWD/build/gpu
device=${CLNORM_TEST_DEVICE:-gpu}
minutes=${CLNORM_GPU_MINUTES:-60}
jobs=${JOBS:-$(nproc)}

die() {
  printf 'gpu.sh: %s\n' "$*" >&2
  exit 1
}

# ---- pack -------------------------------------------------------------------------------------

packages=(libpng-dev libjpeg62-turbo-dev libwebp-dev libzip-dev libpopt-dev libjansson-dev zlib1g-dev check libsubunit-dev
  libxxhash-dev opencl-c-headers ocl-icd-opencl-dev ocl-icd-libopencl1 libpng16-16 libjpeg62-turbo libwebp7 libzip4
  libbz2-1.0 libssl3 libpopt0 libjansson4 zlib1g libsubunit0 libclblast-dev libclblast1 liblapacke-dev libblas-dev liblapacke libtmglib3
  libgfortran5 libquadmath0)
lib=/usr/lib/x86_64-linux-gnu
programs=(cmake ctest ninja pkg-config)

# The shared libraries that a program loads, but for those of the C library, which are the other machine's.
libraries_of() { ldd "$1" | awk '$2 == "=>" && $1 !~ /^(libc|libm|libdl|librt|libpthread|ld-linux)[-.]/ { print $3 }'; }

pack_program() {
  local path
  path=$(command -v "$1") || die "there is no $1 to pack"
  cp -L "$path" "$kit/tools/bin/$1" || die "cannot copy $path"
  libraries_of "$path" | xargs -r cp -Lt "$kit/tools/lib" || die "cannot copy the libraries of $1"
  cat >"$kit/bin/$1" <<END && chmod +x "$kit/bin/$1"
#!/bin/sh
tools=\$(dirname "\$(readlink -f "\$0")")/../tools
LD_LIBRARY_PATH=\$tools/lib\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH} exec "\$tools/bin/$1" "\$@"
END
}

# What Debian's alternatives stand for, and what CLBlast's configuration names by a place of this machine.
pack_matrices() {
  cp -L $lib/blas/libblas.so.3 $lib/lapack/liblapack.so.3 "$kit$lib/" || die "cannot copy BLAS and LAPACK"
  cp /usr/include/x86_64-linux-gnu/cblas-netlib.h "$kit/usr/include/cblas.h" || die "cannot copy cblas.h"
  sed -i 's|"/usr/lib|"${_IMPORT_PREFIX}/lib|; s|;/usr/include"|"|' "$kit$lib"/cmake/CLBlast/*.cmake || die "cannot change CLBlast's configuration"
}

pack() {
  local package file
  rm -rf "$kit"
  mkdir -p "$kit/bin" "$kit/tools/bin" "$kit/tools/lib" "$kit/tools/share"
  for package in "${packages[@]}"; do
    dpkg -L "$package" >/dev/null 2>&1 || die "$package is not installed; ./bootstrap test installs it"
    dpkg -L "$package" | grep -E '^(/usr)?/(include|lib)/|^/usr/share/pkgconfig/' | grep -v '/lib\(clblast\|lapacke\|tmglib\|blas\)[.]a$' | while read -r file; do
      [ -d "$file" ] || { mkdir -p "$kit$(dirname "$file")" && cp -P "$file" "$kit$file"; }
    done
  done
  pack_matrices
  for package in "${programs[@]}"; do
    pack_program "$package"
  done
  cp -r "$(cmake --system-information 2>/dev/null | sed -n 's/^CMAKE_ROOT "\(.*\)"/\1/p' | head -n 1)" "$kit/tools/share/" ||
    die "cannot copy CMake's modules"
  git rev-parse --short HEAD >"$kit/commit"
  git ls-files -z | tar -czf build/clnorm-gpu.tar.gz --null -T - build/kit || die "cannot write the archive"
  du -h build/clnorm-gpu.tar.gz
}

# ---- run --------------------------------------------------------------------------------------

# What the kit has is taken where the machine has none.
use_kit() {
  local program dir=$kit$lib:$kit/lib/x86_64-linux-gnu
  [ -d "$kit" ] || return 0
  for program in "${programs[@]}"; do
    command -v "$program" >/dev/null || ln -sf "$kit/bin/$program" "$out/bin/$program"
  done
  export PATH=$PATH:$out/bin CPATH=$kit/usr/include:$kit/usr/include/x86_64-linux-gnu LIBRARY_PATH=$dir LD_LIBRARY_PATH=$dir${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  export LDFLAGS="-Wl,-rpath-link,$kit$lib ${LDFLAGS:-}" PKG_CONFIG_SYSROOT_DIR=$kit PKG_CONFIG_LIBDIR=$kit$lib/pkgconfig:$kit/usr/share/pkgconfig
  with_kit=(-DOpenCL_INCLUDE_DIR="$kit/usr/include" -DOpenCL_LIBRARY="$kit$lib/libOpenCL.so" -DCLBlast_DIR="$kit$lib/cmake/CLBlast"
    -DCLNORM_LAPACKE="$kit$lib/liblapacke.so" -DCLNORM_CBLAS="$kit$lib/libblas.so.3")
}

# Drivers that no .icd file names, as in a container that was lent only the libraries.
find_driver() {
  local file found=0
  [ -z "${OCL_ICD_VENDORS:-}" ] || return 0
  mkdir -p "$out/vendors"
  rm -f "$out/vendors/"*
  for file in /etc/OpenCL/vendors/*.icd; do
    case $file in *pocl* | *oclgrind* | *'*'*) ;; *) cp "$file" "$out/vendors/" && found=1 ;; esac
  done
  [ "$found" = 1 ] || for file in $(find /usr /opt /lib -xdev \( -name 'libnvidia-opencl.so.1' -o -name 'libamdocl64.so*' \
    -o -name 'libigdrcl.so' \) 2>/dev/null; find /usr/local/nvidia -name 'libnvidia-opencl.so.1' 2>/dev/null); do
    echo "$file" >"$out/vendors/$(basename "$file").icd" && found=1
  done
  [ "$found" = 1 ] || { echo "skipped: no OpenCL driver of a GPU is found" && exit 77; }
  export OCL_ICD_VENDORS=$out/vendors OPENCL_VENDOR_PATH=$out/vendors
}

block() { # TITLE FILE
  printf '\n## %s\n\n```\n' "$1"
  cat "$2"
  printf '```\n'
}

report() {
  printf '# clnorm on a GPU\n\n%s, commit %s, %s cores, built by %s.\n' "$(date -u +%Y-%m-%d)" \
    "$(git rev-parse --short HEAD 2>/dev/null || cat build/kit/commit 2>/dev/null || echo unknown)" "$(nproc)" \
    "$("${CC:-cc}" --version | head -n 1)"
  local part
  for part in devices tests failures bench latency peers; do
    [ ! -s "$out/$part" ] || block "$part" "$out/$part"
  done
}

run_tests() {
  timeout "${minutes}m" ctest --test-dir "$out/build" -j "$jobs" -L '^(unit|op|cli)$' -LE slow --timeout 900 --output-on-failure \
    >"$out/tests.log" 2>&1
  grep -E 'Test +#' "$out/tests.log" | sed 's/^ *[0-9]*\/[0-9]* *Test *#[0-9]*: *//' | sort >"$out/tests"
  grep -E 'tests passed|Total Test time' "$out/tests.log" >>"$out/tests"
  grep -E ':[FE]:|error|Fail' "$out/tests.log" | grep -v 'Test *#' | head -n 100 >"$out/failures"
  grep -q '100% tests passed' "$out/tests.log"
}

build() {
  cmake -S . -B "$out/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCLNORM_EXAMPLES=OFF "${with_kit[@]}" &&
    cmake --build "$out/build" -j "$jobs"
}

run() {
  local what code=0
  [ $# -gt 0 ] || set -- tests bench peers
  mkdir -p "$out/bin"
  rm -f "$out"/{devices,tests,failures,bench,latency,peers} # of an earlier run
  with_kit=()
  use_kit
  find_driver
  build >"$out/log" 2>&1 || { tail -n 40 "$out/log" && die "it does not build"; }
  local clnorm=$out/build/src/cli/clnorm
  export CLNORM_TEST_DEVICE=$device CLNORM_DEVICE=$device
  "$clnorm" list >"$out/devices" 2>&1 || { cat "$out/devices" && die "no device"; }
  for what in "$@"; do
    case $what in
    tests) run_tests || code=1 ;;
    bench) timeout "${minutes}m" "$clnorm" bench --suite >"$out/bench" 2>&1 || code=1
           timeout "${minutes}m" "$clnorm" bench --latency >"$out/latency" 2>&1 || code=1 ;;
    peers) python3 -c 'import torch; assert torch.cuda.is_available()' 2>/dev/null && { nvidia-smi 2>/dev/null | grep -i driver
           python3 -c 'import torch; print("PyTorch", torch.__version__)'
           timeout "${minutes}m" python3 bench/peers/gpu.py; } >"$out/peers" 2>&1 ;;
    *) die "$what is none of tests, bench and peers" ;;
    esac
    report >build/gpu-report.md
  done
  cat "$out/devices"
  tail -n 2 "$out/tests" 2>/dev/null
  echo "build/gpu-report.md"
  return "$code"
}

case "${1:-}" in
pack) pack ;;
run) run "${@:2}" ;;
*)
  sed -n '2,/^set -u/{/^#/s/^# \{0,1\}//p}' "$0" >&2
  exit 2
  ;;
esac
