#!/bin/bash
# test_cli_layers.sh -- layers from outside: exit codes, sentences, shapes; numbers where there is NumPy.
# Usage: test_cli_layers.sh CLNORM
layers=$(realpath "$(dirname "$0")/numpy/layers.py")
# shellcheck source=tests/cli.sh
source "$(dirname "$0")/cli.sh" "$@"
has() { "$clnorm" kernels | grep -q "^$1 "; }

python3 - <<'PYTHON'
from npy import *
def ramp(n, a=1.0, b=0.0): return [a * i + b for i in range(n)]
save('dy.npy', (2, 3, 4, 5), ramp(120, -.125, 2))
save('g3.npy', (3,), [1, 2, 3]); save('b3.npy', (3,), [.5, -.5, 1])
save('g23.npy', (2, 3), ramp(6)); save('g345.npy', (3, 4, 5), ramp(60)); save('g45.npy', (4, 5), ramp(20))
save('g5.npy', (5,), ramp(5)); save('g1311.npy', (1, 3, 1, 1), [1, 2, 3])
save('h3.npy', (3,), [1, 2, 3], '<f2'); save('d3.npy', (3,), [1, 2, 3], '<f8'); save('u3.npy', (3,), [1, 2, 3], '|u1')
save('s1.npy', (2, 1, 1, 1), [1, 2]); save('r1.npy', (2, 1, 1, 1), [1, .5])
save('one_value.npy', (1, 3, 1, 1), [1, 2, 3]); save('f2.npy', (2, 3, 4, 5), ramp(120, .25), '<f2')
save('rgba.npy', (1, 12, 8, 4), [i % 61 / 8 for i in range(384)], '<f2')
save('huge.npy', (1, 3, 4, 8), [3e38 * (-1) ** i for i in range(96)]); save('dy96.npy', (1, 3, 4, 8), ramp(96, .125))
save('no_channels.npy', (2, 0, 4, 5), []); save('many.npy', (4, 3, 4, 5), ramp(240))
save('mask.npy', (15,), [255] * 15, '|u1'); save('short.npy', (14,), [255] * 14, '|u1')
PYTHON

# ---- usage -------------------------------------------------------------------------------------------------------

bn=(run batchnorm) ln=(run layernorm) gn=(run groupnorm --groups 3)
for v in Train x '' 1; do usage '--mode' "${bn[@]}" --mode "$v" x.npy y.npy; done
usage 'layernorm does not take --mode; it takes' "${ln[@]}" --mode eval x.npy y.npy
usage 'needs --groups: ' run groupnorm x.npy y.npy
for v in 0 -1 1.5 x nan 1e10; do usage '--groups' run groupnorm --groups "$v" x.npy y.npy; done
for v in -1 1.5 nan None inf ''; do usage '--momentum' "${bn[@]}" --momentum "$v" x.npy y.npy; done
usage 'goes with --count N' "${bn[@]}" --momentum none x.npy y.npy
usage 'goes with --momentum none' "${bn[@]}" --count 3 x.npy y.npy
usage 'goes with --momentum none' "${bn[@]}" --momentum .1 --count 3 x.npy y.npy
for v in -1 1.5 x '' 99999999999999999999; do usage '--count .*: whole numbers of batches from 0 to 9{18} are allowed' "${bn[@]}" --momentum none --count "$v" x.npy y.npy; done
for v in relux leaky: leaky:x leaky:nan none '' silu:1; do usage '--act' "${ln[@]}" --act "$v" x.npy y.npy; done
for v in both '' 1; do usage '--residual' "${ln[@]}" --residual "$v" --in residual=x.npy x.npy y.npy; done
for v in 5 -6 1.5 x ''; do usage '--axis' "${ln[@]}" --axis "$v" x.npy y.npy; done
usage '--axis and --over' "${ln[@]}" --axis 1 --over c x.npy y.npy
usage 'groupnorm does not take --axis' "${gn[@]}" --axis 1 x.npy y.npy
usage 'mvn does not take --axis' run mvn --axis 1 x.npy y.npy
for v in c,h,x h,h c, ''; do usage '--over' "${ln[@]}" --over "$v" x.npy y.npy; done
usage 'batchnorm does not take --over' "${bn[@]}" --over c x.npy y.npy
usage '--eps -1' "${ln[@]}" --eps -1 x.npy y.npy
usage '--ddof' "${ln[@]}" --ddof 2 x.npy y.npy
usage 'cannot divide' "${ln[@]}" --out-dtype u8 --out-scale 0 x.npy y.npy
usage '--out-scale' "${ln[@]}" --out-dtype u8 --out-scale -1 x.npy y.npy
usage 'only u8 and s8 are quantized' "${ln[@]}" --out-scale .1 x.npy y.npy
usage 'goes with --out-scale' "${ln[@]}" --out-dtype u8 --out-zero 3 x.npy y.npy
usage 'whole number' "${ln[@]}" --out-dtype u8 --out-scale .1 --out-zero .5 x.npy y.npy
usage '--semantics' "${ln[@]}" --semantics keras x.npy y.npy
usage 'does not take --scope' "${ln[@]}" --scope image x.npy y.npy
usage '--axis is given twice' "${ln[@]}" --axis 1 --axis 1 x.npy y.npy

