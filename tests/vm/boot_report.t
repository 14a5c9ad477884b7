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
done_testing
