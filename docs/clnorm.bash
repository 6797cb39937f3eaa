# clnorm.bash -- completion of the command in bash: source it, or install it as bash-completion/completions/clnorm.
#
# Commands, options and ops come from the command's own help, so that nothing is written twice.

_clnorm_options() { "$1" ${2:+"$2"} -h 2>/dev/null | grep -oE -- '--[a-z][a-z0-9-]*' | sort -u; }
_clnorm_ops() { "$1" kernels 2>/dev/null | cut -d' ' -f1; }
_clnorm_devices() { "$1" list 2>/dev/null | tail -n +2 | cut -d' ' -f1; }

# What an option's value may be; nothing where it is free.
_clnorm_values() {
    case $2 in
    --device) echo gpu cpu accelerator; _clnorm_devices "$1" ;;
    --color) echo auto always never ;;
    --layout | --out-layout) echo nchw nhwc ;;
    --in-dtype) echo bf16 ;;
    --out-dtype) echo f32 f16 bf16 u8 s8 ;;
    --scope) echo image channel batch batch-channel ;;
    --semantics) echo chapter torch onnx paper ;;
    --effort) echo estimate measure ;;
    --mode) echo train eval ;;
    --residual) echo before after ;;
    --act) echo relu leaky silu gelu gelu-tanh ;;
    --momentum) echo none ;;
    --p) echo inf ;;
    --preset) echo imagenet half clip cifar10 ;;
    --samples) echo pixels patches images ;;
    --form) echo zca pca ;;
    --of) _clnorm_ops "$1" ;;
    esac
}

_clnorm() {
    local program=$1 current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command='' words=0 i
    local commands='list run plan explain check verify bench tune kernels cache warmup fit-whiten'
    COMPREPLY=()
    if [[ $current == '=' || $before == '=' ]]; then # bash splits --name=value at the sign
        [[ $before == '=' ]] && before=${COMP_WORDS[COMP_CWORD - 2]}
        [[ $current == '=' ]] && current=''
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        --device | --cache-dir | --color | --layout | --out-layout | --in-dtype | --out-dtype | --in | --out | --scope | --over | \
            --range | --scale | --mean | --std | --preset | --of | --semantics | --effort | --eps | --ddof | --shape | \
            --axis | --mode | --momentum | --count | --groups | --size | --alpha | --beta | --k | --p | --residual | --act | \
            --out-scale | --out-zero | --whitener | --output | -o | --samples | --form | --patch | --stride | --components | \
            --tuning | --seconds | --iterations | --dim)
            i=$((i + 1))
            [[ ${COMP_WORDS[i]} == '=' ]] && i=$((i + 1))
            ;;
        -*) ;;
        *) [[ -z $command ]] && command=${COMP_WORDS[i]} || words=$((words + 1)) ;;
        esac
    done
    local values
    values=$(_clnorm_values "$program" "$before")
    if [[ $before == --cache-dir ]]; then
        mapfile -t COMPREPLY < <(compgen -d -- "$current")
    elif [[ $before == --whitener || $before == --output || $before == -o ]]; then
        mapfile -t COMPREPLY < <(compgen -f -X '!*.npz' -- "$current")
    elif [[ $before == --in || $before == --out || $before == --tuning ]]; then
        return 0
    elif [[ -n $values ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$values" -- "$current")
        [[ $before == --preset ]] && mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -X '!*.json' -- "$current")
    elif [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_clnorm_options "$program" "$command")" -- "$current")
    elif [[ -z $command ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$current")
    elif [[ $command == cache ]]; then
        mapfile -t COMPREPLY < <(compgen -W 'path stats clear' -- "$current")
    elif [[ $command =~ ^(verify|bench|tune|warmup)$ ]]; then
        mapfile -t COMPREPLY < <(compgen -W "all $(_clnorm_ops "$program")" -- "$current")
    elif [[ $words -eq 0 && $command =~ ^(run|plan|explain|kernels)$ ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_clnorm_ops "$program")" -- "$current")
    fi
    return 0
}
complete -o default -F _clnorm clnorm
