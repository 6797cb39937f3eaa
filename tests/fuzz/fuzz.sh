#!/usr/bin/env bash
# fuzz.sh -- fuzzes for hours, or seconds, with libFuzzer, ASan and UBSan.
#
#   tests/fuzz/fuzz.sh [SECONDS [TARGET...]]   60 seconds, shared by all targets: args cache differential image npz
#                                              tuning
#
# Builds in build/fuzz with clang, at the lowest priority. Each target starts from its kept corpus and from what it found
# before in build/fuzz/corpus, which is made small again at the end. A finding lies in build/fuzz/findings; it is an
# input for the target: build/fuzz/tests/fuzz/fuzz_TARGET FILE. Prints a row for each target; exit 1 with a finding, 77
# without clang's libFuzzer.
set -u
trap 'exit 130' INT TERM
cd "$(dirname "$0")/../.." || exit 1
all=(args cache differential image npz tuning)
seconds=${1:-60} CC=${CC:-clang} build=$PWD/build/fuzz
[ $# -gt 1 ] && all=("${@:2}")
[[ $seconds =~ ^[1-9][0-9]*$ ]] || { sed -n '2,/^set -u/{/^#/s/^# \{0,1\}//p}' "$0" >&2; exit 2; }

echo 'int LLVMFuzzerTestOneInput(void); int LLVMFuzzerTestOneInput(void) { return 0; }' |
  "$CC" -fsanitize=fuzzer,address -x c - -o /dev/null 2>/dev/null || { echo "$CC has no libFuzzer"; exit 77; }

generator=()
mkdir -p "$build/findings"
[ -e "$build/CMakeCache.txt" ] || { command -v ninja >/dev/null && generator=(-G Ninja); }
# No build type that is known: they would leave the asserts out.
{ timeout --foreground 300 cmake -S . -B "$build" "${generator[@]}" -DCMAKE_C_COMPILER="$CC" -DCMAKE_BUILD_TYPE=Fuzz \
  -DCMAKE_C_FLAGS='-O1 -g -fsanitize=fuzzer-no-link' -DCLNORM_SANITIZE=address,undefined -DCLNORM_FUZZ=ON \
  -DBUILD_SHARED_LIBS=OFF -DCLNORM_BENCH=OFF -DCLNORM_EXAMPLES=OFF &&
  timeout --foreground 1500 nice -n 19 cmake --build "$build" --target "${all[@]/#/fuzz_}"; } >"$build.log" 2>&1 ||
  { tail -n 40 "$build.log" >&2; exit 1; }

dictionary=$build/args.dict # the options and the ops
sed -n 's/^ *{ "\([a-z0-9-]*\)", .*/"--\1="/p' src/cli/options.c >"$dictionary"
sed -n 's/^OP(\([a-z0-9]*\),.*/"\1"/p' src/op/ops.def >>"$dictionary"

export POCL_CACHE_DIR=$build/pocl UBSAN_OPTIONS=print_stacktrace=1
export LSAN_OPTIONS=suppressions=$PWD/tests/lsan.supp:print_suppressions=0
[ ! -w /dev/shm ] || export TMPDIR=/dev/shm # small files, thousands of times a second
mkdir -p "$POCL_CACHE_DIR"

# fuzz TARGET ARGUMENT...: libFuzzer, which may take so long for an input and so much memory.
fuzz() {
  local binary=$build/tests/fuzz/fuzz_$1 longest_s=120
  [ "$1" != differential ] || longest_s=900 # compiling, on a machine that is busy
  [ "$1" != differential ] || export ASAN_OPTIONS=detect_leaks=0 # the compiler's own
  timeout --foreground $((seconds + 600)) nice -n 19 "$binary" -timeout="$longest_s" -rss_limit_mb=4096 -close_fd_mask=1 \
    -artifact_prefix="$build/findings/$1-" "${@:2}"
}

# value FILE NAME: the last one that libFuzzer has printed.
value() { sed -n "s/.*$2:* *\([0-9][0-9]*\).*/\1/p" "$1" | tail -n 1; }

declare -A longest=([args]=512 [cache]=256 [differential]=160 [image]=4096 [npz]=4096 [tuning]=512)
share=$((seconds / ${#all[@]})) code=0
[ "$share" -gt 0 ] || share=1
printf '%-12s | %10s | %8s | %8s | %6s | %s\n' target executions per_s edges inputs findings
for target in "${all[@]}"; do
  (
    mine=$build/corpus/$target kept=tests/fuzz/corpus/$target log=$build/$target.log words=()
    mkdir -p "$mine" && rm -rf "$mine.small"
    [ ! -e "tests/fuzz/$target.dict" ] || words=(-dict="tests/fuzz/$target.dict")
    [ "$target" != args ] || words=(-dict="$dictionary")
    fuzz "$target" -max_total_time="$share" -max_len="${longest[$target]}" -len_control=0 -print_final_stats=1 \
      "${words[@]}" "$mine" "$kept" >"$log" 2>&1
    stopped=$?
    mkdir -p "$mine.small"
    fuzz "$target" -merge=1 "$mine.small" "$kept" "$mine" >"$build/$target.merge.log" 2>&1 &&
      rm -rf "$mine" && mv "$mine.small" "$mine"
    findings=$(find "$build/findings" -name "$target-*" | wc -l)
    printf '%-12s | %10s | %8s | %8s | %6s | %s\n' "$target" "$(value "$log" number_of_executed_units)" \
      "$(value "$log" average_exec_per_sec)" "$(value "$log" cov)" "$(find "$mine" -type f | wc -l)" "$findings"
    [ "$stopped" -eq 0 ] && [ "$findings" -eq 0 ]
  ) || code=1
done
[ "$code" -eq 0 ] || echo "see $build/findings and $build/*.log"
exit "$code"
