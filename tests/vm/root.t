#!/bin/bash
# limit: 120
# --root DIR: the tree is there as it is, changes stay in the guest, and starting goes with neither
# size nor, much, number of files.
. tests/vm/lib.sh
need_kvm

tree=$work/tree
mkdir -p "$tree"/{bin,etc,data/deep,usr/bin}
cp "$(command -v busybox)" "$tree/bin/busybox"
for a in sh ls cat stat ln rm mv mkdir id pwd find wc chmod md5sum dd cp rmdir seq sort uniq; do ln -s busybox "$tree/bin/$a"; done
printf 'root:x:0:0::/root:/bin/sh\njoe:x:1000:1001::/home/joe:/bin/sh\n' > "$tree/etc/passwd"
printf 'root:x:0:\nwheel:x:10:ann,joe\nstaff:x:50:\n' > "$tree/etc/group"
head -c 1000001 /dev/urandom > "$tree/data/large"
echo first > "$tree/data/one"
ln "$tree/data/one" "$tree/data/two"
ln "$tree/data/one" "$tree/data/deep/three"
: > "$tree/data/empty"
ln -s ../../../../etc/passwd "$tree/data/link"
chmod 6751 "$tree/usr/bin"
mkfifo "$tree/data/fifo"
touch -d '2001-02-03 04:05:06.789' "$tree/data/empty"
for i in $(seq 300); do echo "$i" > "$tree/data/deep/file$i"; done
sum=$(md5sum < "$tree/data/large")

# --- as it is ---
look='cd /data; for f in $(find . | sort) ../usr/bin; do stat -c "%n %f %u %g %s %h %Y" $f; done; cat link; md5sum < large'
there=$(cd "$tree/data" && for f in $(find . | sort) ../usr/bin; do
    [ -d "$f" ] && stat -c '%n %f %u %g' "$f" || stat -c '%n %f %u %g %s %h %Y' "$f"; done
    cat "$tree/etc/passwd"; md5sum < "$tree/data/large")
look=${look/stat -c/[ -d \$f -a ! -L \$f ] \&\& stat -c '"%n %f %u %g"' \$f || stat -c}
vm --root "$tree" -- sh -c "$look"
is 'names, modes, owners, sizes, links, times and contents are the tree'\''s' "$out" "$there"

# Many files with several names each, looked up in any order.
for i in $(seq 40); do echo "$i" > "$tree/usr/x$i"; ln "$tree/usr/x$i" "$tree/usr/y$i"; ln "$tree/usr/x$i" "$tree/usr/z$i"; done
vm --root "$tree" -- sh -c 'cd /usr; for i in $(seq 40); do for n in z x; do read -r v < $n$i && [ $v = $i ] || echo bad $n$i; done; echo $i$i > x$i; done
    for i in $(seq 40); do read -r v < y$i; [ $v = $i$i ] || echo bad y$i; done; stat -c %i x* y* z* | sort | uniq -c | sort | uniq -w 8 -c | cat'
is 'hard links are one file each' "$(tr -s ' ' <<< "$out" | cut -d' ' -f2,3)" '40 3'
rm "$tree"/usr/[xyz]*

# --- changes stay in the guest ---
vm --root "$tree" -- sh -c 'cd /data; echo more >> two; cat one deep/three; rm one; stat -c %h two
    echo x | dd of=large bs=1 seek=500000 conv=notrunc 2>&1 | wc -l; md5sum < large > /tmp.sum; md5sum large | wc -l
    mv deep/file7 seven; cat seven; ls deep | wc -l; rm -r deep; ls -1; rmdir /usr/bin && ls /usr | wc -l
    mkdir deep; ls deep | wc -l'
is 'names and contents change' "$out" "$(printf '%s\n' first more first more 2 2 1 7 300 \
    empty fifo large link seven two 0 0)"
is '... and the host'\''s do not' "$(cat "$tree/data/one"; md5sum < "$tree/data/large"; ls "$tree/data/deep" | wc -l)" \
    "$(printf 'first\n%s\n301' "$sum")"
vm -m 32M --root "$tree" -- sh -c 'dd if=/dev/zero of=/full bs=65536; cat /data/one'
like 'a full machine says so' "$err$out" 'No space left on device'
like '... and goes on' "$out" '^first$'

# --- the command ---
vm --root "$tree" --env 'A=b c' --env PATH=/data:/bin --workdir /etc --user joe --hostname box -- \
    sh -c 'echo "$A"; pwd; id; echo $HOME; cat /proc/sys/kernel/hostname; exit 9'
