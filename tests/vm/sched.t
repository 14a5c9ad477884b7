#!/bin/bash
# limit: 240
# Two CPUs share the work: what waits goes to the one that is idle, both keep their own time,
# one without work has no timer; and vfork hands the CPU to the child and back, on the same
# CPU, without an interrupt to the other one and without a load of CR3.
. tests/vm/lib.sh

counter() { sed -n "s/^$1=//p" <<< "$out"; }

# A script for the guest: without double quotes, which the kernel's command line keeps, and
# with no end of line.
script() { tr '\n' ' ' <<< "$1"; }

shared_work()
{
    limit=60
    vm -c 2 -- sh -c "$(script '
        user() { set -- $(grep -w cpu$1 /proc/stat); echo $2; };
        timers() { set -- $(grep LOC /proc/interrupts); echo $3; };
        echo cpus=$(nproc) $(grep -c ^processor /proc/cpuinfo) $(grep -c ^cpu[0-9] /proc/stat);
        sleep 0.1; a=$(timers); sleep 2; b=$(timers); echo timers=$((b - a));
        u0=$(user 0); u1=$(user 1);
        for i in 1 2; do (i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done) & done; wait;
        echo user0=$(($(user 0) - u0)); echo user1=$(($(user 1) - u1));
        grep -qx steals.0 /proc/forkscope/counters || echo stolen=yes;
        for i in 1 2; do echo at$i=$(taskset $i awk {print\$39} /proc/self/stat); done')"
    is 'status' "$status" 0
    is 'nproc, /proc/cpuinfo and /proc/stat agree' "$(counter cpus)" '2 2 2'
    # Some belong to the sleeps and the shell, which may be there.
    ok "an idle CPU: $(counter timers) timer interrupts in 2 s" [ "$(counter timers)" -le 20 ]
    # (Where counters drift, as on the nested host, the time of one that is behind stands still.)
    local least=1
    [ "$slow" -gt 1 ] && least=0
    ok "CPU 0 worked: $(counter user0) ticks" [ "$(counter user0)" -ge $least ]
    ok "CPU 1 worked: $(counter user1) ticks" [ "$(counter user1)" -ge $least ]
    ok 'one of them did' [ $(($(counter user0) + $(counter user1))) -ge 1 ]
    is 'a CPU without work has taken some' "$(counter stolen)" yes
    is 'taskset 1' "$(counter at1)" 0
    is 'taskset 2' "$(counter at2)" 1
}

# Of each vfork whose child ends at once: what happens from the clone until the parent is back.
hand_over()
{
    "$O/vmm-trace" print "$work/vfork" | awk '
        / clone .*flags=VM\|VFORK / { cpu = $3; from = NR; in_vfork = 1; loads = 0; moved = 0 }
        in_vfork && $3 == cpu && / cr3_load / { loads++ }
        in_vfork && / switch / && $3 != cpu && !/ next_pid=0 / && !/ prev_pid=0 / { moved++ }
        in_vfork && / vfork_release .*cause=exec/ { in_vfork = 0 }
        in_vfork && / syscall_exit nr=vfork / {
            in_vfork = 0; n++; total += loads; away += moved + ($3 != cpu) }
        END { printf "vforks=%d\nloads=%d\nmoved=%d\n", n, total, away }'
}

shared_work
if [ "$host" = kvm ]; then
    limit=60
    vm -q -c 2 -t "$work/vfork" --audit=final -- spawnbench -n 20 -m 1 vfork
    is 'with a trace: status' "$status" 0
    out=$(hand_over)
    ok "vfork and exit: $(counter vforks) seen" [ "$(counter vforks)" -ge 20 ]
    is 'loads of CR3 meanwhile' "$(counter loads)" 0
    is 'parents or children on another CPU' "$(counter moved)" 0
fi
limit=60
vm -c 2 -- sh -c "$(script '
    kicks() { set -- $(grep kicks /proc/forkscope/counters); echo $2; };
    sleep 0.2; a=$(kicks); spawnbench -n 200 -m 1 vfork > /dev/null; b=$(kicks); echo kicks=$((b - a))')"
ok "interrupts for 200 times vfork and exit, and 200 times vfork and exec: $(counter kicks)" [ "$(counter kicks)" -lt 500 ]
done_testing
