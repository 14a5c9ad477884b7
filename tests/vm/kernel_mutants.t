#!/bin/bash
# limit: 400
# Each fault that is put into the kernel on purpose is named: by the check of lint that is about it,
# or by the audit.  (guest/mm/mutant.h; what nothing can see is at the end.)
. tests/vm/lib.sh
need_kvm
KERNEL=$O/guest-locks.elf

options=
mutant()                        # mutant NAME COMMAND: sets $status, $err, and the checks that fail
{
    rm -rf "$work/trace"
    vm -q $options -a "debug.mutant=$1 trace.syscalls=1" -t "$work/trace" --audit=dirty \
        --add "$O/tests/vm/prey:/prey" -- sh -c "$2"
    failed=$("$O/vmm-trace" lint "$work/trace" 2> /dev/null | awk '$2 == "FAIL" { print $1 }' | tr '\n' ' ')
}

by_lint()                       # by_lint NAME CHECK COMMAND
{
    mutant "$1" "$3"
    like "$1: lint's $2 fails" " $failed" " $2 "
}

by_audit()                      # by_audit NAME: during the run
{
    mutant "$1" 'forkdemo > /dev/null'
    is "$1: the audit's status" "$status" 125
    like '... it says which entry, what it should be and what it is' "$err" \
        '^audit: guest memory differs from the trace: mm [0-9]+ table 0x[0-9a-f]+ \(PTE\) index [0-9]+ va 0x[0-9a-f]+ expected P.*, found P'
    like '... and when it saw that' "$err" '^audit:   seen at a TLB flush of vCPU 0, after event [0-9]+, '
}

forks='forkdemo > /dev/null; sleep 1.2'
mutant none "$forks; /prey"
is 'without a fault: status, the audit'"'"'s included' "$status" 0
is '... and no check fails' "$failed" ''
by_lint cow_no_flush C3 "$forks"
by_lint fork_keeps_w F2 "$forks"
by_lint fork_swaps_frames F1 "$forks"
by_lint writable_exec E4 "$forks"
by_lint table_leaked X1 "$forks"
by_lint munmap_leaves_one M1 /prey
by_lint table_freed_early M3 /prey
by_lint store_unreported T1 "$forks"
shares='/prey shared; sleep 1.2'
mutant none "$shares"
is 'shared tables without a fault: status, and no check fails' "$status$failed" 0
by_lint share_no_flush F4 "$shares"
by_lint share_keeps_w M6 "$shares"
by_lint unshare_keeps_w S2 "$shares"
by_lint unshare_drops_one S2 "$shares"
by_lint unshare_unmarked F2 "$shares"
by_lint shared_leaked S3 "$shares"
huge='/prey huge; sleep 1.2'
mutant none "$huge"
is 'huge pages without a fault: status, and no check fails' "$status$failed" 0
by_lint split_drops_one H1 "$huge"
by_lint split_no_flush H2 "$huge"
by_lint huge_keeps_w F2 "$huge"
# What is in frames: the VMM looks, and lint compares.
options=--trace-contents
mutant none "$forks; /prey huge"
is 'contents without a fault: status, and no check fails' "$status$failed" 0
unlike '... lint has looked at them' "$("$O/vmm-trace" lint "$work/trace")" 'not checked: contents'
for kind in 'from_pfn=0x[0-9a-f]+ .* pages=1 ' 'from_pfn=0 .* pages=1 ' 'from_pfn=0 .* pages=512 .*to_hash=0$'; do
    like '... copies, fresh pages, huge ones' "$("$O/vmm-trace" print --event contents "$work/trace")" "$kind"
done
by_lint cow_copies_wrong C2 "$forks"
by_lint zeroes_all_but_one C4 "$forks"
options=
mutant cow_copies_wrong "$forks"
is 'without --trace-contents nobody sees that' "$status$failed" 0
like '... as lint says' "$("$O/vmm-trace" lint "$work/trace")" 'not checked: contents; record with vmm --trace-contents'
vm -q -t "$work/no" --kernel-ring=3 --trace-contents -- true
like 'contents are told from ring 0 only' "$status $err" '^125 vmm: --trace-contents needs the kernel in ring 0'
vm -q --trace-contents -- true
like '... and into a trace' "$status $err" '^125 vmm: --trace-contents needs a trace; add --trace DIR'
by_audit store_unreported
by_audit report_not_stored
by_audit wrong_until_flush
is '... which nothing else sees: lint' "$failed" ''
like '... the comparison at the end' "$err" '^audit: final: .* 0 violations$'

# No event and no comparison between the wrong store and the right one: nobody can tell.
mutant wrong_for_a_moment 'forkdemo > /dev/null'
is 'a wrong entry that nothing was reported after is not seen' "$status$failed" 0
vm -q -a debug.mutant=no_such_thing -- true
is 'an unknown mutant is no mutant' "$status" 255
done_testing
