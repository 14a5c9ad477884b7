/* How many CPUs there are: glibc asks /sys, /proc/stat or the affinity mask, and
 * all must agree. */
#include "../check.h"
#include <sys/sysinfo.h>

static void test(void)
{
    cpu_set_t all;
    int lines = 0;

    CHECK(sched_getaffinity(0, sizeof(all), &all) == 0);
    for (const char *at = slurp("/proc/stat"); (at = strstr(at, "\ncpu")) != NULL; at++)
        lines++;
    CHECK_EQ(sysconf(_SC_NPROCESSORS_ONLN), CPU_COUNT(&all));
    CHECK_EQ(get_nprocs(), CPU_COUNT(&all));
    CHECK(sysconf(_SC_NPROCESSORS_CONF) >= CPU_COUNT(&all));
    CHECK_EQ(lines, CPU_COUNT(&all));
}
