/* A vfork child has none of its parent's timers: alarm and itimers stay the
 * parent's; pdeathsig is off; its times start at zero. */
#include "check.h"
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/times.h>

static volatile int left, pdeath = -1, alarm_seen;
static volatile long ticks = -1, kids = -1;

static void test(void)
{
    struct itimerval off = { 0 };

    handle(SIGALRM, SIG_IGN, 0);
    alarm(100);
    CHECK(prctl(PR_SET_PDEATHSIG, SIGUSR1) == 0);
    CHECK_EQ(VCHILD({
                 struct itimerval t;
                 struct tms tms;
                 int sig = -1;
                 getitimer(ITIMER_REAL, &t);
                 left = t.it_value.tv_sec;
                 prctl(PR_GET_PDEATHSIG, &sig);
                 pdeath = sig;
                 times(&tms);
                 ticks = tms.tms_utime + tms.tms_stime;
                 kids = tms.tms_cutime + tms.tms_cstime;
                 alarm_seen = alarm(5);
             }),
             0);
    CHECK_EQ(left, 0);
    CHECK_EQ(pdeath, 0);
    CHECK_EQ(alarm_seen, 0);
    CHECK(ticks >= 0 && ticks <= 2);
    CHECK_EQ(kids, 0);
    int rest = alarm(0);
    CHECK(rest > 90 && rest <= 100);
    CHECK(getitimer(ITIMER_REAL, &off) == 0 && off.it_value.tv_sec == 0);
}
