#!/bin/bash
# test_cli.sh -- the command from outside: streams, files, interrupts, devices, text and JSON.
# Usage: test_cli.sh CLNORM [PHOTO.jpg]
# shellcheck source=tests/cli.sh
source "$(dirname "$0")/cli.sh" "$@"

# ---- streams and files ---------------------------------------------------------------------------------------------------------

"$clnorm" run minmax - - <x.npy >y.npy 2>stderr
verdict 'from stdin to stdout' "$([ $? -eq 0 ] || cat stderr)"
same 'what came out of the pipe' "shape('y.npy') == (2, 3, 4, 5)"
cat p.ppm | "$clnorm" run totensor - - 2>stderr | "$clnorm" run minmax - - 2>>stderr | cat >y.npy
same 'a pipeline of two' "shape('y.npy') == (1, 3, 3, 4)"
"$clnorm" run minmax - y.npy <&- 2>stderr; verdict 'stdin closed is exit 3' "$([ $? -eq 3 ] || echo no)"
"$clnorm" run minmax x.npy - >&- 2>stderr; verdict 'stdout closed is exit 3' "$([ $? -eq 3 ] || echo no)"
"$clnorm" run minmax x.npy - >/dev/full 2>stderr; verdict 'stdout full is exit 3' "$([ $? -eq 3 ] || echo no)"
verdict 'which is called what it is' "$(grep -q '^clnorm: standard output cannot be written' stderr || cat stderr)"
"$clnorm" run minmax --out min=/dev/stdout - y.npy <x.npy >m.npy 2>stderr; verdict 'stdin is not stdout' "$([ $? -eq 0 ] || cat stderr)"
same 'what --out wrote to it' "shape('m.npy') == (2, 1, 1, 1)"
"$clnorm" list >/dev/full 2>stderr; verdict 'list > /dev/full is exit 3' "$([ $? -eq 3 ] || echo no)"
run 3 'cannot be written' -- run minmax x.npy /dev/full
run 0 -- run minmax x.npy /dev/null
rm -f a.npy
"$clnorm" run minmax --out min=a.npy x.npy - >/dev/full 2>stderr
verdict 'no --out where stdout failed' "$(ls a.npy 2>/dev/null)"
"$clnorm" kernels zscore 2>stderr | head -1 >/dev/null
verdict 'a closed pipe is quiet' "$(cat stderr)"
run 3 'cannot be read' -- run minmax missing.npy y.npy
run 3 '' -- run minmax . y.npy
run 3 '' -- run minmax /dev/null y.npy
run 3 'no known type' -- run minmax text.txt y.npy
run 3 '' -- run minmax x.npy none/y.npy
mkdir folder folder/y.npy
run 3 '' -- run minmax x.npy folder/y.npy
if [ "$(id -u)" -ne 0 ]; then
    cp x.npy secret.npy; chmod 0 secret.npy; run 3 '' -- run minmax secret.npy y.npy
    chmod 500 folder; run 3 '' -- run minmax x.npy folder/z.npy
fi
name=$'a\nb\033[31m\377 !#:+ %s.npy'
cp x.npy "$name"; cp x.npy ./-dash.npy
run 0 -- run minmax "$name" "y $name"
verdict 'a hostile name exists as given' "$([ -e "y $name" ] || echo missing)"
run 0 -- run denormalize --of minmax --in "min=min.npy" --in=max=max.npy --out-layout=nchw "$name" y.npy
cp min.npy "m$name"
run 0 -- run denormalize --of minmax --in "min=m$name" --in "max=max.npy" x.npy y.npy
run 3 'a.x0ab.x1b' -- run minmax "missing $name" y.npy
verdict 'no escape reaches the terminal' "$(grep -c $'\033' stderr | grep -v '^0$')"
run 0 -- run minmax -- -dash.npy -y.npy
usage 'is not an option' run minmax -dash.npy y.npy
run 3 '' -- run minmax "$(printf 'x%.0s' {1..5000})" y.npy
run 3 '' -- run minmax x.npy "$(printf 'x%.0s' {1..5000}).npy"
run 0 -- run --eps 1e-3 minmax x.npy --scope=batch y.npy
run 0 -- --device cpu run minmax x.npy y.npy
run 0 -- run minmax x.npy y.npy --device cpu

