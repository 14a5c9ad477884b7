/* things.c - things to call with. */
#include "tests/vm/long_calls/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

char *memory(size_t n, bool filled)
{
    char *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    NEED(p != MAP_FAILED);
    if (filled)
        for (size_t i = 0; i < n; i += PAGE)
            p[i] = 1;
    return p;
}

int file(size_t n)
{
    static char some[65536];
    int fd = open("/tmp/long", O_RDWR | O_CREAT | O_TRUNC, 0600);
    NEED(fd >= 0);
    memset(some, 'x', sizeof(some));
    for (size_t i = 0; i < n; i += sizeof(some))
        NEED(write(fd, some, sizeof(some)) == sizeof(some));
    return fd;
}

int dev(const char *name, int flags)
{
    int fd = open(name, flags);
    NEED(fd >= 0);
    return fd;
}

char *mappings(unsigned n)
{
    char *p = memory(n * PAGE, false);
    for (unsigned i = 0; i < n; i += 2)
        NEED(mprotect(p + i * PAGE, PAGE, PROT_READ) == 0);
    return p;
}

void descriptors(unsigned n)
{
    struct rlimit r = { n + 16, n + 16 };
    NEED(setrlimit(RLIMIT_NOFILE, &r) == 0);
    int fd = dev("/dev/null", O_RDWR);
    for (unsigned i = 0; i < n; i++)
        NEED(dup(fd) >= 0);
}

void files_in(const char *dir, unsigned n)
{
    char name[64];
    NEED(mkdir(dir, 0700) == 0 || errno == EEXIST);
    for (unsigned i = 0; i < n; i++) {
        snprintf(name, sizeof(name), "%s/a-file-%u", dir, i);
        int fd = open(name, O_CREAT | O_RDWR, 0600);
        NEED(fd >= 0);
        close(fd);
    }
}

/* The child keeps to registers, so that thousands share the caller's stack. */
static long clone_forever(unsigned long flags, const struct forever *call)
{
    register long a __asm__("r12") = call->a, b __asm__("r13") = call->b;
    register long c __asm__("r14") = call->c, d __asm__("r15") = call->d;
    register long no_stack __asm__("r10") = 0, no_tls __asm__("r8") = 0;
    long got = SYS_clone;

    __asm__ volatile("syscall\n"
                     "test %%rax, %%rax\n"
                     "jnz 2f\n"
                     "1: mov %[nr], %%rax\n"
                     "mov %%r12, %%rdi\n"
                     "mov %%r13, %%rsi\n"
                     "mov %%r14, %%rdx\n"
                     "mov %%r15, %%r10\n"
                     "syscall\n"
                     "jmp 1b\n"
                     "2:"
                     : "+a"(got)
                     : "D"(flags), "S"(0), "d"(0), "r"(no_stack), "r"(no_tls), [nr] "b"(call->nr),
                       "r"(a), "r"(b), "r"(c), "r"(d)
                     : "rcx", "r11", "memory");
    return got;
}

/* Who runs, and who is ready to: /proc/loadavg "0.00 0.00 0.00 RUNNING/TASKS LAST". */
static unsigned running(void)
{
    char text[64];
    unsigned n = 0;
    int fd = dev("/proc/loadavg", O_RDONLY);
    ssize_t got = read(fd, text, sizeof(text) - 1);

    close(fd);
    NEED(got > 0);
    text[got] = 0;
    NEED(sscanf(text, "%*s %*s %*s %u", &n) == 1);
    return n;
}

void tasks(unsigned n, unsigned long flags, struct forever call)
{
    for (unsigned i = 0; i < n; i++) {
        if (clone_forever(flags, &call) < 0) {
            fprintf(stderr, "long_calls: %u tasks are all\n", i);
            fail("clone");
        }
        if (i % 64 == 63)
            sched_yield(); /* they go to sleep one by one, not all at the end */
    }
    while (running() > 1)
        usleep(1000);
}

void children(unsigned n)
{
    tasks(n, CLONE_VM | CLONE_FS | CLONE_FILES | SIGCHLD, (struct forever){ .nr = SYS_pause });
}

void threads(unsigned n)
{
    tasks(n, CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD,
          (struct forever){ .nr = SYS_pause });
}
