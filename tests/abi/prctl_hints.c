/* prctl: a timer slack and a wish for no huge pages are kept, and inherited by children. */
#include "check.h"
#include <sys/prctl.h>

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

static void test(void)
{
    timer_slack();
    huge_pages();
}
