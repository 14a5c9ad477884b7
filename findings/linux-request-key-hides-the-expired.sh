#!/bin/bash
# Linux 6.18, keyutils 1.6.3: request_key(2) does not say that a key has expired, though it says that one was revoked.
#
# Guess: a key of that type and name is in the caller's ring, and its time is over.  keyctl_read and keyctl_search say
# EKEYEXPIRED, request_key(2) lists EKEYEXPIRED ("an expired key was found, but no replacement could be obtained"), and with
# a revoked key it says EKEYREVOKED; so with an expired one, and nobody who could make another, it says EKEYEXPIRED.
# Found: ENOKEY, as if there had never been one.  The search of request_key leaves expired keys out (it is about to ask for a
# new one), and the answer is then that of the asking; revoked ones it does not leave out.  A program that treats
# "expired" and "never there" differently has to search first.
. "$(dirname "$0")/lib.sh"
need keyutils=1.6.3-2 libkeyutils1=1.6.3-2

keyctl=$(find root -type f -name keyctl)
[ ! -e /sbin/request-key ] || { echo 'this host has a program that makes keys that are asked for' >&2; exit 2; }

# In a session ring of its own, which goes with it.
cat > asks.sh <<'S'
id=$("$1" add user forkscope:expired payload @s)
"$1" timeout "$id" 1
while "$1" print "$id" > printed 2>&1; do :; done
for what in "print $id" "search @s user forkscope:expired" "request user forkscope:expired"; do
    echo "${what%% *}: $("$1" $what 2>&1 | sed 's/.*: //')"
done > expired
id=$("$1" add user forkscope:revoked payload @s)
"$1" revoke "$id"
for what in "search @s user forkscope:revoked" "request user forkscope:revoked"; do
    echo "${what%% *}: $("$1" $what 2>&1 | sed 's/.*: //')"
done > revoked
S
timeout 20 "$keyctl" session - sh asks.sh "$keyctl" > session 2>&1 || { cat session >&2; exit 2; }
echo "kernel: $(uname -r)"

same 'revoked' "$(paste -sd';' revoked)" 'search: Key has been revoked;request: Key has been revoked'
same 'expired' "$(paste -sd';' expired)" 'print: Key has expired;search: Key has expired;request: Required key not available'
