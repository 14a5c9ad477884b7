#!/bin/bash
# limit: 60
# tcsetpgrp(3): which numbers may be the foreground group, and what the others are refused with, as
# Linux does (tests/vm/foreground.c on a pseudo-terminal there says the same).
. tests/vm/lib.sh
need_kvm

vm --add "$O/tests/vm/foreground:/foreground" -- /foreground
is 'what each is answered' "$out" "$(printf '%s\n' 'nobody: No such process' 'too large: No such process' \
    'negative: Invalid argument' 'another session: Operation not permitted' \
    'a process that leads no group: done' 'its own: done')"
done_testing
