#!/bin/bash
# limit: 120
# The clock is right within seconds, sleeping takes as long as it should, the guest's clocks run
# as fast as the host's, and random numbers differ from boot to boot.
. tests/vm/lib.sh

before=$(date +%s)
vm -- sh -c 'date +%s; head -c 16 /dev/urandom | md5sum'
after=$(date +%s)
first=$out
now=$(sed -n 1p <<< "$out")
ok "date: $before <= $now <= $after" [ "${now:-0}" -ge $((before - 2)) -a "${now:-0}" -le $((after + 2)) ]
vm -- sh -c 'date +%s; head -c 16 /dev/urandom | md5sum'
ok 'entropy differs' [ "$(sed -n 2p <<< "$out")" != "$(sed -n 2p <<< "$first")" ]

# The host stamps each line as it arrives.  Late arrivals count for both ends alike, on average,
# and the interval is long enough for a difference in them to matter little.
stamped() { perl -MTime::HiRes=time -ne 'BEGIN { $| = 1 } printf "%.2f %s", time, $_'; }
filter=stamped
vm -- sh -c 'up() { read -r up rest < /proc/uptime; echo "$1" $up; }
    up start; sleep 1; up slept; sleep 5; up end'
ok "sleep 1: $(awk '/start/ { a = $3 } /slept/ { print $3 - a }' <<< "$out") s by the guest's clock" \
    awk '/start/ { a = $3 } /slept/ { exit !($3 - a >= 0.99 && $3 - a < 20) }' "$work/out"
clocks=$(awk '/start/ { a = $1; b = $3 } /end/ { printf "%d %d\n", ($1 - a) * 100, ($3 - b) * 100 }' <<< "$out")
read -r host_time guest_time <<< "${clocks:-0 0}"
ok "six seconds: $host_time and $guest_time hundredths by the host's and the guest's clock" \
    [ "$guest_time" -ge 598 -a $((guest_time * 10)) -ge $((host_time * 8)) \
    -a $((guest_time * 8)) -le $((host_time * 10)) ]
done_testing
