#!/bin/bash
# test_cli_whiten.sh -- fit-whiten and run whiten: words, files of every kind of damage, shapes, and the way back.
# Usage: test_cli_whiten.sh CLNORM [PHOTO.jpg]
# shellcheck source=tests/cli.sh disable=SC2154
source "$(dirname "$0")/cli.sh" "$@"
"$clnorm" kernels | grep -q '^whiten' || { echo "skipped: no CLBlast"; exit 77; }

python3 - <<'PYTHON'
from npy import *
import random
random.seed(1)
def noise(n, a=1.0, b=0.0):
    out, last = [], 0.0
    for _ in range(n):
        last = .5 * last + random.gauss(0, 1)
        out.append(a * last + b)
    return out
save('rows.npy', (300, 4), noise(1200, 2, 5))
save('four.npy', (40, 3, 6, 8), noise(40 * 144, 30, 128))
save('last.npy', (40, 6, 8, 3), [min(255, max(0, int(v))) for v in noise(40 * 144, 30, 128)], '|u1')
save('few.npy', (5, 8), noise(40))
save('flat.npy', (50, 3), [v for i in range(50) for v in (random.gauss(0, 1), 7.0, random.gauss(0, 1))])
save('bad.npy', (50, 3), noise(149) + [float('nan')])
save('c5.npy', (2, 5, 4, 5), noise(200))
save('big.npy', (2, 3, 6, 9), noise(324))
save('none.npy', (0, 4), [])
save('flat0.npy', (5, 0), [])
PYTHON

# ---- words -----------------------------------------------------------------------------------------------------------

run 0 'clnorm fit-whiten' -- fit-whiten -h
usage 'takes PATH' fit-whiten
usage '-o W.npz is missing' fit-whiten rows.npy
usage 'must end in .npz' fit-whiten rows.npy -o w.npy
usage 'same file as INPUT|must end in' fit-whiten rows.npy -o rows.npy
usage '--samples is rows; it may be pixels, patches or images' fit-whiten rows.npy -o w.npz --samples rows
usage '--form is ica' fit-whiten rows.npy -o w.npz --form ica
usage 'needs --patch' fit-whiten rows.npy -o w.npz --samples patches
usage 'go with --samples patches' fit-whiten rows.npy -o w.npz --patch 3
usage 'go with --samples patches' fit-whiten rows.npy -o w.npz --stride 3
for n in 0 -1 1.5 x 5000; do usage 'whole number from 1 to 4096' fit-whiten rows.npy -o w.npz --samples patches --patch $n; done
usage 'from 0 up' fit-whiten rows.npy -o w.npz --eps -1
usage '--eps nan' fit-whiten rows.npy -o w.npz --eps nan
for o in - /dev/stdout /dev/fd/1; do
    usage "-o $o both want standard output" fit-whiten rows.npy -o $o --json
    usage "OUTPUT $o both want standard output" run whiten rows.npy $o --whitener w.npz --json
done
usage 'whiten writes no picture' run whiten rows.npy y.png --whitener w.npz --out-dtype u8
usage 'needs --whitener' run whiten rows.npy y.npy
usage 'whiten does not take --view' run whiten rows.npy y.npy --whitener w.npz --view
usage 'whiten does not take --in' run whiten rows.npy y.npy --whitener w.npz --in mean=rows.npy
for c in verify bench tune warmup; do usage "$c takes no whiten: what it does depends on" $c whiten; done
usage 'does not take --whitener' run minmax rows.npy y.npy --whitener w.npz
usage 'does not take --inverse' run zscore rows.npy y.npy --inverse

# ---- there and back --------------------------------------------------------------------------------------------------

cat >white.py <<'PYTHON'
from npy import *
import zipfile
def npz(path): return {n[:-4]: parse(zipfile.ZipFile(path).read(n)) for n in zipfile.ZipFile(path).namelist()}
# The covariance of n samples of c values, as far as it is from the identity.
def off(rows):
    n, c = len(rows), len(rows[0])
    m = [sum(r[k] for r in rows) / n for k in range(c)]
    return max(abs(sum((r[i] - m[i]) * (r[j] - m[j]) for r in rows) / (n - 1) - (i == j)) for i in range(c) for j in range(c))
def pixels(path):
    (n, c, h, w), _, v = load(path)
    return [[v[((i * c + k) * h + y) * w + x] for k in range(c)] for i in range(n) for y in range(h) for x in range(w)]
def rows(path):
    (n, c), _, v = load(path)
    return [v[i * c:i * c + c] for i in range(n)]
PYTHON
white() { same_with white "$@"; }

