#!/bin/bash
# limit: 200
# The end of a piped input ends who reads it, in any mode: the shell, and without a COMMAND
# the machine, with the shell's status.  Whoever does not read goes on.
# not on qemu: its serial line has no carrier to lose
. tests/vm/lib.sh
need_kvm

# script TEXT STATUS NAME [ARG...]: what the machine gives to it
script()
{
    local text=$1 want=$2 name=$3
    shift 3
    limit=20 input=<(printf "$text") vm "$@"
    is "$name" "$status" "$want"
}

script 'echo hi\n' 0 'a shell as COMMAND' -- sh
like '... has run it' "$out" '^hi$'
script 'ls; exit 3\n' 3 'the login shell: its status'
script '' 0 'nothing at all'
script 'false' 1 'a last line without its newline'
script 'exec sh -c "exit 4"\n' 4 'a shell that became something else'
script 'kill -9 $$\n' 137 'a shell that was killed'
script 'exit 5\necho no\n' 5 'what follows exit is not run'
unlike '... is not' "$out" '^no'
script 'cat\nabc' 0 'a command of the shell reads the rest'
like '... all of it' "$out" '^abc'
script 'echo hi\n' 0 '/dev/null follows' -a 'init=/bin/sh'
limit=20 input=/dev/null vm
is '/dev/null, login shell' "$status" 0
limit=20 input=/dev/null vm -- sh
is '/dev/null, shell as COMMAND' "$status" 0
limit=20 input=<(printf 'exit 6\n'; sleep 5) vm
is 'the shell ends before its input does' "$status" 6
limit=20 input=<(sleep 2; echo 'sleep 1; exit 7') vm
is 'a slow script' "$status" 7

# A reader by bytes, one that waits for many, one that comes late, and one that comes again.
script 'abc' 0 'raw mode' -- sh -c 'stty raw -echo; cat | od -c | head -n 1'
like '... the bytes and no more' "$out" '0000000 +a +b +c *$'
script 'abc' 0 'raw mode, VMIN 100' -- sh -c 'stty raw -echo min 100; echo; dd bs=100 count=1 2> /dev/null | wc -c'
like '... what there is' "$out" '^3'
script 'a\nb\n' 0 'late and again' -- sh -c 'stty -echo; sleep 1; cat; cat; cat; echo after'
is '... and it goes on' "$(tail -n 3 <<< "$out" | tr '\n' ' ')" 'a b after '
seq 1 5000 > "$work/numbers"
limit=60 input=$work/numbers vm -- sh -c 'stty -echo; for i in 1 2 3; do read x; sleep 0.5; done; echo; md5sum'
like 'a slow reader of much loses nothing' "$out" "^$(tail -n +4 "$work/numbers" | md5sum)"
script '\023' 0 'output that Ctrl-S has stopped goes on' -- sh -c 'sleep 0.5; echo on'
like '... on' "$out" '^on'

# Another init: one that has more to do than a session on the console.
script 'exit 3\n' 9 'an init that goes on after a session' -a 'init=/bin/sh -- -c "setsid -c sh -i; echo then; exit 9"'
like '... goes on' "$out" '^then'
done_testing
