#!/bin/bash
# The vfork protocol holds in all interleavings, and each of its parts is needed.
# limit: 300
. tests/model/lib.sh
model=vfork

holds 'one vfork, a SIGKILL'
holds 'two vforks by the same parent' -DTWO
holds 'another thread calls exec, exit_group or exit' -DSIBLING

fails 'without vfork_lock a parent is used that is gone' 'violated .*(freed|task_lock)' -DNO_VFORK_LOCK
fails 'without a reference the parent looks at a child that is gone' 'freed\[c' -DNO_CHILD_REF
fails 'without the token a wake-up is lost' 'invalid end state' -DNO_TOKEN
fails 'a wake before the link is cleared is lost' 'invalid end state' -DWAKE_FIRST
fails 'who looks for signals before it says so cannot be killed' 'invalid end state' -DFLAGS_LATE
fails 'who does not look again goes on too early' 'violated' -DNO_RECHECK
fails 'a killed parent that leaves the link is touched' 'gave_up|freed' -DNO_KILLED_CLEAR
fails 'clear_child_tid after the release is too late' 'returned' -DCLEAR_TID_LATE
fails 'a release before CR3 is loaded is too early' 'left_mm' -DRELEASE_EARLY
fails 'the old memory may not be dropped before CR3 is loaded' 'cr3' -DPUT_EARLY
fails 'a link in the parent outlives its vfork' 'left_mm|freed|task_lock' -DTWO -DNO_KILLER -DLINK_IN_PARENT
done_testing
