#!/bin/bash
# limit: 120
# --save and --out: what the guest has in its files when it ends, however it ends, is on the host
# afterwards, as it was; and nothing is, under its name, that is not whole.
. tests/vm/lib.sh
need_kvm
export XDG_CACHE_HOME=$work/cache

cd_back=$PWD
case $O in /*) ;; *) O=$PWD/$O ;; esac
case $KERNEL in /*) ;; *) KERNEL=$PWD/$KERNEL ;; esac
here=$work/here
mkdir "$here"
cd "$here" || exit 1
left() { find . -mindepth 1 -maxdepth 1 | sort | words; }
words() { tr '\n' ' ' | sed 's/ $//'; }
# Kind, mode, owner, size, names, link and contents of everything, as a guest sees it.
look='cd / && for f in $(find . -xdev | sort); do if [ -L $f ]; then stat -c "%N %u %g" $f; elif [ -d $f ]; then stat -c "%n %f %u %g %Y" $f
    elif [ -f $f ]; then stat -c "%n %f %u %g %h %s %t %T %Y" $f; md5sum < $f; else stat -c "%n %f %u %g %h %t %T %Y" $f; fi; done'
change='echo one > /tmp/one; ln /tmp/one /tmp/two; ln -s ../one /tmp/link; mkdir -p "/a b/c"; chmod 2751 "/a b"; chown 7:8 /tmp/one
    head -c 100001 /dev/urandom > /tmp/large; printf x | dd of=/tmp/holes bs=1 seek=3000000 2> /dev/null; truncate -s 1000000 /tmp/hole
    mkfifo /tmp/fifo; mknod /tmp/dev c 5 300; rm /bin/ps; mv /etc/passwd /etc/was; echo more >> /etc/group; touch -d "2001-02-03 04:05:06" /tmp/large; : > /tmp/empty
    rm -r "/a b/c"; cp /bin/busybox /tmp/copy; chmod 4755 /tmp/copy; ln -s /bin/busybox /usr/bin/added'

# --- the built-in image ---
vm --save built.tar -- sh -c "$change; $look; exit 7"
is 'the status is the command'\''s, and nothing is said' "$status$err" 7
there=$out
vm --root built.tar -- sh -c "$look"
own='^\./(dev|proc|sys) '  # other file systems are on these
is 'what was saved boots again, and is what was there' "$(grep -vE "$own" <<< "$out")" "$(grep -vE "$own" <<< "$there")"
like 'holes cost nothing' "$(stat -c %s built.tar)" '^[1-7]......$'
is 'GNU tar reads it' "$(tar tf built.tar | wc -l)" "$(vm --root built.tar -- find / -xdev; wc -l <<< "$out")"
is 'nothing else is left' "$(left)" './built.tar'

# --- a directory: names that nobody has looked up are in it, too ---
tree=$work/tree
mkdir -p "$tree"/{bin,data/deep,etc,proc,dev}
cp "$(command -v busybox)" "$tree/bin/busybox"
for a in sh cat ln rm mv echo true; do ln -s busybox "$tree/bin/$a"; done
for i in $(seq 100); do echo "$i" > "$tree/data/deep/$i"; done
ln "$tree/data/deep/1" "$tree/data/one"
ln "$tree/data/deep/1" "$tree/data/uno"
head -c 300000 /dev/urandom > "$tree/data/large"
printf 'n' > "$tree/data/n\303\244me"
printf 'n' > "$tree/data/"$'not\377utf'
perl -e 'mkdir $ARGV[0]; chdir $ARGV[0]; for (1 .. 20) { mkdir "d" x 200; chdir "d" x 200 } open my $h, ">", "end"' "$tree/long"
ln -s large "$tree/data/link"       # symlinks, FIFOs and devices with two names
ln "$tree/data/link" "$tree/data/deep/link"
mkfifo "$tree/data/fifo"
ln "$tree/data/fifo" "$tree/data/deep/fifo"
mknod "$tree/data/device" c 1 3 2> /dev/null && ln "$tree/data/device" "$tree/data/deep/device"
list() { (cd "$1" && find . -mindepth 1 -printf '%P %y %m %U %G %n %T@ %l\n' | grep -v ' d ' | sort; find . -type f -exec md5sum {} + | sort); }
vm --root "$tree" --save tree.tar -- true
mkdir all && tar xpf tree.tar -C all --numeric-owner
is 'an untouched tree comes back' "$status$err$(list all)" "0$(list "$tree")"
rm -r all
vm --root "$tree" --save tree.tar -- sh -c 'echo changed > /data/uno; rm /data/deep/7; mv /data/deep/9 /data/9; echo > /data/deep/new'
mkdir all && tar xpf tree.tar -C all
is 'a file is changed under all its names' "$(cat all/data/one all/data/deep/1; stat -c %h all/data/one)" "$(printf '%s\n' changed changed 3)"
is '... a name is gone, one moved, one new' "$(ls all/data/deep/{7,9,new} all/data/9 2> /dev/null | words)" 'all/data/9 all/data/deep/new'
rm -r all
vm --root tree.tar --no-cache --save tree.tar -- sh -c 'cat /data/one; echo second > /data/second'
is 'again and again, over itself' "$status $out $(tar xOf tree.tar data/second)" '0 changed second'

# --- extended attributes: of a directory, of a tar, of what the guest sets; seen in it, and saved ---
rm -rf ./*
own=("$O/tests/vm/xattrs")
cp "${own[@]}" "$tree/bin/xattrs"
"${own[@]}" -s user.a value "$tree/data/one"  # and with it deep/1, uno
"${own[@]}" -s user.b "$(head -c 3000 /dev/zero | tr '\0' x)" "$tree/data/one"
"${own[@]}" -s user.dir d "$tree/data/deep"
files='data/one data/deep/1 data/deep data/large bin/xattrs data/link data/deep/link data/fifo'
[ -c "$tree/data/device" ] && files="$files data/device data/deep/device"
for f in bin/xattrs data/link data/fifo data/device; do  # root alone may have these
    "${own[@]}" -s trusted.t "$f" "$tree/$f" 2> /dev/null || true
done
there=$(cd "$tree" && "${own[@]}" $files | sort)
[ "$(id -u)" != 0 ] || like 'a symlink gets an attribute' "$there" '^data/link trusted.t=9:'
vm --root "$tree" --save x.tar -- sh -c "cd /; xattrs $files | busybox sort"
is 'extended attributes of a directory are there' "$out" "$there"
mkdir all && tar --xattrs --xattrs-include='*' -xpf x.tar -C all
is '... and GNU tar finds them in what is saved' "$(cd all && "${own[@]}" $files | sort)" "$there"
rm -r all
vm --root x.tar --no-cache --save y.tar -- sh -c "cd /; xattrs $files | busybox sort; xattrs -s user.a changed /data/uno; xattrs -s user.new new /data/deep/5
    xattrs -s trusted.link l /bin/sh"
is '... of a tar, too' "$out" "$there"
vm --root y.tar --no-cache -- xattrs /data/one /data/deep/5 /bin/sh
is 'what the guest sets is saved, under all names of a file' "$(sed 's/:.*//' <<< "$out" | sort)" "$(printf '%s\n' '/bin/sh trusted.link=1' \
    '/data/deep/5 user.new=3' '/data/one user.a=7' '/data/one user.b=3000')"