run 0 -- fit-whiten rows.npy -o w.npz
white 'what is in the file' "sorted(npz('w.npz')) == ['count', 'eigenvalues', 'eps', 'inverse', 'mean', 'mean_rest', 'sample', 'whitener'] and npz('w.npz')['count'][2] == (300,) and npz('w.npz')['whitener'][0] == (4, 4) and npz('w.npz')['sample'][2] == (0, 4, 1, 1, 0, 0)"
run 0 -- run whiten --whitener w.npz rows.npy y.npy
white 'rows are white' "off(rows('y.npy')) < 1e-3"
run 0 -- run whiten --inverse --whitener w.npz y.npy x.npy
white 'and come back' "near(values('x.npy'), values('rows.npy'), 1e-4)"
run 0 '"op": "whiten"' -- run whiten --whitener w.npz rows.npy y.npy --json
run 0 'products by' -- plan whiten --whitener w.npz rows.npy
run 0 '"count": 300' -- fit-whiten rows.npy -o w.npz --json
run 0 -- fit-whiten four.npy -o p.npz
run 0 -- run whiten --whitener p.npz four.npy y.npy
white 'pixels are white' "off(pixels('y.npy')) < 1e-3 and shape('y.npy') == (40, 3, 6, 8)"
run 0 -- fit-whiten last.npy --layout nhwc -o p.npz
run 0 -- run whiten --whitener p.npz --layout nhwc last.npy y.npy
white 'channels last stay so' "shape('y.npy') == (40, 6, 8, 3) and off([values('y.npy')[i:i + 3] for i in range(0, 40 * 144, 3)]) < 1e-3"
run 0 -- run whiten --whitener p.npz --layout nhwc --out-layout nchw --out-dtype f16 last.npy y.npy
white '--out-layout, --out-dtype' "shape('y.npy') == (40, 3, 6, 8) and kind('y.npy') == '<f2'"
run 0 -- fit-whiten four.npy --samples patches --patch 2 --stride 1 --form pca --components 5 -o p.npz
run 0 -- run whiten --whitener p.npz four.npy y.npy
white 'patches' "shape('y.npy') == (40, 5, 5, 7) and off(pixels('y.npy')) < 1e-3"
run 3 'side by side' -- run whiten --inverse --whitener p.npz y.npy x.npy
run 0 -- fit-whiten four.npy --samples patches --patch 2 -o p.npz
run 0 -- run whiten --whitener p.npz four.npy y.npy
white 'patches side by side stay images' "shape('y.npy') == (40, 3, 6, 8)"
run 0 -- run whiten --inverse --whitener p.npz y.npy x.npy
white 'and come back' "near(values('x.npy'), values('four.npy'), 1e-4)"
run 0 -- fit-whiten four.npy four.npy --samples images --form pca --components 6 -o p.npz
white 'two inputs' "npz('p.npz')['count'][2] == (80,) and npz('p.npz')['whitener'][0] == (6, 144)"
run 0 -- run whiten --whitener p.npz four.npy y.npy
white 'images' "shape('y.npy') == (40, 6)"
run 0 -- run whiten --inverse --whitener p.npz y.npy x.npy
white 'images come back from rows' "shape('x.npy') == (40, 3, 6, 8)"
mkdir folder && cp four.npy folder/b.npy && cp four.npy folder/a.npy && touch folder/.hidden
run 0 -- fit-whiten folder -o folder/f.npz
mkfifo folder/c.npy
run 0 'folder/b.npy' -- fit-whiten folder/ -o f.npz -v
verdict 'a name has one slash' "$(grep // stderr)"
white 'nor a pipe, nor what was written there' "open('f.npz', 'rb').read() == open('folder/f.npz', 'rb').read()"
run 0 -- fit-whiten four.npy four.npy -o p.npz
white 'a folder is its files' "open('f.npz', 'rb').read() == open('p.npz', 'rb').read()"
run 0 -- fit-whiten rows.npy -o -
if [ -n "$photo" ]; then
    run 0 -- fit-whiten "$photo" --samples patches --patch 4 -o w8.npz
    run 0 -- run whiten --whitener w8.npz "$photo" y.npy
    white 'a photograph' "shape('y.npy')[1] in (3, 48)"
fi

# ---- data and files that are refused -----------------------------------------------------------------------------------

