#!/bin/bash
# limit: 120
# The manual pages say what the programs say, an installed tree works wherever it is, and bash
# completes what there is.
# not on nested, qemu: it looks at our programs on the host
. tests/vm/lib.sh
unset MAKEFLAGS MAKELEVEL
quiet() { "$@" > "$work/says" 2>&1; result $? "$name" || explain "$(cat "$work/says")"; }

# --- the manual ----------------------------------------------------------------
name='the pages can be made'
quiet make -s O="$O" man
commands=$("$O/vmm-trace" --help | sed -nE 's/^  ([a-z-]+) .*/\1/p' | grep -v '^--' | sort)
is 'a page for each command, and no other' "$(cd "$O/man" && ls vmm-trace-*.1 | sed 's/vmm-trace-//; s/\.1$//' | sort)" "$commands"
options() { grep -oE -- '(^|[ ,])-(-[a-z][a-z-]*|[A-Za-z?])\b=?|-\?' | tr -d ' ,=' | sort -u; }
for page in vmm vmm-trace $(sed 's/^/vmm-trace-/' <<< "$commands"); do
    is "$page(1): nothing that mandoc warns of" "$(mandoc -Tlint -Wwarning "$O/man/$page.1" 2>&1)" ''
    case $page in
    vmm-trace-*) says=$("$O/vmm-trace" "${page#vmm-trace-}" --help) ;;
    *) says=$("$O/$page" --help) ;;
    esac
    # Where options are: at the beginning of a line, alone or after another.
    lines='^ +(-[A-Za-z?]|--[a-z])'
    is '... the options of --help, and no others' \
        "$(mandoc -Tascii -O width=200 "$O/man/$page.1" | perl -pe "s/.\\x08//g" | sed -n '/^OPTIONS/,/^[A-Z]/p; /^COMMANDS/,/^[A-Z]/p' | grep -E "$lines" | cut -c1-30 | options)" \
        "$(grep -E "$lines" <<< "$says" | cut -c1-28 | options)"
    like '... a synopsis, examples' "$(mandoc -Tascii "$O/man/$page.1" | perl -pe "s/.\\x08//g")" '^EXAMPLES'
done
is "README has vmm's options, and no others" "$(sed -n '/^| option | meaning/,/^$/p' README.md | cut -d'|' -f2 | grep -oE -- '-(-[a-z-]+|[a-z])\b' | sort -u)" \
    "$("$O/vmm" --help | grep -E '^ +-' | cut -c1-28 | options)"

# --- install -------------------------------------------------------------------
tree=$work/tree
name='make install'
quiet make -s O="$O" install DESTDIR="$tree" prefix=/usr
is 'programs, kernel, pages, completion, documents' "$(cd "$tree/usr" && ls bin/vmm bin/vmm-trace lib/forkscope/{vmm-root,guest.elf} share/man/man1/vmm-trace-lint.1 \
    share/bash-completion/completions/vmm{,-trace} share/doc/forkscope/{README.md,docs/README.md} | wc -l)" 9
is 'links in README lead to what is there' "$(cd "$tree/usr/share/doc/forkscope" && grep -ohE '\]\(docs/[^)#]*' README.md | sed 's/](//' | sort -u |
    while read -r file; do [ -e "$file" ] || echo "$file"; done)" ''
mv "$tree/usr" "$work/moved"
is 'the kernel is found from anywhere, in a moved tree' "$(cd / && "$work/moved/bin/vmm" guest.elf --version)" "$("$O/vmm" --version)"
if [ "$host" = kvm ]; then
    (cd / && timeout -k 5 $((30 * slow)) "$work/moved/bin/vmm" -q guest.elf -- sh -c 'exit 7') < /dev/null > "$work/says" 2>&1
    is '... and runs' "$?" 7
fi
tar -C "$work" -cf "$work/a.tar" --transform 's,^,etc/,' says
unlike 'what unpacks a root is found there, too' "$(cd / && timeout -k 5 $((30 * slow)) env XDG_CACHE_HOME="$work/cache" "$work/moved/bin/vmm" --timeout 20 --root "$work/a.tar" guest.elf -- true 2>&1 < /dev/null)" 'is neither beside'
mkdir "$work/here" && echo 'not a kernel' > "$work/here/guest.elf"
like 'a file here comes first' "$(cd "$work/here" && "$work/moved/bin/vmm" guest.elf 2>&1)" '^vmm: guest.elf: '
like 'who names a directory means it' "$(cd / && "$work/moved/bin/vmm" ./guest.elf 2>&1)" '^vmm: \./guest\.elf: No such file'
like 'what is nowhere is called by its name' "$(cd / && "$work/moved/bin/vmm" nothing.elf 2>&1)" '^vmm: nothing\.elf: No such file'
mv "$work/moved" "$tree/usr"
name='make uninstall'
quiet make -s O="$O" uninstall DESTDIR="$tree" prefix=/usr
is 'no file is left, no directory of ours' "$(find "$tree" ! -type d -o -name 'forkscope')" ''
name='PREFIX, and a directory of one'"'"'s own'
quiet make -s O="$O" install DESTDIR="$tree" PREFIX=/opt/x mandir=/man
is '... are heeded' "$(cd "$tree" && ls opt/x/bin/vmm man/man1/vmm.1 | wc -l)" 2

# --- completion ----------------------------------------------------------------
PATH=$(realpath "$O"):$PATH
cat > "$work/complete" <<'END'
. packaging/completion.bash
words=("$@")
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
"_${1//-/_}"
printf '%s\n' "${COMPREPLY[@]}" | sort
END
complete() { bash "$work/complete" "$@" 2>&1 | tr '\n' ' '; }
is 'commands' "$(complete vmm-trace l)" 'lint live '
is 'all of them' "$(complete vmm-trace '' | tr ' ' '\n' | grep -v -e '^--' -e '^$')" "$commands"
is 'options of a command' "$(complete vmm-trace blocked --r)" '--reason '
is 'of another' "$(complete vmm-trace export --c)" '--chrome --csv '
is 'a directory' "$(complete vmm-trace lint tests/v)" 'tests/vm '
is 'a file for -o' "$(complete vmm-trace export --csv -o READ)" 'README.md '
is "vmm's options" "$(complete vmm --ti)" '--timeout '
is 'a value' "$(complete vmm --kernel-ring a)" 'auto '
is 'a value after =, as bash splits it' "$(complete vmm --kernel-ring = a)" 'auto '
is 'a kernel, installed or a file' "$(complete vmm gu)" 'guest guest.elf '
is 'a directory for a trace' "$(complete vmm -t tests/v)" 'tests/vm '
is "nothing after --, where words are the guest's" "$(complete vmm guest.elf -- --ti)" ' '
is 'bash takes the file' "$(bash -n packaging/completion.bash 2>&1; bash -c '. packaging/completion.bash; complete -p vmm vmm-trace')" \
    $'complete -F _vmm vmm\ncomplete -F _vmm_trace vmm-trace'
done_testing
