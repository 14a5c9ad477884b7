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

# A tree as distributions have it: /lib and /lib64 lead to /usr, a library that the host has not, a loader of its own.
tree=$work/system lib=$work/system/usr/lib/x86_64-linux-gnu
mkdir -p "$lib" "$tree/usr/lib64" "$tree/usr/bin" "$tree/opt/own" "$tree/etc"
ln -s usr/lib "$tree/lib"; ln -s usr/lib64 "$tree/lib64"; ln -s usr/bin "$tree/bin"
cp -L /lib64/ld-linux-x86-64.so.2 "$lib/ld-linux-x86-64.so.2"; printf own >> "$lib/ld-linux-x86-64.so.2"
ln -s ../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 "$tree/usr/lib64/ld-linux-x86-64.so.2"
cp -L /lib/x86_64-linux-gnu/libc.so.6 "$lib/libc.so.6"; printf own >> "$lib/libc.so.6"
echo 'int answer(void) { return 42; }' > "$work/answer.c"
echo 'int answer(void); int main(void) { return answer(); }' > "$work/ask.c"
gcc -shared -fPIC -o "$lib/libanswer.so" "$work/answer.c"
gcc -o "$tree/usr/bin/ask" "$work/ask.c" -L"$lib" -lanswer
gcc -shared -fPIC -o "$tree/opt/own/libfar.so" "$work/answer.c"
gcc -o "$tree/usr/bin/ask-far" "$work/ask.c" -L"$tree/opt/own" -lfar -Wl,-rpath,/opt/own
vm --add "$tree:/" -- sh -c 'ask; echo $?; ask-far; echo $?'
is 'a tree has its own libraries, also by an rpath' "$out" "$(printf '42\n42')"
sum() { md5sum < "$lib/$1" | cut -d" " -f1; }
theirs='md5sum /usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 /lib/x86_64-linux-gnu/libc.so.6 | cut -d" " -f1; ls -l /lib64 | grep -c "lib64 -> usr/lib64"'
vm --add "$tree:/" --add /usr/bin/factor -- sh -c "$theirs; factor 15"
is "... and the host's stay out, whoever needs them" "$out" "$(sum ld-linux-x86-64.so.2; sum libc.so.6; printf '1\n15: 3 5')"
rm "$lib/libanswer.so"
vm --add "$tree:/" -- sh -c 'ask-far; echo $?'
is 'a program of a tree that lacks a library does not keep the others back' "$status$out" 042
like '... and is named' "$err" "vmm: $tree/usr/bin/ask: cannot find libanswer.so, and goes without"
vm --add "$tree/usr/bin/ask" -- true
is '... but is refused by itself' "$status" 125

# On top of --root, which has libraries, too: they stay, and its directories stay what they are.
mkdir -p "$tree/proc" "$tree/dev" "$tree/root" "$tree/etc"
chmod 700 "$tree/root"
for tool in bash md5sum stat ls cut grep; do
    cp -L "$(command -v $tool)" "$tree/usr/bin/"
    ldd "$tree/usr/bin/$tool" | grep -o '/[^ ]*' | while read -r file; do
        [ -e "$lib/${file##*/}" ] || cp -L "$file" "$lib/"
    done
done
vm --root "$tree" --add Makefile:/root/ --add "$(command -v factor):/bin/factor" -- /bin/bash -c \
    "$theirs; /usr/bin/factor 15; stat -c %a /root /root/Makefile"
is 'a root keeps its libraries under what is added' "$out" \
    "$(sum ld-linux-x86-64.so.2; sum libc.so.6; printf '1\n15: 3 5\n700\n644')"
done_testing
