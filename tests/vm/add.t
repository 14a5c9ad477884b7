#!/bin/bash
# limit: 90
# --add brings files, trees and dynamically linked programs with their libraries.
. tests/vm/lib.sh
need_kvm

mkdir -p "$work/tree/sub"
echo hello > "$work/tree/file"
seq 5000 > "$work/tree/sub/numbers"
ln -s sub/numbers "$work/tree/link"
chmod 750 "$work/tree/sub"
sum=$(md5sum < "$work/tree/sub/numbers")
vm --add "$work/tree:/data" -- sh -c 'cat /data/file; md5sum < /data/link; stat -c %a /data/sub'
is 'a tree' "$out" "$(printf 'hello\n%s\n750' "$sum")"
vm --add "$work/tree/file:/etc/added" --add Makefile -- sh -c 'cat /etc/added'
is 'a file, twice' "$out" hello
vm --add /usr/bin/factor:/usr/local/bin/gfactor -- gfactor 1001
is 'a dynamically linked program' "$out" '1001: 7 11 13'
bash=$(command -v bash)
vm --add "$bash" -- "$bash" -c 'echo $BASH; [ ! -e /bash ]'
is 'without GUEST: a program stays where it is' "$status$out" "0$bash"
vm --add "$work/tree/" -- cat "$work/tree/file" "$work/tree/link"
is '... and a tree' "$(head -n 2 <<< "$out")" "$(printf 'hello\n1')"
for root in : :/; do
    vm --add "$work/tree/file$root" --add "$work/tree/sub:" -- sh -c 'cat /file; ls /sub'
    is "FILE$root is for the root" "$out" "$(printf 'hello\nnumbers')"
done
vm --add "$work/tree:/data" -- sh -c 'echo more >> /data/file; cat /data/file; rm -r /data; ls /data'
like 'added files can change' "$out" more
is 'the host has its own' "$(cat "$work/tree/file")" hello
done_testing