# Directions.
usage 'needs --in for: dy' "${ln[@]}" --backward x.npy y.npy
usage '--out-layout' "${ln[@]}" --backward --out-layout nhwc --in dy=dy.npy x.npy y.npy
usage 'as .npy only' "${ln[@]}" --backward --view --in dy=dy.npy x.npy y.png
for t in u8 s8; do usage 'a gradient is f32, f16 or bf16' "${ln[@]}" --backward --out-dtype $t --in dy=dy.npy x.npy y.npy; done
usage 'layernorm reads, besides x, gamma beta mean rstd residual' "${ln[@]}" --in dy=dy.npy x.npy y.npy
usage 'layernorm writes, besides y, mean rstd sum mask' "${ln[@]}" --out dgamma=a.npy x.npy y.npy
usage 'layernorm --backward writes, besides dx, dgamma dbeta dresidual' "${ln[@]}" --backward --in dy=dy.npy --out mean=a.npy x.npy y.npy
usage 'layernorm reads' "${ln[@]}" --in running_mean=g3.npy x.npy y.npy
usage 'mvn reads, besides x, mean rstd residual' run mvn --in gamma=g3.npy x.npy y.npy
usage 'mvn reads' run mvn --in nothing=g3.npy x.npy y.npy
usage 'given twice' "${ln[@]}" --in gamma=g3.npy --in gamma=g3.npy x.npy y.npy
usage 'one file' "${ln[@]}" --out mean=a.npy --out rstd=a.npy x.npy y.npy

# What goes with what.
usage 'mean and --in rstd go together' "${ln[@]}" --in mean=s1.npy x.npy y.npy
usage 'mean and --in rstd go together' "${ln[@]}" --backward --in dy=dy.npy --in rstd=r1.npy x.npy y.npy
usage 'needs --in for: running_mean running_var, or for: mean rstd' "${bn[@]}" --mode eval x.npy y.npy
usage 'needs --in for: running_var' "${bn[@]}" --mode eval --in running_mean=g3.npy x.npy y.npy
usage 'batchnorm --mode eval writes, besides y, sum mask' "${bn[@]}" --mode eval --in running_mean=g3.npy --in running_var=g3.npy --out running_mean=a.npy x.npy y.npy
usage '--out running_mean: the statistics are given, by --in' "${bn[@]}" --in mean=g3.npy --in rstd=g3.npy --out running_mean=a.npy x.npy y.npy
usage '--out mean: the statistics are given' "${ln[@]}" --in mean=s1.npy --in rstd=r1.npy --out mean=a.npy x.npy y.npy
usage '--out mask: its bits lie as y does' "${ln[@]}" --act relu --out-layout nhwc --out mask=a.npy x.npy y.npy
usage 'needs --in for: residual' "${ln[@]}" --residual after x.npy y.npy
usage '--out sum goes with' "${ln[@]}" --in residual=dy.npy --out sum=a.npy x.npy y.npy
usage 'mask goes with --act relu' "${ln[@]}" --out mask=a.npy x.npy y.npy
usage 'mask goes with --act relu' "${ln[@]}" --backward --in dy=dy.npy --in mask=mask.npy x.npy y.npy
usage 'layernorm reads' "${ln[@]}" --in sum=dy.npy x.npy y.npy
usage 'layernorm --backward writes' "${ln[@]}" --backward --in dy=dy.npy --out sum=a.npy x.npy y.npy
usage 'goes with a float y, not with --out-dtype u8' "${ln[@]}" --act relu --out-dtype u8 --out-scale .1 --out mask=a.npy x.npy y.npy
run 3 'missing.npy cannot be read' -- "${ln[@]}" --backward --residual after --in dy=dy.npy missing.npy y.npy
run 3 'missing.npy cannot be read' -- "${ln[@]}" --backward --residual after --act relu --in dy=dy.npy --in mask=mask.npy missing.npy y.npy
usage 'needs --in for: residual' "${ln[@]}" --backward --residual after --act relu --in dy=dy.npy x.npy y.npy
usage 'is not a number' "${ln[@]}" --out-dtype u8 --out-scale .1 --out-zero x x.npy y.npy
usage 'is the sum that forward wrote' "${ln[@]}" --backward --residual before --in dy=dy.npy --in residual=dy.npy x.npy y.npy
usage 'is dx itself' "${ln[@]}" --backward --residual before --in dy=dy.npy --out dresidual=a.npy x.npy y.npy
usage 'needs --in for: residual' "${ln[@]}" --backward --residual after --act gelu --in dy=dy.npy x.npy y.npy

