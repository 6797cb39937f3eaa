#!/bin/bash
# test_cli.sh -- the command from outside: exit codes, sentences, files. Usage: test_cli.sh CLNORM [PHOTO.jpg]
#
# Needs bash, python3 (standard library only) and an OpenCL device; PoCL keeps its cache where POCL_CACHE_DIR says.
set -u
export LC_ALL=C
unset CLNORM_DEVICE NO_COLOR
clnorm=$(realpath "$1")
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

# same NAME EXPRESSION: a condition in Python, with load() and save().
same() {
    local why
    why=$(python3 -c "
from npy import *
r = $2
import sys
sys.exit(0 if r else 'got ' + repr(r))" 2>&1) && why=''
    verdict "$1" "$why"
}

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

# ---- usage -------------------------------------------------------------------------------------------------------

run 0 'commands' -- -h
run 0 'Usage: clnorm run' -- run -h
for c in list plan explain check verify bench kernels cache; do run 0 "clnorm $c" -- $c --help; done
run 0 '^clnorm [0-9]+\.[0-9]+\.[0-9]+$' -- --version
usage 'a command is missing'
usage 'tune is not a command; there are list, run' tune
for c in warmup stats fit-whiten '' RUN; do usage 'is not a command' "$c"; done
usage 'frobnicate is not an op; there are minmax' run frobnicate x.npy y.npy
usage 'not an op' explain frobnicate
usage 'not an op' kernels frobnicate
usage 'not an op' verify frobnicate
usage 'takes OP INPUT OUTPUT, but was given 0' run
usage 'was given 2 words' run minmax x.npy
usage 'was given 4 words' run minmax x.npy y.npy z.npy
usage 'was given 1 word' plan minmax
usage 'takes nothing' list all
usage 'check takes' check --preset imagenet
usage 'needs --preset' check x.npy
usage 'takes path.stats.clear' cache
usage 'it may be path, stats or clear' cache burn
usage 'frobnicate is not an option' run minmax --frobnicate x.npy y.npy
usage 'is not an option' run minmax -x x.npy y.npy
usage 'is not an option' run minmax -5 x.npy
for o in momentum groups p axis act residual mode count zero-centred k alpha beta size; do
    usage "--$o is not an option" run minmax --$o 1 x.npy y.npy
done
usage '--eps is given twice' run minmax --eps 1 --eps 2 x.npy y.npy
usage '--device is given twice' --device 0:0 run minmax --device 0:0 x.npy y.npy
usage '--verbose is given twice' -v run minmax -v x.npy y.npy
usage '-q and -v' -q -v list
usage '--no-cache and --cache-dir' --no-cache --cache-dir d list
usage '--eps needs a value|missing' run minmax x.npy y.npy --eps
usage 'takes no value' run minmax --swap-rb=1 x.npy y.npy
usage '--color' --color=sometimes list
usage 'run does not take --hostile' run minmax --hostile x.npy y.npy
usage 'list does not take --eps' list --eps 1
usage 'kernels has no --json' kernels --json
usage '--json and OUTPUT -' run minmax --json x.npy -

for v in 1x2x3 0x1x1x1 1x3x4x5x6 axbxcxd 1x3x-4x5 ''; do usage '--shape' bench --shape "$v"; done
usage 'exclude each other' bench --suite --latency
usage 'not an op' bench frobnicate

# The next word is always the value.
for v in nan inf -inf NaN 1e400 1e39 1e-400 '1e-5; rm' 1,5 '' ' 1' '1 ' 0x10 1e 1e+ + - . --eps 1_0 ½; do
    usage "--eps" run minmax --eps "$v" x.npy y.npy
done
usage '--eps -1' run minmax --eps -1 x.npy y.npy
usage '--eps -1' run minmax --eps=-1 x.npy y.npy
for v in 1 1,2,3 a,b 1, ,1 1,,2 1,nan 1,1e39; do usage '--range' run minmax --range "$v" x.npy y.npy; done
for v in 2 -1 0.5 x 1e10; do usage '--ddof' run zscore --ddof "$v" x.npy y.npy; done
for v in 0 -1 nan 1e-40; do usage 'scale' run symmetric --scale "$v" x.npy y.npy; done
usage '--scope sample' run minmax --scope sample x.npy y.npy
usage '--layout is nwhc; it may be nchw or nhwc' run minmax --layout nwhc x.npy y.npy
usage '--out-layout' run minmax --out-layout x x.npy y.npy
usage '--out-dtype is f64' run minmax --out-dtype f64 x.npy y.npy
usage '--out-dtype is u16' run minmax --out-dtype u16 x.npy y.npy
usage 'moments does not write f16' run moments --out-dtype f16 x.npy y.npy
usage '--in-dtype' run minmax --in-dtype f32 x.npy y.npy
usage '--semantics' run minmax --semantics keras x.npy y.npy
usage '--effort' run minmax --effort much x.npy y.npy
usage 'minmax does not take --ddof; it takes --range' run minmax --ddof 1 x.npy y.npy
usage 'totensor does not take --eps; it takes' run totensor --eps 1 x.npy y.npy
usage 'does not take --over' run minmax --over h,w x.npy y.npy
usage 'does not take --preset' run minmax --preset imagenet x.npy y.npy
usage 'does not take --of' run minmax --of zscore x.npy y.npy
usage 'has no backward' run minmax --backward x.npy y.npy
usage '--preset and --mean' run normalize --preset half --mean 1 --std 1 x.npy y.npy
usage 'go together' run normalize --mean 1 x.npy y.npy
usage 'go together' run normalize --std 1 x.npy y.npy
usage 'not of one length' run normalize --mean 1,2,3 --std 1 x.npy y.npy
usage '0 cannot divide' run normalize --mean 1 --std 0 x.npy y.npy
usage 'too many' run normalize --mean 1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1 --std 1 x.npy y.npy
usage 'there are imagenet half clip cifar10' run normalize --preset nothing x.npy y.npy
for v in c,h,x h,h c, ,c '' hw C,H; do usage '--over' run moments --over "$v" x.npy y.npy; done
usage '--scope and --over' run moments --scope image --over h x.npy y.npy
usage 'not an op' run denormalize --of nothing x.npy y.npy
usage '--of' run denormalize --of moments x.npy y.npy
usage '--of' run denormalize --of denormalize x.npy y.npy
usage 'needs --in for: min max' run denormalize --of minmax x.npy y.npy
usage 'needs --in for: rstd' run denormalize --of zscore --in mean=min.npy x.npy y.npy
usage 'does not use --in min' run denormalize --in min=min.npy x.npy y.npy
usage 'symmetric does not take --eps' run denormalize --of symmetric --eps 1 x.npy y.npy
usage 'not NAME=FILE.npy' run minmax --in min x.npy y.npy
usage 'not NAME=FILE.npy' run minmax --out min= x.npy y.npy
usage 'minmax reads, besides x, none' run minmax --in gamma=g.npy x.npy y.npy
usage 'minmax writes, besides y, min max' run minmax --out rstd=g.npy x.npy y.npy
usage 'is given twice' run minmax --out min=a.npy --out min=b.npy x.npy y.npy
usage 'one file' run minmax --out min=a.npy --out max=a.npy x.npy y.npy
usage 'one file' run minmax --out min=a.npy --out max=./a.npy x.npy y.npy
usage 'one file' run minmax --out min=y.npy x.npy y.npy
usage 'is to be a .npy' run minmax --out min=a.png x.npy y.npy
usage 'must end in' run minmax x.npy y.jpg
usage 'must end in' run minmax x.npy y
usage 'a .png is written from u8' run minmax x.npy y.png
usage '--view is for' run minmax --view x.npy y.npy
usage '--out-layout is for .npy' run minmax --view --out-layout nchw x.npy y.png
usage 'same file as INPUT' run minmax x.npy x.npy
usage 'same file as INPUT' run minmax x.npy ./x.npy
usage 'same file as INPUT' run minmax --out min=x.npy x.npy y.npy
ln -f x.npy hard.npy; ln -sf x.npy soft.npy
usage 'same file as INPUT' run minmax x.npy hard.npy
usage 'same file as INPUT' run minmax x.npy soft.npy
same 'INPUT is untouched' "values('x.npy')[0] == -3"

# ---- ranks, layouts, types -------------------------------------------------------------------------------------------

for x in x five chw hw w gray empty nothing f16; do
    for op in minmax zscore totensor; do
        run 0 -- run $op $x.npy y.npy
        same "$op keeps the rank of $x" "shape('y.npy') == shape('$x.npy')"
    done
    run 0 -- run symmetric --scale 2 $x.npy y.npy
    run 0 -- run normalize --mean .5 --std .5 $x.npy y.npy
done
run 3 '6 axes; 1 to 5' -- run minmax six.npy y.npy
run 3 'add --layout nhwc' -- run minmax nhwc.npy y.npy
run 3 'add --layout nhwc' -- run moments hwc.npy y.npy
run 3 'add --layout nhwc' -- run normalize ndhwc.npy y.npy
run 0 -- run minmax --layout nchw nhwc.npy y.npy
run 0 -- run minmax --layout nhwc nhwc.npy y.npy
same 'minmax keeps nhwc' "shape('y.npy') == (1, 8, 9, 3)"
run 0 -- run minmax --layout nhwc --out-layout nchw nhwc.npy y.npy
same '--out-layout nchw' "shape('y.npy') == (1, 3, 8, 9) and near(values('y.npy')[:3], [0, 3/215, 6/215])"
run 0 -- run totensor --layout nhwc nhwc.npy y.npy
same 'totensor is channels first' "shape('y.npy') == (1, 3, 8, 9) and near(values('y.npy')[:3], [0, 3/255, 6/255])"
run 0 -- run totensor --layout nhwc --out-layout nhwc hwc.npy y.npy
same 'totensor --out-layout nhwc' "shape('y.npy') == (8, 9, 3) and near(values('y.npy')[:3], [0, 1/255, 2/255])"
run 0 -- run normalize --layout nhwc ndhwc.npy y.npy
same 'five axes' "shape('y.npy') == (1, 3, 6, 8, 9)"
run 0 -- run totensor --swap-rb --layout nhwc hwc.npy y.npy
same '--swap-rb' "near(values('y.npy')[:2], [2/255, 5/255])"
run 3 'swap_rb needs 3' -- run totensor --swap-rb gray.npy y.npy

run 0 -- run minmax u8.npy y.npy
same 'integers give f32' "kind('y.npy') == '<f4'"
run 0 -- run minmax f16.npy y.npy
same 'f16 stays' "kind('y.npy') == '<f2'"
run 0 -- run minmax f64.npy y.npy
same 'f64 gives f32' "kind('y.npy') == '<f4'"
run 0 -- run minmax --range 0,255 --out-dtype u8 u16.npy y.npy
same 'u8' "kind('y.npy') == '|u1' and max(values('y.npy')) == 255"
run 0 -- run minmax --range -128,127 --out-dtype s8 x.npy y.npy
same 's8, a value that starts with -' "kind('y.npy') == '|i1' and min(values('y.npy')) == -128"
run 0 -- run totensor --in-dtype bf16 --scale 2 bf16.npy y.npy
same 'bf16 in and out' "kind('y.npy') == '<u2' and values('y.npy')[:2] == (0x3f00, 0x3f80)"
run 3 'is for a .npy of <u2' -- run minmax --in-dtype bf16 x.npy y.npy
run 3 'x is s8' -- run minmax i8.npy y.npy
run 3 '' -- run minmax i4.npy y.npy
run 3 'scale is 0 and x is f32' -- run symmetric x.npy y.npy
run 3 'is an array' -- run minmax --rgb8 x.npy y.npy
run 0 -- run symmetric u8.npy y.npy
same 'symmetric of u8' "near(values('y.npy')[:2], [-1, 14/255 - 1])"
run 3 'no axis n' -- run moments --over n,c chw.npy y.npy
run 3 'no axis d' -- run moments --over d x.npy y.npy

# Presets.
run 3 '5 channels, the preset 3' -- run normalize c5.npy y.npy
run 3 'list of means 3' -- run normalize --mean 1,2,3 --std 1,1,1 gray.npy y.npy
run 3 'without an axis of channels' -- run normalize hw.npy y.npy
run 0 'one channel; it repeats' -- -v run normalize --scale 20 gray.npy y.npy
same 'a gray image has three channels under a preset' "shape('y.npy') == (1, 3, 4, 5) and near([values('y.npy')[i] for i in (0, 20, 40)], [-.485/.229, -.456/.224, -.406/.225])"
run 0 -- run normalize --preset half --scale 20 gray.npy y.npy
same 'half keeps one channel' "shape('y.npy') == (1, 1, 4, 5)"
run 0 -- run normalize --preset hf.json u8.npy y.npy
same 'preprocessor_config.json' "near([values('y.npy')[0], values('y.npy')[20]], [-.2, (140/255 - .2) / .5])"
run 0 -- run normalize --preset hf_no.json u8.npy y.npy
same 'do_normalize and do_rescale false' "values('y.npy')[1] == 7"
for f in hf_bad hf_zero hf_text missing; do run 3 '' -- run normalize --preset $f.json u8.npy y.npy; done

# ---- more tensors ------------------------------------------------------------------------------------------------------

run 0 -- run minmax --out min=a.npy --out max=b.npy x.npy y.npy
same 'min and max' "shape('a.npy') == (2, 1, 1, 1) and values('a.npy') == (-3, 12) and values('b.npy') == (11.75, 26.75)"
run 0 -- run denormalize --of minmax --in min=a.npy --in max=b.npy y.npy z.npy
same 'denormalize gives x back' "near(values('z.npy'), values('x.npy'))"
run 0 -- run denormalize --of minmax --in min=half.npy --in max=max.npy y.npy z.npy
run 3 'is expected' -- run denormalize --of minmax --in min=one.npy --in max=b.npy y.npy z.npy
run 3 'is expected' -- run denormalize --of minmax --in min=three.npy --in max=b.npy y.npy z.npy
run 3 'is u8; f32' -- run denormalize --of minmax --in min=bytes.npy --in max=b.npy y.npy z.npy
run 3 'cannot be read' -- run denormalize --of minmax --in min=missing.npy --in max=b.npy y.npy z.npy
run 0 -- run zscore --scope channel --out mean=m.npy --out rstd=r.npy x.npy y.npy
same 'per channel' "shape('m.npy') == (2, 3, 1, 1) and near(values('m.npy')[:1], [-.625])"
run 0 -- run denormalize --of zscore --scope channel --in mean=m.npy --in rstd=r.npy y.npy z.npy
same 'denormalize of zscore' "near(values('z.npy'), values('x.npy'))"
run 0 -- run moments --out count=n.npy --out m2=q.npy --out min=a.npy --out max=b.npy u8.npy y.npy
same 'moments' "kind('n.npy') == '<u8' and values('n.npy') == (60, 60) and shape('y.npy') == (2, 1, 1, 1)"
run 0 -- run moments --over h --layout nhwc --out m2=q.npy nhwc.npy y.npy
same 'moments in nhwc' "shape('y.npy') == (1, 1, 9, 3) == shape('q.npy') and near(values('y.npy')[:1], [sum(i * 27 % 251 for i in range(8)) / 8])"
run 0 -- run moments --out count=n.npy nothing.npy y.npy
same 'an empty set has count 0 and no mean' "values('n.npy') == (0, 0) and all(math.isnan(v) for v in values('y.npy'))"
rm -f a.npy y.npy
run 3 '' -- run minmax --out min=a.npy --out max=none/b.npy x.npy y.npy
verdict 'no output without all outputs' "$(ls a.npy y.npy 2>/dev/null)"
run 0 -- run denormalize --scale 255 --out-dtype u8 nan.npy y.npy
run 0 -- run minmax nan.npy y.npy
same 'a NaN makes its set NaN' "all(math.isnan(v) for v in values('y.npy'))"

# ---- pictures --------------------------------------------------------------------------------------------------------------

run 0 -- run minmax p.ppm y.npy
same 'image files give (1,C,H,W)' "shape('y.npy') == (1, 3, 3, 4)"
run 0 -- run minmax --out-layout nhwc p.ppm y.npy
same 'or what --out-layout says' "shape('y.npy') == (1, 3, 4, 3)"
run 0 -- run normalize g.pgm y.npy
same 'a gray file under imagenet' "shape('y.npy') == (1, 3, 3, 4)"
run 0 -- run normalize --rgb8 g.pgm y.npy
run 0 -- run minmax g.pgm y.npy
same 'gray files' "shape('y.npy') == (1, 1, 3, 4)"
run 3 '--layout nchw does not fit' -- run minmax --layout nchw p.ppm y.npy
run 0 -- run minmax --view p.ppm v.png
same '.png' "open('v.png', 'rb').read(8) == b'\x89PNG\r\n\x1a\n'"
run 0 -- run totensor --scale 1 --out-dtype u8 p.ppm v.png
run 0 -- run totensor --scale 1 v.png y.npy
same 'a .png and back' "values('y.npy')[:4] == (0, 3, 6, 9)"
run 0 -- run zscore --view hw.npy v.png
run 3 'one image of 1, 3 or 4' -- run minmax --view x.npy v2.png
run 3 'one image of 1, 3 or 4' -- run minmax --view c5.npy v2.png
run 3 'one image of 1, 3 or 4' -- run minmax --view empty.npy v2.png
verdict 'no picture was written' "$(ls v2.png 2>/dev/null)"
cp p.ppm p.png
run 3 'rename' -- run minmax p.png y.npy
if [ -n "$photo" ]; then
    run 0 -- run normalize "$photo" ok.npy
    run 0 'ok: as the model expects' -- check --preset imagenet ok.npy
    run 0 -- run totensor "$photo" unit.npy
    run 1 'not-normalized' -- check --preset imagenet unit.npy
    run 1 'not-scaled' -- check --preset imagenet "$photo"
    run 0 -- run totensor --scale 65025 "$photo" y.npy
    run 1 'divided-twice' -- check --preset imagenet y.npy
    run 0 -- run normalize --scale 65025 "$photo" y.npy
    run 1 'divided-twice' -- check --preset imagenet y.npy
    run 0 -- run normalize ok.npy y.npy
    run 1 'normalized-twice' -- check --preset imagenet y.npy
    run 0 -- run normalize --swap-rb "$photo" y.npy
    run 0 'swapped-likely' -- check --preset imagenet y.npy
    python3 -c "
from npy import *
s, k, v = load('y.npy'); save('y4.npy', (4,) + s[1:], v * 4)"
    run 1 'swapped: red' -- check --preset imagenet y4.npy
    run 1 'other-preset' -- check --preset half ok.npy
    run 1 '(not-normalized.*|ok.*)' -- check --preset imagenet ok.npy unit.npy
    run 3 'cannot be read' -- check --preset imagenet ok.npy missing.npy
fi
run 1 'not-finite' -- check --preset half nan.npy
run 3 'is empty' -- check --preset half empty.npy

# ---- streams and files ---------------------------------------------------------------------------------------------------------

"$clnorm" run minmax - - <x.npy >y.npy 2>stderr
verdict 'from stdin to stdout' "$([ $? -eq 0 ] || cat stderr)"
same 'what came out of the pipe' "shape('y.npy') == (2, 3, 4, 5)"
cat p.ppm | "$clnorm" run totensor - - 2>stderr | "$clnorm" run minmax - - 2>>stderr | cat >y.npy
same 'a pipeline of two' "shape('y.npy') == (1, 3, 3, 4)"
"$clnorm" run minmax - y.npy <&- 2>stderr; verdict 'stdin closed is exit 3' "$([ $? -eq 3 ] || echo no)"
"$clnorm" run minmax x.npy - >&- 2>stderr; verdict 'stdout closed is exit 3' "$([ $? -eq 3 ] || echo no)"
"$clnorm" run minmax x.npy - >/dev/full 2>stderr; verdict 'stdout full is exit 3' "$([ $? -eq 3 ] || echo no)"
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

for signal in INT TERM; do
    mkfifo fifo.npy
    exec 9<>fifo.npy # held open without data: the command waits for INPUT with its outputs open
    "$clnorm" run minmax --out min=i.npy fifo.npy o.npy 2>stderr &
    pid=$!
    sleep 1
    kill -s $signal $pid
    wait $pid
    verdict "SIG$signal is exit 130" "$([ $? -eq 130 ] || echo "not 130: $(cat stderr)")"
    exec 9>&-
    verdict "SIG$signal leaves nothing" "$(ls -A | grep -E 'clnorm-|^i.npy|^o.npy')"
    rm -f fifo.npy
done
"$clnorm" run minmax x.npy two.npy & "$clnorm" run minmax x.npy two.npy & wait
same 'two writers of one file' "shape('two.npy') == (2, 3, 4, 5)"

# ---- devices, text and JSON ----------------------------------------------------------------------------------------------------------

run 4 '' -- --device 99:0 run minmax x.npy y.npy
run 4 '' -- list --device nothing --json
run 0 '^0:0' -- list --device 0:0
CLNORM_DEVICE=nothing run 0 '0:0' -- list
CLNORM_DEVICE=nothing run 4 '' -- run minmax x.npy y.npy
CLNORM_DEVICE=cpu run 0 -- run minmax x.npy y.npy
CLNORM_DEVICE='' run 0 -- run minmax x.npy y.npy
OCL_ICD_VENDORS=/nonexistent run 4 'install' -- list
OCL_ICD_VENDORS=/nonexistent run 4 '' -- run minmax x.npy y.npy
OCL_ICD_VENDORS=/nonexistent run 0 -- explain minmax
OCL_ICD_VENDORS=/nonexistent run 0 -- -h
json() {
    "$clnorm" "$@" >out.json 2>stderr
    local why
    why=$(python3 -m json.tool out.json 2>&1 >/dev/null)
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
run 0 $'\033' -- --color always verify totensor
rm -rf cache
run 0 -- --cache-dir cache run minmax x.npy y.npy
run 0 'cache: [1-9][0-9]* files?, [1-9]' -- cache stats --cache-dir cache
touch cache/mine.txt
run 0 'removed' -- cache clear --cache-dir cache
verdict 'clear removes only binaries' "$(ls cache | grep -v '^mine.txt$')"
run 0 'cache: 0 files' -- cache stats --cache-dir cache
usage 'no cache' cache stats --no-cache

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
