/* While a parent stands in vfork, /proc/PID says so: state D, wchan
 * kernel_clone; status, stat, maps, exe and cmdline can be read, also by the child
 * for which it waits.
 *
 * wchan is 0 where the kernel does not tell: without CAP_SYS_PTRACE, without
 * kallsyms, or while the task is on its way to sleep.  So 0 counts as kernel_clone. */
#include "check.h"

static volatile char state, status_line[64], wchan[64], exe_ok, maps_ok, cmdline_ok;

static void look(pid_t pid)
{
    char path[64], link[256];

    msleep(20); /* it may be on its way to sleep */
    state = state_of(pid);
    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    const char *line = strstr(slurp(path), "State:");
    for (int i = 0; line && i < 60 && line[i] != '\n'; i++)
        status_line[i] = line[i];
    snprintf(path, sizeof(path), "/proc/%d/wchan", pid);
    const char *where = slurp(path);
    strncpy((char *)wchan, strcmp(where, "0") == 0 ? "kernel_clone" : where, sizeof(wchan) - 1);
    snprintf(path, sizeof(path), "/proc/%d/exe", pid);
    ssize_t len = readlink(path, link, sizeof(link) - 1);
    exe_ok = len > 0 && memmem(link, len, "vfork_proc", 10) != NULL;
    snprintf(path, sizeof(path), "/proc/%d/maps", pid);
    maps_ok = strstr(slurp(path), "[stack]") != NULL;
    snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
    cmdline_ok = strstr(slurp(path), "vfork_proc") != NULL;
}

static void report(void)
{
    SAY("state %c, %s, wchan %s, exe %d, maps %d, cmdline %d\n", state, (char *)status_line,
        (char *)wchan, exe_ok, maps_ok, cmdline_ok);
}

static void test(void)
{
    pid_t parent = getpid();

    CHECK_EQ(VCHILD(look(parent)), 0);
    report();

    volatile int *stage = map_shared(PAGE);
    pid_t blocked = START({
        if (vfork() == 0) {
            *stage = 1;
            while (*stage == 1)
                msleep(5);
            _exit(0);
        }
        _exit(0);
    });
    CHECK(WAIT_UNTIL(*stage == 1));
    state = 0;
    look(blocked);
    report();
    *stage = 2;
    CHECK_EQ(status_of(blocked), 0);
}
