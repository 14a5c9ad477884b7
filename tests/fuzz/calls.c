/* calls.c - calls the kernel with whatever: seeded, typed by the kernel's own list of calls.
 *
 *     calls -s SEED [-t SECONDS] [-r ROUND]
 *
 * A round is some workers at a time, processes with one to three threads each that share all, in
 * a directory with some files, pipes and a mount.  Each thread makes calls until its number is up,
 * the worker dies of one or time is up.  After a round all of them are killed; that must end them,
 * whatever they were in.  What the kernel holds then is what it held before.  The rest is
 * checked by the kernel itself (guest-locks.elf), the audit and the lint of its trace.
 *
 * -r does one round: the one that the console named last before the machine died.  What was called
 * then is in the machine's trace.  Only in our guest: it kills every process after its own. */
#include "calls.h"
#include "../vm/held.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WORK "/tmp/fuzz"

static struct log *logs; /* WORKERS * THREADS, shared */
static int mounts_fd;
static unsigned mounts_before;
static uint64_t seed, calls;
static double round_seconds = 0.15; /* ten times as long, and ticks, where a call takes so long */
static int tick_us = 3000;

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --- a worker ----------------------------------------------------------------------- */

static void limits(void)
{
    static const struct {
        int what;
        rlim_t most;
    } bounds[] = {
        { RLIMIT_FSIZE, 1 << 20 }, { RLIMIT_AS, 96 << 20 },    { RLIMIT_NOFILE, 256 },
        { RLIMIT_CORE, 0 },        { RLIMIT_SIGPENDING, 200 },
    };

    for (unsigned i = 0; i < sizeof(bounds) / sizeof(*bounds); i++)
        setrlimit(bounds[i].what, &(struct rlimit){ bounds[i].most, bounds[i].most });
}

static void send_fd(int to, int fd)
{
    char control[CMSG_SPACE(sizeof(int))] = { 0 };
    struct iovec v = { "x", 1 };
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)
    };
    struct cmsghdr *h = CMSG_FIRSTHDR(&m);

    h->cmsg_level = SOL_SOCKET;
    h->cmsg_type = SCM_RIGHTS;
    h->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(h), &fd, sizeof(fd));
    sendmsg(to, &m, MSG_DONTWAIT);
}

/* 17 and on, some of them only for root: a missing one is another descriptor's number. */
static void newer_ones(void)
{
    for (int fd = 17; fd < 40; fd++)
        close(fd);
    fuzz_listener();
    syscall(447 /* memfd_secret */, 0);
    syscall(SYS_mq_open, "a", O_CREAT | O_RDWR | O_NONBLOCK, 0666, NULL);
    socket(AF_NETLINK, SOCK_DGRAM | SOCK_NONBLOCK, 4);
    open("/proc/self/ns/mnt", O_RDONLY);
    open("/proc/self/ns/uts", O_RDONLY);
    open("/proc/self/ns/ipc", O_RDONLY);
    socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK, IPPROTO_ICMP);
    socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK, IPPROTO_RAW);
    socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK, IPPROTO_ICMPV6);
    socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    open("/dev/kmsg", O_RDWR | O_NONBLOCK);
    open("/dev/loop0", O_RDWR);
    open("/dev/loop1", O_RDWR);
    open("/proc/self/maps", O_RDONLY);
    open("/proc/self/mountinfo", O_RDONLY);
    socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    syscall(SYS_fsopen, "tmpfs", 0);
    syscall(SYS_open_tree, AT_FDCWD, "d", 1);
}

static void descriptors(void)
{
    int ends[2], null = open("/dev/null", O_RDWR);

    for (int fd = 3; fd < 16; fd++)
        if (fd != null)
            close(fd);
    dup2(null, 0); /* nothing goes to the console */
    dup2(null, 1);
    dup2(null, 2);
    open("a", O_CREAT | O_RDWR, 0666);
    open("d", O_RDONLY | O_DIRECTORY);
    if (pipe(ends) == 0)
        fcntl(ends[0], F_SETFL, O_NONBLOCK);
    open("fifo", O_RDWR | O_NONBLOCK);
    open("/dev/zero", O_RDWR);
    eventfd(1, EFD_NONBLOCK);
    for (int i = 0; i < 3; i++) /* one of them watches a pipe, an eventfd and another one */
        epoll_create1(0);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0) /* one has the other in its queue */
        send_fd(ends[0], ends[1]);
    int in = inotify_init1(IN_NONBLOCK);
    inotify_add_watch(in, ".", IN_ALL_EVENTS);
    inotify_add_watch(in, "a", IN_ALL_EVENTS);
    newer_ones();
    for (int fd = 5; fd < 32; fd++)
        epoll_ctl(12, EPOLL_CTL_ADD, fd, &(struct epoll_event){ .events = EPOLLIN });
}

