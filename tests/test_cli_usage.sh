#!/bin/bash
# test_cli_usage.sh -- what the command refuses before it reads a file.
# Usage: test_cli_usage.sh CLNORM [PHOTO.jpg]
# shellcheck source=tests/cli.sh
source "$(dirname "$0")/cli.sh" "$@"

# ---- usage -------------------------------------------------------------------------------------------------------

run 0 'commands' -- -h
verdict 'what commands are for is one column' "$(sed -n '/^commands/,/^$/p' stdout | sed '1d;$d' | grep -Ev '^.{37} [^ ]')"
run 0 'Usage: clnorm run' -- run -h
# explains OP SAYS...: the lines of options.
explains() { local op=$1 says; shift; for says; do run 0 "^  --$says\$" -- explain "$op"; done; }
explains lrn 'size N +channels of the window; 1 to 1e.09, default 5'
explains lpnorm 'p P +of the norm: 1 to 64, or inf; default 2'
explains minmax 'range LO,HI +where minimum and maximum go; default 0,1' 'eps NUMBER +added to max - min; 0 to 1e.30, default 1e-08'
explains denormalize 'of OP +the op to undo; default normalize'
explains symmetric 'scale NUMBER +x that becomes 1; unless given: u8 255, u16 65535; s8 has none; 1e-30 to 1e.30'
explains groupnorm 'groups NUMBER +groups of channels; divides C; 1 to 1e.09; needed' 'out-scale NUMBER +quantizes y.*; unless given: not; 1e-30 to 1e.30'
explains batchnorm 'momentum M +of the running statistics; none: .*; 0 to 1, default 0.1' "mode MODE +train: the batch's statistics; eval: the running ones; default train"
if "$clnorm" kernels | grep -q '^spectralnorm'; then explains spectralnorm 'mode MODE +train: u and v are moved; eval: they stay; default train'; fi
run 0 '"default": null' -- explain groupnorm --json
for c in list plan explain check verify bench tune kernels cache warmup fit-whiten; do run 0 "clnorm $c" -- $c --help; done
# The completion knows which options have a value, as the help says it, and which commands take ops.
completion=$(realpath "$(dirname "$0")/../docs/clnorm.bash")
for c in '' $(sed -n "s/^    local commands='\(.*\)'$/\1/p" "$completion"); do
    # shellcheck disable=SC2086 # none or one
    for o in $("$clnorm" $c -h | grep -oE -- '--[a-z][a-z0-9-]*=' | tr -d =); do
        verdict "completion: ${c:-clnorm} $o has a value" "$(grep -E "^ +--.*[\\)]\$" "$completion" | grep -qE -- " $o( |\))" || echo 'it does not know')"
    done
