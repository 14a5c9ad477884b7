#!/bin/bash
# limit: 60
# A pipe works as stdin: the shell reads its commands from it, end of file ends it.
. tests/vm/lib.sh

printf 'echo one\necho two | tr a-z A-Z\nexit 4\n' > "$work/script"
input=$work/script vm -- sh
is 'status' "$status" 4
like 'output' "$out" '^TWO$'
printf 'poweroff\n' > "$work/script"
input=$work/script vm
is 'poweroff from the login shell' "$status" 0
done_testing