# ---- ranks and shapes --------------------------------------------------------------------------------------------

for x in x five hw gray c5 empty nothing f16; do
    run 0 -- run layernorm $x.npy y.npy
    same "layernorm keeps the rank of $x" "shape('y.npy') == shape('$x.npy')"
done
run 3 'add --axis -1 .* or --layout' -- run layernorm chw.npy y.npy
for words in '--axis -1' '--over c,h,w' '--layout nchw' '--layout nhwc' '--semantics onnx'; do
    # shellcheck disable=SC2086
    run 0 -- run layernorm $words chw.npy y.npy
done
for op in 'batchnorm' 'groupnorm --groups 1' 'instancenorm' 'mvn'; do
    # shellcheck disable=SC2086
    run 0 -- run $op chw.npy y.npy
    # shellcheck disable=SC2086
    run 3 'one axis; .* takes [23] to 5$' -- run $op w.npy y.npy
done
run 3 'one axis; instancenorm takes 3 to 5$' -- run instancenorm w.npy y.npy
run 3 'without the axes that mvn reduces: add --over c' -- run mvn hw.npy y.npy
run 0 -- run mvn --over c hw.npy y.npy
run 3 'takes 2 to 5, or one with --axis 0' -- run layernorm w.npy y.npy
run 3 'takes 2 to 5, or one with --axis 0' -- run layernorm --semantics onnx w.npy y.npy
run 0 -- run layernorm --axis 0 w.npy y.npy
run 0 -- run layernorm --axis=-1 w.npy y.npy
run 3 'has -2 to 1' -- run layernorm --axis 2 hw.npy y.npy
run 3 'no axis d' -- run layernorm --over d x.npy y.npy
run 3 'no axis h' -- run layernorm --over h hw.npy y.npy
run 3 'no axis 3' -- run mvn --semantics onnx chw.npy y.npy
run 0 -- run mvn --semantics onnx x.npy y.npy
same 'over axes 0, 2 and 3' "abs(sum(values('y.npy')[:20] + values('y.npy')[60:80])) < 1e-3"
run 0 -- run l2norm --axis 1 x.npy y.npy
same 'over axis 1 alone' "near([sum(v * v for v in values('y.npy')[:60:20])], [1])"
run 0 -- run lpnorm --axis 1 x.npy z.npy
same 'lpnorm too, whose p is 2' "near(values('z.npy'), values('y.npy'))"
run 3 'x is u8' -- run layernorm u8.npy y.npy
run 3 'x is u8' -- run layernorm p.ppm y.npy
run 3 '6 axes' -- run layernorm six.npy y.npy
run 3 'groups is 2 and x has 3 channels' -- run groupnorm --groups 2 x.npy y.npy
run 0 -- run groupnorm --groups 3 --in gamma=three.npy --in beta=three.npy x.npy y.npy
same 'gamma and beta of each channel' "near([(v - 3) / 3 for v in values('y.npy')[40:60]], [(v - 2) / 2 for v in values('y.npy')[20:40]])"
run 3 'training needs more' -- run batchnorm --semantics torch one_value.npy y.npy
run 0 -- run batchnorm one_value.npy y.npy

