#!/bin/bash
# test_cli_run.sh -- arrays and pictures through the command: ranks, layouts, types, presets.
# Usage: test_cli_run.sh CLNORM [PHOTO.jpg]
readme=$(realpath "$(dirname "$0")/../README.md")
# shellcheck source=tests/cli.sh
source "$(dirname "$0")/cli.sh" "$@"

# ---- the README's C compiles without a warning ------------------------------------------------------------------------

# block N: what is between the N-th line ```c and the next ```.
block() { awk -v n="$1" '/^```/ { on = /^```c$/; k += on; next } on && k == n' "$readme"; }
if command -v "${CC:-cc}" >/dev/null; then
    {
        echo '#include "clnorm.h"'
        echo '#include <stdio.h>'
        echo 'void host(unsigned char *pixels, float *out, int64_t h, int64_t w); void host(unsigned char *pixels, float *out, int64_t h, int64_t w) {'
        block 1
        echo '} void queue(cl_context my_context, cl_device_id my_device, cl_command_queue my_queue, cl_mem x, cl_mem y, cl_event decoded, cl_event done,'
        echo 'int64_t n, int64_t h, int64_t w, size_t frame, size_t frame_bytes) { clnorm_context *ctx;'
        block 2
        echo '}'
    } >readme.c
    verdict 'two blocks' "$([ "$(grep -c 'clnorm_run_host\|clnorm_enqueue' readme.c)" -eq 2 ] || cat readme.c)"
    verdict 'no warning' "$("${CC:-cc}" -fsyntax-only -Wall -Wextra -Werror -I"$(dirname "$readme")/include/clnorm" readme.c 2>&1 | head -n 5)"
fi

# ---- the README's commands: right to the last word and file, so that only the device is missing ---------------------------

if [ -n "$photo" ]; then
    ln -s "$photo" photo.jpg
    python3 -c "
from npy import *
save('scan.npy', (1, 8, 9, 3), [i % 251 for i in range(216)], '|u1'); save('dy.npy', *load('x.npy')[::2]); save('g.npy', (5,), range(5))"
    grep -E '^    clnorm (run|plan|check) ' "$readme" | sed 's/ *#.*//; s/^ *clnorm //' >commands
    verdict 'there are some' "$([ "$(grep -c . commands)" -gt 5 ] || cat commands)"
    while read -ra words; do run 4 'no device is "nowhere"' -- --device nowhere "${words[@]}"; done <commands
    rm -f dy.npy g.npy
fi

# ---- ranks, layouts, types -------------------------------------------------------------------------------------------

python3 -c "from npy import *; save('nhwc4.npy', (1, 8, 9, 4), [0] * 288)"
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
run 3 'add --layout nhwc' -- run minmax nhwc4.npy y.npy
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
run 0 -- run minmax i8.npy y.npy
run 3 'totensor: scale is 0, and s8 has none of its own' -- run totensor i8.npy y.npy
run 0 -- run totensor --scale 127 i8.npy y.npy
run 3 'x is s8; allowed are f32 f16 bf16' -- run layernorm i8.npy y.npy
run 2 'denormalize: scale is 0, and s8 has none' -- run denormalize --of totensor --out-dtype s8 y.npy z.npy
run 0 -- run denormalize --of totensor --scale 127 --out-dtype s8 y.npy z.npy
same 's8 and back' "kind('z.npy') == '|i1' and values('z.npy') == values('i8.npy')"
run 3 '' -- run minmax i4.npy y.npy
python3 -c "
from npy import *
save('counts.npy', (3,), [1, 2, 3], '<u8'); save('thin.npy', (1, 8, 9, 0), []); save('c17.npy', (1, 17, 1, 5), [0.5] * 85)"
run 3 'which only counts may have' -- run minmax counts.npy y.npy
run 3 'min: counts.npy is u64; f32' -- run denormalize --of minmax --in min=counts.npy --in max=max.npy x.npy y.npy
run 0 -- run minmax thin.npy y.npy
same 'an axis of nothing is no axis of channels' "shape('y.npy') == (1, 8, 9, 0)"
run 3 'scale is 0 and x is f32' -- run symmetric x.npy y.npy
run 3 'is an array' -- run minmax --rgb8 x.npy y.npy
run 0 -- run symmetric u8.npy y.npy
same 'symmetric of u8' "near(values('y.npy')[:2], [-1, 14/255 - 1])"
run 3 'no axis n' -- run moments --over n,c chw.npy y.npy
run 3 'no axis d' -- run moments --over d x.npy y.npy
run 3 'an array of 1 axis has no axis h' -- run moments --over h w.npy y.npy
run 3 'an array of 1 axis has -1 to 0' -- run layernorm --axis 3 w.npy y.npy

