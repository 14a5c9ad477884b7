# completion.bash - for vmm and vmm-trace, in bash.
#
# Options and commands are asked of the programs themselves, by --help: there is no second list.

# The long options that a --help text names.
_forkscope_options()
{
    "$@" --help 2> /dev/null | sed -nE 's/^ +(-., )?(--[a-z][a-z-]*).*/\2/p'
}

_forkscope_reply()              # words in $1, files if $2 is "files", directories if "dirs"
{
    local word=$3
    mapfile -t COMPREPLY < <(compgen -W "$1" -- "$word")
    case $2 in
    files) mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "$word") ;;
    dirs) mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -d -- "$word") ;;
    esac
    if [ "$2" = files ] || [ "$2" = dirs ]; then compopt -o filenames 2> /dev/null; fi
    return 0
}

_vmm()
{
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} i
    for ((i = 1; i < COMP_CWORD; i++)); do
        [ "${COMP_WORDS[i]}" = -- ] && return 0        # what follows is the guest's
    done
    [ "$word" = = ] && word=
    [ "$before" = = ] && before=${COMP_WORDS[COMP_CWORD - 2]}
    case $before in
    -m | --memory | -c | --cpus | -a | --append | --timeout | --out | --env | --workdir | --user | --hostname) return 0 ;;
    -t | --trace) _forkscope_reply '' dirs "$word"; return ;;
    -i | --initrd | --add | --root | --save | --boot-report | --dump-tables) _forkscope_reply '' files "$word"; return ;;
    --trace-start | --trace-stop | --trace-size | --dump-at) return 0 ;;
    --trace-mode) _forkscope_reply 'full ring' '' "$word"; return ;;
    --audit) _forkscope_reply 'final dirty trap' '' "$word"; return ;;
    --kernel-ring) _forkscope_reply '0 3 auto' '' "$word"; return ;;
    esac
    case $word in
    -*) _forkscope_reply "$(_forkscope_options "${COMP_WORDS[0]}") --" '' "$word" ;;
    *) _forkscope_reply guest.elf files "$word" ;;
    esac
}

_vmm_trace()
{
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} program=${COMP_WORDS[0]}
    if [ "$COMP_CWORD" -eq 1 ]; then
        _forkscope_reply "$("$program" --help 2> /dev/null | sed -nE 's/^  (-?-?[a-z][a-z-]*) .*/\1/p')" '' "$word"
        return
    fi
    [ "$word" = = ] && word=
    [ "$before" = = ] && before=${COMP_WORDS[COMP_CWORD - 2]}
    case $before in
    -o | --output) _forkscope_reply '' files "$word"; return ;;
    --pid | --mm | --event | --call | --va | --from | --to | --reason | --head | --at | --delay | --times) return 0 ;;
    esac
    case $word in
    -*) _forkscope_reply "$(_forkscope_options "$program" "${COMP_WORDS[1]}")" '' "$word" ;;
    *) _forkscope_reply '' dirs "$word" ;;
    esac
}

complete -F _vmm vmm
complete -F _vmm_trace vmm-trace
