#!/bin/bash
# musl 1.2.3: mremap(MREMAP_DONTUNMAP) forgets the address that it is given.
#
# Guess: a C library's mremap() hands its fifth argument to the kernel whenever the flags let the kernel look at it.
# Linux does so for MREMAP_FIXED and, since 5.7, for MREMAP_DONTUNMAP, where it is a hint as that of mmap: memory that has
# been moved away, as for a userfaultfd monitor or a collector's heap, is to appear at a place of the program's choosing without
# overwriting what may be there.
# Found: musl reads the argument for MREMAP_FIXED only, and passes 0 otherwise, so the hint is lost without an error and the
# kernel chooses.  The system call by itself takes it, and so does glibc 2.36, whose mremap() is the call.  Both return a valid
# mapping: who does not compare addresses sees nothing.  Way round: syscall(SYS_mremap), or MREMAP_FIXED as well, which overwrites.
. "$(dirname "$0")/lib.sh"
need musl-dev=1.2.3-1

cat > hint.c <<'C'
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

static void *page(void) { return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }

/* A place where nothing is: somewhere in 1 MiB that was mapped and is not any more. */
static void *place(void)
{
    char *p = mmap(NULL, 1 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(p, 1 << 20);
    return p + (1 << 19);
}

static const char *moved(void *to, void *hint)
{
    return to == MAP_FAILED ? "refused" : to == hint ? "there" : "elsewhere";
}

int main(void)
{
    int flags = MREMAP_MAYMOVE | MREMAP_DONTUNMAP;
    void *hint = place(), *old = page();
    printf("%s", moved(mremap(old, 4096, 4096, flags, hint), hint));
    hint = place();
    old = page();
    printf(" %s\n", moved((void *)syscall(SYS_mremap, old, 4096, 4096, flags, hint), hint));
    return 0;
}
C
inc=$(dirname "$(find root -path '*musl/stdio.h')") lib=$(dirname "$(find root -name libc.a -path '*musl*')")
gcc -O2 -static -nostdinc -isystem "$inc" -nostdlib "$lib/crt1.o" hint.c "$lib/libc.a" -o musl 2> err || { cat err; exit 1; }
gcc -O2 hint.c -o glibc
same 'musl: mremap(), the system call' "$(./musl)" 'elsewhere there'
same 'glibc: mremap(), the system call' "$(./glibc)" 'there there'