# Presets.
run 3 '5 channels, the preset 3' -- run normalize c5.npy y.npy
run 0 -- run normalize --mean 1,2,3 --std 2 --scale 1 x.npy y.npy
run 0 -- run normalize --mean 1,2,3 --std 2,2,2 --scale 1 x.npy z.npy
same 'one std is that of all channels' "values('y.npy') == values('z.npy')"
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
# presets SAYS JSON...: each is refused with that sentence.
presets() {
    local says=$1 text
    shift
    for text; do echo "$text" >some.json; run 3 "$says" -- run normalize --preset some.json u8.npy y.npy; done
}
presets 'no image_mean and image_std of one length' '{"image_mean": 1}' '{"image_mean": "1", "image_std": [1]}' \
    '{"image_mean": [1, "2"], "image_std": [1, 2]}' '{"image_mean": [1e39], "image_std": [1]}' '{"image_mean": [], "image_std": []}' \
    "{\"image_mean\": [$(printf '1,%.0s' {1..16})1], \"image_std\": [$(printf '1,%.0s' {1..16})1]}"
presets 'rescale_factor is not a number above 0' '{"image_mean": 1, "image_std": 1, "rescale_factor": "1"}' \
    '{"image_mean": 1, "image_std": 1, "rescale_factor": 0}' '{"image_mean": 1, "image_std": 1, "rescale_factor": -1}' \
    '{"image_mean": 1, "image_std": 1, "rescale_factor": 1e-45}' '{"image_mean": 1, "image_std": 1, "rescale_factor": 1e-300}'
presets 'rescale_factor is not a number above 0' '{"image_mean": 1, "image_std": 1, "rescale_factor": 1e300}' \
    '{"image_mean": 1, "image_std": 1, "rescale_factor": [1]}'
# scaled JSON PIXEL: what is made of 7, the second pixel.
scaled() {
    echo "$1" >some.json
    run 0 -- run normalize --preset some.json u8.npy y.npy
    same "$1" "near(values('y.npy')[1:2], [$2])"
}
scaled '{"image_mean": 1, "image_std": 2, "rescale_factor": null}' '(7 / 255 - 1) / 2'
scaled '{"image_mean": 1, "image_std": 2, "do_rescale": null}' '(7 / 255 - 1) / 2'
scaled '{"image_mean": 1, "image_std": 2, "do_rescale": false, "rescale_factor": 0}' '(7 - 1) / 2'
for v in '"do_rescale": 0' '"do_normalize": "false"'; do
    echo "{\"image_mean\": 1, \"image_std\": 2, $v}" >switch.json
    run 3 'is neither true nor false' -- run normalize --preset switch.json u8.npy y.npy