# ---- interrupts --------------------------------------------------------------------------------------------------------------------

cat >begin.py <<'PYTHON'
import os, signal, sys
for name in 'INT', 'QUIT': # which `&` of a script ignores
    signal.signal(getattr(signal, 'SIG' + name), signal.SIG_DFL)
if sys.argv[1]:
    signal.signal(getattr(signal, 'SIG' + sys.argv[1]), signal.SIG_IGN)
os.execv(sys.argv[2], sys.argv[2:])
PYTHON
# begin [IGNORED]: starts a run that waits for INPUT with its outputs open, as $pid.
begin() {
    mkfifo fifo.npy
    exec 9<>fifo.npy # held open without data
    (ulimit -c 0 && exec "$python" begin.py "${1:-}" "$clnorm" run minmax --out min=i.npy fifo.npy o.npy 2>stderr 9>&-) &
    pid=$!
    for _ in {1..100}; do compgen -G '.i.npy.clnorm-*' >/dev/null && break; sleep 0.1; done
}
for signal in INT TERM HUP ABRT QUIT ALRM XCPU USR1 USR2; do
    case $signal in INT | TERM | HUP) want=130 ;; *) want=$((128 + $(kill -l $signal))) ;; esac
    begin
    kill -s $signal $pid
    wait $pid 2>/dev/null
    got=$?
    exec 9>&-
    verdict "SIG$signal is exit $want" "$([ $got -eq $want ] || echo "$got: $(cat stderr)")"
    verdict "SIG$signal leaves nothing" "$(ls -A | grep -E 'clnorm-|^i.npy|^o.npy')"
    rm -f fifo.npy .*.clnorm-*
done
cat >twice.py <<'PYTHON'
import os, signal, subprocess, sys, tempfile, time
for wait in 0.15, 0.25, 0.35, 0.45, 0.55:
    with tempfile.TemporaryDirectory() as cold: # PoCL compiles, with handlers of LLVM's own
        run = subprocess.Popen(sys.argv[1:], env={**os.environ, 'POCL_CACHE_DIR': cold}, stderr=subprocess.DEVNULL)
        time.sleep(wait)
        run.send_signal(signal.SIGTERM)
        run.send_signal(signal.SIGTERM)
        if run.wait() not in (0, 130): # 0: it had ended
            print('after', wait, 's:', run.returncode)
PYTHON
verdict 'SIGTERM twice is exit 130' "$("$python" twice.py "$clnorm" run zscore x.npy q.npy)"
verdict 'SIGTERM twice leaves nothing' "$(ls -A | grep clnorm-)"
rm -f .*.clnorm-*
for signal in HUP INT TERM; do # as nohup and scripts have them
    begin $signal
    kill -s $signal $pid
    cat x.npy >&9
    exec 9>&-
    wait $pid
    same "SIG$signal is ignored where it was" "shape('o.npy') == (2, 3, 4, 5)"
    rm -f fifo.npy o.npy i.npy .*.clnorm-*
done
(ulimit -f 1; exec "$clnorm" kernels zscore >text 2>stderr)
verdict 'ulimit -f is exit 3' "$([ $? -eq 3 ] && grep -q '^clnorm: standard output cannot be written' stderr || cat stderr)"
"$clnorm" run minmax x.npy two.npy & "$clnorm" run minmax x.npy two.npy & wait
same 'two writers of one file' "shape('two.npy') == (2, 3, 4, 5)"

# ---- devices, text and JSON ----------------------------------------------------------------------------------------------------------

