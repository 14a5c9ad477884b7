/* Memory that changes under running threads: once munmap, mprotect has returned, no
 * thread gets at what was there; a fork's copy stands still while threads go on writing,
 * and none of their writes is lost; threads that touch a page first at the same time have one page;
 * what one thread wrote to a page that was just copied, another sees. */
#include "threads.h"
#include <setjmp.h>

#define WRITERS 3
#define PAGES   16
#define MS      150 /* for each part */

static char *area;
static volatile int done;
static volatile unsigned phase;  /* odd: the memory is not there */
static __thread sigjmp_buf back; /* where a fault leads to */

static void on_fault(int sig)
{
    (void)sig;
    siglongjmp(back, 1);
}

/* Touches its byte of the area all the time.  How often it could while it must not? */
static void *touch(void *arg)
{
    volatile char *byte = area + (long)arg % 4 * PAGE + 64 * (long)arg;
    volatile long wrong = 0, n = 0;
    sigset_t segv;

    sigemptyset(&segv);
    sigaddset(&segv, SIGSEGV);
    while (!done) {
        volatile unsigned seen = phase;
        if (sigsetjmp(back, 0) == 0) {
            *byte = (char)++n;
            wrong += seen % 2 == 1 && phase == seen;
        } else {
            pthread_sigmask(SIG_UNBLOCK, &segv, NULL);
        }
    }
    return (void *)wrong;
}

static void work_a_little(long n)
{
    for (volatile long i = 0; i < n; i++)
        ;
}

static void take_away(int how, long size)
{
    if (how == 0)
        CHECK_EQ(munmap(area, size), 0);
    else
        CHECK_EQ(mprotect(area, size, how == 1 ? PROT_READ : PROT_NONE), 0);
}

static void give_back(int how, long size)
{
    if (how == 0)
        CHECK(mmap(area, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
                   0) == area);
    else
        CHECK_EQ(mprotect(area, size, PROT_READ | PROT_WRITE), 0);
}

static void gone_is_gone(int how)
{
    struct sigaction sa = { .sa_handler = on_fault }, old;
    pthread_t thread[WRITERS];
    long end, round = 0;

    CHECK_EQ(sigaction(SIGSEGV, &sa, &old), 0);
    area = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    done = 0;
    for (long i = 0; i < WRITERS; i++)
        thread[i] = start(touch, (void *)i);
    for (end = now_ms() + MS; now_ms() < end; round++) {
        long size = (round % 2 ? PAGES : 4) * PAGE;
        take_away(how, size);
        phase++;
        if (how == 1) {
            char before = *(volatile char *)area;
            work_a_little(round % 7 * 2000);
            CHECK_EQ(*(volatile char *)area, before);
        } else {
            work_a_little(round % 7 * 2000);
        }
        phase++;
        give_back(how, size);
        work_a_little(round % 5 * 2000);
    }
    done = 1;
    for (int i = 0; i < WRITERS; i++)
        CHECK_EQ(join(thread[i]), 0);
    munmap(area, PAGES * PAGE);
    sigaction(SIGSEGV, &old, NULL);
}

/* --- fork while threads write ---------------------------------------------- */

/* Each thread has two words in each page, and writes the first one first. */
static volatile unsigned *words(int page, long writer)
{
    return (volatile unsigned *)(area + page * PAGE + writer * 64);
}

static void *count_up(void *arg)
{
    long lost = 0;

    for (unsigned n = 0; !done; n++) {
        for (int i = 0; i < PAGES; i++) {
            volatile unsigned *w = words(i, (long)arg);
            lost += w[0] != n || w[1] != n;
            w[0] = n + 1;
            w[1] = n + 1;
            lost += w[0] != n + 1;
        }
    }
    return (void *)lost;
}

static int copy_stands_still(void)
{
    unsigned first[PAGES][WRITERS];
    int wrong = 0;

    for (int i = 0; i < PAGES; i++) {
        for (int k = 0; k < WRITERS; k++) {
            first[i][k] = words(i, k)[0];
            wrong += first[i][k] - words(i, k)[1] > 1;
        }
    }
    work_a_little(20000);
    for (int i = 0; i < PAGES; i++)
        for (int k = 0; k < WRITERS; k++)
            wrong += first[i][k] != words(i, k)[0];
    return wrong != 0;
}

