/* fork from a thread: in the child only the caller exists, with its memory, TLS and mask;
 * atfork handlers run in their order; the parent's other threads, locks and waits are not there; all
 * threads fork at once, and while others write. */
#include "threads.h"

static char order[64];
static volatile int stop_all;
static __thread int mine;
static volatile long shared_counter[64];

static void say(const char *what) { strcat(order, what); }
static void prepare1(void) { say("p1 "); }
static void parent1(void) { say("P1 "); }
static void child1(void) { say("C1 "); }
static void prepare2(void) { say("p2 "); }
static void parent2(void) { say("P2 "); }
static void child2(void) { say("C2 "); }

static int threads_now(void)
{
    const char *line = strstr(slurp("/proc/self/status"), "\nThreads:");
    return line ? atoi(line + 9) : -1;
}

static void *busy(void *arg)
{
    volatile long *counter = arg;

    while (!stop_all)
        ++*counter;
    return NULL;
}

static void *sleeps(void *arg)
{
    while (!stop_all)
        msleep(5);
    return arg;
}

static void *forks(void *arg)
{
    mine = 5;
    pid_t caller = my_tid();
    pid_t pid = fork();
    if (pid == 0) {
        CHECK_EQ(threads_now(), 1);
        CHECK_EQ(getpid(), my_tid());
        CHECK(my_tid() != caller);
        CHECK_EQ(mine, 5);
        long before = shared_counter[0];
        msleep(20);
        CHECK_EQ(shared_counter[0], before);          /* the thread that counts is not here */
        join(start(arg, (void *)&shared_counter[1])); /* but new ones can be */
        _exit(mine + 1);
    }
    return (void *)(long)status_of(pid);
}

static void *set_stop(void *arg)
{
    *(volatile long *)arg = 1;
    return NULL;
}

static void only_the_caller(void)
{
    pthread_t counts = start(busy, (void *)&shared_counter[0]), rests = start(sleeps, NULL);

    CHECK_EQ(join(start(forks, set_stop)), EXITED(6));
    CHECK(CHILD(CHECK_EQ(threads_now(), 1)) == 0);
    stop_all = 1;
    join(counts);
    join(rests);
    stop_all = 0;
}

static void *forks_plain(void *arg)
{
    (void)arg;
    return (void *)(long)CHILD(write(STDOUT_FILENO, order, strlen(order)); say("\n"); _exit(0));
}

static void handlers(void)
{
    CHECK_EQ(pthread_atfork(prepare1, parent1, child1), 0);
    CHECK_EQ(pthread_atfork(prepare2, parent2, child2), 0);
    CHECK_EQ(join(start(forks_plain, NULL)), 0);
    SAY(" in the child\n%s in the parent\n", order);
}

/* --- all at once --------------------------------------------------------------------- */

enum { FORKERS = 4, FORKS = 6, PAGES = 16 };

static unsigned char *area;

static void *fork_often(void *arg)
{
    long me = (long)arg, bad = 0;

    for (int i = 0; i < FORKS; i++) {
        unsigned char *page = area + me * PAGES * PAGE;
        for (int p = 0; p < PAGES; p++)
            page[p * PAGE] = i;
        int status = CHILD({
            int wrong = 0;
            for (int p = 0; p < PAGES; p++) {
                wrong += page[p * PAGE] != i;
                page[p * PAGE] = 200;
            }
            _exit(wrong);
        });
        bad += status != 0;
        for (int p = 0; p < PAGES; p++)
            bad += page[p * PAGE] != i;
    }
    return (void *)bad;
}

static void at_once(void)
{
    pthread_t thread[FORKERS], writer = start(busy, (void *)&shared_counter[2]);

    area = (unsigned char *)map_pages(FORKERS * PAGES);
    for (long i = 0; i < FORKERS; i++)
        thread[i] = start(fork_often, (void *)i);
    for (int i = 0; i < FORKERS; i++)
        CHECK_EQ(join(thread[i]), 0);
    stop_all = 1;
    join(writer);
    CHECK_ERR(ECHILD, waitpid(-1, NULL, WNOHANG));
}

static void test(void)
{
    only_the_caller();
    at_once();
    handlers();
}