# gamma and beta: (C), (N,C), full; axes of length 1 do not count.
for g in g3 g1311 g23 g345 h3 d3; do
    run 0 -- run layernorm --in gamma=$g.npy --in beta=$g.npy x.npy y.npy
    run 0 -- run layernorm --backward --in dy=dy.npy --in gamma=$g.npy --out dgamma=a.npy --out dbeta=b.npy x.npy y.npy
    same "dgamma is as $g" "shape('a.npy') == shape('$g.npy') == shape('b.npy') and kind('a.npy') == (kind('$g.npy') if '$g' != 'd3' else '<f4')"
done
run 0 -- run layernorm --in beta=g23.npy x.npy y.npy
run 0 -- run layernorm --backward --in dy=dy.npy --out dgamma=a.npy x.npy y.npy
same 'without gamma it is (C)' "shape('a.npy') == (3,)"
run 0 -- run layernorm --backward --axis 2 --in dy=dy.npy --out dgamma=a.npy x.npy y.npy
same 'or as the axes' "shape('a.npy') == (4, 5)"
run 0 -- run layernorm --backward --axis -1 --layout nhwc --in dy=dy.npy --out dgamma=a.npy x.npy y.npy
same 'of the file' "shape('a.npy') == (5,)"
run 0 -- run layernorm --axis 2 --in gamma=g45.npy x.npy y.npy
run 3 'x allows \(4,5\), axes' -- run layernorm --axis 2 --in gamma=g3.npy x.npy y.npy
run 3 'x allows \(3,\) \(2,3\) \(3,4,5\), axes' -- run layernorm --in gamma=g5.npy x.npy y.npy
run 3 'x allows \(3,\), axes' -- run batchnorm --in gamma=g23.npy x.npy y.npy
run 3 'beta: g5.npy is' -- run layernorm --in gamma=g3.npy --in beta=g5.npy x.npy y.npy
run 3 'must span the same' -- run layernorm --in gamma=g3.npy --in beta=g23.npy x.npy y.npy
run 3 'gamma: u3.npy is u8' -- run layernorm --in gamma=u3.npy x.npy y.npy
run 0 -- run layernorm --in gamma=h3.npy --in beta=b3.npy x.npy y.npy
run 3 'dy: chw.npy is \(3,4,5\); \(2,3,4,5\) is expected' -- run layernorm --backward --in dy=chw.npy x.npy y.npy
run 3 'mean: g3.npy is \(3,\); \(2,1,1,1\) is expected' -- run layernorm --in mean=g3.npy --in rstd=r1.npy x.npy y.npy
run 3 'running_mean: g5.npy is \(5,\); \(3,\)' -- run batchnorm --in running_mean=g5.npy --out running_mean=a.npy x.npy y.npy
run 3 'cannot be read' -- run layernorm --in gamma=missing.npy x.npy y.npy

# Types.
for op in batchnorm instancenorm; do # channels of a pixel beside a second input: halves that lie at any address
    run 0 -- run $op --layout nhwc --in residual=rgba.npy rgba.npy y.npy
    run 0 -- run $op --layout nhwc --backward --in dy=rgba.npy rgba.npy y.npy
done
run 0 -- run layernorm f2.npy y.npy
same 'f16 stays' "kind('y.npy') == '<f2'"
run 0 -- run layernorm --out-dtype f32 --out mean=a.npy f2.npy y.npy
same 'statistics are f32' "kind('y.npy') == '<f4' == kind('a.npy')"
run 0 -- run layernorm --backward --in dy=dy.npy f2.npy y.npy
same 'dx has the type of x' "kind('y.npy') == '<f2'"
for x in x f2; do
    run 0 -- run layernorm --backward --out-dtype f32 --in dy=dy.npy --in gamma=g3.npy $x.npy y.npy
    same "or --out-dtype, and was not f16 before, of $x" "kind('y.npy') == '<f4' and any(struct.unpack('<e', struct.pack('<e', v))[0] != v for v in values('y.npy'))"
done
run 0 -- run layernorm --out-dtype s8 --out-scale .05 --out-zero -3 x.npy y.npy
same 'quantized' "kind('y.npy') == '|i1' and -3 in values('y.npy') or max(values('y.npy')) > 20"

