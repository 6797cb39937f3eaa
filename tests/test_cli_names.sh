#!/bin/bash
# test_cli_names.sh -- words that would drive a terminal, in every place of every command: none reaches it as it is.
# Usage: test_cli_names.sh CLNORM
# shellcheck source=tests/cli.sh
source "$(dirname "$0")/cli.sh" "$@"

# A title, a line end with a line behind it, a carriage return, delete, what is no UTF-8, a control of ISO 8859, and another reading direction.
evil=$'n\033]0;x\007\nforged\r\177\377\302\233\342\200\256'

cat >clean.py <<'PYTHON'
import sys, unicodedata
for name in sys.argv[1:]:
    text = open(name, 'rb').read().decode('utf-8') # or it fails
    bad = sorted({hex(ord(c)) for c in text if c not in '\n\t' and unicodedata.category(c) in ('Cc', 'Cf', 'Zl', 'Zp', 'Cs')})
    bad += [line for line in text.splitlines() if line.startswith('forged')]
    if bad:
        sys.exit('%s has %s' % (name, ' '.join(bad)))
PYTHON

# tame WHAT [VARIABLE=VALUE...] -- ARGS...: whatever the exit, there is a sentence or a result, and nothing in it is wild.
tame() {
    local what=$1 environment=() why=''
    shift
    while [ "$1" != -- ]; do environment+=("$1"); shift; done
    shift
    timeout 120 env "${environment[@]}" "$clnorm" "$@" >stdout 2>stderr </dev/null
    local code=$?
    [ $code -lt 64 ] || why="exit $code"
    [ -n "$why" ] || [ -s stdout ] || [ -s stderr ] || [ $code -eq 0 ] || why='no word'
    [ -n "$why" ] || why=$("$python" clean.py stdout stderr 2>&1 | tail -n 1)
    [ -n "$why" ] || [ "$(grep -c . stderr)" -lt 12 ] || why='it goes on and on'
    verdict "$what" "$why"
}

# ---- words ------------------------------------------------------------------------------------------------------

tame 'a command' -- "$evil"
for c in list run plan explain check verify bench tune kernels cache warmup; do
    tame "$c: an option" -- "$c" "--$evil"
    tame "$c: an option with a value" -- "$c" "--$evil=$evil"
    tame "$c: a letter" -- "$c" "-$evil"
    tame "$c: --device" -- "$c" --device "$evil"
done
for c in plan explain verify bench tune kernels cache warmup; do tame "$c: a word" -- "$c" "$evil"; done
tame 'list: a word too many' -- list "$evil"
tame 'run: an op' -- run "$evil" x.npy y.npy
for o in eps range scale ddof scope layout out-layout out-dtype semantics effort preset over in out mean std of in-dtype; do
    for op in minmax normalize denormalize moments; do tame "run $op: --$o" -- run $op "--$o" "$evil" x.npy y.npy; done
done
for o in gamma dy "$evil"; do
    tame "run: --in of $(printf %q "$o")" -- run layernorm --in "$o=$evil" x.npy y.npy
    tame "run: --out of $(printf %q "$o")" -- run layernorm --out "$o=$evil" x.npy y.npy
done
for o in groups axis p act residual mode affine size; do tame "run: --$o" -- run layernorm "--$o" "$evil" x.npy y.npy; done
for c in bench tune; do tame "$c: --shape" -- $c --shape "$evil"; done
tame 'tune: --seconds' -- tune --seconds "$evil"
tame 'check: --preset' -- check --preset "$evil" x.npy
tame 'color' -- --color "$evil" list

# ---- names of files ---------------------------------------------------------------------------------------------

printf 'no array' >"text $evil"
cp x.npy "x $evil.npy"
mkdir "folder $evil"
for c in 'run minmax' 'plan minmax' 'check --preset half'; do
    out=()
    [ "$c" = 'run minmax' ] && out=(y.npy)
    for file in "missing $evil" "text $evil" "folder $evil"; do
        # shellcheck disable=SC2086 # words
        tame "$c: $(printf %q "${file%% *}")" -- $c "$file" "${out[@]}"
    done
