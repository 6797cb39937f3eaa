# shellcheck shell=bash
# cli.sh -- what the tests of the command share, for `source`: a folder with inputs, and verdicts. Set "$@" to CLNORM
# [PHOTO.jpg] before, and end with finish.
#
# Needs bash, python3 (standard library only) and an OpenCL device; PoCL keeps its cache where POCL_CACHE_DIR says.
set -u
export LC_ALL=C
unset CLNORM_DEVICE NO_COLOR
clnorm=$(realpath "$1")
python=$(python3 -c 'import sys; print(sys.executable)') # itself: a shim in front of it costs more than it does, each time
photo=${2:-$(dirname "$0")/../examples/photo/astronaut.jpg}
if [ -e "$photo" ]; then photo=$(realpath "$photo"); else photo='' && echo "# no photograph: check is tested less"; fi
dir=$(mktemp -d "${TMPDIR:-/tmp}/clnorm-cli-XXXXXX")
trap 'chmod -R u+rwx "$dir"; rm -rf "$dir"' EXIT
cd "$dir" || exit 1
passed=0 failed=0

# ---- helpers ---------------------------------------------------------------------------------------------------

ok() { passed=$((passed + 1)); echo "ok $1"; }
not_ok() { failed=$((failed + 1)); echo "not ok $1: $2"; }
verdict() { if [ -z "$2" ]; then ok "$1"; else not_ok "$1" "$2"; fi; }

# run CODE [SAYS] -- ARGS...: the exit code, one sentence on stderr that matches SAYS, and nothing left behind.
run() {
    local want=$1 says='' why=''
    shift
    [ "$1" != -- ] && says=$1 && shift
    shift
    timeout 120 "$clnorm" "$@" >stdout 2>stderr </dev/null
    local got=$?
    [ $got -eq "$want" ] || why="exit $got, not $want: $(head -c 300 stderr)"
    [ -z "$why" ] && [ -n "$says" ] && ! grep -Eq -- "$says" stderr stdout && why="does not say '$says': $(head -c 300 stderr)"
    [ -z "$why" ] && [ "$want" -ne 0 ] && [ "$want" -ne 1 ] && ! grep -q '^clnorm: ' stderr && why="no sentence"
    [ -z "$why" ] && grep -q 'AddressSanitizer\|runtime error' stderr && why=$(head -c 300 stderr)
    [ -z "$why" ] && compgen -G '.*clnorm-*' >/dev/null && why="left $(echo .*clnorm-*)"
    verdict "[$want] clnorm $(printf '%q ' "$@" | head -c 150)" "$why"
}
usage() { local says=$1; shift; run 2 "$says" -- "$@"; }

finish() { echo "$passed passed, $failed failed"; exit $((failed > 0)); }

# same_with MODULE NAME EXPRESSION: a condition in Python, with what the module has.
same_with() {
    local why
    why=$("$python" -c "
from $1 import *
r = $3
import sys
sys.exit(0 if r else 'got ' + repr(r))" 2>&1) && why=''
    verdict "$2" "$why"
}
same() { same_with npy "$@"; } # with load() and save()

cat >npy.py <<'PYTHON'
import array, ast, json, math, os, struct
CODES = {'<f4': 'f', '<f8': 'd', '<f2': 'e', '|u1': 'B', '|i1': 'b', '<u2': 'H', '<u8': 'Q', '<i4': 'i'}

def save(path, shape, values, kind='<f4'):
    text = '(' + ','.join(map(str, shape)) + (',)' if len(shape) == 1 else ')')
    head = "{'descr': '%s', 'fortran_order': False, 'shape': %s, }" % (kind, text)
    head += ' ' * ((-len(head) - 11) % 64) + '\n'
    data = struct.pack('<%d%s' % (len(values), CODES[kind]), *values)
    open(path, 'wb').write(b'\x93NUMPY\x01\x00' + struct.pack('<H', len(head)) + head.encode() + data)

def parse(b):
    n = struct.unpack('<H', b[8:10])[0]
    h = ast.literal_eval(b[10:10 + n].decode())
    code = CODES[h['descr']]
    d = b[10 + n:]
    return h['shape'], h['descr'], struct.unpack('<%d%s' % (len(d) // struct.calcsize(code), code), d)

def load(path): return parse(open(path, 'rb').read())
def shape(path): return load(path)[0]
def kind(path): return load(path)[1]
def values(path): return load(path)[2]
def near(a, b, e=1e-5): return len(a) == len(b) and all(abs(p - q) <= e * max(1, abs(q)) for p, q in zip(a, b))
PYTHON

python3 - <<'PYTHON'
from npy import *
def ramp(n, a=1.0, b=0.0): return [a * i + b for i in range(n)]
save('x.npy', (2, 3, 4, 5), ramp(120, .25, -3))
save('u8.npy', (2, 3, 4, 5), [i * 7 % 256 for i in range(120)], '|u1')
save('u16.npy', (1, 3, 4, 5), [i * 700 for i in range(60)], '<u2')
save('f16.npy', (1, 3, 4, 5), ramp(60, .25), '<f2')
save('f64.npy', (1, 3, 4, 5), ramp(60, .25), '<f8')
save('i8.npy', (1, 3, 4, 5), list(range(60)), '|i1')
save('i4.npy', (3,), [1, 2, 3], '<i4')
save('bf16.npy', (1, 3, 1, 2), [0x3f80, 0x4000, 0x4040, 0x4080, 0x40a0, 0x40c0], '<u2')
save('nhwc.npy', (1, 8, 9, 3), [i % 251 for i in range(216)], '|u1')
save('hwc.npy', (8, 9, 3), [i % 251 for i in range(216)], '|u1')
save('ndhwc.npy', (1, 6, 8, 9, 3), [i % 251 for i in range(1296)], '|u1')
save('five.npy', (1, 3, 2, 2, 2), ramp(24))
save('chw.npy', (3, 4, 5), ramp(60))
save('hw.npy', (4, 5), ramp(20))
save('w.npy', (7,), ramp(7))
save('six.npy', (1, 1, 1, 1, 1, 2), ramp(2))
save('gray.npy', (1, 1, 4, 5), ramp(20))
save('c5.npy', (1, 5, 4, 5), ramp(100))
save('empty.npy', (0, 3, 4, 5), [])
save('nothing.npy', (2, 3, 0, 5), [])
save('nan.npy', (1, 3, 2, 2), [float('nan')] + ramp(11))
save('min.npy', (2,), [-3.0, 12.0]); save('max.npy', (2,), [11.75, 26.75])
save('one.npy', (1,), [0.0]); save('three.npy', (3,), [1.0, 2.0, 3.0])
save('bytes.npy', (2,), [1, 2], '|u1')
save('half.npy', (2, 1, 1, 1), [-3.0, 12.0], '<f2')
open('hf.json', 'w').write(json.dumps({'image_mean': [.1, .2, .3], 'image_std': [.5, .5, .25], 'rescale_factor': 1 / 255, 'do_normalize': True}))
open('hf_no.json', 'w').write(json.dumps({'do_normalize': False, 'do_rescale': False}))
open('hf_bad.json', 'w').write('{"image_mean": [1, 2], "image_std": [1]}')
open('hf_zero.json', 'w').write('{"image_mean": [1], "image_std": [0]}')
open('hf_text.json', 'w').write('no json')
open('text.txt', 'w').write('hello')
open('p.ppm', 'wb').write(b'P6 4 3 255\n' + bytes(range(36)))
open('g.pgm', 'wb').write(b'P5 4 3 255\n' + bytes(range(12)))
PYTHON
