# lib.sh - what the whole-machine tests share.  Sourced by tests/vm/*.t.
#
# A test calls `vm` (or `vm_qemu`), then checks
# $status, $out (stdout, without CR) and $err, prints TAP, and ends with `done_testing`.
# $host is where `vm` runs: kvm, under our vmm, or qemu where there is no /dev/kvm
# or HOST=qemu.  HOST=nested takes the whole test to another host, where it is kvm: a test that
# cannot go there says so in its head, as it does for a run on QEMU beside the one on kvm:
#     # not on nested, qemu: REASON
# A test that only makes sense under our vmm begins with `need_kvm`.
set -u
export O=${O:-build} LC_ALL=C
KERNEL=${KERNEL:-$O/guest.elf}
host=${HOST:-kvm}
slow=${SLOW:-1}                 # limits in seconds are stretched by this: tests/launch
[ "$host" = nested ] && exec tests/hosts/nested-tests "vm/$(basename "$0" .t)"
[ -w /dev/kvm ] || host=qemu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tests=0
status= out= err=

# --- TAP ---------------------------------------------------------------------
result()                        # result TRUE-STATUS NAME
{
    tests=$((tests + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $tests - $2"
    else
        echo "not ok $tests - $2"
    fi
    return "$1"
}

# What to know about the last machine when a check has failed; false, so that `is ... || more` tells more.
explain()
{
    printf '%s\n' "$@" | head -n 40 | cut -c1-200 | sed 's/^/#   /'
    printf 'status %s\n%s\n%s\n' "$status" "$out" "$err" | tail -n 25 | cut -c1-200 | sed 's/^/#   /'
    return 1
}

ok()   { local name=$1; shift; "$@"; result $? "$name" || explain "failed: $*"; }
is()   { [ "$2" = "$3" ]; result $? "$1" || explain "got:  $2" "want: $3"; }
like() { grep -qE -- "$3" <<< "$2"; result $? "$1" || explain "no match for: $3" "in: $2"; }
unlike() { ! grep -qE -- "$3" <<< "$2"; result $? "$1" || explain "should not match: $3"; }
done_testing() { echo "1..$tests"; }
skip_all() { echo "1..0 # SKIP $1"; exit 0; }
need_kvm() { [ "$host" = kvm ] || skip_all "needs /dev/kvm and our vmm"; }

# --- machines ----------------------------------------------------------------
# From the test: limit, in seconds; input, a file; filter, a function for stdout.
run_machine()
{
    timeout -k 5 $((${limit:-60} * slow)) "$@" 2> "$work/err" < "${input:-/dev/null}" |
        "${filter:-cat}" > "$work/out"
    status=${PIPESTATUS[0]}
    out=$(tr -d '\r\0' < "$work/out")
    err=$(tr -d '\r\0' < "$work/err")
}

# vm [OPTION...] [-- COMMAND...]: boots our kernel under our vmm, or on QEMU.
vm()
{
    if [ "$host" = kvm ]; then vm_kvm "$@"; else vm_qemu "$@"; fi
}

vm_kvm()
{
    local options=()
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        options+=("$1")
        shift
    done
    run_machine "$O/vmm" "${options[@]}" "$KERNEL" "$@"
}

qemu_options=(-M 'microvm,x-option-roms=off,isa-serial=on' -cpu max -accel tcg -nodefaults
    -no-user-config -display none -no-reboot
    -chardev 'stdio,id=console,signal=off' -serial chardev:console
    -device 'isa-debug-exit,iobase=0xf4,iosize=0x04')

qemu_microvm() { qemu-system-x86_64 "${qemu_options[@]}" -m 256M -kernel "$KERNEL" "$@"; }

# The same on QEMU.  Of the options it knows -m, -c and -a.  The status that the
# kernel gives comes back through isa-debug-exit, as 2 * status + 1.
vm_qemu()
{
    local memory=256M cpus=1 append= command
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        case $1 in
        -m) memory=$2; shift ;;
        -c) cpus=$2; shift ;;
        -a) append=$2; shift ;;
        *)  echo "Bail out! vm_qemu: no option $1"; exit 1 ;;
        esac
        shift
    done
    if [ $# -gt 1 ]; then
        shift
        for word in "$@"; do
            word=${word//\\/\\\\}         # as vmm quotes them
            word=${word//\"/\\\"}
            case $word in
            *[[:space:]]* | *[\\\"]* | '') word="\"$word\"" ;;
            esac
            command="${command-} $word"
        done
        append="$append init=/bin/run --$command"
    fi
    run_machine qemu-system-x86_64 "${qemu_options[@]}" -m "$memory" -smp "$cpus" \
        -kernel "$KERNEL" ${initrd:+-initrd "$initrd"} -append "$append"
    [ $((status % 2)) -eq 1 ] && status=$((status / 2))
}

# The root image and these files at /, for machines on QEMU: $initrd.
add_to_root()
{
    mkdir -p "$work/root"
    cp "$@" "$work/root/"
    initrd=$work/root.img
    "$O/mkroot" -o "$initrd" -l "$O/root.list" "$work/root"
}

# The machine's console on a terminal, by a script on stdin: see ptyrun.c.
# console [OPTION...]: status 0 if every step was met.
console()
{
    if [ "$host" = kvm ]; then
        timeout -k 5 $((${limit:-50} * slow)) "$O/tests/vm/ptyrun" - "$O/vmm" "$@" "$KERNEL" \
            > "$work/out" 2> "$work/err"
    else
        timeout -k 5 $((${limit:-50} * slow)) "$O/tests/vm/ptyrun" - qemu-system-x86_64 "${qemu_options[@]}" \
            -m 256M -kernel "$KERNEL" > "$work/out" 2> "$work/err"
    fi
    status=$?
    out=$(tr -d '\r\0' < "$work/out")
    err=$(tr -d '\r\0' < "$work/err")
    return $status
}