run 4 '' -- --device 99:0 run minmax x.npy y.npy
run 4 '' -- list --device nothing --json
run 0 '^0:0' -- list --device 0:0
CLNORM_DEVICE=nothing run 0 '0:0' -- list
CLNORM_DEVICE=nothing run 4 '^clnorm: CLNORM_DEVICE: no device is "nothing"' -- run minmax x.npy y.npy
CLNORM_DEVICE=nothing run 4 '^clnorm: CLNORM_DEVICE: ' -- verify minmax
CLNORM_DEVICE=cpu run 4 '^clnorm: --device: no device is "nothing"' -- run minmax x.npy y.npy --device nothing
CLNORM_DEVICE=cpu run 0 -- run minmax x.npy y.npy
CLNORM_DEVICE='' run 0 -- run minmax x.npy y.npy
OCL_ICD_VENDORS=/nonexistent run 4 'install' -- list
OCL_ICD_VENDORS=/nonexistent run 4 '' -- run minmax x.npy y.npy
OCL_ICD_VENDORS=/nonexistent run 0 -- explain minmax
OCL_ICD_VENDORS=/nonexistent run 0 -- -h
json() {
    "$clnorm" "$@" >out.json 2>stderr
    local why
    why=$("$python" -m json.tool out.json 2>&1 >/dev/null)
    verdict "JSON: $*" "$why"
}
json list --json
same 'list --json' "json.load(open('out.json'))[0]['id'].count(':') == 1"
json --json run minmax x.npy y.npy
same 'run --json' "sorted(json.load(open('out.json'))) == sorted('op device plan x y bytes build_ms run_ms gbps'.split())"
same 'x and y' "json.load(open('out.json'))['y'] == {'shape': [2, 3, 4, 5], 'dtype': 'f32', 'layout': 'nchw'}"
json plan zscore x.npy --json
json explain normalize --json
json check --preset half x.npy --json
json cache path --json --cache-dir cache
json bench symmetric --shape 1x3x16x16 --json
same 'bench --json' "json.load(open('out.json'))[0]['verified'] and json.load(open('out.json'))[0]['ratio_to_copy'] > 0"
for op in minmax symmetric zscore totensor normalize denormalize moments; do
    run 0 "$op:" -- explain $op
    run 0 "$op" -- kernels $op
done
run 0 'pointwise' -- kernels --matrix
run 0 'wg [0-9]+, vec' -- plan minmax u8.npy
run 0 '' -- plan minmax --effort measure u8.npy
run 0 '' -- -q run minmax --effort measure u8.npy y.npy
for s in chapter torch onnx paper; do run 0 -- run minmax --semantics $s x.npy y.npy; done
run 0 -- verify symmetric
verdict 'no colour in a pipe' "$(grep -c $'\033' stdout | grep -v '^0$')"
run 0 $'\033' -- --color always verify symmetric
# Beside PyTorch: a Python that lacks it, one that dies, and the real one.
mkdir lacks dies
printf '#!/bin/sh\nexit 1\n' >lacks/python3
printf '#!/bin/sh\necho 9.9\nread case; echo nonsense >&2\n' >dies/python3
chmod +x lacks/python3 dies/python3
PATH=$PWD/lacks:$PATH run 0 'hostile: [0-9.e-]+, PyTorch -$' -- verify --hostile symmetric
verdict 'without PyTorch it says how to get it' "$(grep -q 'pip install torch' stderr || cat stderr)"
PATH=$PWD/lacks:$PATH run 0 -- -q verify --hostile symmetric
verdict 'but not with -q' "$(cat stderr)"
PATH=$PWD/dies:$PATH run 0 'stopped answering' -- verify --hostile symmetric
PATH=$PWD/lacks:$PATH "$clnorm" verify --hostile --json symmetric >out.json 2>stderr
same 'verify --hostile --json' "json.load(open('out.json'))[0]['hostile'] < 1e-6 and json.load(open('out.json'))[0]['torch'] is None"
if python3 -c 'import torch' 2>/dev/null; then
    run 0 'PyTorch [0-9.e-]+ \(1e6 \+- 1\) NaN \(to 3e38\)$' -- verify --hostile zscore
