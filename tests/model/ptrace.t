#!/bin/bash
# A tracee's stop and how it ends hold in all interleavings, and each part is needed.
# limit: 120
. tests/model/lib.sh
model=ptrace

holds 'two stops, requests, SIGKILL to both'
holds 'a tracer that does nothing any more, and SIGKILL' -DIDLE

fails 'without the token a wake-up is lost' 'invalid end state' -DNO_TOKEN
fails 'who is not held leaves while its registers are used' 'violated' -DNO_HELD
fails 'a record freed under the tracee that reads it' 'violated' -DFREE_ALWAYS
fails 'who is let go and not woken stays' 'invalid end state' -DNO_UNLINK_WAKE
fails 'a tracer that ends without letting go leaves it stuck' 'invalid end state' -DNO_LEAVE
fails 'killed while held, and not woken after that' 'invalid end state' -DIDLE -DNO_LET_WAKE
fails 'a SIGKILL at the stop for EXIT is not heeded' 'invalid end state' -DIDLE -DNO_EXIT_KILL
done_testing