# Statistics and running statistics.
run 0 -- run batchnorm --out mean=m.npy --out rstd=r.npy x.npy y.npy
same 'of batchnorm (C)' "shape('m.npy') == (3,) == shape('r.npy') and near(values('m.npy')[:1], [6.875])"
run 0 -- run "${gn[@]:1}" --out mean=m.npy x.npy y.npy
same 'of groupnorm (N,G)' "shape('m.npy') == (2, 3)"
run 0 -- run instancenorm --layout nhwc --out mean=m.npy x.npy y.npy
same 'of instancenorm (N,C)' "shape('m.npy') == (2, 5)"
run 0 -- run instancenorm --out mean=m.npy chw.npy y.npy
same 'or (C) of one image' "shape('m.npy') == (3,) and near(values('m.npy')[:2], [9.5, 29.5])"
run 0 -- run layernorm --over h,w --layout nhwc --out mean=m.npy x.npy y.npy
same 'of layernorm as x' "shape('m.npy') == (2, 1, 1, 5)"
run 0 -- run batchnorm --out running_mean=rm.npy --out running_var=rv.npy x.npy y.npy
same 'running statistics start at 0 and 1' "near(values('rm.npy')[:1], [.6875]) and kind('rv.npy') == '<f4' and shape('rv.npy') == (3,)"
run 0 -- run batchnorm --in running_mean=rm.npy --out running_mean=rm.npy x.npy y.npy
same 'one file in and out' "near(values('rm.npy')[:1], [.9 * .6875 + .6875])"
run 0 -- run batchnorm --momentum none --count 3 --in running_mean=g3.npy --out running_mean=a.npy x.npy y.npy
same 'the average of four batches' "near(values('a.npy')[:1], [(3 * 1 + 6.875) / 4])"
run 0 -- run batchnorm --mode eval --in running_mean=rm.npy --in running_var=rv.npy x.npy y.npy
run 0 -- run batchnorm --mode eval --in mean=rm.npy --in rstd=rv.npy x.npy y.npy
run 0 '--in running_mean does not count' -- run batchnorm --mode eval --in mean=rm.npy --in rstd=rv.npy --in running_mean=rm.npy x.npy y.npy
run 0 '--in running_mean running_var counts only with its --out, or with --mode eval' -- run batchnorm --in running_mean=rm.npy --in running_var=rv.npy x.npy y.npy
run 0 '' -- -q run batchnorm --in running_mean=rm.npy x.npy y.npy
verdict 'and not with -q' "$(cat stderr)"
run 0 -- run batchnorm --out running_mean=a.npy --out running_var=b.npy --out mean=m.npy empty.npy y.npy
same 'a batch of nothing moves nothing' "values('a.npy') == (0, 0, 0) and values('b.npy') == (1, 1, 1) and all(math.isnan(v) for v in values('m.npy'))"
run 0 -- run batchnorm --backward --in dy=empty.npy --out dgamma=a.npy empty.npy y.npy
same 'and its gradient is 0' "values('a.npy') == (0, 0, 0) and shape('y.npy') == (0, 3, 4, 5)"
run 0 -- run layernorm --backward --in dy=empty.npy --out dgamma=a.npy empty.npy y.npy
same 'of whatever layer' "values('a.npy') == (0, 0, 0) and shape('y.npy') == (0, 3, 4, 5)"
run 3 'mask: short.npy is \(14,\); \(15,\)' -- run layernorm --backward --act relu --in dy=dy.npy --in mask=short.npy x.npy y.npy
run 3 'mask: g3.npy is f32; u8' -- run layernorm --backward --act relu --in dy=dy.npy --in mask=g3.npy x.npy y.npy
cp x.npy before.npy
run 3 '' -- run layernorm --out mean=a.npy --out rstd=none/b.npy x.npy y2.npy
verdict 'nothing half-written' "$(ls y2.npy 2>/dev/null; cmp x.npy before.npy)"

# ---- plan, explain ---------------------------------------------------------------------------------------------------

