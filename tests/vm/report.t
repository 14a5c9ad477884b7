#!/bin/bash
# limit: 200
# vmm-trace report: the page that it writes, in a headless Chromium, shows what the commands say,
# with the mouse and without; what a guest calls its programs stays text; two traces in one page.
# not on nested, qemu: the page is the same wherever the trace is from
. tests/vm/lib.sh
need_kvm

trace() { local dir=$1; shift; vm -q -t "$dir" --audit=final -- sh -c "$*" || true; [ "$status" -eq 0 ] || { echo "Bail out! no trace: $err"; exit 1; }; }
report() { "$O/vmm-trace" report "$@" 2> "$work/err" || { echo "Bail out! no report: $(cat "$work/err")"; exit 1; }; }
of()                            # of SCRIPT NAME ARGUMENT...: its TAP, as a part of ours
{
    local name=$2 script=$1
    shift 2
    node "tests/report/$script.js" "$@" > "$work/tap" 2>&1
    local code=$?
    sed 's/^/    /' "$work/tap"
    [ $code -eq 0 ] && grep -q '^1\.\.[1-9]' "$work/tap" && ! grep -q '^not ok' "$work/tap"
    result $? "$name"
}

trace "$work/one" 'forkdemo; vforkdemo; ls / | head -n 1'
report "$work/one" -o "$work/one.html"
of page 'a page shows its trace' "$work/one" "$work/one.html"

trace "$work/hostile" 'ln -s /bin/busybox "/tmp/<b>bold"; ln -s /bin/forkdemo "/tmp/$(printf "a\342\200\250\377b")"
    "/tmp/<b>bold"; "/tmp/$(printf "a\342\200\250\377b")"; forkdemo "</script><img src=x onerror=window.hacked=1>"; exit 0'
report "$work/hostile" -o "$work/hostile.html"
is 'nothing ends a script that the page did not begin' "$(grep -o '</script' "$work/hostile.html" | wc -l)" "$(grep -o '<script' "$work/hostile.html" | wc -l)"
of hostile 'names are text' "$work/hostile.html"

trace "$work/other" 'vforkdemo; spawnbench -n 2 -m 1 fork vfork'
report "$work/one" "$work/other" -o "$work/two.html"
of two 'two traces in one page' "$work/one" "$work/other" "$work/two.html"

# --- what can go wrong ---
"$O/vmm-trace" report "$work/nowhere" -o "$work/x.html" > /dev/null 2> "$work/err"
is 'no such trace: status' $? 2
"$O/vmm-trace" report "$work/one" -o "$work/no/such/place.html" 2> "$work/err"
is 'no such place: status' $? 2
like '... and a line' "$(cat "$work/err")" 'cannot write .*/no/such/place.html: No such file'
"$O/vmm-trace" report "$work/one" > /dev/full 2> "$work/err"
is 'a full disk: status' $? 2
is 'without -o it goes to stdout, byte for byte' "$("$O/vmm-trace" report "$work/one" | cksum)" "$(cksum < "$work/one.html")"
done_testing
