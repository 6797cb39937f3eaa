#!/usr/bin/env bash
# test_cli_cache.sh -- the cache of binaries where many start at once, are killed, or find no room.
#
#   tests/test_cli_cache.sh CLNORM        CLNORM_TEST_KILLS: how many processes are killed, 200; CLNORM_TEST_SEED
#
# Every process has a copy of one PoCL cache, since PoCL's own does not survive what is done here.
set -- "$1"
# shellcheck source=tests/cli.sh
. "$(dirname "$0")/cli.sh"
kills=${CLNORM_TEST_KILLS:-200}
RANDOM=${CLNORM_TEST_SEED:-1}
echo "# $kills kills, seed ${CLNORM_TEST_SEED:-1}"

python3 - <<'PY'
import struct
data = b''.join(struct.pack('<f', (k * 37) % 101 - 50) for k in range(3 * 64 * 64))
head = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3, 64, 64), }"
head += ' ' * (-(len(head) + 11) % 64) + '\n'
open('x.npy', 'wb').write(b'\x93NUMPY\x01\x00' + struct.pack('<H', len(head)) + head.encode() + data)
PY

# of POCL CACHE OUTPUT: one run of the command, over a copy of what PoCL has compiled.
of() {
    [ -d "$1" ] || { [ -d warm ] && cp -r warm "$1"; } || mkdir "$1"
    POCL_CACHE_DIR=$PWD/$1 exec "$clnorm" run zscore x.npy "$3" --cache-dir "$2" -q
}
# Whether that run has the result and leaves a cache of whole files; else why not.
whole() {
    local why=''
    (of "$@") >stdout 2>stderr || why="exit $?: $(head -c 300 stderr)"
    [ -n "$why" ] || cmp -s want.npy "$3" || why="another result"
    rm -f "$3"
    printf '%s' "$why"
}
# What a cache has besides one binary.
others() {
    local files=("$1"/*.clbin)
    [ ${#files[@]} -eq 1 ] && [ -s "${files[0]}" ] || echo "no one binary: ${files[*]}"
    find "$1" -mindepth 1 ! -name '*.clbin'
}
POCL_CACHE_DIR=$PWD/first timeout 120 "$clnorm" run zscore x.npy want.npy --no-cache -q || { echo "the command does not run"; exit 1; }
mv first warm

# ---- sixteen at once -------------------------------------------------------------------------------------------

why='' pids=()
for k in {1..16}; do
    (of "pocl$k" shared "y$k.npy") 2>"stderr$k" &
    pids+=($!)
done
for k in {1..16}; do
    wait "${pids[k - 1]}" || why="process $k: exit $?: $(head -c 300 "stderr$k")"
    [ -n "$why" ] || cmp -s want.npy "y$k.npy" || why="process $k has another result"
done
verdict 'sixteen processes, no cache' "$why"
verdict 'they leave one file' "$(others shared)"
verdict 'which serves the next' "$(whole next shared z.npy)"
rm -rf pocl* next y*.npy stderr*

# ---- killed ----------------------------------------------------------------------------------------------------

start=${EPOCHREALTIME/[.,]/}
(of timed timed-cache z.npy)
span=$((${EPOCHREALTIME/[.,]/} - start)) # of a run that saves, in microseconds
why='' cut=0
for ((k = 0; k < kills && ${#why} == 0; k++)); do
    rm -rf killed cache after z.npy
    [ $((k % 4)) -ne 0 ] || cp -r shared cache # one in four reads
    (of killed cache z.npy) 2>/dev/null &
    wait_us=$(((RANDOM * 32768 + RANDOM) % (span + span / 8)))
    sleep "$((wait_us / 1000000)).$(printf %06d $((wait_us % 1000000)))"
    kill -KILL $! 2>/dev/null
    if wait $! 2>/dev/null; then # it had ended: with caches in memory, or fewer others on the machine
        span=$((span - span / 16))
    else
        cut=$((cut + 1)) span=$((span + span / 32))
    fi
    [ ! -e z.npy ] || cmp -s want.npy z.npy || why="kill $k after $wait_us us left half an output"
    [ -n "$why" ] || why=$(whole after cache z.npy)
    [ -n "$why" ] || why=$(find cache -name '*.tmp' -delete && others cache)
    [ -z "$why" ] || why="$why (kill $k after $wait_us us of $span)"
    rm -f .clnorm-* .z.npy*
done
verdict "$kills killed, $cut of them on the way" "$why"
verdict 'most were on the way' "$([ $((2 * cut)) -gt "$kills" ] || echo "$cut of $kills in $span us")"

# ---- no room ---------------------------------------------------------------------------------------------------

mkdir full
if mount -t tmpfs -o size=16k none full 2>/dev/null; then
    trap 'umount "$dir/full"; chmod -R u+rwx "$dir"; rm -rf "$dir"' EXIT
    mkdir -m 700 full/cache
    verdict 'a full disk keeps no binary' "$(whole f1 full/cache z.npy)"
    verdict 'nor a part of one' "$(ls -A full/cache)"
    run 3 'full/y.npy cannot be written' -- run zscore x.npy full/y.npy --no-cache
    verdict 'nor of an output' "$(ls -A full | grep -v '^cache$')"
else
    echo "# skipped: a full disk; no file system can be mounted here"
fi
finish
