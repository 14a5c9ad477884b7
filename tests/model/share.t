#!/bin/bash
# Shared page tables: nobody sees another's writes, nothing is used after it is free, nothing is left.
# limit: 300
. tests/model/lib.sh
model=share

holds 'three address spaces, two things each'
holds 'two, three things each' -DNU=2 -DOPS=3

fails 'who has a table with others must not write it' 'assertion violated' -DKEEP_ALWAYS
fails 'the last user has to know that copies were made' 'assertion violated' -DNO_COPIED
fails '... before the copier leaves' 'assertion violated' -DCOPIED_LATE
fails 'a copy counts its frames' 'assertion violated' -DCOPY_WITHOUT_COUNT
fails '... and has no W' 'assertion violated' -DCOPY_KEEPS_W
fails 'two that leave at once are told apart' 'assertion violated|invalid end state' -DLEAVE_IN_TWO_STEPS
fails 'the parent forgets that it could write' 'assertion violated' -DNO_FLUSH_AT_FORK
fails 'who goes to a copy forgets the old table first' 'assertion violated' -DNO_FLUSH_AT_COPY
fails 'so does who leaves' 'assertion violated' -DNO_FLUSH_AT_LEAVE
done_testing