else
    echo '# no PyTorch: verify --hostile is tested less'
fi
rm -rf cache
run 0 -- --cache-dir cache run minmax x.npy y.npy
run 0 'cache: [1-9][0-9]* files?, [1-9]' -- cache stats --cache-dir cache
touch cache/mine.txt
run 0 'removed' -- cache clear --cache-dir cache
verdict 'clear removes only binaries' "$(ls cache | grep -v '^mine.txt$')"
run 0 'cache: 0 files' -- cache stats --cache-dir cache
usage 'no cache' cache stats --no-cache
CLNORM_CACHE_DIR=$PWD/unused run 0 -- --no-cache run minmax x.npy y.npy
verdict '--no-cache makes no cache' "$(ls -d unused 2>/dev/null)"
run 0 'none: 0 files, 0 bytes' -- cache stats --cache-dir none
verdict 'stats makes no directory' "$(ls -d none 2>/dev/null)"
# The whole set compiles for a minute: CLNORM_TEST_FULL.
set_of=(zscore symmetric)
[ -z "${CLNORM_TEST_FULL:-}" ] || set_of=()
run 0 'zscore +built .* ms$' -- --cache-dir cache warmup "${set_of[@]}"
run 0 'zscore +loaded .* ms$' -- warmup "${set_of[@]}" --cache-dir cache
run 0 '^0 built, [1-9][0-9]* loaded; kept in .*cache$' -- warmup "${set_of[@]}" --cache-dir cache
run 0 'cache: [1-9][0-9]* files?, [1-9]' -- cache stats --cache-dir cache
json warmup "${set_of[@]}" --json --cache-dir cache
same 'warmup --json' "{p['from'] for p in json.load(open('out.json'))['programs']} == {'loaded'}"
same 'warmup of those named' "{'zscore', 'symmetric'} <= {p['op'] for p in json.load(open('out.json'))['programs']}"
run 0 '' -- -q warmup "${set_of[@]}"
verdict 'warmup -q is quiet' "$(cat stdout stderr)"
usage 'no cache' warmup --no-cache
run 3 '^clnorm: --cache-dir x.npy cannot be used$' -- -q warmup symmetric --cache-dir x.npy
verdict 'before anything is built' "$(cat stdout)"
usage 'not an op' warmup nothing

# ---- tune ----

run 0 '^[0-9]+ problems run in another way than estimated; kept in t.txt$' -- tune zscore --shape 2x3x4x5 --seconds 9 --tuning t.txt
same 'the tuning file' "[l.split(':')[0] for l in open('t.txt')][::2] == ['clnorm tuning 1\n', 'zscore forward f32 f32 rows 2^1 x 2^5 in 2^5']"
json tune symmetric --json --shape 2x3x4x5 --seconds 9 --tuning t.txt
same 'tune --json' "(lambda t: t['path'] == 't.txt' and t['workloads'][0]['op'] == 'symmetric' and t['workloads'][0]['before_ms'] > 0)(json.load(open('out.json')))"
same 'what was found before stays' "any(l.startswith('zscore') for l in open('t.txt')) and any(l.startswith('symmetric') for l in open('t.txt'))"
run 0 '' -- -q tune zscore --shape 2x3x4x5 --seconds 9 --tuning t.txt
verdict 'tune -q is quiet' "$(cat stdout stderr)"
sed -i 's/^zscore.*/zscore forward f32 f32 rows 2^1 x 2^5 in 2^5: split wg 1 vec 16 busy 2 wide 0/' t.txt
if "$clnorm" list | tail -n 1 | grep -q pthread; then # the numbers of a CPU
    run 0 '^tuned: ' -- plan zscore x.npy --tuning t.txt