run 3 '5 samples of 8 dimensions' -- fit-whiten few.npy -o no.npz
run 0 -- fit-whiten few.npy -o yes.npz --eps .1
run 0 -- fit-whiten few.npy -o yes.npz --form pca --components 4
run 3 'dimension 1 of the samples is constant' -- fit-whiten flat.npy -o no.npz
run 3 'dimension 2 of the samples has a NaN' -- fit-whiten bad.npy -o no.npz
run 3 'there is no sample in none.npy' -- fit-whiten none.npy -o no.npz
run 3 'a sample of flat0.npy has no values' -- fit-whiten flat0.npy -o no.npz
run 3 'samples of rows.npy have 4 values' -- fit-whiten rows.npy --components 5 -o no.npz
run 3 'cannot be read' -- fit-whiten absent.npy -o no.npz
run 3 'axis' -- fit-whiten x.npy w.npy -o no.npz
run 3 'samples of rows.npy are pixels of 4 channels' -- fit-whiten rows.npy four.npy -o no.npz
run 3 'samples of four.npy are images of 8x6 pixels of 3 channels' -- fit-whiten four.npy big.npy --samples images --eps 1 -o no.npz
run 3 '4096 are allowed' -- fit-whiten "${photo:-c5.npy}" --samples images -o no.npz
mkdir mixed && cp four.npy mixed/a.npy && cp c5.npy mixed/b.npy
run 3 'mixed/b.npy has 5 channels of 5x4 pixels; the samples of mixed/a.npy are' -- fit-whiten mixed -o no.npz
mkdir nothing && cp none.npy nothing/none.npy
run 3 'there is no sample in nothing/none.npy' -- fit-whiten nothing -o no.npz
mkdir empty
run 3 'has no files' -- fit-whiten empty -o no.npz
# either SAYS WORDS...: what both fitting and whitening refuse of an input.
either() { local says=$1; shift; run 3 "$says" -- fit-whiten "$@" -o no.npz; run 3 "$says" -- run whiten --whitener w.npz "$@" no.npy; }
either 'nhwc.npy .* add --layout nhwc' nhwc.npy
either 'rows.npy is f32; --in-dtype bf16 is for a .npy of <u2' --in-dtype bf16 rows.npy
either 'rows.npy is an array; --rgb8 is for image files' --rgb8 rows.npy
either 'p.ppm is an image, .1,H,W,C.: --layout nchw does not fit' --layout nchw p.ppm
either 'one.npy has 1 axis; .N,C., .C,H,W. and .N,C,H,W. are allowed' one.npy
verdict 'nothing is written after a failure' "$(ls no.npz no.npy 2>/dev/null)"
run 0 -- fit-whiten four.npy -o p.npz
run 3 'fitted to pixels of 3 channels' -- run whiten --whitener p.npz c5.npy y2.npy
run 3 'fitted to pixels of 3 channels' -- run whiten --inverse --whitener p.npz c5.npy y2.npy
run 3 'NaN or infinity' -- run whiten --whitener p.npz bad.npy y2.npy
run 3 'no .npz file' -- run whiten --whitener rows.npy rows.npy y2.npy
run 3 'cannot be read' -- run whiten --whitener absent.npz rows.npy y2.npy
head -c 700 w.npz >cut.npz
run 3 'damaged' -- run whiten --whitener cut.npz rows.npy y2.npy
head -c 0 w.npz >zero.npz
run 3 'is empty' -- run whiten --whitener zero.npz rows.npy y2.npy
python3 - <<'PYTHON'
import struct, zipfile
from white import *
def again(path, **change):
    z = zipfile.ZipFile(path, 'w')
    for name, (shape, kind, v) in {**npz('w.npz'), **change}.items():
        if v is not None:
            save('part.npy', shape, v, kind)
            z.write('part.npy', name + '.npy')
    z.close()
w = npz('w.npz')['whitener'][2]
again('same.npz')
again('lacks.npz', inverse=((), '', None))
again('shape.npz', whitener=((2, 8), '<f4', w))
again('length.npz', mean=((3,), '<f4', (0, 0, 0)))
again('nan.npz', whitener=((4, 4), '<f4', (float('nan'),) + w[1:]))
again('type.npz', mean=((4,), '|u1', (0, 0, 0, 0)))
again('says.npz', sample=((6,), '<u8', (0, 5, 1, 1, 0, 0)))
again('huge.npz', sample=((6,), '<u8', (2, 2**63, 2**63, 4, 0, 0)))
again('kind.npz', sample=((6,), '<u8', (7, 4, 1, 1, 0, 0)))
PYTHON
run 0 -- run whiten --whitener same.npz rows.npy y2.npy
run 3 'has no array inverse' -- run whiten --whitener lacks.npz rows.npy y3.npy
run 3 'another shape' -- run whiten --whitener shape.npz rows.npy y3.npy
run 3 'array mean has another shape' -- run whiten --whitener length.npz rows.npy y3.npy
run 3 'whitener has a NaN' -- run whiten --whitener nan.npz rows.npy y3.npy
run 3 'array mean is not of f4' -- run whiten --whitener type.npz rows.npy y3.npy
for f in says huge kind; do run 3 'array sample says' -- run whiten --whitener $f.npz rows.npy y3.npy; done
verdict 'no output after a failure' "$(ls y3.npy 2>/dev/null)"
# What forward has written may be read again, backward alone.
run 3 'missing.npy cannot be read' -- run spectralnorm --backward --in dy=x.npy --in u=x.npy --in v=x.npy --in sigma=x.npy missing.npy y.npy
usage '--in sigma=x.npy: spectralnorm reads, besides x, dy u v' run spectralnorm --in u=x.npy --in v=x.npy --in sigma=x.npy x.npy y.npy

finish
