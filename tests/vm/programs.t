#!/bin/bash
# limit: 300
# Programs that this machine has write in the guest, with 1 and with 2 CPUs, what they write here: those of
# tests/programs whose head says what they use.  `make test-programs` has the others, with Debian's packages.
# not on nested, qemu: it compares with this Linux, once
. tests/vm/lib.sh

mkdir "$work/programs"
cp tests/programs/cases/* "$work/programs"
command='exec bash /programs/NAME < /dev/null 2>&1 | cat'
environment=(PATH=/host/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb LANG=C)

on_linux()    # NAME: with a /tmp and System V IPC of its own
{
    unshare -rmipf bash -c 'mount -t tmpfs none /tmp && mount -t proc none /proc && cd /tmp && exec timeout "$1" env -i "${@:2}"' \
        run 60 "${environment[@]}" sh -c 'exec bash /dev/fd/9 < /dev/null 2>&1 | cat' 9< "tests/programs/cases/$1"
}

for name in $(grep -l '^# uses: ' tests/programs/cases/* | xargs -n1 basename); do
    adds=(--add "$work/programs:/programs" --add "$(type -P bash):/host/bin/bash") missing=
    for item in $(sed -n 's/^# uses: //p' "tests/programs/cases/$name"); do
        path=$item
        if [ "${item#/}" = "$item" ]; then    # a command: before the applets of the root image
            path=$(type -P "$item") && adds+=(--add "$path:/host/bin/$item") || missing+=" $item"
        elif [ -e "$path" ]; then
            adds+=(--add "$path")
        fi
    done
    if [ -n "$missing" ]; then
        ok "$name # SKIP there is no$missing here" true
        continue
    fi
    there=$(on_linux "$name")
    for cpus in 1 2; do
        vm -q -c $cpus -m 512M --timeout=60 "${adds[@]}" $(printf -- '--env=%s\n' "${environment[@]}") -- \
            sh -c "${command/NAME/$name}" < /dev/null
        is "$name with $cpus CPUs writes what it writes on Linux" "$(tr -d '\r' <<< "$out")" "$there"
    done
done
done_testing
