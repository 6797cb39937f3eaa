#!/usr/bin/env bash
# tests/consumers/run.sh BUILD_DIR -- is what `cmake --install` lays out fit for use?
#
# Installs a build with BUILD_SHARED_LIBS=ON under a temporary prefix, moves it, and from there builds and
# runs the two examples through find_package and through pkg-config; then looks at the exported symbols and
# compiles the headers as strict C99 and C++11. The last line is "N passed, N failed".
set -u
build=${1:?usage: run.sh BUILD_DIR}
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
prefix=$work/moved
passed=0 failed=0

# check NAME COMMAND...: one test; its output is shown when it fails.
check() {
  local name=$1
  shift
  if "$@" >"$work/log" 2>&1; then
    passed=$((passed + 1))
    echo "ok      $name"
  else
    failed=$((failed + 1))
    echo "FAILED  $name"
    sed 's/^/        /' "$work/log" | tail -n 40
  fi
}

install_and_move() { timeout 100 cmake --install "$build" --prefix "$work/first" && mv "$work/first" "$prefix"; }

is_installed() {
  local file
  for file in $(cd "$top" && echo include/clnorm/*.h) share/doc/clnorm/LICENSE; do
    [ -f "$prefix/$file" ] || { echo "missing: $file" && return 1; }
  done
  [ -n "$(find "$prefix" -name 'clnormConfigVersion.cmake')" ] && [ -n "$(find "$prefix" -name 'libclnorm.so.*')" ]
}

by_cmake() {
  cmake -S "$top/examples/consumer" -B "$work/consumer" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_BUILD_TYPE=Release &&
    timeout 200 cmake --build "$work/consumer" && timeout 100 "$work/consumer/host" && timeout 100 "$work/consumer/queue"
}

# A version that was not installed must be refused.
by_cmake_version() {
  sed 's/clnorm 0.1/clnorm 99.0/' "$top/examples/consumer/CMakeLists.txt" >"$work/CMakeLists.txt"
  ! cmake -S "$work" -B "$work/refused" -DCMAKE_PREFIX_PATH="$prefix"
}

# As a part of another project: the library alone, which leaves that one's settings as they are.
as_part() {
  mkdir -p "$work/part" && cat >"$work/part/CMakeLists.txt" <<CMAKE || return 1
cmake_minimum_required(VERSION 3.25)
project(app LANGUAGES C)
add_subdirectory("$top" clnorm)
if(BUILD_SHARED_LIBS OR CMAKE_BUILD_TYPE OR TARGET clnorm_command OR NOT TARGET clnorm::clnorm)
  message(FATAL_ERROR "shared '\${BUILD_SHARED_LIBS}', type '\${CMAKE_BUILD_TYPE}'")
endif()
CMAKE
  cmake -S "$work/part" -B "$work/part/build" -DCLNORM_CLBLAST=OFF
}

by_pkg_config() {
  local program flags
  flags=$(pkg-config --cflags --libs clnorm) || return 1
  for program in host queue; do # host asks for nothing but clnorm; queue takes a root of its own
    [ "$program" = host ] || flags+=' -lm'
    # shellcheck disable=SC2086 # flags are words
    cc -std=c99 "$top/examples/$program.c" $flags -o "$work/$program" &&
      LD_LIBRARY_PATH=$libdir timeout 100 "$work/$program" || return 1
  done
}

# Nothing but clnorm_* is visible, and every function of the headers is there.
exports() {
  local name
  nm -D --defined-only "$libdir/libclnorm.so" | awk '$2 ~ /^[A-Z]$/ { print $3 }' | sort >"$work/names"
  grep -v '^clnorm_' "$work/names" && return 1
  cat "$prefix"/include/clnorm/*.h | grep -Pzo 'CLNORM_API [^;]*?\bclnorm_\w+(?=\()' | tr '\0' '\n' |
    grep -o 'clnorm_[a-z_0-9]*$' | sort -u >"$work/declared"
  for name in $(comm -13 "$work/names" "$work/declared"); do
    echo "declared but not exported: $name"
    return 1
  done
  [ -s "$work/declared" ]
}

# header LANGUAGE COMPILER FLAGS...: each header alone compiles without a warning.
header() {
  local language=$1 file
  shift
  for file in "$prefix"/include/clnorm/*.h; do
    printf '#include <%s>\nint main(void) { return (int)clnorm_version() < 0; }\n' "${file##*/}" |
      "$@" -x "$language" -Wall -Wextra -Werror -fsyntax-only -I"$prefix/include/clnorm" - || return 1
  done
}

# Whoever includes clnorm.h has all, and so has who includes clnorm_ops.h.
either() {
  local file
  for file in clnorm.h clnorm_ops.h; do
    {
      echo "#include <$file>" && echo 'clnorm_any any;' && echo 'const void *const used[] = {'
      sed 's/.*/(const void *)&,/' "$work/declared" && echo '};'
    } | cc -std=c99 -fsyntax-only -I"$prefix/include/clnorm" -x c - || return 1
  done
}

# block N: the N-th piece of C in the README.
block() { awk -v n="$1" '/^```/ { k += inside = $0 == "```c"; next } inside && k == n' "$top/README.md"; }

# What the README shows, to the letter: the six lines run (on any device), the twelve compile.
readme() {
  {
    echo '#include <clnorm.h>'
    echo 'enum { n = 2, h = 3, w = 5 };'
    echo 'static unsigned char pixels[3 * h * w];'
    echo 'static float out[3 * h * w];'
    echo 'void queue(cl_context my_context, cl_device_id my_device, cl_command_queue my_queue, cl_mem x, cl_mem y,'
    echo '           size_t frame, size_t frame_bytes, cl_event decoded, cl_event done);'
    echo 'int main(void)' && echo '{' && block 1 | sed 's/"gpu"/NULL/'
    echo 'return !(out[0] > -2.1180f && out[0] < -2.1178f); /* (0 - .485) / .229 */' && echo '}'
    echo 'void queue(cl_context my_context, cl_device_id my_device, cl_command_queue my_queue, cl_mem x, cl_mem y,'
    echo '           size_t frame, size_t frame_bytes, cl_event decoded, cl_event done)'
    echo '{ clnorm_context *ctx;' && block 2 && echo '}'
  } >"$work/readme.c"
  # shellcheck disable=SC2046 # flags are words
  cc -std=c99 "$work/readme.c" $(pkg-config --cflags --libs clnorm) -o "$work/readme" &&
    LD_LIBRARY_PATH=$libdir timeout 100 "$work/readme"
}

command_runs() { timeout 100 "$prefix/bin/clnorm" --version; }

check "install under one prefix and move it" install_and_move
check "headers, library, package and licence are there" is_installed
libdir=$(dirname "$(find "$prefix" -name 'libclnorm.so' | head -n 1)")
export PKG_CONFIG_PATH=$libdir/pkgconfig
check "both examples through find_package" by_cmake
check "find_package refuses another version" by_cmake_version
check "a part of another project" as_part
check "both examples through pkg-config" by_pkg_config
check "the README's two pieces of C, as they stand" readme
check "only clnorm_* is exported, and all of the headers" exports
check "clnorm.h gives all, and so does clnorm_ops.h" either
check "headers as strict C99" header c cc -std=c99 -pedantic -Wc++-compat
check "headers as C++11" header c++ c++ -std=c++11 -pedantic
[ ! -e "$prefix/bin/clnorm" ] || check "the installed command finds its library" command_runs

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
