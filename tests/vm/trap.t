#!/bin/bash
# limit: 120
# not on nested, qemu: docs/trace.md has what was measured there
# What --audit=trap has to deal with: page tables in a read-only memslot cannot be walked, or what the VMM
# stores there is not seen by programs before the slot is made anew.  Where that changes, this fails.
. tests/vm/lib.sh
need_kvm

trap_() { timeout -k 2 $((30 * slow)) "$O/tests/vm/trap" "$@" 2>&1; }

for kind in changes appears; do
    like "$kind, an ordinary slot: nothing is trapped, all is seen" "$(trap_ $kind rw)" \
        '^40 reads, 0 stores trapped, 0 old translations used, 0 needless faults'
    like "$kind, a read-only one: programs use what is gone" "$(trap_ $kind ro)" \
        '^cannot: exit [0-9]+$|^stuck: |^40 reads, [0-9]+ stores trapped, [1-9][0-9]* old translations used'
    like "$kind, made anew after each store: they do not" "$(trap_ $kind again)" \
        '^cannot: exit [0-9]+$|^40 reads, (39|79) stores trapped, 0 old translations used'
done
done_testing
