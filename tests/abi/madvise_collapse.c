/* MADV_COLLAPSE makes huge pages of small ones, with what is in them: after it each page is what it
 * was, the holes are zero, and a fork's two sides are still two. */
#include "check.h"

#include <pthread.h>
#include <sys/prctl.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#define HUGE (2l << 20)
#define RW   (PROT_READ | PROT_WRITE)

/* Four times 2 MiB of small pages, in a mapping that no other comes near. */
static char *area(void)
{
    char *p = mmap(NULL, 6 * HUGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(p != MAP_FAILED);
    CHECK(mprotect(p, PAGE, PROT_NONE) == 0 && mprotect(p + 6 * HUGE - PAGE, PAGE, PROT_NONE) == 0);
    p += HUGE - (uintptr_t)p % HUGE;
    CHECK(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0);
    for (long at = 0; at < 4 * HUGE; at += PAGE)
        if (at / PAGE % 3 != 2) /* every third is a hole */
            *(int *)(p + at) = (int)at + 1;
    CHECK(prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0) == 0);
    return p;
}

static void same(const char *p)
{
    long bad = 0;
    for (long at = 0; at < 4 * HUGE; at += PAGE)
        bad += *(const int *)(p + at) != (at / PAGE % 3 != 2 ? (int)at + 1 : 0);
    CHECK_EQ(bad, 0);
}

/* MiB of huge pages in the mapping that has p. */
static long huge_mib(const char *p)
{
    FILE *f = fopen("/proc/self/smaps", "r");
    char line[256];
    unsigned long start, end, kib = 0;
    int here = 0;

    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
            here = (uintptr_t)p >= start && (uintptr_t)p < end;
        else if (here)
            sscanf(line, "AnonHugePages: %lu", &kib);
    if (f)
        fclose(f);
    return (long)(kib >> 10);
}

/* Linux may make more of them, behind our backs. */
static void is_huge(const char *p, long mib)
{
    long is = huge_mib(p);
    if (is < mib || is_forkscope())
        CHECK_EQ(is, mib);
}

/* 0; or -1 and errno.  Linux may be busy with a page for a moment. */
static int collapse(char *p, long len)
{
    int ret, tries = 100;
    while ((ret = madvise(p, len, MADV_COLLAPSE)) != 0 && errno == EAGAIN && --tries > 0)
        msleep(10);
    return ret;
}

static void refused(char *p)
{
    CHECK_ERR(EINVAL, collapse(p + 1, HUGE));
    CHECK(collapse(p, 0) == 0);
    CHECK_ERR(EINVAL, collapse(p + PAGE, PAGE));     /* no room for one */
    CHECK(collapse(p + HUGE - PAGE, 2 * PAGE) == 0); /* none is asked for */
    CHECK(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0);
    CHECK_ERR(EINVAL, collapse(p, HUGE));
    CHECK(prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0) == 0);
    char *q = mmap(NULL, 3 * HUGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    q += HUGE - (uintptr_t)q % HUGE;
    CHECK_ERR(EINVAL, collapse(q, HUGE)); /* nothing is there */
    CHECK(munmap(q, HUGE) == 0);
    CHECK_ERR(ENOMEM, collapse(q, HUGE));
    CHECK(madvise(p, HUGE, MADV_NOHUGEPAGE) == 0);
    CHECK_ERR(EINVAL, collapse(p, HUGE));
    same(p);
    is_huge(p, 0);
}

/* Other pages than asked for stay small; what is huge already is fine; what was split is made one again. */
static void again(char *p)
{
    CHECK(collapse(p + 3 * PAGE, 2 * HUGE) == 0); /* the one that lies in it */
    is_huge(p, 2);
    same(p);
    CHECK(collapse(p, 4 * HUGE) == 0 && collapse(p, 4 * HUGE) == 0);
    is_huge(p, 8);
    same(p);
    CHECK(mprotect(p + HUGE + PAGE, PAGE, PROT_READ) == 0);
    CHECK(mprotect(p + HUGE + PAGE, PAGE, RW) == 0 && collapse(p + HUGE, HUGE) == 0);
    is_huge(p, 8);
    same(p);
}

/* Of tables, or pages, that parent and child both have. */
static void forked(char *p)
{
    volatile char *turn = map_shared(PAGE);

    CHECK_EQ(CHILD({
                 CHECK(collapse(p, 4 * HUGE) == 0);
                 is_huge(p, 8);
                 same(p);
                 memset(p, 7, 4 * HUGE);
             }),
             0);
    same(p);
    pid_t child = START({
        CHECK(WAIT_UNTIL(*turn == 1));
        same(p);
        memset(p, 3, HUGE);
    });
    CHECK(collapse(p, 4 * HUGE) == 0);
    same(p);
    memset(p + HUGE, 7, HUGE);
    *turn = 1;
    CHECK_EQ(status_of(child), 0);
    CHECK_EQ(CHILD(memset(p, 1, 4 * HUGE)), 0);
    CHECK(*(int *)p == 1 && p[HUGE] == 7 && munmap(p, 4 * HUGE) == 0);
}

static volatile int over;

/* Counts in every page, one after the other: how often in all. */
static void *count(void *area)
{
    long n = 0;
    for (; !over; n++)
        ++*(volatile long *)((char *)area + n % (HUGE / PAGE) * PAGE + 8);
    return (void *)n;
}

/* No store is lost that another thread makes meanwhile. */
static void threads(char *p)
{
    pthread_t thread;
    void *made;
    long found = 0;

    CHECK(pthread_create(&thread, NULL, count, p) == 0);
    for (int i = 0; i < 20; i++) {
        CHECK(collapse(p, HUGE) == 0);
        CHECK(mprotect(p + i * PAGE, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC) == 0);
        CHECK(mprotect(p + i * PAGE, PAGE, RW) == 0);
    }
    over = 1;
    CHECK(pthread_join(thread, &made) == 0);
    for (long at = 8; at < HUGE; at += PAGE)
        found += *(long *)(p + at);
    CHECK_EQ(found, (long)made);
}

static void test(void)
{
    if (linux_before(6, 1, "MADV_COLLAPSE"))
        return;
    char *p = area();
    if (collapse(p, HUGE) != 0 && !is_forkscope()) {
        SAY("# this Linux has no huge page to give (errno %d): not compared\n", errno);
        return;
    }
    is_huge(p, 2);
    same(p);
    refused(area());
    again(area());
    forked(area());
    threads(area());
}
