#!/bin/bash
# limit: 400
# Storms of processes, threads, memory and signals on 2 and 4 CPUs: the programs find their own results
# right, and the kernel holds afterwards what it held before: frames, tables, stacks, tasks, files.  On the
# kernel that checks its locks; under our vmm also with a trace, its audit and its lint.
# SEED=N repeats; STRESS_SECONDS=N gives each storm more time.
. tests/vm/lib.sh

SEED=${SEED:-$((RANDOM * 32768 + RANDOM))}
KERNEL=$O/guest-locks.elf
limit=180
echo "# SEED=$SEED"

stormed()                       # stormed NAME
{
    is "$1: SEED=$SEED" "$(grep -E 'FAIL|failures' <<< "$out")" 'stress: 0 failures'
    is "$1: status" "$status" 0
    unlike "$1: the kernel says nothing" "$out$err" 'panic|assert|lock'
}

# On QEMU, where ring 0 is not interpreted: every storm.
every_storm()
{
    local root=$work/root
    mkdir -p "$root/bin"
    cp "$O/tests/stress" "$root/bin/"
    "$O/mkroot" -o "$work/root.img" -l "$O/root.list" "$root"
    qemu_options+=(-initrd "$work/root.img")
    for cpus in 2 4; do
        vm_qemu -c $cpus -m 512M -- stress -l -s $SEED -t "${STRESS_SECONDS:-1}"
        stormed "qemu, $cpus CPUs"
    done
}
[ "$host" = kvm ] || { every_storm; done_testing; exit; }

traced()                        # traced CPUS STORM...
{
    local cpus=$1
    shift
    vm_kvm -c "$cpus" -m 512M --add "$O/tests/stress:/bin/stress" -t "$work/trace" --audit=final \
        -- stress -s $SEED -t "${STRESS_SECONDS:-1}" "$@"
    stormed "vmm, $cpus CPUs, traced and audited: $*"
    "$O/vmm-trace" lint "$work/trace" > "$work/lint" 2>&1
    is "the trace obeys the rules" $? 0 || explain "$(head -n 20 "$work/lint")"
    rm -rf "$work/trace"
}
traced 2 fork vfork race cow
traced 4 threads vfork_signals kill translations faults maps
traced 2 futex requeue records signals
done_testing
