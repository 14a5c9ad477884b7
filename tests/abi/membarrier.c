/* membarrier(2): each kind of command is refused until it is registered, the registrations can be
 * read, pass to a child and end with exec, and no thread is in a restartable sequence that it had
 * begun before the command for those. */
#include "check.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

enum {
    QUERY = 0,
    GLOBAL = 1,
    GLOBAL_EXPEDITED = 2,
    REGISTER_GLOBAL_EXPEDITED = 4,
    PRIVATE = 8,
    REGISTER_PRIVATE = 16,
    SYNC_CORE = 32,
    REGISTER_SYNC_CORE = 64,
    RSEQ = 128,
    REGISTER_RSEQ = 256,
    GET_REGISTRATIONS = 512,
    ALL = 1023,
    ON_CPU = 1, /* the flag */
};
#define SIGNATURE 0x53053053

struct rseq {
    uint32_t cpu_id_start, cpu_id;
    uint64_t rseq_cs;
    uint32_t flags, later[3];
} __attribute__((aligned(32)));

static long membarrier(int cmd, unsigned flags, int cpu)
{
    return syscall(SYS_membarrier, cmd, flags, cpu);
}

static void registrations(void)
{
    static const int kinds[] = { PRIVATE, SYNC_CORE, RSEQ };

    CHECK_EQ(membarrier(QUERY, 0, 0) & ALL, ALL);
    CHECK_EQ(membarrier(GET_REGISTRATIONS, 0, 0), 0);
    CHECK_EQ(membarrier(GLOBAL, 0, 0), 0);
    CHECK_EQ(membarrier(GLOBAL_EXPEDITED, 0, 0), 0);
    for (int i = 0; i < 3; i++) {
        CHECK_ERR(EPERM, membarrier(kinds[i], 0, 0));
        CHECK_EQ(membarrier(kinds[i] << 1, 0, 0), 0);
        CHECK_EQ(membarrier(kinds[i], 0, 0), 0);
    }
    CHECK_EQ(membarrier(REGISTER_GLOBAL_EXPEDITED, 0, 0), 0);
    CHECK_EQ(membarrier(GET_REGISTRATIONS, 0, 0),
             REGISTER_GLOBAL_EXPEDITED | REGISTER_PRIVATE | REGISTER_SYNC_CORE | REGISTER_RSEQ);
    CHECK_EQ(CHILD(_exit(membarrier(SYNC_CORE, 0, 0) != 0)), 0);
}

static void flags(void)
{
    CHECK_ERR(EINVAL, membarrier(-1, 0, 0));
    CHECK_ERR(EINVAL, membarrier(3, 0, 0));
    CHECK_ERR(EINVAL, membarrier(1 << 20, 0, 0));
    CHECK_ERR(EINVAL, membarrier(QUERY, ON_CPU, 0));
    CHECK_ERR(EINVAL, membarrier(PRIVATE, ON_CPU, 0));
    CHECK_ERR(EINVAL, membarrier(REGISTER_RSEQ, ON_CPU, 0));
    CHECK_ERR(EINVAL, membarrier(RSEQ, 2, 0));
    CHECK_EQ(membarrier(RSEQ, ON_CPU, 0), 0);
    CHECK_EQ(membarrier(RSEQ, ON_CPU, 5000), 0); /* nobody runs there */
    CHECK_EQ(membarrier(RSEQ, 0, -1), 0);
}

/* --- restartable sequences ---------------------------------------------------- */

static atomic_ulong epoch, seen;
static atomic_bool stop;

/* Reads the epoch at the section's begin and tells it at its end. */
static void *tell(void *arg)
{
    static struct rseq area;

    (void)arg;
    CHECK_EQ(syscall(SYS_rseq, &area, 32, 0, SIGNATURE), 0);
    while (!stop)
        __asm__ volatile(".pushsection .data\n"
                         ".balign 32\n"
                         "9: .long 0, 0\n"
                         ".quad 2f, 3f - 2f, 4f\n"
                         ".popsection\n"
                         "1: lea 9b(%%rip), %%rax\n"
                         "mov %%rax, %[cs]\n"
                         "2: mov %[epoch], %%rax\n"
                         "mov $40000, %%ecx\n"
                         "5: dec %%ecx\n"
                         "jnz 5b\n"
                         "mov %%rax, %[seen]\n"
                         "3: jmp 6f\n"
                         ".byte 0x0f, 0xb9, 0x3d\n"
                         ".long 0x53053053\n"
                         "4: jmp 1b\n"
                         "6:\n"
                         : [cs] "=m"(area.rseq_cs), [seen] "=m"(seen)
                         : [epoch] "m"(epoch)
                         : "rax", "rcx", "memory", "cc");
    CHECK_EQ(syscall(SYS_rseq, &area, 32, 1, SIGNATURE), 0);
    return NULL;
}

static void sequences(void)
{
    pthread_t thread;

    CHECK_EQ(pthread_create(&thread, NULL, tell, NULL), 0);
    for (unsigned long now = 1; now <= 200; now++) {
        epoch = now;
        CHECK_EQ(membarrier(RSEQ, 0, 0), 0);
        seen = 0;
        while (seen == 0)
            sched_yield();
        CHECK_EQ(seen, now); /* none that had begun before */
    }
    stop = true;
    CHECK_EQ(pthread_join(thread, NULL), 0);
}

static void test(void)
{
    registrations();
    flags();
    sequences();
    SAY("done\n");
}