static void on_alarm(int sig) { (void)sig; }

/* Blocks nowhere for long, unless it changes that. */
static void ticks(void)
{
    struct sigaction a = { .sa_handler = on_alarm };
    struct itimerval often = { { 0, tick_us }, { 0, tick_us } };

    for (int sig = 1; sig <= 64; sig++) /* what is a mistake still ends it */
        if (sig != SIGSEGV && sig != SIGBUS && sig != SIGILL && sig != SIGFPE && sig != SIGTRAP)
            sigaction(sig, &a, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
}

static void __attribute__((noreturn)) worker(uint64_t round, unsigned number)
{
    static struct random r[THREADS];
    unsigned threads;

    for (unsigned i = 0; i < THREADS; i++)
        r[i].state = seed * 1000003 + round * 101 + number * 7 + i;
    setsid();
    if (chroot(WORK) != 0 || chdir("/w") != 0)
        _exit(1);
    limits();
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    descriptors();
    arena_make(&r[0]);
    ticks();
    if (one_in(&r[0], 4) && setgid(1000) == 0 && setuid(1000) != 0)
        _exit(1);
    threads = 1 + (unsigned)below(&r[0], THREADS);
    for (unsigned i = 1; i < threads; i++) {
        char *stack =
            mmap(NULL, 64 << 10, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (stack != MAP_FAILED)
            start_thread(stack + (64 << 10), &r[i], &logs[number * THREADS + i], 400);
    }
    thread_main(&r[0], &logs[number * THREADS], 400);
}

/* --- a round ------------------------------------------------------------------------ */

/* The beginning of a program, to map and to fail to run. */
static int copy_head(const char *from, const char *to)
{
    static char buf[5 * PAGE];
    int in = open(from, O_RDONLY), out = open(to, O_CREAT | O_WRONLY, 0777);
    ssize_t n = read(in, buf, sizeof(buf));
    int bad = n <= 0 || write(out, buf, n) != n;

    close(in);
    close(out);
    return bad;
}

static void node(const char *path, unsigned minor_number)
{
    mknod(path, S_IFCHR | 0666, makedev(1, minor_number));
}

/* A root of their own for the workers, which goes with its mount. */
static int directory(void)
{
    mkdir(WORK, 0777);
    if (mount("fuzz", WORK, "tmpfs", 0, "size=8m") != 0 || chdir(WORK) != 0)
        return 0;
    mkdir("dev", 0777);
    node("dev/null", 3);
    node("dev/zero", 5);
    node("dev/full", 7);
    node("dev/urandom", 9);
    node("dev/kmsg", 11);
    mknod("dev/loop0", S_IFBLK | 0666, makedev(7, 0));
    mknod("dev/loop1", S_IFBLK | 0666, makedev(7, 1));
    mknod("dev/loop-control", S_IFCHR | 0666, makedev(10, 237));
    mkdir("sys", 0777);
    mkdir("proc", 0777);
    mkdir("bin", 0777);
    mkdir("etc", 0777);
    close(open("etc/passwd", O_CREAT | O_WRONLY, 0666));
    mkdir("w", 0777);
    if (mount("proc", "proc", "proc", 0, NULL) != 0 ||
        mount("sysfs", "sys", "sysfs", 0, NULL) != 0 || copy_head("/bin/busybox", "bin/busybox") ||
        chdir("w") != 0)
        return 0;
    mkdir("d", 0777);
    mkdir("e", 0777);
    mkfifo("fifo", 0666);
    return symlink("d", "l") == 0 && chdir("/") == 0;
}

/* Everything that was started after us. */
static unsigned kill_all(void)
{
    static char entries[8192]; /* no malloc(): what we have mapped stays the same */
    int proc = open("/proc", O_RDONLY | O_DIRECTORY);
    unsigned n = 0;
    long len;

    while ((len = syscall(SYS_getdents64, proc, entries, sizeof(entries))) > 0)
        for (long at = 0; at < len; at += *(unsigned short *)(entries + at + 16)) {
            int pid = atoi(entries + at + 19);
            if (pid > 1 && pid != getpid() && pid != getppid()) {
                n++;
                kill(pid, SIGKILL);
            }
        }
    close(proc);
    while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
        ;
    return n;
}

/* What is still there, and what it waits for. */
static void say_left(void)
{
    char path[64], text[400];

    for (int pid = 2; pid < 100000; pid++) {
        static const char *const of[] = { "stat", "wchan", "syscall" };
        if (pid == getpid() || pid == getppid() || (kill(pid, 0) != 0 && errno == ESRCH))
            continue;
        for (unsigned i = 0; i < sizeof(of) / sizeof(*of); i++) {
            snprintf(path, sizeof(path), "/proc/%d/%s", pid, of[i]);
            int fd = open(path, O_RDONLY);
            ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;
            printf("%s: %.*s\n", path, n > 0 ? (int)n : 0, text);
            close(fd);
        }
    }
}

/* The mount in the last line of /proc/mounts: by way of /proc/self/exe some come outside of the
 * directory. */
static int umount_last(const char *text, ssize_t len)
{
    char path[4096];

    while (len > 0 && text[len - 1] == '\n')
        len--;
    while (len > 0 && text[len - 1] != '\n')
        len--;
    return sscanf(text + len, "%*s %4095s", path) == 1 ? umount2(path, MNT_DETACH) : -1;
}

/* What has no owner whose end would end it. */
static void remove_ipc(void)
{
    char some[256];

    for (int i = msgctl(0, MSG_INFO, (void *)some); i >= 0; i--)
        msgctl(msgctl(i, MSG_STAT, (void *)some), IPC_RMID, NULL);
    for (int i = semctl(0, 0, SEM_INFO, some); i >= 0; i--)
        semctl(semctl(i, 0, SEM_STAT, some), 0, IPC_RMID);
    for (int i = shmctl(0, SHM_INFO, (void *)some); i >= 0; i--)
        shmctl(shmctl(i, SHM_STAT, (void *)some), IPC_RMID, NULL);
}

static void remove_others(void)
{
    static const char *const queues[] = { "a", "b", "c" };
    static const char *const disks[] = { "/dev/loop0", "/dev/loop1" };

    syscall(SYS_acct, NULL);
    for (unsigned i = 0; i < 3; i++)
        syscall(SYS_mq_unlink, queues[i]);
    for (unsigned i = 0; i < 2; i++) {
        int fd = open(disks[i], O_RDWR);
        ioctl(fd, 0x4c01 /* LOOP_CLR_FD */, 0);
        close(fd);
    }
    pid_t pid = fork(); /* the keys of both users */
    if (pid == 0) {
        for (int user = 0; user < 2; user++) {
            for (int ring = -5; ring < -3; ring++)
                syscall(SYS_keyctl, 7 /* KEYCTL_CLEAR */, ring, 0, 0, 0);
            if (setuid(1000) != 0)
                break;
        }
        _exit(0);
    }
    waitpid(pid, NULL, 0);
}

static int clean_up(void)
{
    static char text[16384];

    for (int tries = 0; kill_all() > 0; tries++) {
        if (tries > 4000) {
            printf("FAIL a killed process does not end\n");
            say_left();
            return 0;
        }
        usleep(2000);
    }
    remove_ipc();
    remove_others();
    for (;;) { /* with all that is mounted below it, whatever hides that */
        ssize_t len = pread(mounts_fd, text, sizeof(text) - 1, 0);
        unsigned n = 0;

        for (ssize_t i = 0; i < len; i++)
            n += text[i] == '\n';
        if (n <= mounts_before)
            return 1;
        if (umount2(WORK, MNT_DETACH) != 0 && umount_last(text, len) != 0) {
            printf("FAIL the mount cannot be removed: %s, of\n%.*s", strerror(errno), (int)len,
                   text);
            return 0;
        }
    }
}

static int one_round(uint64_t round, int workers)
{
    pid_t pid[WORKERS];
    double end = now() + round_seconds;
    unsigned left;

    memset(logs, 0, sizeof(*logs) * WORKERS * THREADS);
    if (!directory()) {
        printf("FAIL no directory: %s\n", strerror(errno));
        return 0;
    }
    for (int i = 0; i < workers; i++)
        if ((pid[i] = fork()) == 0)
            worker(round, (unsigned)i);
    do {
        left = 0;
        for (int i = 0; i < workers; i++)
            if (pid[i] > 0 && waitpid(pid[i], NULL, WNOHANG) == 0)
                left++;
            else
                pid[i] = 0;
        if (left)
            usleep(2000);
    } while (left && now() < end);
    for (unsigned i = 0; i < WORKERS * THREADS; i++)
        calls += logs[i].n;
    if (clean_up())
        return 1;
    printf("seed %llu round %llu: the last calls were\n", (unsigned long long)seed,
           (unsigned long long)round);
    for (unsigned i = 0; i < WORKERS * THREADS; i++) {
        char who[32];
        snprintf(who, sizeof(who), "%u.%u", i / THREADS, i % THREADS);
        last_words(&logs[i], who);
    }
    return 0;
}

/* --- what the kernel holds ------------------------------------------------------------ */

/* What the kernel holds is what it held before, or less, which is then what it may hold. */
static int no_more(struct held *before)
{
    struct held now;

    if (held_same(before, &now, 500, 4000))
        return 1;
    held_say("held before", before);
    held_say("held after", &now);
    int less = now.frames <= before->frames && now.tables <= before->tables &&
               now.bytes <= before->bytes && now.tasks <= before->tasks &&
               now.files <= before->files;
    *before = less ? now : *before;
    return less;
}

/* What is lost is lost again when the round is repeated; what the kernel keeps from the first time
 * on, a directory's names for example, is not. */
static int nothing_lost(uint64_t round, struct held *before)
{
    if (no_more(before))
        return 1;
    for (int i = 0; i < 3; i++) {
        *before = held();
        if (!one_round(round, WORKERS))
            return 0;
        if (no_more(before))
            return 1;
    }
    return 0;
}

static void begin(void)
{
    static char text[16384];
    int score = open("/proc/self/oom_score_adj", O_WRONLY);

    if (write(score, "-1000", 5) != 5)
        printf("oom_score_adj: %s\n", strerror(errno));
    close(score);
    if (held_open() != 0) {
        printf("only for our guest\n");
        exit(2);
    }
    mounts_fd = open("/proc/mounts", O_RDONLY | O_CLOEXEC);
    ssize_t n = pread(mounts_fd, text, sizeof(text) - 1, 0);
    for (ssize_t i = 0; i < n; i++)
        mounts_before += text[i] == '\n';
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    double start = now();
    for (int i = 0; i < 100; i++)
        getppid();
    if (now() - start > 0.002) {
        round_seconds *= 10;
        tick_us *= 10;
    }
    umask(0);
    setvbuf(stdout, NULL, _IOLBF, 1024);
    logs = mmap(NULL, sizeof(*logs) * WORKERS * THREADS, PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

int main(int argc, char **argv)
{
    double seconds = 10, end;
    long only = -1;
    int option;
    uint64_t round = 0;
    struct held before;

    while ((option = getopt(argc, argv, "s:t:r:")) >= 0)
        switch (option) {
        case 's': seed = strtoull(optarg, NULL, 0); break;
        case 't': seconds = atof(optarg); break;
        case 'r': only = atol(optarg); break;
        default: return 2;
        }
    if (argc != optind || argc < 2)
        return 2; /* also when a worker calls us */
    begin();
    if (only >= 0)
        return one_round((uint64_t)only, WORKERS) ? 0 : 1;
    for (unsigned warm = 0; warm < 4; warm++)
        if (!one_round(1000000 + warm, WORKERS))
            return 1;
    printf("seed %llu\n", (unsigned long long)seed); /* the console and the files of */
    held();                                          /* /proc keep what they use first */
    before = held();
    for (end = now() + seconds; now() < end; round++) {
        printf("seed %llu round %llu\n", (unsigned long long)seed, (unsigned long long)round);
        if (!one_round(round, WORKERS) || !nothing_lost(round, &before)) {
            printf("seed %llu round %llu failed\n", (unsigned long long)seed,
                   (unsigned long long)round);
            return 1;
        }
    }
    printf("%llu rounds, %llu calls, all is well\n", (unsigned long long)round,
           (unsigned long long)calls);
    return 0;
}