done
complete_of() { # WORDS...: what the last may become
    (source "$completion"; PATH=$(dirname "$clnorm"):$PATH; COMP_WORDS=(clnorm "$@"); COMP_CWORD=$#; _clnorm clnorm; echo "${COMPREPLY[*]}")
}
verdict 'completion: ops of tune' "$([ "$(complete_of tune lay)" = layernorm ] || complete_of tune lay)"
verdict 'completion: behind a value' "$([ "$(complete_of run --iterations 3 --dim 1 --tuning t.txt lay)" = layernorm ] || echo no)"
run 0 '^clnorm [0-9]+\.[0-9]+\.[0-9]+$' -- --version
usage 'a command is missing'
usage 'stats is not a command; there are list, run' stats
for c in stats fit_whiten '' RUN; do usage 'is not a command' "$c"; done
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
    usage "--$o is not an option|does not take --$o|was given 4 words" run minmax --$o 1 x.npy y.npy
done
usage '--eps is given twice' run minmax --eps 1 --eps 2 x.npy y.npy
usage '--device is given twice' --device 0:0 run minmax --device 0:0 x.npy y.npy
usage '--verbose is given twice' -v run minmax -v x.npy y.npy
usage '-q and -v' -q -v list
usage '--no-cache and --cache-dir' --no-cache --cache-dir d list
usage '--cache-dir is empty; it names a directory' --cache-dir '' list
usage '--eps needs a value|missing' run minmax x.npy y.npy --eps
usage 'takes no value' run minmax --swap-rb=1 x.npy y.npy
usage '--color' --color=sometimes list
usage 'run does not take --hostile' run minmax --hostile x.npy y.npy
usage 'list does not take --eps' list --eps 1
usage 'kernels has no --json' kernels --json
run 0 -- kernels -h
verdict 'kernels -h does not offer it' "$(grep -e --json stdout)"
run 0 -- list -h
verdict 'list -h does' "$(grep -q -e --json stdout || echo 'it is not there')"
for o in - /dev/stdout /dev/fd/1; do
    usage "--json and OUTPUT $o both want standard output" run minmax --json x.npy $o
    usage '--out min and OUTPUT are one file' run minmax --out min=/dev/stdout x.npy $o
done
usage '--out mean=/dev/fd/3: the file is to be a .npy' run zscore x.npy y.npy --out mean=/dev/fd/3 3>f.bin
usage '--json and --out /dev/fd/1 both want standard output' run minmax --json --out min=/dev/fd/1 x.npy y.npy
usage '--out min and --out max are one file' run minmax --out min=/dev/stdout --out max=/dev/fd/1 x.npy y.npy

for v in 1x2x3 0x1x1x1 1x3x4x5x6 axbxcxd 1x3x-4x5 ''; do usage '--shape' bench --shape "$v"; done
usage 'exclude each other' bench --suite --latency
usage 'not an op' bench frobnicate
usage 'not an op' tune frobnicate
usage '--shape' tune --shape 1x2x3
for v in 0 -1 nan x '' 1e6; do usage '--seconds' tune --seconds "$v"; done
usage '--tuning is empty' tune --tuning ''
usage 'list does not take --tuning' list --tuning t.txt

# The next word is always the value.
for v in nan inf -inf NaN 1e400 1e39 1e-400 '1e-5; rm' 1,5 '' ' 1' '1 ' 0x10 1e 1e+ + - . --eps 1_0 ½; do
    usage "--eps" run minmax --eps "$v" x.npy y.npy
done
usage '--eps -1' run minmax --eps -1 x.npy y.npy
usage '--eps -1' run minmax --eps=-1 x.npy y.npy
for v in 1 1,2,3 a,b 1, ,1 1,,2 1,nan 1,1e39; do usage '--range' run minmax --range "$v" x.npy y.npy; done
for v in 1 0.5 2 1e-3; do usage 'is not LO,HI, two numbers' run minmax --range "$v" x.npy y.npy; done
for v in 2 -1 0.5 x 1e10; do usage '--ddof' run zscore --ddof "$v" x.npy y.npy; done
for v in 0 -1 nan 1e-45 1e-31 1e39; do usage '1e-30 to 1e\+30 are allowed$' run symmetric --scale "$v" x.npy y.npy; done
for v in nan inf -inf 1e39 -1; do usage '0 to 1e\+30 are allowed$' run minmax --eps "$v" x.npy y.npy; done
for v in nan 1,inf 1e39; do
    usage '-1e\+30 to 1e\+30 are allowed$' run normalize --mean "$v" --std 1 x.npy y.npy
    usage '-1e\+30 to 1e\+30, not 0, are allowed$' run normalize --mean 1 --std "$v" x.npy y.npy
done
usage 'a std not between -1e-30 and 1e-30' run normalize --mean 1 --std 1e-40 x.npy y.npy
usage 'groups is 4294967299; 1 to 1000000000' run groupnorm --groups 4294967299 x.npy y.npy
usage 'whole numbers from 1 to 1000000000' run groupnorm --groups x x.npy y.npy
usage '--scope sample' run minmax --scope sample x.npy y.npy
usage '--layout is nwhc; it may be nchw or nhwc' run minmax --layout nwhc x.npy y.npy
usage '--out-layout' run minmax --out-layout x x.npy y.npy
usage '--out-dtype is f64' run minmax --out-dtype f64 x.npy y.npy
usage '--out-dtype is u16' run minmax --out-dtype u16 x.npy y.npy
usage 'moments does not write f16; it writes f32$' run moments --out-dtype f16 x.npy y.npy
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
usage '--preset and --mean' run normalize --preset half --std 1 x.npy y.npy
usage 'go together' run normalize --mean 1 x.npy y.npy
usage 'go together' run normalize --std 1 x.npy y.npy
usage '--mean has 3 values, --std 2: one is allowed, or one per channel' run normalize --mean 1,2,3 --std 1,2 x.npy y.npy
usage '0 cannot divide' run normalize --mean 1 --std 0 x.npy y.npy
usage 'too many' run normalize --mean 1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1 --std 1 x.npy y.npy
usage 'there are imagenet half clip cifar10' run normalize --preset nothing x.npy y.npy
for v in c,h,x h,h c, ,c '' hw C,H; do usage '--over' run moments --over "$v" x.npy y.npy; done
usage '--scope and --over' run moments --scope image --over h x.npy y.npy
for v in moments denormalize batchnorm nothing ''; do
    usage "--of ${v:-\"\"}: it may be minmax, symmetric, zscore, totensor or normalize" run denormalize --of "$v" x.npy y.npy
done
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
usage 'one file' run minmax --out min=A.NPY --out max=A.NPY x.npy y.npy
usage 'must end in' run minmax x.npy y.jpg
usage 'must end in' run minmax x.npy y
usage 'a .png is written from u8' run minmax x.npy y.png
usage '--view is for' run minmax --view x.npy y.npy
usage '--out-layout is for .npy' run minmax --view --out-layout nchw x.npy y.png
usage 'same file as INPUT' run minmax x.npy x.npy
usage 'same file as INPUT' run minmax x.npy ./x.npy
usage '--out min: x.npy is the same file as INPUT' run minmax --out min=x.npy x.npy y.npy
ln -f x.npy hard.npy; ln -sf x.npy soft.npy
usage 'same file as INPUT' run minmax x.npy hard.npy
usage 'same file as INPUT' run minmax x.npy soft.npy
same 'INPUT is untouched' "values('x.npy')[0] == -3"

finish
