#!/bin/bash
# musl 1.2.3: the wake-up for who waits for a robust PI mutex of a thread that ends is refused by Linux.
#
# Guess: a thread that ends with a robust mutex hands it on in pthread_exit(): musl marks each such mutex as its dead
# owner's and wakes one waiter with FUTEX_WAKE, which for a mutex without protocol wakes it (returns 1), and so it does for one with
# PTHREAD_PRIO_INHERIT.
# Found: for the PI mutex the waiter sleeps in FUTEX_LOCK_PI, which FUTEX_WAKE may not wake: Linux answers EINVAL, and
# musl does not look.  The waiter goes on only because the kernel looks through what the thread owned when it is gone
# altogether, and gives the mutex away with FUTEX_OWNER_DIED.  The program sees EOWNERDEAD either way; but a kernel (or an
# emulation of one) that has FUTEX_LOCK_PI without that walk at a task's end leaves every such waiter asleep, and tests with glibc,
# which leaves the whole matter to the kernel's robust list, do not show it.
. "$(dirname "$0")/lib.sh"
need musl-dev=1.2.3-1 strace=6.1-0.1 libunwind8=1.6.2-3

cat > own.c <<'C'
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sched.h>
#include <unistd.h>

static pthread_mutex_t mutex;
static pthread_barrier_t held;
static int protocol;

/* Until the first thread sleeps on a futex. */
static void until_it_waits(void)
{
    char path[64], line[64] = "";
    snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", getpid());
    while (strncmp(line, "202 ", 4) != 0) {
        FILE *f = fopen(path, "r");
        if (f == NULL || fgets(line, sizeof(line), f) == NULL)
            line[0] = '\0';
        if (f != NULL)
            fclose(f);
        sched_yield();
    }
}

static void *owner(void *arg)
{
    pthread_mutex_lock(&mutex);
    pthread_barrier_wait(&held);
    until_it_waits();
    return arg; /* it ends, and has the mutex */
}

int main(int argc, char **argv)
{
    pthread_mutexattr_t attr;
    pthread_t thread;
    (void)argv;
    protocol = argc > 1 ? PTHREAD_PRIO_INHERIT : PTHREAD_PRIO_NONE;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    if (pthread_mutexattr_setprotocol(&attr, protocol) != 0)
        return 2;
    pthread_mutex_init(&mutex, &attr);
    pthread_barrier_init(&held, NULL, 2);
    pthread_create(&thread, NULL, owner, NULL);
    pthread_barrier_wait(&held);
    int err = pthread_mutex_lock(&mutex);
    puts(err == EOWNERDEAD ? "EOWNERDEAD" : strerror(err));
    return 0;
}
C
inc=$(dirname "$(find root -path '*musl/stdio.h')") lib=$(dirname "$(find root -name libc.a -path '*musl*')")
gcc -O2 -static -nostdinc -isystem "$inc" -nostdlib "$lib/crt1.o" own.c "$lib/libc.a" -lgcc -lgcc_eh "$lib/libc.a" -o own 2> err ||
    { cat err; exit 1; }

# wake CALL [pi]: what the owner's FUTEX_WAKE of the word returned that the first thread waits for by CALL, and what
# pthread_mutex_lock() said.  strace -ff: a file for each thread, so that no call is told in two halves.
wake()
{
    local call=$1 word
    shift
    rm -f calls.*
    timeout 20 strace -ff -e trace=futex -o calls ./own "$@" > said || { echo "status $?"; return; }
    word=$(grep -h "$call" "$(ls -v calls.* | head -1)" | tail -1 | sed 's/futex(\([^,]*\),.*/\1/')
    grep -h "futex($word, FUTEX_WAKE" "$(ls -v calls.* | tail -1)" | tail -1 | sed 's/.* = //; s/ (.*//'
    cat said
}
same 'no protocol' "$(wake FUTEX_WAIT | paste -sd' ')" '1 EOWNERDEAD'
same 'PTHREAD_PRIO_INHERIT' "$(wake FUTEX_LOCK_PI pi | paste -sd' ')" '-1 EINVAL EOWNERDEAD'
