/* prctl: a timer slack and a wish for no huge pages are kept, and inherited by children. */
#include "check.h"
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/select.h>

#define NO_HUGE_PAGES() prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0)

static void timer_slack(void)
{
    CHECK_EQ(prctl(PR_GET_TIMERSLACK), 50000);
    CHECK(prctl(PR_SET_TIMERSLACK, 7000) == 0);
    CHECK_EQ(prctl(PR_GET_TIMERSLACK), 7000);
    /* A child begins with it, and 0 then means that. */
    CHECK_EQ(status_of(START(CHECK_EQ(prctl(PR_GET_TIMERSLACK), 7000);
                             CHECK(prctl(PR_SET_TIMERSLACK, 1) == 0);
                             CHECK(prctl(PR_SET_TIMERSLACK, 0) == 0);
                             CHECK_EQ(prctl(PR_GET_TIMERSLACK), 7000))),
             0);
    CHECK(prctl(PR_SET_TIMERSLACK, 0) == 0);
    CHECK_EQ(prctl(PR_GET_TIMERSLACK), 50000);
}

static void huge_pages(void)
{
    CHECK_EQ(NO_HUGE_PAGES(), 0);
    CHECK_ERR(EINVAL, prctl(PR_GET_THP_DISABLE, 1, 0, 0, 0));
    CHECK_ERR(EINVAL, prctl(PR_SET_THP_DISABLE, 1, 1, 0, 0));
    CHECK(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0);
    CHECK_EQ(NO_HUGE_PAGES(), 1);
    CHECK_EQ(status_of(START(CHECK_EQ(NO_HUGE_PAGES(), 1); prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0);
                             CHECK_EQ(NO_HUGE_PAGES(), 0))),
             0);
    CHECK_EQ(NO_HUGE_PAGES(), 1);
    CHECK(prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0) == 0);
}

/* What personality(2) changes: the name of the machine, its version, time-outs that are written back. */
static void personalities(void)
{
    CHECK_EQ(CHILD(struct utsname u; personality(PER_LINUX32); uname(&u); SAY("%s\n", u.machine)),
             0);
    CHECK_EQ(CHILD(struct utsname u; personality(UNAME26); uname(&u);
                   CHECK(strncmp(u.release, "2.6.", 4) == 0);
                   CHECK_EQ(u.release[sizeof(u.release) - 1], 0)),
             0);
    CHECK_EQ(CHILD(struct timeval tv = { 0, 1000 }; personality(STICKY_TIMEOUTS);
                   CHECK_EQ(select(0, NULL, NULL, NULL, &tv), 0); CHECK_EQ(tv.tv_usec, 1000)),
             0);
}

static void speculation(void)
{
    CHECK_ERR(ENODEV, prctl(PR_GET_SPECULATION_CTRL, 99, 0, 0, 0));
    CHECK_ERR(EINVAL, prctl(PR_GET_SPECULATION_CTRL, 0, 1, 0, 0));
    CHECK_ERR(ENODEV, prctl(PR_SET_SPECULATION_CTRL, 99, 0, 0, 0));
    CHECK_ERR(EINVAL, prctl(PR_SET_SPECULATION_CTRL, 0, 0, 1, 0));
    CHECK(prctl(PR_GET_SPECULATION_CTRL, 0, 0, 0, 0) >= 0);
}

static void auxv(void)
{
    long mine[128], kernel[128] = { 0 };
    int fd = open("/proc/self/auxv", O_RDONLY), n = read(fd, mine, sizeof(mine));

    close(fd);
    int got = prctl(0x41555856, kernel, sizeof(kernel), 0, 0); /* PR_GET_AUXV */
    if (got == -1) {                                           /* Linux 6.4 has it */
        SAY("# no PR_GET_AUXV: %s\n", strerror(errno));
        return;
    }
    CHECK(got >= n && memcmp(mine, kernel, n) == 0);
    CHECK_ERR(EINVAL, prctl(0x41555856, kernel, sizeof(kernel), 1, 0));
    CHECK_ERR(EFAULT, prctl(0x41555856, NULL, 8, 0, 0));
}

static void test(void)
{
    personalities();
    speculation();
    auxv();
    timer_slack();
    huge_pages();
}
