/* /proc/sys: who may write which settings and what is refused.  What a setting does is tried in the guest only:
 * on Linux it would change the machine for all. */
#include "check.h"

#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/personality.h>
#include <sys/socket.h>
#include <netinet/in.h>

#define F_SETPIPE_SZ_ 1031

static const struct {
    const char *name;
    const char *bad[5]; /* what none of them takes */
} settings[] = {
    { "kernel/pid_max", { "1", "300", "x", "y", "-1" } },
    { "kernel/randomize_va_space", { "x", "y", " ", "0x", "2x" } },
    { "kernel/sched_rr_timeslice_ms", { "x", "y", "1x", "z", " " } },
    { "kernel/random/urandom_min_reseed_secs", { "x", "y", "1x", "z", " " } },
    { "kernel/random/write_wakeup_threshold", { "x", "y", "1x", "z", "-1" } },
    { "vm/max_map_count", { "-1", "x", "y", "1x", "4294967296" } },
    { "vm/overcommit_memory", { "3", "-1", "x", "y", "0x" } },
    { "vm/swappiness", { "201", "-1", "x", "y", "60%" } },
    { "fs/nr_open", { "1", "63", "-1", "x", "y" } },
    { "fs/pipe-max-size", { "-1", "x", "y", "1x", " " } },
    { "fs/epoll/max_user_watches", { "-1", "x", "y", "1x", " " } },
    { "fs/inotify/max_queued_events", { "-1", "x", "y", "1x", "4294967296" } },
    { "fs/inotify/max_user_instances", { "-1", "x", "y", "1x", "4294967296" } },
    { "fs/inotify/max_user_watches", { "-1", "x", "y", "1x", "4294967296" } },
    { "net/ipv4/ip_local_port_range", { "x", "2 1", "70000 70001", "-1 5", "0 5" } },
    { "net/core/somaxconn", { "-1", "x", "y", "1x", "4294967296" } },
};
#define SETTINGS (sizeof(settings) / sizeof(settings[0]))

static char path[128];

static const char *sys(const char *name)
{
    snprintf(path, sizeof(path), "/proc/sys/%s", name);
    return path;
}

static long put(const char *name, const char *text) { return put_text(sys(name), text); }

static void refusals(void)
{
    struct stat st;
    char now[64], around[80];

    for (size_t i = 0; i < SETTINGS; i++) {
        const char *name = settings[i].name;

        CHECK(stat(sys(name), &st) == 0);
        SAY("%s %o:", name, st.st_mode);
        snprintf(now, sizeof(now), "%s", slurp(path));
        for (int k = 0; k < 5; k++) {
            long n = put(name, settings[i].bad[k]);
            SAY(" \"%s\" %s", settings[i].bad[k],
                n < 0    ? strerror(errno)
                : n == 0 ? "nothing"
                         : "taken");
        }
        SAY("\n");
        CHECK(strcmp(slurp(sys(name)), now) == 0);
        CHECK_EQ(put(name, now), strlen(now)); /* as it is */
        snprintf(around, sizeof(around), " \t%.*s \n", (int)strcspn(now, "\n"), now);
        CHECK_EQ(put(name, around), strlen(around));
        CHECK(strcmp(slurp(sys(name)), now) == 0);
        CHECK_EQ(CHILD(CHECK(setuid(65534) == 0); CHECK_ERR(EACCES, put(name, now))), 0);
    }
    SAY("%s", slurp(sys("kernel/arch")));
    CHECK(strncmp(slurp(sys("kernel/seccomp/actions_avail")),
                  "kill_process kill_thread trap errno ", 36) == 0);
    CHECK(atoi(slurp(sys("kernel/threads-max"))) > 1000);
}

/* --- in the guest only: what they do ------------------------------------------------- */

static void set(const char *name, const char *value) { CHECK(put(name, value) > 0); }

static void show_layout(int what)
{
    char map[64] = "", *stack = strstr((char *)slurp("/proc/self/maps"), "[stack]");

    while (stack != NULL && stack[-1] != '\n')
        stack--;
    if (what == 1)
        snprintf(map, sizeof(map), "%.20s", stack);
    else
        snprintf(map, sizeof(map), "%lx", (unsigned long)sbrk(0));
    write_file("layout", map);
}

