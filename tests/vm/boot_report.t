#!/bin/bash
# limit: 60
# --boot-report: JSON with the stages in their order; --stats: exits and hypercalls.
. tests/vm/lib.sh
need_kvm

vm --boot-report "$work/report.json" --stats -- sh -c 'echo up'
is 'status' "$status" 0
like '--stats names exits' "$err" '[Ee]xit'
stages=$(perl -MJSON::PP -0777 -ne 'my $r = decode_json($_);
    my ($list) = grep { ref eq "ARRAY" } values %$r;
    print join(" ", map { $_->{stage} // $_->{name} } @$list), "\n";' "$work/report.json" 2>&1)
like 'the stages are there in order' "$stages" \
    'vmm_start.*vm_created.*kernel_loaded.*first_run.*kernel_entry.*root_mounted.*init_exec.*first_user'

vm -v --boot-report "$work/report.svg" -- true
is 'status with a picture' "$status" 0
stages='vm_created kernel_loaded first_run kernel_entry paging memory cpus root_mounted init_exec
first_user_instruction command_exit'
for stage in $stages; do
    like "-v has a row for $stage" "$err" "^ +$stage +[0-9.]+ +[0-9.]+ +[0-9]+ +[0-9]+ +[0-9]+ +[0-9]+$"
done
# Bars follow each other without a gap, the first from 0, the last to the end.
picture=$(perl -0777 -ne 'print /^<svg.*<\/svg>\s*$/s ? "svg\n" : "no svg\n";
    my ($x, $gaps) = (190, 0);
    while (/<rect x="([\d.]+)" y="\d+" width="([\d.]+)"/g) {
        $gaps++ if abs($1 - $x) > 1.5;
        $x = $1 + $2;
        $bars++;
    }
    print "$bars bars, $gaps gaps, to ", int($x + 0.5), "\n";' "$work/report.svg")
is 'a picture: a bar a stage' "$picture" $'svg\n11 bars, 0 gaps, to 710'
done_testing