static void fork_while_writing(void)
{
    pthread_t thread[WRITERS];

    area = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    done = 0;
    for (long i = 0; i < WRITERS; i++)
        thread[i] = start(count_up, (void *)i);
    for (long end = now_ms() + 2 * MS; now_ms() < end;) {
        int status = 0;
        pid_t pid = fork();
        if (pid == 0)
            _exit(copy_stands_still());
        CHECK_EQ(waitpid(pid, &status, 0), pid);
        CHECK_EQ(status, 0);
    }
    done = 1;
    for (int i = 0; i < WRITERS; i++)
        CHECK_EQ(join(thread[i]), 0);
    munmap(area, PAGES * PAGE);
}

/* --- first touches --------------------------------------------------------- */

static pthread_barrier_t all_there;

static void *add_everywhere(void *arg)
{
    for (;;) {
        pthread_barrier_wait(&all_there);
        if (done)
            return arg;
        for (int i = 0; i < PAGES; i++)
            __atomic_fetch_add((unsigned *)(area + i * PAGE), 1, __ATOMIC_SEQ_CST);
        pthread_barrier_wait(&all_there);
    }
}

static void touch_at_once(int fd, int flags)
{
    pthread_t thread[WRITERS];
    int different = 0;

    pthread_barrier_init(&all_there, NULL, WRITERS + 1);
    done = 0;
    for (long i = 0; i < WRITERS; i++)
        thread[i] = start(add_everywhere, NULL);
    for (long end = now_ms() + MS; now_ms() < end;) {
        if (fd >= 0)
            CHECK(ftruncate(fd, 0) == 0 && ftruncate(fd, PAGES * PAGE) == 0);
        area = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);
        pthread_barrier_wait(&all_there);
        pthread_barrier_wait(&all_there);
        for (int i = 0; i < PAGES; i++)
            different += *(unsigned *)(area + i * PAGE) != WRITERS;
        munmap(area, PAGES * PAGE);
    }
    CHECK_EQ(different, 0);
    done = 1;
    pthread_barrier_wait(&all_there);
    for (int i = 0; i < WRITERS; i++)
        join(thread[i]);
    pthread_barrier_destroy(&all_there);
}

/* --- a page that is copied while it is read -------------------------------- */

static volatile int *flag; /* in a page of its own that fork does not share */

/* Writes the round's number to the copied page, then the flag. */
static void *writes_then_tells(void *arg)
{
    for (int n = 1;; n++) {
        while (flag[1] != n) /* main has forked, and copies the page now */
            if (done)
                return arg;
        ((volatile int *)area)[8] = n;
        __atomic_store_n(&flag[0], n, __ATOMIC_SEQ_CST);
    }
}

static void *is_told_then_reads(void *arg)
{
    long stale = 0;

    (void)arg;
    for (int n = 1;; n++) {
        while (__atomic_load_n(&flag[0], __ATOMIC_SEQ_CST) != n) {
            (void)((volatile int *)area)[8];
            if (done)
                return (void *)stale;
        }
        stale += ((volatile int *)area)[8] != n;
        flag[2] = n;
    }
}

static void copies_are_seen(void)
{
    area = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    flag = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    area[0] = 1;
    done = 0;
    pthread_t writer = start(writes_then_tells, NULL), reader = start(is_told_then_reads, NULL);
    int n = 1;
    for (long end = now_ms() + 2 * MS; now_ms() < end; n++) {
        int gate[2];
        char c;
        CHECK_EQ(pipe(gate), 0);
        pid_t pid = fork();
        if (pid == 0) { /* holds its share of the page */
            close(gate[1]);
            _exit(read(gate[0], &c, 1) != 0);
        }
        flag[1] = n;
        area[100]++;
        while (flag[2] != n)
            sched_yield();
        close(gate[0]);
        close(gate[1]);
        CHECK_EQ(waitpid(pid, NULL, 0), pid);
    }
    done = 1;
    join(writer);
    CHECK_EQ(join(reader), 0);
}

static void test(void)
{
    for (int how = 0; how < 3; how++)
        gone_is_gone(how);
    fork_while_writing();
    touch_at_once(-1, MAP_PRIVATE | MAP_ANONYMOUS);
    int fd = open("/tmp/memory_threads", O_RDWR | O_CREAT | O_TRUNC, 0600);
    unlink("/tmp/memory_threads");
    touch_at_once(fd, MAP_SHARED);
    touch_at_once(fd, MAP_PRIVATE);
    close(fd);
    copies_are_seen();
}