run 0 'M = 40 values per channel; noise .* mean \+-0.16 std, std \+-11 %' -- plan batchnorm x.npy
run 0 'groupnorm, .* is the better choice' -- plan batchnorm x.npy
verdict 'nor have statistics that are given' "$("$clnorm" plan batchnorm --in mean=g3.npy --in rstd=g3.npy x.npy | grep 'M =')"
run 0 'M = 4 values per channel' -- plan batchnorm hw.npy
run 0 'M = 20 values per channel' -- plan batchnorm chw.npy
verdict 'nor has a batch without channels' "$("$clnorm" plan batchnorm no_channels.npy | grep 'M =')"
"$clnorm" plan batchnorm --json many.npy >out.json
same 'enough values' "json.load(open('out.json'))['m'] == 80 and 'better' not in json.load(open('out.json'))"
"$clnorm" plan layernorm --backward --json x.npy >out.json
same 'plan --backward --json' "json.load(open('out.json'))['direction'] == 'backward' and json.load(open('out.json'))['y'] == json.load(open('out.json'))['x']"
run 4 '' -- --device 99:0 plan groupnorm --groups 3 --in gamma=g345.npy x.npy # which fits
run 4 '' -- --device 99:0 plan layernorm --over h,w --in gamma=g45.npy x.npy
run 4 '' -- --device 99:0 plan layernorm --layout nchw --in gamma=g345.npy chw.npy
run 4 '' -- --device 99:0 plan batchnorm --out mean=m.npy hw.npy
run 4 '' -- --device 99:0 plan layernorm --backward --residual after --in residual=dy.npy --in dy=dy.npy x.npy
run 3 'x allows' -- --device 99:0 plan groupnorm --groups 3 --in gamma=g5.npy x.npy
verdict 'eval has no noise' "$("$clnorm" plan batchnorm --mode eval x.npy | grep 'M =')"
run 0 'dx \(2,3,4,5\) f32' -- plan layernorm --backward x.npy
for t in f32 f16; do "$clnorm" plan layernorm --backward --out-dtype $t --json x.npy >$t.json; done
same 'dx is rounded behind the plan, and dy is not' "json.load(open('f16.json'))['plan'] == json.load(open('f32.json'))['plan']"
run 0 'x \(2,3,4,5\) f32 nhwc' -- plan layernorm --layout nhwc --axis -1 --in gamma=g5.npy x.npy
run 3 'x allows' -- plan layernorm --in gamma=g5.npy x.npy
usage 'needs --groups' plan groupnorm x.npy
"$clnorm" plan batchnorm --json x.npy >out.json
same 'plan --json' "json.load(open('out.json'))['m'] == 40 and json.load(open('out.json'))['better'] == 'groupnorm'"
run 0 'forward reads   x \[gamma\] \[beta\] \[mean\]' -- explain layernorm
run 0 'backward reads  x .* dy' -- explain layernorm
run 0 'writes  dx \[dgamma\] \[dbeta\]' -- explain batchnorm
run 0 '--semantics onnx: momentum 0.9 biased_running 1 old_momentum 1' -- explain batchnorm
run 0 'eps_inside' -- explain mvn
"$clnorm" explain batchnorm --json >out.json
same 'explain --json' "json.load(open('out.json'))['backward']['required'] == ['x', 'dy', 'dx']"
"$clnorm" run layernorm --json x.npy y.npy >out.json
same 'run --json' "sorted(json.load(open('out.json'))) == sorted('op device plan x y bytes build_ms run_ms gbps'.split())"

has lrn && usage 'odd sizes are allowed, even ones with --semantics torch or onnx' run lrn --size 4 x.npy y.npy
has grn && run 0 'gamma starts at 0' -- run grn x.npy y.npy
run 0 -- run grn --backward --in dy=dy96.npy --in gamma=g3.npy huge.npy y.npy
same 'a gradient of 3e38' "all(abs(v) < 100 for v in values('y.npy'))"
has lpnorm && for v in 0.5 nan 0 -1 ''; do usage '1 to 64 are allowed, and inf' run lpnorm --p "$v" x.npy y.npy; done

# What is added to a quantized result keeps its own type.
python3 -c "from npy import *; save('pm.npy', (1, 4), [1, -1, 2, -2]); save('half.npy', (1, 4), [-.5] * 4)"
run 0 -- run layernorm --in residual=half.npy --out-dtype s8 --out-scale 0.1 pm.npy y.npy
same 'a residual of a quantized result' "list(values('y.npy')) == [1, -11, 8, -18]"
has lrn && run 0 -- run lrn --in residual=x.npy --out-dtype u8 --out-scale 0.1 x.npy y.npy

# ---- numbers ---------------------------------------------------------------------------------------------------------

if python3 -c 'import numpy' 2>/dev/null; then
    verdict 'NumPy' "$(python3 -B "$layers" "$clnorm" cases_running cases_nhwc 2>&1 | grep -v -e '^ok ' -e ' 0 failed$')"
else
    echo '# no NumPy: no numbers'
fi

finish