is 'environment, directory, user and name' "$status $out" "$(printf '9 b c\n/etc\nuid=1000(joe) gid=1001 groups=10(wheel),1001\n/home/joe\nbox')"
vm --root "$tree" --user 7:staff -- id
is 'a user by number, a group by name' "$out" 'uid=7 gid=50(staff) groups=50(staff)'
vm --root "$tree" --user nobody -- id
is 'no such user: 125' "$status" 125
vm --root "$tree" --workdir /nowhere -- id
is 'no such directory: 125' "$status" 125
vm --root "$tree" -- nothing
is 'not found: 127' "$status" 127
vm --root "$tree" --add "$tree/data/one:/data/added" --add "$tree/data/large:/data/two" -- \
    sh -c 'cat /data/added /data/one; md5sum < /data/two; ls /data | wc -l'
is '--add works on top' "$out" "$(printf 'first\nfirst\n%s\n8' "$sum")"
printf '#!/bin/sh\necho own init; exec sh\n' > "$tree/init"
chmod 755 "$tree/init"
echo 'exit 6' > "$work/input"
input=$work/input vm --root "$tree"
like 'without COMMAND the tree'\''s own init runs' "$out" '^own init$'

# --- a file that becomes shorter on the host ---
for ring in 0 3; do
    cp "$O/tests/vm/shrunk" "$tree/bin/"
    head -c 200000 /dev/urandom > "$tree/data/cut"
    rm -f "$work/go"
    mkfifo "$work/go"
    timeout -k 5 $((30 * slow)) "$O/vmm" --kernel-ring $ring --root "$tree" "$KERNEL" -- shrunk /data/cut \
        < "$work/go" > "$work/shrunk" 2> "$work/shrunk.err" &
    exec 7> "$work/go"
    for _ in $(seq 300); do grep -q ready "$work/shrunk" && break; sleep 0.05; done
    truncate -s 5000 "$tree/data/cut"
    echo >&7
    exec 7>&-
    wait $!
    is "ring $ring: a file cut by the host: the machine goes on" $? 0
    is '... with EIO and SIGBUS for what is lost' "$(tr -d '\r' < "$work/shrunk" | grep :)" \
        "$(printf 'lost: I/O error\nleft: 4096\nload: SIGBUS')"
    like '... and a line' "$(cat "$work/shrunk.err")" 'became shorter while the VM ran'
done
rm "$tree/data/cut"

# --- refused ---
for bad in "$work/nothing" "$tree/data/fifo"; do
    vm --root "$bad" -- sh
    is 'what is no tree is refused in a line' "$status $(wc -l <<< "$err")" '125 1'
done
deep=$work/abyss
mkdir "$deep"
(cd "$deep" && for _ in $(seq 210); do mkdir d && cd d; done)
vm --root "$deep" -- sh
is 'so is one that is too deep' "$status $(wc -l <<< "$err")" '125 1'

# --- traced ---
vm -c 2 -t "$work/trace" --audit=final --root "$tree" -- sh -c 'for i in 1 2 3; do cp /data/large /data/l$i & done; wait; ls /data | wc -l'
is 'traced on two CPUs' "$status $out" '0 10'
like '... the audit agrees' "$err" ' 0 violations'
"$O/vmm-trace" lint "$work/trace" > "$work/lint"
is '... and so does lint' $? 0

# --- many files ---
many=$work/many
mkdir -p "$many/bin"
cp "$tree/bin/busybox" "$many/bin/sh"
perl -e 'for my $d (0 .. 299) { mkdir "$ARGV[0]/$d"; for my $f (0 .. 99) {
    open my $h, ">", "$ARGV[0]/$d/$f"; print $h "x" x 100; truncate $h, 35000 } }' "$many"
now() { date +%s%N; }
best=0 bare=0
for n in 1 2 3 4 5 6 7 8 9; do                  # the best of both, side by side; more of them where others keep the host busy
    [ $n -le 3 ] || [ $best -gt $((2 * bare)) ] || break
    a=$(now)
    perl -e 'my @s; for my $d (0 .. 299) { for my $f (0 .. 99) { open my $h, "<", "$ARGV[0]/$d/$f"; @s = stat $h } }' "$many"
    b=$(now)
    /usr/bin/env time -f %M -o "$work/rss" "$O/vmm" --root "$many" "$KERNEL" -- sh -c 'exit 3' < /dev/null
    is 'a tree of 30,000 files of 1 GB' $? 3
    c=$(now)
    [ $bare -eq 0 ] || [ $((b - a)) -lt $bare ] && bare=$((b - a))
    [ $best -eq 0 ] || [ $((c - b)) -lt $best ] && best=$((c - b))
done
echo "# $((best / 1000000)) ms, to open them takes Perl $((bare / 1000000)) ms; $(tail -n 1 "$work/rss") KB"
ok 'is there in at most twice the time that a script takes to open them' [ "$best" -le $((2 * bare)) ]
ok 'with at most 60 MB in memory' [ "$(tail -n 1 "$work/rss")" -le 61440 ]
done_testing
