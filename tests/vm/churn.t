#!/bin/bash
# limit: 320
# Five hundred processes by fork, vfork and exec leave memory as it was: a page lost by each is
# 2 MB.
. tests/vm/lib.sh

limit=300
vm -m 64M -- sh -c '
    free_kb() { while read -r name value unit; do [ "$name" = MemFree: ] && echo $value; done < /proc/meminfo; }
    churn() { i=0; while [ $i -lt $1 ]; do (:); true | cat | cat > /dev/null; x=$(echo $i); i=$((i + 1)); done; }
    churn 10
    spawnbench -n 5 -m 1 > /dev/null
    before=$(free_kb)
    churn 50
    spawnbench -n 20 -m 1,4 > /dev/null || echo spawnbench failed
    after=$(free_kb)
    echo lost $((before - after)) kB'
is 'status' "$status" 0
lost=$(sed -n 's/lost \(-*[0-9]*\) kB/\1/p' <<< "$out")
ok "lost ${lost:-?} kB of memory" [ "${lost:-99999}" -lt 200 ]
unlike 'spawnbench works' "$out" 'failed'
done_testing