/* Does the layout of a new program, its stack or its heap, change from one to the next? */
static int varies(int what)
{
    char arg[2] = { (char)('0' + what), 0 }, first[64];

    for (int i = 0; i < 4; i++) {
        CHECK_EQ(CHILD(setenv("LAYOUT", arg, 1); execl("/proc/self/exe", "sysctl", NULL)), 0);
        if (i == 0)
            snprintf(first, sizeof(first), "%s", slurp("layout"));
        else if (strcmp(slurp("layout"), first) != 0)
            return 1;
    }
    return 0;
}

static void layouts(void)
{
    CHECK(varies(1) && varies(2));
    set("kernel/randomize_va_space", "1");
    CHECK(varies(1)); /* the heap with the program, if that is a PIE */
    set("kernel/randomize_va_space", "0");
    CHECK(!varies(1) && !varies(2));
    set("kernel/randomize_va_space", "2");
}

static void numbers(void)
{
    int most = 0;

    set("kernel/pid_max", "301");
    for (int i = 0; i < 400; i++) {
        pid_t pid = START();
        CHECK(pid > 0);
        most = pid > most ? pid : most;
        status_of(pid);
    }
    set("kernel/pid_max", "32768");
    CHECK(most <= 300);
}

static void memory(void)
{
    size_t huge = 1ul << 46;
    int prot = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_ANONYMOUS;

    CHECK(mmap(NULL, huge, prot, flags, -1, 0) == MAP_FAILED && errno == ENOMEM);
    set("vm/overcommit_memory", "1");
    void *p = mmap(NULL, huge, prot, flags, -1, 0);
    CHECK(p != MAP_FAILED);
    set("vm/overcommit_memory", "0");
    munmap(p, huge);

    set("vm/max_map_count", "30");
    char *q = mmap(NULL, 200 * PAGE, prot, flags, -1, 0);
    CHECK(q != MAP_FAILED);
    int made = 0;
    while (made < 100 &&
           mmap(NULL, PAGE, made & 1 ? prot : PROT_READ, flags | MAP_SHARED, -1, 0) != MAP_FAILED)
        made++;
    int parts = 0;
    while (parts < 100 &&
           mmap(NULL, PAGE, parts & 1 ? prot : PROT_READ, flags, -1, 0) != MAP_FAILED)
        parts++;
    CHECK(errno == ENOMEM && parts < 40);
    set("vm/max_map_count", "65530");
}

static void files(void)
{
    struct rlimit r = { 1 << 20, 1 << 20 }, old;
    int fd[2];

    CHECK(getrlimit(RLIMIT_NOFILE, &old) == 0);
    set("fs/nr_open", "65536");
    CHECK_ERR(EPERM, setrlimit(RLIMIT_NOFILE, &r));
    set("fs/nr_open", "1048576");
    CHECK_EQ(CHILD(CHECK(setrlimit(RLIMIT_NOFILE, &r) == 0)), 0);

    set("fs/pipe-max-size", "9000");
    CHECK(strcmp(slurp(sys("fs/pipe-max-size")), "16384\n") == 0);
    CHECK(pipe(fd) == 0);
    CHECK_EQ(fcntl(fd[0], F_SETPIPE_SZ_, 8192), 8192);
    CHECK_EQ(CHILD(CHECK(setuid(65534) == 0); CHECK_EQ(fcntl(fd[0], F_SETPIPE_SZ_, 16384), 16384);
                   CHECK_ERR(EPERM, fcntl(fd[0], F_SETPIPE_SZ_, 32768));
                   CHECK_EQ(fcntl(fd[0], F_SETPIPE_SZ_, 4096), 4096)),
             0);
    CHECK_EQ(fcntl(fd[0], F_SETPIPE_SZ_, 65536), 65536); /* root may */
    set("fs/pipe-max-size", "1048576");
    close(fd[0]);
    close(fd[1]);
}

