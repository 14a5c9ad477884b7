#!/bin/bash
# limit: 200
# vmm-trace report: the page that it writes, in a headless Chromium, shows what the commands say,
# with the mouse and without; what a guest calls its programs stays text; two traces in one page.
# not on nested, qemu: the page is the same wherever the trace is from
. tests/vm/lib.sh
need_kvm

make --no-print-directory -s O="$O" "$O/tests/abi/thread_exec" || exit 1
trace() { local dir=$1; shift; vm -q -t "$dir" --audit=final --add "$O/tests/abi/thread_exec:/bin/thread_exec" -- sh -c "$*" || true; [ "$status" -eq 0 ] || { echo "Bail out! no trace: $err"; exit 1; }; }
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

trace "$work/one" 'forkdemo; vforkdemo; thread_exec; ls / | head -n 1'
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

# --- traces that are not as they should be ---
for old in tests/data/trace-*.tar.xz; do
    name=$(basename "$old" .tar.xz)
    mkdir "$work/$name"
    tar -C "$work/$name" -xJf "$old"
    report "$work/$name/trace" -o "$work/$name.html"
done
cp -r "$work/one" "$work/empty"
: > "$work/empty/cpu0"
report "$work/empty" -o "$work/empty.html"
cp -r "$work/one" "$work/broken"
head -c 500 /dev/zero | tr '\0' '\377' | dd of="$work/broken/cpu0" bs=1 seek=20000 conv=notrunc status=none
"$O/vmm-trace" report "$work/broken" -o "$work/broken.html" 2> "$work/err"
is 'a trace that breaks off: status' $? 2
like '... and a line' "$(cat "$work/err")" 'what comes after it in this stream is not read'
# An entry that nobody wrote: one bit of a "new" in the middle, by the first cow_break's bytes.
cp -r "$work/one" "$work/wrong"
perl -e 'local $/; open my $f, "+<:raw", $ARGV[0] or die; my $b = <$f>; my $n = 0;
    while ($b =~ /\x01\x07(.{8})(.{8})/gs) {      # level PTE, reason cow_break, old, new
        my $new = unpack "Q<", $2; next unless $new & 1 && $new & 2 && ($new >> 63); next unless ++$n == 5;
        seek $f, $-[2] + 2, 0; print $f chr(ord(substr $2, 2, 1) ^ 1); last }' "$work/wrong/cpu0"
report "$work/wrong" -o "$work/wrong.html"
of opens 'such traces are shown, too' "$work"/trace-*.html "$work/empty.html" "$work/broken.html" "$work/wrong.html"

# --- what can go wrong ---
"$O/vmm-trace" report "$work/nowhere" -o "$work/x.html" > /dev/null 2> "$work/err"
is 'no such trace: status' $? 2
"$O/vmm-trace" report "$work/one" -o "$work/no/such/place.html" 2> "$work/err"
is 'no such place: status' $? 2
like '... and a line' "$(cat "$work/err")" 'cannot write .*/no/such/place.html: No such file'
"$O/vmm-trace" report "$work/nowhere" -o "$work/one.html" 2> /dev/null
ok 'a page that is there stays until there is a new one' test -s "$work/one.html"
"$O/vmm-trace" report "$work/one" > /dev/full 2> "$work/err"
is 'a full disk: status' $? 2
is 'without -o it goes to stdout, byte for byte' "$("$O/vmm-trace" report "$work/one" | cksum)" "$(cksum < "$work/one.html")"
done_testing