fi
CLNORM_TUNING=none.txt run 0 'there is no tuning file "none.txt" \(CLNORM_TUNING\)' -- -v plan minmax x.npy
CLNORM_TUNING=none.txt run 0 -- plan minmax x.npy
verdict 'which is told with -v alone' "$(cat stderr)"
CLNORM_TUNING=own.txt run 0 'kept in own.txt$' -- tune zscore --shape 2x3x4x5 --seconds 9
unset CLNORM_TUNING # tests have none
run 0 'kept in .*cache/tuning.txt$' -- tune zscore --shape 2x3x4x5 --seconds 9 --cache-dir cache
export CLNORM_TUNING=
run 2 'no file is known' -- tune zscore --shape 2x3x4x5
echo nonsense >t.txt
run 3 't.txt", line 1: ' -- run zscore x.npy y.npy --tuning t.txt
run 3 't.txt", line 1: ' -- tune zscore --shape 2x3x4x5 --tuning t.txt
same 'a file that is none of tuning stays' "open('t.txt').read() == 'nonsense\n'"
run 3 'there is no tuning file "none.txt"' -- run zscore x.npy y.npy --tuning none.txt
run 3 'no/dir/t.txt.* cannot be written' -- tune zscore --shape 2x3x4x5 --seconds 9 --tuning no/dir/t.txt
verdict 'before anything is measured' "$(cat stdout)"

# ---- what is timed, and what is long --------------------------------------------------------------------------------------------

run 0 'symmetric +infer +1x3x32x32 +u8 .* ok' -- bench symmetric --shape 1x3x32x32
run 6 'one tensor needs 4194304000000 bytes; .* allows [0-9]+ in one buffer$' -- bench symmetric --shape 1000000x1x1024x1024
if (ulimit -S -v 5000000 && "$clnorm" --version) >/dev/null 2>&1; then # not under AddressSanitizer
    ulimit -S -v 5000000
    run 6 'bench needs [0-9]+ bytes of host memory, .*limit is [0-9]+$|one tensor needs ' -- bench symmetric --shape 1500x1x1024x1024
    ulimit -S -v unlimited
fi
run 0 'open +[0-9.]+ +plan +[0-9.]+ .compile' -- bench normalize --latency
run 0 'there is no such workload of these ops' -- bench totensor --latency
run 0 '^start-up set of 2 ops: [0-9.]+ ms +.find [0-9.]+, describe [0-9.]+, compile [0-9.]+, load [0-9.]+, rest [0-9.]+; ' -- bench totensor denormalize --latency
"$clnorm" bench normalize --latency --json >stdout 2>stderr
same 'what a first result costs' "all(r['verified'] and 0 < r['start']['first_ms'] and 0 < r['start']['open_ms'] and r['start']['built'] + r['start']['loaded'] >= 1 for r in json.load(open('stdout'))[1:])"
same 'what the start-up set costs' "[r['start_up_set'] for r in json.load(open('stdout')) if 'start_up_set' in r][0]['ops'] == 1 and (lambda s: s['built'] + s['loaded'] == 1 and abs(s['ready_ms'] - sum(s[k] for k in ('find_ms', 'describe_ms', 'compile_ms', 'load_ms', 'rest_ms'))) < 1e-3)(json.load(open('stdout'))[0]['start_up_set'])"
run 0 '^zscore +forward +tested +tested +tested' -- kernels --matrix zscore
verdict 'the matrix of one op has one' "$([ "$(wc -l <stdout)" -eq 2 ] || cat stdout)"
python3 -c "open('long.ppm', 'wb').write(b'P6 300 200 255\\n' + bytes(i * 7 % 256 for i in range(180000)))"
cat long.ppm | "$clnorm" run totensor - y.npy 2>stderr
same 'a picture longer than a pipe' "shape('y.npy') == (1, 3, 200, 300) and near(values('y.npy')[:3], [0, 21 / 255, 42 / 255])"

