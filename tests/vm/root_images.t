#!/bin/bash
# limit: 120
# --root of tars and container images: the tree that they hold and what they say is to be run; what
# is hostile or damaged is refused in one line.
. tests/vm/lib.sh
need_kvm
export XDG_CACHE_HOME=$work/cache

tree=$work/tree
mkdir -p "$tree"/{bin,etc,data}
cp "$(command -v busybox)" "$tree/bin/busybox"
for a in sh ls cat stat id pwd env md5sum wc; do ln -s busybox "$tree/bin/$a"; done
printf 'root:x:0:0::/root:/bin/sh\njoe:x:1000:1001::/home/joe:/bin/sh\n' > "$tree/etc/passwd"
head -c 300001 /dev/urandom > "$tree/data/large"
echo first > "$tree/data/one"
ln "$tree/data/one" "$tree/data/two"
sum=$(md5sum < "$tree/data/large")
pack() { tar --numeric-owner --owner=1000 --group=1001 -C "$tree" -c "$@" .; }

# --- tars ---
pack > "$work/t.tar"
gzip < "$work/t.tar" > "$work/t.tgz"
xz -0 < "$work/t.tar" > "$work/t.tar.xz"
zstd -q < "$work/t.tar" > "$work/t.tar.zst"
look='cat /data/two; stat -c "%h %u %g" /data/one; md5sum < /data/large; readlink /bin/sh || true; exit 4'
ln -s busybox "$tree/bin/readlink"
pack > "$work/t.tar"
want=$(printf 'first\n2 1000 1001\n%s\nbusybox' "$sum")
vm --root "$work/t.tar" -- sh -c "$look"
is 'a tar' "$status $out" "4 $want"
gzip < "$work/t.tar" > "$work/t.tgz"
xz -0 < "$work/t.tar" > "$work/t.tar.xz"
zstd -q < "$work/t.tar" > "$work/t.tar.zst"
for f in t.tgz t.tar.xz t.tar.zst; do
    vm --root "$work/$f" -- sh -c "$look"
    is "$f" "$status $out" "4 $want"
done
is 'unpacked once each' "$(ls "$XDG_CACHE_HOME/forkscope" | wc -l)" 4
vm --root "$work/t.tgz" -- sh -c "$look"
is 'from the cache it is the same' "$status $out" "4 $want"
is '... and there is nothing new in it' "$(ls "$XDG_CACHE_HOME/forkscope" | wc -l)" 4
echo changed > "$tree/data/one"
pack | gzip > "$work/t.tgz"
vm --root "$work/t.tgz" -- cat /data/one
is 'another file of the same name is another' "$out" changed

# The cache is bounded: who was used last stays.
small() { XDG_CACHE_HOME=$work/small FORKSCOPE_CACHE_MAX=$1 vm --root "$work/$2" -- sh -c :; }
small 1000 t.tar; small 1000 t.tar.xz; small 1000 t.tar.zst
is 'three images' "$(ls "$work/small/forkscope" | wc -l)" 3
used=$(ls -t "$work/small/forkscope" | tail -1)
small 1000 t.tar
is 'one that is used again is the youngest' "$(ls -t "$work/small/forkscope" | head -1)" "$used"
one=$(du -m "$work/small/forkscope/$used" | cut -f1)
small $((2 * one)) t.tgz
is 'with room for two, two stay' "$status $(ls "$work/small/forkscope" | wc -l)" '0 2'
is '... one of them that which was used' "$(ls "$work/small/forkscope" | grep -c "$used")" 1
small 0 t.tar.xz
is 'with no room, the one that runs' "$status $(ls "$work/small/forkscope" | wc -l)" '0 1'
for kept in "$XDG_CACHE_HOME"/forkscope/*; do truncate -s -1 "$kept"; done
vm --root "$work/t.tgz" -- true
is 'a file in the cache that is cut: 125' "$status" 125
like '... and a line that names it' "$err" "^vmm: --root .*/t\.tgz: its image in the cache is damaged; remove $XDG_CACHE_HOME/forkscope/.*\.root$"
XDG_CACHE_HOME=$work/none vm --no-cache --root "$work/t.tar" -- sh -c "$look"
is '--no-cache' "$status $out" "4 $want"
ok '... keeps nothing' [ ! -e "$work/none" ]

