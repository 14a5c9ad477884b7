/* spaces.c - namespaces and mounts, filters of calls and of messages, keys, queues, segments and what else a process of
 * its own does: its end undoes it. */
#include "tests/vm/alloc_fail/ops.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Linux's headers are not there. */
#define ALL_SPACES        (CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC)
#define NR_SECRET         447
#define NR_OPEN_TREE      428
#define NR_MOVE_MOUNT     429
#define NR_FSOPEN         430
#define NR_FSCONFIG       431
#define NR_FSMOUNT        432
#define NR_STATMOUNT      457
#define NOTIF_RECV        0xc0502100
#define NOTIF_SEND        0xc0182101
#define NOTIF_ADDFD       0x40182103
#define LOOP_SET_FD       0x4c00
#define LOOP_CLR_FD       0x4c01
#define MAP_QUERY         0xc0686611
#define SO_ATTACH_FILTER_ 26
#define KEY_SESSION       -3
#define KEYCTL_JOIN       1
#define KEYCTL_LINK       8

/* What does not succeed ends the operation. */
#define TRY(call) \
    do { \
        if ((long)(call) < 0) \
            return errno; \
    } while (0)

static int in_child(int (*run)(void))
{
    pid_t pid = fork();

    if (pid == 0) {
        arm(exec_nth);
        int err = run();
        _exit(disarm() ? err : err ? 97 : 100);
    }
    return child_said(pid);
}

/* --- namespaces and mounts --- */

static int spaces(void)
{
    TRY(unshare(ALL_SPACES));
    TRY(unshare(ALL_SPACES));
    return 0;
}

static int shared_mounts(void)
{
    TRY(unshare(CLONE_NEWNS));
    TRY(mount(NULL, "/", NULL, MS_SHARED | MS_REC, NULL));
    TRY(open("/proc/self/ns/mnt", O_RDONLY));
    TRY(unshare(CLONE_NEWNS));
    TRY(mount("x", "/mnt", "tmpfs", 0, NULL));
    TRY(mkdir("/mnt/d", 0700));
    TRY(mount("/tmp", "/mnt/d", NULL, MS_BIND, NULL));
    TRY(mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL));
    TRY(umount2("/mnt", MNT_DETACH));
    return 0;
}

static int other_root(void)
{
    TRY(unshare(CLONE_NEWNS));
    TRY(mount("x", "/mnt", "tmpfs", 0, NULL));
    TRY(chroot("/mnt"));
    TRY(mkdir("/new", 0700));
    TRY(mount("x", "/new", "tmpfs", 0, NULL));
    TRY(chdir("/new"));
    TRY(syscall(SYS_pivot_root, ".", "."));
    TRY(umount2(".", MNT_DETACH));
    return 0;
}

static int entered(void)
{
    int fd = open("/proc/self/ns/mnt", O_RDONLY), ipc = open("/proc/self/ns/ipc", O_RDONLY);

    TRY(fd);
    TRY(ipc);
    TRY(unshare(ALL_SPACES));
    TRY(setns(fd, 0));
    TRY(setns(ipc, CLONE_NEWIPC));
    return 0;
}

static int cloned(void)
{
    long pid = syscall(SYS_clone, ALL_SPACES | SIGCHLD, 0, 0, 0, 0);

    if (pid == 0)
        _exit(0);
    TRY(pid);
    wait_for((pid_t)pid);
    return 0;
}

static int trees(void)
{
    TRY(unshare(CLONE_NEWNS));
    long fs = syscall(NR_FSOPEN, "tmpfs", 0);
    TRY(fs);
    TRY(syscall(NR_FSCONFIG, fs, 1, "size", "1m", 0));
    TRY(syscall(NR_FSCONFIG, fs, 6, NULL, NULL, 0));
    long mnt = syscall(NR_FSMOUNT, fs, 0, 0);
    TRY(mnt);
    TRY(syscall(NR_MOVE_MOUNT, mnt, "", AT_FDCWD, "/mnt", 4));
    long tree = syscall(NR_OPEN_TREE, AT_FDCWD, "/", 0x8001);
    TRY(tree);
    TRY(syscall(NR_MOVE_MOUNT, tree, "", AT_FDCWD, "/mnt", 4));
    return 0;
}

/* --- filters --- */

struct insn {
    uint16_t code;
    uint8_t yes, no;
    uint32_t k;
};
struct program {
    uint16_t n;
    const struct insn *insn;
};