# ---- the cache where there is no device -------------------------------------------------------------------------------------

# says WANT VARIABLE=VALUE... -- ARGS...: what the command prints without a device.
says() {
    local want=$1 environment=()
    shift
    while [ "$1" != -- ]; do environment+=("$1"); shift; done
    shift
    local got
    got=$(env -u CLNORM_CACHE_DIR -u XDG_CACHE_HOME -u HOME OCL_ICD_VENDORS=/nonexistent "${environment[@]}" "$clnorm" "$@" 2>&1)
    verdict "no device: $* ${environment[*]}" "$([[ $got == *"$want"* ]] || echo "says $got")"
}
says "$dir/a" "CLNORM_CACHE_DIR=$dir/a" "XDG_CACHE_HOME=$dir/b" "HOME=$dir/c" -- cache path
says "$dir/b/clnorm" "XDG_CACHE_HOME=$dir/b" "HOME=$dir/c" -- cache path
says "$dir/c/.cache/clnorm" "HOME=$dir/c" -- cache path
says "$dir/c/.cache/clnorm" CLNORM_CACHE_DIR= XDG_CACHE_HOME= "HOME=$dir/c" -- cache path
says "$dir/d" "HOME=$dir/c" -- cache path --cache-dir "$dir/d"
says "$(pwd -P)/relative" "HOME=$dir/c" -- cache path --cache-dir relative
says 'there is no directory for compiled kernels' -- cache path
says '"path": "'"$dir/a" "CLNORM_CACHE_DIR=$dir/a" -- cache path --json
says 'a: 0 files, 0 bytes' "CLNORM_CACHE_DIR=$dir/a" -- cache stats
says 'x.npy cannot be read: Not a directory' "CLNORM_CACHE_DIR=$dir/x.npy" -- cache stats
# The same with a device, where the directory is there; who looks at it does not make it.
for v in "CLNORM_CACHE_DIR=$dir/e" "XDG_CACHE_HOME=$dir/f" "HOME=$dir/g" "XDG_CACHE_HOME=relative HOME=$dir/h"; do
    case $v in CLNORM*) want=$dir/e ;; *f) want=$dir/f/clnorm ;; *g) want=$dir/g/.cache/clnorm ;; *) want=$dir/h/.cache/clnorm ;; esac
    for there in no yes; do
        [ $there = no ] || mkdir -p -m 700 "$want"
        # shellcheck disable=SC2086 # words
        got=$(env -u CLNORM_CACHE_DIR -u XDG_CACHE_HOME -u HOME $v "$clnorm" cache path 2>stderr)
        verdict "the cache of ${v%%=*}, there: $there" "$([ "$got" = "$want" ] || echo "says $got: $(head -c 200 stderr)")"
        verdict 'which nobody makes' "$([ $there = yes ] || ls -d "$want" 2>/dev/null)"
    done
done
got=$(env -u CLNORM_CACHE_DIR -u XDG_CACHE_HOME -u HOME "$clnorm" cache path 2>&1)
verdict 'no variable, no cache' "$([[ $got == *'there is no directory'* ]] || echo "says $got")"
mkdir a; echo 12345 >a/12-ab.clbin; echo 1 >a/12-ab.clbin.tmp; echo >a/other.clbin; echo >a/.clbin; echo >a/12.txt; mkdir a/34.clbin
says 'a: 2 files, 8 bytes' "CLNORM_CACHE_DIR=$dir/a" -- cache stats
says 'a: 2 files, 8 bytes removed' "CLNORM_CACHE_DIR=$dir/a" -- cache clear
verdict 'only our files are removed' "$([ "$(find a -mindepth 1 | sort | tr '\n' ' ')" = 'a/.clbin a/12.txt a/34.clbin a/other.clbin ' ] || ls -a a)"

finish