# --- damaged, so that only a checksum says so ---
cp "$work/t.tgz" "$work/bad.tgz"
perl -e 'open my $f, "+<", $ARGV[0]; seek $f, -8, 2; print $f "none"' "$work/bad.tgz"
{ gzip < "$work/t.tar"; head -c 100000 /dev/zero | gzip | head -c -4; printf none; } > "$work/tail.tgz"
head -c -5 "$work/t.tgz" > "$work/cut.tgz"
{ cat "$work/t.tar"; head -c 300000 /dev/zero; } > "$work/long.tar" # the checksum stands far behind the tar's end
for x in xz.24 zstd.1; do
    ${x%.*} -q < "$work/long.tar" > "$work/long.$x"
    perl -e 'open my $f, "+<", $ARGV[0]; seek $f, -$ARGV[1], 2; read $f, my $byte, 1; seek $f, -$ARGV[1], 2; print $f chr(1 ^ ord $byte)' \
        "$work/long.$x" ${x#*.}
done
for bad in bad.tgz tail.tgz cut.tgz long.xz.24 long.zstd.1; do
    vm --no-cache --root "$work/$bad" -- true
    is "$bad is refused in a line" "$status $(wc -l <<< "$err")" '125 1'
done
vm --no-cache --root "$work/long.tar" -- sh -c "$look"
is 'a tar with much behind its end' "$status $out" "4 $want"
split -b 70000 "$work/t.tar" "$work/part."
for part in "$work"/part.*; do gzip < "$part"; done > "$work/parts.tgz"
head -c 1000 /dev/zero >> "$work/parts.tgz"
vm --no-cache --root "$work/parts.tgz" -- sh -c "$look"
is 'gzip: several members, and zeros behind them' "$status $out" "4 $want"

# --- container images, made by others ---
l=$work/layout
mkdir -p "$work/more"
echo upper > "$work/more/file"
{
    umoci init --layout "$l" && umoci new --image "$l:one" &&
        umoci insert --image "$l:one" "$tree" / &&
        umoci insert --image "$l:one" --whiteout /data/one &&
        umoci insert --image "$l:one" --opaque "$work/more" /etc/new &&
        umoci config --image "$l:one" --config.entrypoint /bin/sh --config.entrypoint -c \
            --config.cmd 'echo "$WORD" $(pwd) $(id -u); ls -1 /data; cat /etc/new/file; exit 5' \
            --config.env 'WORD=a b' --config.workingdir /data --config.user joe &&
        umoci tag --image "$l:one" same &&
        skopeo copy -q "oci:$l:one" "docker-archive:$work/save.tar:name/image:one"
} > "$work/made" 2>&1
is 'umoci and skopeo have made images' $? 0
want=$(printf 'a b /data 1000\nlarge\ntwo\nupper')
for image in "$l:one" "$l:same" "$work/save.tar" "$work/save.tar:one"; do
    vm --root "$image"
    is "${image##*/} runs what it says, with its layers" "$status $out" "5 $want"
done
vm --root "$l:one" --env WORD=mine --user root --workdir / -- sh -c 'echo $WORD $(id -u) $(pwd)'
is 'options and COMMAND count more' "$out" 'mine 0 /'

# A layer goes over another: a file over a directory and back, links, an opaque directory.
umoci unpack --rootless --image "$l:one" "$work/bundle" > /dev/null 2>&1
is 'the tree is as umoci unpacks it' "$(cd "$work/bundle/rootfs" && find . | sort)" \
    "$(vm --root "$l:one" --user root --workdir / -- find . -xdev > /dev/null; vm --root "$l:one" --user root --workdir / -- busybox sh -c 'busybox find . -xdev | busybox grep -vE "^./(dev|proc)(/|$)" | busybox sort'; echo "$out")"

# --- traced ---
vm -t "$work/trace" --audit=final --root "$l:one"
is 'traced' "$status" 5
like '... the audit agrees' "$err" ' 0 violations'
"$O/vmm-trace" lint "$work/trace" > "$work/lint"
is '... and so does lint' $? 0

# --- hostile and damaged ---
refused()   # refused NAME IMAGE
{
    XDG_CACHE_HOME=$work/other vm --root "$2" -- sh
    is "$1: one line, 125" "$status $(wc -l <<< "$err")" '125 1'
}
make_tar() { perl -MArchive::Tar -e '
    my ($to, @e) = @ARGV; my $t = Archive::Tar->new;
    for (@e) { my ($name, $data, %o) = split /,/; $t->add_data($name, $data // "", { mode => 0644, %o }) }
    $t->write($to)' "$@"; }
make_tar "$work/up.tar" ../escape,x
refused 'a name with ".."' "$work/up.tar"
make_tar "$work/nolink.tar" a,,type,1,linkname,nothing
refused 'a hard link to nothing' "$work/nolink.tar"
make_tar "$work/loop.tar" a,,type,2,linkname,b b,,type,2,linkname,a a/c,x
refused 'a name through a loop of links' "$work/loop.tar"
head -c 100000 "$work/t.tar" > "$work/cut.tar"
refused 'a tar that is cut off' "$work/cut.tar"
head -c 100000 "$work/t.tgz" > "$work/cut.tgz"
refused 'a compressed one' "$work/cut.tgz"
head -c 5000 /dev/urandom > "$work/noise"
refused 'noise' "$work/noise"
refused 'an image that is not there' "$l:three"
cp -r "$l" "$work/bad"
blob=$(ls -S "$work/bad/blobs/sha256" | head -n 1)
printf X | dd of="$work/bad/blobs/sha256/$blob" bs=1 seek=1000 conv=notrunc 2> /dev/null
refused 'a blob that is not what its digest says' "$work/bad:one"
rm "$work/bad/blobs/sha256/$blob"
refused '... or not there' "$work/bad:one"
echo '{"manifests":[' > "$work/bad/index.json"
refused 'an index that is no JSON' "$work/bad"
perl -e 'print "[" x 100000' > "$work/bad/index.json"
refused '... or a deep one' "$work/bad"
make_tar "$work/out.tar" bin,,type,2,linkname,/../../.. link,,type,2,linkname,/etc/passwd bin/inside,safe
vm --root "$work/out.tar" --add "$(command -v busybox):/busybox" -- /busybox cat /inside
is 'links lead nowhere but in the tree' "$status $out" '0 safe'
is 'nothing but whole images is in the cache' "$(ls "$XDG_CACHE_HOME/forkscope" | grep -vc '\.root$')" 0
done_testing