done
scaled '{"image_mean": 1, "image_std": 2, "do_rescale": false, "rescale_factor": "no"}' '(7 - 1) / 2'
echo '{"image_mean": 1, "image_std": 1, "rescale_factor": 1e-35}' >some.json
run 2 'scale is 1e\+35' -- run normalize --preset some.json u8.npy y.npy
echo '{"image_mean": 1e35, "image_std": 1}' >some.json
run 2 'mean is 1e\+35' -- run normalize --preset some.json u8.npy y.npy
presets 'is not a JSON object' '[1, 2]'
run 0 -- run normalize --preset hf.json --scale 1 u8.npy y.npy
same '--scale counts for more than rescale_factor' "near([values('y.npy')[1], values('y.npy')[20]], [(7 - .1) / .5, (140 - .2) / .5])"
echo '{"image_mean": 0.5, "image_std": 0.25}' >some.json
run 0 -- run normalize --preset some.json u8.npy y.npy
same 'one number is for all channels' "near(values('y.npy')[:2], [(0 / 255 - .5) / .25, (7 / 255 - .5) / .25])"

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
run 0 -- run minmax --swap-rb --scope channel --out min=m.npy --out max=r.npy x.npy y.npy
run 0 -- run denormalize --swap-rb --of minmax --scope channel --in min=m.npy --in max=r.npy y.npy z.npy
same 'denormalize with swapped channels' "near(values('z.npy'), values('x.npy'))"
run 0 -- run moments --out count=n.npy --out m2=q.npy --out min=a.npy --out max=b.npy u8.npy y.npy
same 'moments' "kind('n.npy') == '<u8' and values('n.npy') == (60, 60) and shape('y.npy') == (2, 1, 1, 1)"
run 0 -- run moments --over h --layout nhwc --out m2=q.npy nhwc.npy y.npy
same 'moments in nhwc' "shape('y.npy') == (1, 1, 9, 3) == shape('q.npy') and near(values('y.npy')[:1], [sum(i * 27 % 251 for i in range(8)) / 8])"
run 0 -- run moments --out count=n.npy nothing.npy y.npy
same 'an empty set has count 0 and no mean' "values('n.npy') == (0, 0) and all(math.isnan(v) for v in values('y.npy'))"
run 0 -- run minmax --out min=/dev/null --out max=/dev/null x.npy y.npy
run 3 '' -- run minmax --out min=none/a.npy --out max=none/b.npy x.npy y.npy
run 3 '' -- run minmax --out min=none/a.npy --out max=c.npy x.npy y.npy
run 3 '' -- run minmax --out min=c.npy --out max="$(printf 'x%.0s' {1..5000}).npy" x.npy y.npy
run 0 'wg [0-9]+, vec' -- plan minmax --out min=a.npy x.npy
ln -f a.npy second.npy
run 2 'one file' -- run minmax --out min=a.npy --out max=second.npy x.npy y.npy
run 0 -- run minmax --out min=a.npy --out max=b.npy x.npy y.npy
rm -f a.npy second.npy y.npy
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
run 0 -- run zscore --view w.npy v.png
run 0 -- run totensor --scale 1 v.png y.npy
same 'one axis is one row' "shape('y.npy') == (1, 1, 1, 7) and values('y.npy')[0] == 0 and values('y.npy')[6] == 255"
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
    echo '{"image_mean": [123.675, 116.28, 103.53], "image_std": [58.395, 57.12, 57.375], "do_rescale": false}' >bytes.json
    run 0 -- run normalize --preset bytes.json "$photo" y.npy
    run 0 'ok: as the model expects' -- check --preset bytes.json y.npy ok.npy
    run 1 'not-normalized' -- check --preset bytes.json unit.npy
fi
run 1 'not-finite' -- check --preset half nan.npy
python3 -c "from npy import *; save('inf.npy', (1, 1, 2, 2), [math.inf, 0, 0, -math.inf])"
run 1 'min -inf, max inf, mean nan, std nan$' -- check --preset half inf.npy
run 3 'is empty' -- check --preset half empty.npy
run 3 'c17.npy has 17 channels; a preset has 16 at most' -- check --preset half c17.npy
mapfile -t many < <(printf 'x.npy\n%.0s' {1..60}) # more than a buffer of text
"$clnorm" check --preset half nan.npy >/dev/full 2>stderr; verdict 'a verdict that cannot be printed is exit 3' "$([ $? -eq 3 ] && grep -q 'cannot be written' stderr || echo no)"
"$clnorm" check --preset half "${many[@]}" --json >/dev/full 2>stderr
verdict 'check --json on a full device' "$([ $? -eq 3 ] && grep -q 'cannot be written' stderr || cat stderr)"

finish