static int asked(void)
{
    static const struct insn f[] = { { 0x20, 0, 0, 0 },
                                     { 0x15, 1, 0, SYS_getpgrp },
                                     { 6, 0, 0, 0x7fff0000 },
                                     { 6, 0, 0, 0x7fc00000 } };
    const struct program p = { 4, f };
    union {
        uint64_t id;
        char bytes[80];
    } n = { .bytes = "" };
    int status;

    TRY(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    int fd = (int)syscall(SYS_seccomp, 1, 8, &p);
    TRY(fd);
    pid_t pid = fork();
    if (pid == 0) {
        syscall(SYS_getpgrp);
        _exit(0);
    }
    TRY(pid);
    int rc = ioctl(fd, NOTIF_RECV, &n), err = rc < 0 ? errno : 0;
    uint64_t give[3] = { n.id, 0, 0 }, answer[3] = { n.id, 0, 0 };
    if (err == 0 && ioctl(fd, NOTIF_ADDFD, give) < 0)
        err = errno;
    if (rc == 0)
        ioctl(fd, NOTIF_SEND, answer);
    else
        kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    return err;
}

static int packets(void)
{
    static const struct insn all[] = { { 6, 0, 0, UINT32_MAX } };
    const struct program p = { 1, all };
    const struct sockaddr_in to = { .sin_family = AF_INET,
                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const unsigned char echo[8] = { 8, 0, 0xf7, 0xff };
    char back[200];
    int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);

    TRY(fd);
    TRY(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER_, &p, sizeof(p)));
    TRY(sendto(fd, echo, sizeof(echo), 0, (void *)&to, sizeof(to)));
    recv(fd, back, sizeof(back), MSG_DONTWAIT); /* a copy that found no memory is lost */
    return 0;
}

static int datagrams(void)
{
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons(9),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const struct in_addr lo = { htonl(INADDR_LOOPBACK) };
    const struct ip_mreq m = { { htonl(0xe0000005) }, lo };
    int fd = socket(AF_INET, SOCK_DGRAM, 0), yes = 1;
    char bytes[3000] = "";
    struct iovec v = { bytes, sizeof(bytes) };
    struct msghdr h = { .msg_iov = &v, .msg_iovlen = 1 };

    TRY(fd);
    TRY(setsockopt(fd, IPPROTO_IP, IP_RECVERR, &yes, sizeof(yes)));
    TRY(setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &lo, sizeof(lo)));
    TRY(setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof(m)));
    TRY(sendto(fd, bytes, sizeof(bytes), 0, (void *)&to, sizeof(to)));
    TRY(recvmsg(fd, &h, MSG_ERRQUEUE));
    to.sin_addr.s_addr = htonl(0xe0000005);
    TRY(sendto(fd, bytes, sizeof(bytes), 0, (void *)&to, sizeof(to)));
    return 0;
}

static int dump(void)
{
    struct {
        uint32_t len;
        uint16_t type, flags;
        uint32_t seq, port;
        uint8_t family, protocol, ext, pad;
        uint32_t states;
        char id[48];
    } ask = { sizeof(ask), 20, 0x301, 1, 0, AF_INET, IPPROTO_TCP, 2, 0, UINT32_MAX, "" };
    char b[4096];
    int fd = socket(AF_NETLINK, SOCK_RAW, 4), s = socket(AF_INET, SOCK_STREAM, 0);

    TRY(fd);
    TRY(s);
    TRY(listen(s, 1));
    TRY(send(fd, &ask, sizeof(ask), 0));
    for (;;) {
        if (recv(fd, b, sizeof(b), MSG_DONTWAIT) < 0)
            return errno == ENOBUFS ? ENOMEM : errno;
        if (((uint16_t *)b)[2] == 3)
            return 0;
    }
}

/* --- and others --- */

static int segments(void)
{
    uint32_t u[4] = { 0, 0, 0xfffff, 1 | 1 << 4 | 1 << 6 };

    int rc = (int)syscall(SYS_modify_ldt, 0x11, u, sizeof(u)); /* an error is one of 32 bits */
    u[0] = 600;
    if (rc == 0)
        rc = (int)syscall(SYS_modify_ldt, 0x11, u, sizeof(u));
    if (rc != 0)
        return -rc;
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    TRY(pid);
    wait_for(pid);
    return 0;
}

static int secrets(void)
{
    int fd = (int)syscall(NR_SECRET, 0);

    TRY(fd);
    TRY(ftruncate(fd, 3 * PAGE));
    char *p = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return p == MAP_FAILED ? errno == EAGAIN ? ENOMEM : errno : 0;
}

static int keys(void)
{
    TRY(syscall(SYS_keyctl, KEYCTL_JOIN, 0));
    long a = syscall(SYS_add_key, "keyring", "a", NULL, 0, KEY_SESSION);
    TRY(a);
    long b = syscall(SYS_add_key, "keyring", "b", NULL, 0, a);
    TRY(b);
    long k = syscall(SYS_add_key, "user", "k", page_of_names, 2000, KEY_SESSION);
    TRY(k);
    TRY(syscall(SYS_keyctl, KEYCTL_LINK, k, b));
    TRY(syscall(SYS_request_key, "user", "k", NULL, a));
    if (syscall(SYS_request_key, "user", "none", "x", KEY_SESSION) < 0 && errno != ENOKEY &&
        errno != ENOENT)
        return errno;
    return 0;
}

