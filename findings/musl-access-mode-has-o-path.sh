#!/bin/bash
# musl 1.2.3: O_ACCMODE is not 3, and open() with it gives a descriptor of O_PATH.
#
# Guess: O_ACCMODE is the mask of the two lowest bits, as in Linux's headers and in glibc, so that F_GETFL & O_ACCMODE is one of
# O_RDONLY, O_WRONLY and O_RDWR or, for a file that was opened with access mode 3 (which Linux has for ioctls only), 3.
# Found: in musl it has O_PATH, too, as POSIX's O_SEARCH and O_EXEC, which musl makes of that, are access modes.  So a program
# that opens a device with O_ACCMODE to get mode 3 gets a descriptor on which ioctl() fails with EBADF; of an O_PATH descriptor
# F_GETFL & O_ACCMODE is O_PATH, where glibc's program sees O_RDONLY and reads; and a switch over the three modes has a fourth.
# Way round: say 3 where 3 is meant.
. "$(dirname "$0")/lib.sh"
need musl-dev=1.2.3-1

cat > mode.c <<'C'
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>

int main(void)
{
    int n, mask = open("file", O_ACCMODE), three = open("file", 3), path = open("file", O_PATH);
    int asked = ioctl(mask, FIONREAD, &n) == 0 ? 0 : errno;

    printf("%#o: path %d, ioctl %d; 3: path %d; of O_PATH: %s\n", O_ACCMODE, !!(fcntl(mask, F_GETFL) & O_PATH), asked,
           !!(fcntl(three, F_GETFL) & O_PATH), (fcntl(path, F_GETFL) & O_ACCMODE) == O_RDONLY ? "O_RDONLY" : "another");
    return 0;
}
C
echo content > file
inc=$(dirname "$(find root -path '*musl/stdio.h')") lib=$(dirname "$(find root -name libc.a -path '*musl*')")
gcc -O2 -static -nostdinc -isystem "$inc" -nostdlib "$lib/crt1.o" mode.c "$lib/libc.a" -o musl 2> err || { cat err; exit 1; }
gcc -O2 mode.c -o glibc
same 'musl' "$(./musl)" '010000003: path 1, ioctl 9; 3: path 0; of O_PATH: another'
same 'glibc' "$(./glibc)" '03: path 0, ioctl 0; 3: path 0; of O_PATH: O_RDONLY'
