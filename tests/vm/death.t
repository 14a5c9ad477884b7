#!/bin/bash
# limit: 60
# A machine that dies says why, with status 255: registers, instruction, symbol.
. tests/vm/lib.sh
need_kvm

vm -a 'init=/etc/passwd'
is 'no program as init: the kernel gives up' "$status" 255
ok 'and says so' [ -n "$err" ]
done_testing