# --- an ACL is left out, and with it what only it gave ---
echo x > "$tree/data/acl"
mkfifo "$tree/data/acl.fifo"
chmod 660 "$tree"/data/acl*
for f in acl acl.fifo; do
    perl -e 'my ($name, $acl) = ("system.posix_acl_access", pack "V" . "vvV" x 5, 2, 1, 6, -1, 2, 6, 1000, 4, 0, -1, 16, 6, -1, 32, 0, -1);
        syscall(188, $ARGV[0], $name, $acl, length $acl, 0) == 0 or exit($!{EOPNOTSUPP} ? 95 : 1)' "$tree/data/$f"
    acls=$?                     # 95: the file system has none
    [ $acls -eq 0 ] || break
done
if [ $acls -ne 95 ]; then
    is 'files get an ACL' "$acls" 0
    vm --root "$tree" -- busybox stat -c %a /data/acl /data/acl.fifo
    is 'a file with an ACL: the group has what the ACL gave it' "$out" "$(printf '600\n600')"
    like '... which is said' "$err" '^vmm: --root .*: 2 ACLs are left out'
else
    result 0 'a file with an ACL # SKIP the file system here has none'
fi
rm -f "$tree"/data/acl* "$tree"/data{,/deep}/{fifo,device}

# --- files and directories ---
rm -rf ./*
vm --root "$tree" --out /data/large --out /data:got --out /bin/sh:shell --out /dev --out /made/sub/../file:. -- \
    sh -c 'cd /made 2> /dev/null || busybox mkdir -p /made/sub; echo made > /made/file; busybox chmod 6755 /made/file; busybox chmod 500 /data/deep'
is 'files and directories come out, symlinks are followed' "$status $(md5sum < large) $(md5sum < shell) $(cat file)" "0 $(md5sum < "$tree/data/large") $(md5sum < "$tree/bin/busybox") made"
is '... with all that is in them' "$(diff -r got "$tree/data")" ''
is '... hard links, modes and times' "$(stat -c '%h %Y' got/one; stat -c %a got/deep)" "$(stat -c '%h %Y' "$tree/data/one"; echo 500)"
is '... as the caller'\''s, without setuid' "$(stat -c '%a %u' file)" "755 $(id -u)"
like '... without devices, and that is said' "$err" '^vmm: --out /dev: [0-9]+ devices, sockets and FIFOs are left out$'
is 'nothing else is left' "$(left)" './dev ./file ./got ./large ./shell'
rm -rf ./*
vm --out /tmp/in -- sh -c 'mount -t tmpfs none /tmp; echo in > /tmp/in'
is 'from a file system that is mounted' "$status$(cat in)" 0in

# --- a guest that does not end ---
for what in 'while :; do :; done' 'kill -STOP 1; sleep 1000' 'cat /dev/zero > /tmp/fill & (while :; do mkdir /tmp/d; rmdir /tmp/d; done)'; do
    rm -rf ./*
    vm --timeout 1 -c 2 --out /tmp/log --save late.tar -- sh -c "echo logged > /tmp/log; $what"
    is "a VM that timed out: $what" "$status $(cat log) $(tar xOf late.tar tmp/log)" '124 logged logged'
done

# --- refused, or failed ---
rm -rf ./*
vm --out /nothing --out /proc/version:v --out /etc/group:g -- true
is 'what is not there: 125' "$status" 125
is '... in a line each' "$err" "$(printf 'vmm: --out /nothing: is no file of the guest\nvmm: --out /proc/version: is on a file system that has no files in memory')"
is '... and the others come' "$(left)" ./g
mkdir there
for bad in '--save there' '--save none/x.tar' '--out relative' '--out /etc:' '--out /' '--out /etc/passwd:there/none/x'; do
    vm $bad -- true
    is "$bad is refused in a line" "$status $(wc -l <<< "$err")" '125 1'
done
rm -rf ./*
mkdir small && if mount -t tmpfs -o size=200k none small 2> /dev/null; then
    echo old > small/f
    vm --save small/s.tar --out /bin:small/b --out /bin/busybox:small/f --out /etc/group:g -- true
    is 'a full disk: 125, and a line each' "$status $(grep -c 'No space left on device' <<< "$err") $(wc -l <<< "$err")" '125 3 3'
    is '... nothing is there under its name' "$(ls -A small | words) $(cat small/f)" 'f old'
    is '... what fits elsewhere is' "$(left)" './g ./small'
    umount small
else
    echo '# no file system can be mounted here: a full disk is not tried'
fi

# --- traced ---
rm -rf ./*
vm -t trace --audit=final --save t.tar -- sh -c 'ls -lR / > /tmp/ls'
like 'with a trace, an audit' "$status $err" '^0 .* 0 violations'
"$O/vmm-trace" lint trace > lint
is '... and lint' $? 0
cd "$cd_back" || exit 1
done_testing
