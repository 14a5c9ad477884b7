#!/bin/bash
# limit: 400
# Machines of 1, 2, 4 and 64 CPUs: all of them start, are counted alike everywhere, run what is bound to
# them, and the machine ends.
. tests/vm/lib.sh

cpus_everywhere='nproc; grep -c ^processor /proc/cpuinfo; grep -c "^cpu[0-9]" /proc/stat;
    head -1 /proc/interrupts | wc -w'
each_cpu='n=$(nproc); i=0; while [ $i -lt $n ]; do
        taskset -p $(printf %x $((1 << i))) $$ > /dev/null || echo taskset $i failed
        nproc; set -- $(cat /proc/self/stat); echo ${39}; i=$((i + 1)); done'

few()
{
    local n
    for n in 1 2 4; do
        vm -c $n -- sh -c "$cpus_everywhere"
        is "$host, $n CPUs: counted alike everywhere" "$(sort -u <<< "$out")" $n
        vm -c $n -- sh -c "$each_cpu"
        is "$host, $n CPUs: each takes what is bound to it" "$out" \
            "$(for i in $(seq 0 $((n - 1))); do printf '1\n%d\n' "$i"; done)"
    done
    vm -c 2 -- sh -c 'taskset 4 true || echo refused; taskset -p $$'
    like "$host: a CPU that is not there" "$out" refused
    like "$host: the mask" "$out" 'mask: 3$'
    vm -c 2 -- sh -c '(while :; do :; done) & (while :; do :; done) & sleep 1; cat /proc/uptime; exit 3'
    is "$host: it ends while every CPU is busy" "$status" 3
}
few

limit=120
vm -c 64 -m 512M -- sh -c 'nproc; for i in 1 2 3 4 5 6 7 8; do (sleep 0.1; echo x | cat) & done; wait'
is '64 CPUs: all are there' "$(head -1 <<< "$out")" 64
is 'and work' "$(grep -c x <<< "$out")" 8
is 'and end' "$status" 0
done_testing
