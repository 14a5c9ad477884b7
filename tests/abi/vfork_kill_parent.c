/* What kills the parent while it stands in vfork: SIGKILL and a default-fatal
 * SIGTERM do at once; SIGQUIT, whose default is a core, waits for the release;
 * SIGTERM waits, too, when a handled signal is already pending.  The child
 * lives on in the memory and gets a new parent. */
#include "check.h"

static void ignore_it(int sig) { (void)sig; }

struct shared {
    volatile pid_t child;
    volatile int sent, child_done, orphaned;
};

/* Makes a process that vforks, sends it the signals, after which the child lives for 400 ms, and says
 * with what status and how early it died. */
static void kill_blocked(const char *name, int first, int second)
{
    struct shared *s = map_shared(sizeof(*s));
    pid_t parent = START({
        if (second)
            handle(first, ignore_it, 0);
        pid_t me = getpid();
        pid_t pid = vfork();
        if (pid == 0) {
            s->child = getpid();
            while (!s->sent)
                msleep(5);
            long end = now_ms() + 400;
            while (now_ms() < end)
                msleep(10);
            s->orphaned = getppid() != me;
            s->child_done = 1;
            _exit(0);
        }
        _exit(7);
    });

    CHECK(WAIT_UNTIL(s->child != 0));
    msleep(50);
    kill(parent, first);
    if (second)
        kill(parent, second);
    s->sent = 1;
    int status = status_of(parent) & ~0x80;
    int at_once = !s->child_done;
    SAY("%s: status %#x, %s\n", name, status, at_once ? "at once" : "at the release");
    CHECK(WAIT_UNTIL(s->child_done));
    SAY("%s: child %s\n", name, s->orphaned ? "has a new parent" : "has its parent");
}

static void test(void)
{
    kill_blocked("KILL", SIGKILL, 0);
    kill_blocked("TERM", SIGTERM, 0);
    kill_blocked("HUP", SIGHUP, 0);
    kill_blocked("QUIT", SIGQUIT, 0);
    kill_blocked("handled USR1, then TERM", SIGUSR1, SIGTERM);
    kill_blocked("handled USR1, then KILL", SIGUSR1, SIGKILL);
}