static int queues(void)
{
    TRY(unshare(CLONE_NEWIPC));
    int fd = (int)syscall(SYS_mq_open, "q", O_CREAT | O_RDWR, 0600, NULL);
    TRY(fd);
    TRY(syscall(SYS_mq_open, "r", O_CREAT | O_RDWR, 0600, NULL));
    TRY(syscall(SYS_mq_timedsend, fd, page_of_names, 2000, 1, NULL));
    return 0;
}

static int groups(void)
{
    static gid_t g[3000];

    for (unsigned i = 0; i < 3000; i++)
        g[i] = 5000 - i;
    TRY(setgroups(3000, g));
    return 0;
}

static int dispatched(void)
{
    static char selector;

    TRY(prctl(59 /* PR_SET_SYSCALL_USER_DISPATCH */, 1, 0, 0, &selector));
    return 0;
}

static int deadline(void)
{
    const struct {
        uint32_t size, policy;
        uint64_t flags;
        uint32_t nice, priority;
        uint64_t runtime, deadline, period;
    } a = { 48, 6, 0, 0, 0, 1000000, 10000000, 10000000 };

    TRY(syscall(SYS_sched_setattr, 0, &a, 0));
    return 0;
}

static int disk(void)
{
    int fd = open("/dev/loop0", O_RDWR), f = open("/tmp/disk", O_CREAT | O_RDWR, 0600), err = 0;
    char text[100];

    TRY(fd);
    TRY(f);
    TRY(ftruncate(f, 4096));
    TRY(ioctl(fd, LOOP_SET_FD, f));
    if (pwrite(fd, text, 100, 0) < 0)
        err = errno;
    int name = err == 0 ? open("/sys/block/loop0/loop/backing_file", O_RDONLY) : -1;
    if (err == 0 && (name < 0 || read(name, text, 100) < 0))
        err = errno;
    ioctl(fd, LOOP_CLR_FD, 0);
    ftruncate(f, 0);
    return err;
}

static int looks(void)
{
    static const char *const files[] = { "/proc/self/numa_maps", "/proc/self/mountinfo",
                                         "/proc/keys",           "/proc/self/cmdline",
                                         "/proc/self/io",        "/proc/net/raw" };
    uint64_t query[13] = { 104, 0x30 }, mount[3] = { 24, UINT64_MAX, 0 };
    char text[2000], name[200];

    for (unsigned i = 0; i < sizeof(files) / sizeof(*files); i++) {
        int fd = open(files[i], O_RDONLY);
        TRY(fd);
        TRY(read(fd, text, sizeof(text)));
        close(fd);
    }
    int maps = open("/proc/self/maps", O_RDONLY);
    TRY(maps);
    ((uint32_t *)query)[20] = sizeof(name);
    query[11] = (uint64_t)name;
    TRY(ioctl(maps, MAP_QUERY, query));
    TRY(syscall(NR_STATMOUNT + 1, mount, &mount[1], 1, 0));
    mount[2] = 0xffff;
    TRY(syscall(NR_STATMOUNT, mount, text, sizeof(text), 0));
    TRY(syscall(SYS_syslog, 3, text, sizeof(text)));
    return 0;
}

#define OP(name) \
    static int do_##name(void) { return in_child(name); }
OP(spaces)
OP(shared_mounts)
OP(other_root)
OP(entered)
OP(cloned)
OP(trees)
OP(asked)
OP(packets)
OP(datagrams)
OP(dump)
OP(segments)
OP(secrets)
OP(keys)
OP(queues)
OP(groups)
OP(dispatched)
OP(deadline)
OP(disk)
OP(looks)

const struct op space_ops[] = {
    { "namespaces", do_spaces, 1 },
    { "shared mounts", do_shared_mounts, 1 },
    { "pivot_root", do_other_root, 1 },
    { "setns", do_entered, 1 },
    { "clone with namespaces", do_cloned, 1 },
    { "fsopen and open_tree", do_trees, 1 },
    { "seccomp listener", do_asked, 1 },
    { "raw socket", do_packets, 1 },
    { "datagrams that come back", do_datagrams, 1 },
    { "sock_diag", do_dump, 1 },
    { "modify_ldt", do_segments, 1 },
    { "memfd_secret", do_secrets, 1 },
    { "keys", do_keys, 1 },
    { "message queues", do_queues, 1 },
    { "groups", do_groups, 1 },
    { "user dispatch", do_dispatched, 1 },
    { "deadline", do_deadline, 1 },
    { "loop device", do_disk, 1 },
    { "looks", do_looks, 1 },
    { 0 },
};
