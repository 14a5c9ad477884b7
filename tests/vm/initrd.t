#!/bin/bash
# limit: 200
# A root image of --initrd, plain or compressed as Linux takes it, is unpacked and its /init runs
# first.  One that is damaged, cut off, of another format or without end is refused: one line, status
# 125, and never a panic.  One that becomes shorter while the VM runs is an error.
# not on nested, qemu: it packs images with programs that are not there
. tests/vm/lib.sh
need_kvm

mkdir -p "$work/r/bin" "$work/r/dev"
cp "$(command -v busybox)" "$work/r/bin/sh"
printf '#!/bin/sh\necho booted; [ ! -e /extra ] || echo extra; exit 6\n' > "$work/r/init"
chmod +x "$work/r/init"
archive() { (cd "$work/r" && find "$@" | busybox cpio -o -H newc 2> /dev/null); }
archive . > "$work/plain"
echo x > "$work/r/extra"
archive extra > "$work/more"

boots()                 # boots NAME FILE PATTERN
{
    input=/dev/null run_machine "$O/vmm" --timeout $((20 * slow)) -i "$2" "$KERNEL"
    is "$1 boots" "$status" 6
    like '... its /init' "$out" "^$3$"
}

refused()               # refused NAME FILE [PATTERN]
{
    input=/dev/null run_machine "$O/vmm" --timeout $((20 * slow)) -i "$2" "$KERNEL"
    is "$1 is refused" "$status" 125
    is '... in one line' "$(wc -l < "$work/err")" 1
    like '... that says why' "$err" "${3:-$2: }"
}

boots 'a plain archive' "$work/plain" booted
gzip -k "$work/plain"; xz -k --check=crc32 "$work/plain"; xz -k --format=lzma "$work/plain"
bzip2 -k "$work/plain"; zstd -q "$work/plain"; lz4 -q "$work/plain" "$work/plain.lz4"
lz4 -q -l "$work/plain" "$work/plain.lz4l"
for form in gz xz lzma bz2 zst lz4 lz4l; do
    boots "$form" "$work/plain.$form" booted
    head -c 700000 "$work/plain.$form" > "$work/cut"
    refused "$form, cut off" "$work/cut"
    (head -c 300000 "$work/plain.$form"; head -c 1000 /dev/zero; tail -c +301001 "$work/plain.$form") > "$work/bad"
    refused "$form, damaged" "$work/bad"
done
cat "$work/more" "$work/plain.zst" > "$work/both"
boots 'a plain archive and a compressed one' "$work/both" extra
cat "$work/plain.gz" "$work/more" > "$work/both"
boots 'a compressed archive and a plain one' "$work/both" extra
# Two archives have a file with two names each, by the same inode number, that of the archive alone.
entry()                 # entry NAME INODE LINKS CONTENTS: of a newc archive, no padding needed behind it
{
    local name=$1 contents=$4
    printf '070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x' "$2" $((0100644)) 0 0 "$3" 0 ${#contents} 0 0 0 0 \
        $((${#name} + 1)) 0
    printf '%s\0' "$name"
    head -c $((-(110 + ${#name} + 1) & 3)) /dev/zero
    printf '%s' "$contents"
    head -c $((-${#contents} & 3)) /dev/zero
}
linked() { entry "$1" 1 2 ''; entry "$2" 1 2 "$3"; entry 'TRAILER!!!' 0 1 ''; head -c 512 /dev/zero; }
printf '#!/bin/sh\nread a < /one; read b < /two; echo booted $a$b; exit 6\n' > "$work/r/init"
archive . > "$work/plain2"
(cat "$work/plain2"; linked one also 1; linked two too 2) > "$work/both"
boots 'hard links of two archives' "$work/both" 'booted 12'

boots 'a pipe' <(cat "$work/plain") booted
boots 'a compressed pipe' <(cat "$work/plain.gz") booted
input=/dev/null run_machine "$O/vmm" -i "$work/plain" -a 'init=/bin/sh -- -c "exit 5"' "$KERNEL"
is 'init= goes before /init' "$status" 5

head -c 900000 "$work/plain" > "$work/cut"
refused 'an archive that is cut off' "$work/cut" 'cut off'
(printf '070707'; tail -c +7 "$work/plain") > "$work/odc"
refused 'another format of cpio' "$work/odc" 'odc'
refused 'text' Makefile
refused 'a program' "$O/vmm"
: > "$work/empty"
refused 'an empty file' "$work/empty" 'empty'
refused 'a directory' "$work" 'directory'
refused '/dev/zero' /dev/zero 'device'
refused 'a pipe without end' <(cat /dev/zero) 'larger than guest RAM'
head -c 400M /dev/zero | gzip -1 > "$work/bomb"
refused 'zeros that unpack to more than RAM' "$work/bomb" 'more than guest RAM'
perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => $ARGV[0], Listen => 1)' "$work/socket"
refused 'a socket' "$work/socket"
head -c 40M /dev/urandom > "$work/r/large"
archive . > "$work/large"
input=/dev/null run_machine "$O/vmm" -m 48M -i "$work/large" "$KERNEL"
is 'more than fits into RAM: status' "$status" 125
like '... and how much it needs' "$err" 'needs about [0-9]+ MiB'

# An image in order with nothing to run, and one with a program that is none: no panic either.
input=/dev/null run_machine "$O/vmm" -i "$work/more" "$KERNEL"
is 'no init: status' "$status" 127
like '... says so' "$out" 'no init found'
is '... and that is all' "$err" ''
input=/dev/null run_machine "$O/vmm" -i "$work/more" "$KERNEL" -- true
is 'no /bin/run for a COMMAND: status' "$status" 127
rm "$work/r/large"
head -c 100000 "$work/r/bin/sh" > "$work/r/bin/cut" && mv "$work/r/bin/cut" "$work/r/bin/sh"
chmod +x "$work/r/bin/sh"
archive . > "$work/cut"
input=/dev/null run_machine "$O/vmm" -i "$work/cut" "$KERNEL"
ok "a program that is cut off: status $status, no report" [ "$status" -ne 0 -a "$status" -ne 255 -a -z "$err" ]
head -c 40M /dev/urandom > "$work/r/large"
cp "$(command -v busybox)" "$work/r/bin/sh"

# Its pages are mapped: what the file loses while the VM runs cannot be had again.
cp "$(command -v busybox)" "$work/r/bin/busybox"
printf '#!/bin/sh\necho up; busybox sleep 2; busybox md5sum /large; busybox md5sum /large; busybox sleep 9\n' > "$work/r/init"
"$O/mkroot" -o "$work/image" "$work/r"
: > "$work/out"
(until grep -q up "$work/out"; do sleep 0.1; done; truncate -s 4M "$work/image") &
input=/dev/null run_machine "$O/vmm" --timeout $((20 * slow)) -i "$work/image" "$KERNEL"
is 'one that becomes shorter: status' "$status" 125
like '... and why' "$err" 'became shorter'
wait
done_testing
