#!/bin/bash
# limit: 60
# The clock is right within seconds, sleep 1 takes a second, uptime counts, and random
# numbers differ from boot to boot.
. tests/vm/lib.sh

before=$(date +%s)
vm -- sh -c 'date +%s; cat /proc/uptime; sleep 1; cat /proc/uptime; head -c 16 /dev/urandom | md5sum'
after=$(date +%s)
first=$out
now=$(sed -n 1p <<< "$out")
ok "date: $before <= $now <= $after" [ "${now:-0}" -ge $((before - 2)) -a "${now:-0}" -le $((after + 2)) ]
up=$(awk 'NR == 2 { a = $1 } NR == 3 { print int(($1 - a) * 10) }' <<< "$out")
ok "sleep 1: $up tenths of a second of uptime" [ "${up:-0}" -ge 10 -a "${up:-0}" -le 45 ]
vm -- sh -c 'date +%s; cat /proc/uptime; sleep 1; cat /proc/uptime; head -c 16 /dev/urandom | md5sum'
ok 'entropy differs' [ "$(sed -n 4p <<< "$out")" != "$(sed -n 4p <<< "$first")" ]
done_testing