done
tame 'run: the name of a result' -- run minmax x.npy "y $evil"
tame 'run: a result in no folder' -- run minmax x.npy "none $evil/y.npy"
tame 'run: a result in place of a folder' -- run minmax x.npy "folder $evil"
tame 'run: what goes well' -- run minmax "x $evil.npy" "y $evil.npy" -v --json
tame 'plan: what goes well' -- plan minmax "x $evil.npy" -v
tame 'check: what goes well' -- check --preset half "x $evil.npy" "text $evil"
tame 'check: as JSON' -- check --preset half "x $evil.npy" --json
for c in list 'run minmax x.npy y.npy' 'cache stats' 'cache stats --json' 'cache clear' 'warmup minmax'; do
    for dir in "text $evil" "none $evil/none" "folder $evil"; do
        # shellcheck disable=SC2086 # words
        tame "$c: --cache-dir" -- --cache-dir "$dir" -v $c
        # shellcheck disable=SC2086 # words
        tame "$c: CLNORM_CACHE_DIR" "CLNORM_CACHE_DIR=$dir" -- -v $c
    done
done
for c in 'run minmax x.npy y.npy' 'plan minmax x.npy'; do
    for file in "text $evil" "missing $evil" "folder $evil"; do
        # shellcheck disable=SC2086 # words
        tame "$c: CLNORM_TUNING" "CLNORM_TUNING=$file" -- -v $c
        # shellcheck disable=SC2086 # words
        tame "$c: CLNORM_DEVICE" "CLNORM_DEVICE=$file" -- -v $c
    done
done
tame 'tune: --tuning' -- tune minmax --tuning "text $evil"
tame 'tune: --tuning in no folder' -- tune minmax --seconds 0.1 --shape 1x3x8x8 --tuning "text $evil/none"

# ---- what files say ---------------------------------------------------------------------------------------------

EVIL=$evil python3 - <<'PYTHON'
import json, os, struct, zlib
evil = os.fsencode(os.environ['EVIL'])
def npy(path, head):
    open(path, 'wb').write(b'\x93NUMPY\x01\x00' + struct.pack('<H', len(head)) + head + b'\0' * 64)
npy('type.npy', b"{'descr': '" + evil.replace(b'\n', b'') + b"', 'fortran_order': False, 'shape': (1, 3, 2, 2), }\n")
npy('wide.npy', b"{'descr': 'V\xff\xfe\xc2\x9b\xe2\x80\xae', 'fortran_order': False, 'shape': (1, 3, 2, 2), }\n")
npy('key.npy', b"{'\xc2\x9b\xe2\x80\xae\xff': 1, 'descr': '<f4', 'fortran_order': False, 'shape': (1, 3, 2, 2), }\n")
def chunk(kind, data): return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
head = b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', 2, 2, 8, 2, 0, 0, 0))
open('chunk.png', 'wb').write(head + chunk(b'\033[1m', b'') + chunk(b'IEND', b''))
open('end.png', 'wb').write(head)
open('head.jpg', 'wb').write(b'\xff\xd8\xff\xfe\x00\x12' + evil[:14] + b'\xff\xd9')
open('head.ppm', 'wb').write(b'P6 ' + evil)
open('lists.json', 'wb').write(b'{"image_mean": [1], "image_std": "' + evil + b'"}')
open('words.json', 'w').write(json.dumps({'image_mean': os.environ['EVIL'].encode('utf-8', 'replace').decode(), 'image_std': [1]}))
open('tuned.txt', 'wb').write(b'clnorm tuning 1\n' + evil + b'\n')
PYTHON
for file in type.npy wide.npy key.npy chunk.png end.png head.jpg head.ppm; do tame "$file" -- run minmax $file y.npy; done
for file in lists.json words.json; do tame "$file" -- run normalize --preset $file x.npy y.npy; done
tame 'a tuning file' CLNORM_TUNING=tuned.txt -- -v run minmax x.npy y.npy
tame 'a tuning file that is named' -- tune minmax --seconds 0.1 --shape 1x3x8x8 --tuning tuned.txt

finish