static void watching(void)
{
    struct epoll_event e = { 0 };
    char was[32];
    int n, watch, epoll = epoll_create(1);

    snprintf(was, sizeof(was), "%s", slurp(sys("fs/epoll/max_user_watches")));
    set("fs/epoll/max_user_watches", "0");
    CHECK(pipe((int[2]){ 0 }) == 0);
    CHECK_ERR(ENOSPC, epoll_ctl(epoll, EPOLL_CTL_ADD, epoll + 1, &e));
    set("fs/epoll/max_user_watches", was);
    CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, epoll + 1, &e), 0);
    set("fs/inotify/max_user_instances", "0");
    CHECK_ERR(EMFILE, inotify_init());
    set("fs/inotify/max_user_instances", "128");
    set("fs/inotify/max_queued_events", "2");
    watch = inotify_init1(IN_NONBLOCK);
    set("fs/inotify/max_queued_events", "16384");
    set("fs/inotify/max_user_watches", "0");
    CHECK_ERR(ENOSPC, inotify_add_watch(watch, ".", IN_CREATE));
    set("fs/inotify/max_user_watches", "8192");
    CHECK(inotify_add_watch(watch, ".", IN_CREATE) > 0);
    write_file("one", "");
    write_file("two", "");
    write_file("three", "");
    struct inotify_event *last = NULL;
    char events[4096];
    n = (int)read(watch, events, sizeof(events));
    for (int at = 0; at < n; at += (int)(sizeof(*last) + last->len))
        last = (struct inotify_event *)(events + at);
    CHECK(last != NULL && last->mask == IN_Q_OVERFLOW);
}

static void turns(void)
{
    struct timespec t;
    struct sched_param one = { .sched_priority = 1 };

    set("kernel/sched_rr_timeslice_ms", "30");
    CHECK_EQ(CHILD(CHECK(syscall(SYS_sched_setscheduler, 0, SCHED_RR, &one) == 0);
                   CHECK(syscall(SYS_sched_rr_get_interval, 0, &t) == 0);
                   CHECK(t.tv_sec == 0 && t.tv_nsec == 30000000)),
             0);
    set("kernel/sched_rr_timeslice_ms", "0");
    CHECK(strcmp(slurp(sys("kernel/sched_rr_timeslice_ms")), "100\n") == 0);
}

static void ports(void)
{
    struct sockaddr_in at;
    socklen_t n = sizeof(at);

    set("net/ipv4/ip_local_port_range", "40000 40001");
    CHECK(strcmp(slurp(sys("net/ipv4/ip_local_port_range")), "40000\t40001\n") == 0);
    for (int i = 0; i < 3; i++) {
        int s = socket(AF_INET, SOCK_DGRAM, 0);
        memset(&at, 0, sizeof(at));
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        int rc = bind(s, (struct sockaddr *)&at, sizeof(at));
        CHECK(rc == (i < 2 ? 0 : -1));
        if (rc == 0)
            CHECK(getsockname(s, (struct sockaddr *)&at, &n) == 0 &&
                  ntohs(at.sin_port) / 2 == 20000);
    }
    set("net/ipv4/ip_local_port_range", "32768 60999");
}

/* fs/nr_open less than what is open already: no copy of the table has room for it.  kernel/ns_last_pid: which number
 * is next. */
static void tables_and_numbers(void)
{
    char text[16];

    CHECK(dup2(2, 65) == 65);
    CHECK(CHILD(pid_t child = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
                if (child != 0) _exit(status_of(child) >> 8); set("fs/nr_open", "127");
                CHECK_ERR(EMFILE, unshare(CLONE_FILES)); CHECK_ERR(EMFILE, fork());
                CHECK_ERR(EMFILE, execl("/proc/self/exe", "x", NULL));
                CHECK_ERR(EMFILE, syscall(SYS_close_range, 90, 91, 2)); set("fs/nr_open", "128");
                CHECK(unshare(CLONE_FILES) == 0)) == 0);
    close(65);
    set("fs/nr_open", "1048576");
    for (int pid = 1000; pid < 1300; pid += 77) {
        snprintf(text, sizeof(text), "%d", pid);
        set("kernel/ns_last_pid", text);
        CHECK_EQ(atoi(slurp("/proc/sys/kernel/ns_last_pid")), pid);
        pid_t child = START((void)0);
        CHECK_EQ(child, pid + 1);
        status_of(child);
    }
    set("kernel/ns_last_pid", "32768");
    pid_t child = START((void)0);
    CHECK(child >= 300 && child < 1000);
    status_of(child);
    CHECK_ERR(EINVAL, put("kernel/ns_last_pid", "32769"));
    CHECK_ERR(EINVAL, put("kernel/ns_last_pid", "-1"));
    CHILD(CHECK(setresuid(65534, 65534, 65534) == 0);
          CHECK_ERR(EPERM, put("kernel/ns_last_pid", "1")));
}

static void test(void)
{
    if (getenv("LAYOUT") != NULL) {
        show_layout(atoi(getenv("LAYOUT")));
        return;
    }
    refusals();
    if (access("/proc/forkscope", F_OK) != 0)
        return;
    layouts();
    numbers();
    memory();
    files();
    watching();
    turns();
    ports();
    tables_and_numbers();
}
