/* long_calls.c - calls with arguments as large as they may be, for long_calls.t.
 *
 *     long_calls list             their names, by number
 *     long_calls count [NAME...]  makes each once, or those, in a process of its own, and says its number first
 *                                 in the way that stretch.c understands
 *     long_calls wait NAME...     makes each again and again, in a process of its own; beside it sleeps for
 *                                 0.1 s, then kills it and waits for its end.  "NAME SLEPT DIED" in ms */
#include "tests/vm/long_calls/calls.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

size_t big = 32 * MB;
unsigned many = 4000, crowd = 8000;
bool again;

static int *started; /* shared: the call has begun */
static unsigned now_number;

static const struct call *const kinds[] = { data_calls,   epoll_calls,  file_calls, memory_calls,
                                            signal_calls, socket_calls, task_calls, ipc_calls };

/* The call with this number, from 1 on; NULL: there is none. */
static const struct call *call(unsigned number)
{
    for (unsigned k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
        for (const struct call *c = kinds[k]; c->name != NULL; c++)
            if (--number == 0)
                return c;
    return NULL;
}

void fail(const char *what)
{
    fprintf(stderr, "long_calls: %s: %s\n", what, strerror(errno));
    _exit(1);
}

/* --- what says which call comes, for stretch.c -------------------------------------- */

/* One NOP for each number, so that the number stands in the instruction. */
/* clang-format off */
#define NOP(n) \
    case n: __asm__ volatile(".byte 0x0f, 0x1f, 0x80\n .long 0x7a5e0000 + %c0" : : "i"(n)); break;
#define NOP10(t) \
    NOP(t * 10) NOP(t * 10 + 1) NOP(t * 10 + 2) NOP(t * 10 + 3) NOP(t * 10 + 4) \
    NOP(t * 10 + 5) NOP(t * 10 + 6) NOP(t * 10 + 7) NOP(t * 10 + 8) NOP(t * 10 + 9)
static void say(unsigned number)
{
    switch (number) {
        NOP10(0) NOP10(1) NOP10(2) NOP10(3) NOP10(4) NOP10(5)
        NOP10(6) NOP10(7) NOP10(8) NOP10(9) NOP10(10) NOP10(11)
        NOP10(12) NOP10(13) NOP10(14) NOP10(15) NOP10(16) NOP10(17)
        NOP10(18) NOP10(19) NOP10(20) NOP10(21) NOP10(22) NOP10(23)
    default: fail("a number without a case");
    }
}
/* clang-format on */

void go(void)
{
    __atomic_store_n(started, 1, __ATOMIC_SEQ_CST);
    say(now_number);
}

/* --- the two ways to run them ----------------------------------------------------------- */

static pid_t start(unsigned i)
{
    *started = 0;
    pid_t p = fork();
    NEED(p >= 0);
    if (p == 0) {
        setpgid(0, 0);
        now_number = i;
        call(i)->make();
        _exit(0);
    }
    return p;
}

/* All that is left of its group. */
static void end_all(pid_t group)
{
    while (kill(-group, SIGKILL) == 0) {
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
        usleep(1000);
    }
}

static void count(unsigned i)
{
    int status;
    pid_t p = start(i);

    NEED(waitpid(p, &status, 0) == p);
    say(0);
    if (!*started || (status != 0 && status != SIGKILL))
        printf("%s: status %x%s\n", call(i)->name, status, *started ? "" : ", not started");
    end_all(p);
}

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void wait_beside(unsigned i)
{
    pid_t p = start(i);
    while (!__atomic_load_n(started, __ATOMIC_SEQ_CST) && waitpid(p, NULL, WNOHANG) == 0)
        usleep(10000);
    double begun = now_ms();
    usleep(100000);
    double slept = now_ms();
    int status = 0;
    kill(-p, SIGKILL);
    kill(p, SIGKILL);
    waitpid(p, &status, 0);
    double died = now_ms();
    printf("%s %.0f %.0f%s\n", call(i)->name, slept - begun, died - slept,
           status == SIGKILL ? "" : " not killed");
}

static bool named(const char *name, char **names)
{
    for (; *names != NULL; names++)
        if (strcmp(name, *names) == 0)
            return true;
    return false;
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    started = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    NEED(started != MAP_FAILED && argc > 1);
    bool list = strcmp(argv[1], "list") == 0, waits = strcmp(argv[1], "wait") == 0;
    if (list)
        printf("0 none\n");
    if (waits) {
        big = 8 * MB;
        many = crowd = 1000;
        again = true;
    }
    for (unsigned i = 1; call(i) != NULL; i++) {
        if (list)
            printf("%u %s\n", i, call(i)->name);
        else if (waits ? named(call(i)->name, argv + 2)
                       : argc < 3 || named(call(i)->name, argv + 2))
            (waits ? wait_beside : count)(i);
    }
    return 0;
}
