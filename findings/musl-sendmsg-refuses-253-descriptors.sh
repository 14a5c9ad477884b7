#!/bin/bash
# musl: sendmsg() refuses the 253rd descriptor of a message, which Linux takes.
#
# Guess: sendmsg() of a C library hands msg_control to the kernel as it is, so a message may carry as many
# descriptors as the kernel allows, SCM_MAX_FD = 253, with any C library.
# Found: on 64-bit machines musl copies the control data into 1,024 bytes of its own, to clear the padding that POSIX's
# types and the kernel's differ in, and fails with ENOMEM where they do not fit.  252 descriptors are 1,024 bytes of
# control data, 253 are 1,032.  The system call by itself, and glibc, take 253.  ENOMEM is not in sendmsg(2) for
# this, and looks like a machine that is short of memory.  Way round: 252 at a time, or syscall(SYS_sendmsg).
. "$(dirname "$0")/lib.sh"
need musl-dev=1.2.3-1

cat > many.c <<'C'
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static char control[CMSG_SPACE(253 * sizeof(int))] __attribute__((aligned(8)));

static const char *send_files(int fd, int n, int raw)
{
    char c = 'x';
    struct iovec one = { &c, 1 };
    struct msghdr m = { .msg_iov = &one, .msg_iovlen = 1, .msg_control = control };
    struct cmsghdr *h = (struct cmsghdr *)control;
    memset(control, 0, sizeof(control));
    m.msg_controllen = CMSG_SPACE(n * sizeof(int));
    h->cmsg_len = CMSG_LEN(n * sizeof(int));
    h->cmsg_level = SOL_SOCKET;
    h->cmsg_type = SCM_RIGHTS;
    for (int i = 0; i < n; i++)
        ((int *)CMSG_DATA(h))[i] = fd;
    long sent = raw ? syscall(SYS_sendmsg, fd, &m, 0) : sendmsg(fd, &m, 0);
    return sent == 1 ? "sent" : strerror(errno);
}

int main(void)
{
    int fd[2];
    if (socketpair(AF_UNIX, SOCK_DGRAM, 0, fd) != 0)
        return 1;
    printf("252 %s; ", send_files(fd[0], 252, 0));
    printf("253 %s; ", send_files(fd[0], 253, 0));
    printf("253 by the call itself %s\n", send_files(fd[0], 253, 1));
    return 0;
}
C
lib=root/usr/lib/x86_64-linux-musl
gcc -O1 -static -nostdinc -isystem root/usr/include/x86_64-linux-musl -fno-stack-protector -fno-pie -no-pie -nostdlib -nostartfiles \
    $lib/crt1.o $lib/crti.o many.c $lib/libc.a "$(gcc -print-libgcc-file-name)" $lib/crtn.o -o with_musl
gcc -O1 many.c -o with_glibc
same 'musl 1.2.3' "$(./with_musl)" '252 sent; 253 Out of memory; 253 by the call itself sent'
same 'this glibc' "$(./with_glibc)" '252 sent; 253 sent; 253 by the call itself sent'
