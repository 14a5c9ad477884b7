/* calls_args.c - arguments by their kinds, as the kernel's list of calls names them, and for some
 * calls by what means something to them.
 *
 * Left out are calls that end the machine, and arguments by which a worker could end who
 * started it: PIDs are those of the worker and its children. */
#include "calls.h"
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>
/* after them: */
#include "shared/syscall_numbers.h"

#ifndef __NR_pidfd_getfd
#define __NR_pidfd_getfd 438
#endif
#ifndef __NR_faccessat2
#define __NR_faccessat2 439
#endif

enum kind { NONE, FD, STR, PTR, LEN, INT, HEX, PID, SIG, OFF };
struct signature {
    const char *name;
    uint8_t kind[6];
};
#define SYSCALL(call, ...) [__NR_##call] = { #call, { __VA_ARGS__ } },
static const struct signature signatures[CALLS] = {
#include "shared/syscalls.h"
};
#undef SYSCALL
#define SYSCALL(call, ...) [__NR_##call] = #call,
const char *const call_names[CALLS] = {
#include "shared/syscalls.h"
};

/* --- memory that pointers point to --- */

static int pool_fd = -1; /* bytes that arena_fill() takes from: a closed one does no harm */

static void pool_make(struct random *r)
{
    static uint64_t words[2048];

    for (unsigned i = 0; i < 2048; i++)
        switch (below(r, 8)) {
        case 0: words[i] = ARENA + below(r, ARENA_PAGES) * PAGE + below(r, 512) * 8; break;
        case 1: words[i] = below(r, 16); break;
        case 2: words[i] = below(r, 4096); break;
        case 3: words[i] = 1ull << below(r, 64); break;
        case 4: words[i] = next_random(r); break;
        case 5: words[i] = below(r, 1u << 20) | below(r, 8) << 32; break;
        case 6: words[i] = UINT64_MAX - below(r, 2); break;
        default: words[i] = 0;
        }
    pool_fd = syscall(SYS_memfd_create, "pool", 0);
    if (write(pool_fd, words, sizeof(words)) < 0)
        _exit(3);
}

void arena_make(struct random *r)
{
    pool_make(r);
    mmap((void *)ARENA, ARENA_PAGES * PAGE, PROT_READ | PROT_WRITE,
         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    arena_fill(r, ARENA, 8 * PAGE);
    munmap((void *)(ARENA + 12 * PAGE), PAGE);
    munmap((void *)(ARENA + 30 * PAGE), 2 * PAGE);
    mprotect((void *)(ARENA + 20 * PAGE), PAGE, PROT_READ);
    mmap((void *)(ARENA + 40 * PAGE), 4 * PAGE, PROT_READ | PROT_WRITE,
         MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

void arena_fill(struct random *r, long at, unsigned n)
{
    struct call c = { .nr = SYS_pread64,
                      .arg = { pool_fd, at, n, (long)below(r, 1500) * 8, 0, 0 } };

    raw_call(&c);
}

static long pointer(struct random *r)
{
    long at = (long)(ARENA + below(r, ARENA_PAGES) * PAGE);

    switch (below(r, 32)) {
    case 0: return 0;
    case 1: return at + (long)PAGE - (long)below(r, 64); /* over the edge */
    case 2: return at + (long)below(r, PAGE);
    case 3: return -(long)(below(r, 1u << 20) * PAGE); /* the kernel's */
    case 4: return (long)(0x8000000000000000ul >> below(r, 3));
    case 5: return 0x7ffffffff000 - (long)below(r, 2) * 8;
    case 6: return (long)below(r, 1 << 16);
    }
    at += (long)below(r, 500) * 8;
    if (one_in(r, 3))
        arena_fill(r, at, 8u << below(r, 6));
    return at;
}

static long text(struct random *r)
{
    static char too_long[5000], longer[300];
    static const char *const texts[] = {
        "a",
        "b",
        "d",
        "d/a",
        "d/b",
        "d/../a",
        "l",
        "l/a",
        "fifo",
        "e",
        "e/e",
        "./a/",
        "",
        ".",
        "..",
        "///",
        "a//",
        "memfd",
        "tmpfs",
        "size=1m",
        "mode=700,size=64k",
        "proc",
        "user.x",
        "/dev/null",
        "/dev/zero",
        "/dev/full",
        "/dev/urandom",
        "/proc/self/fd/3",
        "/proc/self/maps",
        "/proc/self/exe",
        "/proc/self/status",
        "/proc/self/fd/0",
        "/proc/thread-self/comm",
        "/proc/self/oom_score_adj",
        "/proc/self/cwd/a",
        "/proc/self/task",
        "/bin/busybox",
        "/etc/passwd",
        "/proc/self/fdinfo/4",
        "/proc/meminfo",
        "/proc/mounts",
        "/proc/self/stat",
        "/proc/self/mountinfo",
        "/proc/self/numa_maps",
        "/proc/self/io",
        "/proc/self/cmdline",
        "/proc/self/environ",
        "/proc/self/ns/mnt",
        "/proc/self/ns/ipc",
        "/proc/self/fd/18",
        "/proc/self/fd/19",
        "/proc/self/fd/20",
        "/proc/self/fd/28",
        "/proc/self/map_files",
        "/proc/keys",
        "/proc/net/raw",
        "/proc/net/netlink",
        "/proc/sysvipc/shm",
        "/proc/locks",
        "/dev/kmsg",
        "/dev/loop0",
        "/dev/loop1",
        "/dev/loop-control",
        "/sys/block/loop0/loop/backing_file",
        "/sys/block/loop0/loop",
        "/sys/block/loop0",
        "/sys/devices/virtual/block",
    };

    if (!longer[0]) {
        for (unsigned i = 0; i < sizeof(too_long) - 1; i++)
            too_long[i] = i % 2 ? '/' : '.';
        for (unsigned i = 0; i < sizeof(longer) - 1; i++)
            longer[i] = i % 50 ? 'x' : '/';
        longer[0] = 'a';
    }
    switch (below(r, 40)) {
    case 0: return pointer(r);
    case 1: return (long)too_long;
    case 2: return (long)longer;
    case 3: return (long)(too_long + 1000);
    }
    return (long)texts[below(r, sizeof(texts) / sizeof(*texts))];
}

/* --- numbers --- */

static long number(struct random *r)
{
    static const int64_t odd[] = { -1,         INT32_MAX, INT32_MIN, 4095,      4096,  65536,
                                   0x7fffffff, 1l << 32,  INT64_MIN, INT64_MAX, -4096, -100 };

    switch (below(r, 5)) {
    case 0: return (long)odd[below(r, sizeof(odd) / sizeof(*odd))];
    case 1: return 1l << below(r, 32);
    case 2: return (long)below(r, 1024);
    }
    return (long)below(r, 8);
}

static long length(struct random *r)
{
    static const int64_t odd[] = { -1, 1l << 31, 1l << 47, 1l << 20, 65536, 4095, 4097, 100000 };
    static const int64_t usual[] = { 0, 1, 4, 8, 8, 8, 16, 24, 64, 128, 144, 1024, 4096, 8192 };

    return one_in(r, 8) ? (long)odd[below(r, 8)] : (long)usual[below(r, 14)];
}

static long descriptor(struct random *r)
{
    switch (below(r, 24)) {
    case 0: return -1;
    case 1: return AT_FDCWD;
    case 2: return (long)below(r, 70);
    case 3: return number(r);
    }
    return (long)below(r, 40);
}

/* Of nobody but us: a vfork child has its own. */
static long process(struct random *r)
{
    static const int nobody[] = { 99999, INT32_MAX, 32767, 0, 0 };
    struct call pid = { .nr = SYS_getpid }, tid = { .nr = SYS_gettid };

    switch (below(r, 8)) {
    case 0: return nobody[below(r, 5)];
    case 1:
    case 2: return raw_call(&tid);
    case 3: return -raw_call(&pid);
    case 4: return raw_call(&pid) + (long)below(r, 4); /* its threads and children come after it */
    }
    return raw_call(&pid);
}

/* --- by what means something --- */

#define MAX_VALUES 16
struct hint {
    uint16_t nr;
    uint8_t arg, any_of; /* any_of: or of some; else one */
    long value[MAX_VALUES];
};
static const struct hint hints[] = {
    { __NR_open,
      1,
      1,
      { O_RDWR, O_WRONLY, O_CREAT, O_EXCL, O_TRUNC, O_APPEND, O_NONBLOCK, O_DIRECTORY, O_NOFOLLOW,
        O_CLOEXEC, O_PATH, O_TMPFILE } },
    { __NR_openat,
      2,
      1,
      { O_RDWR, O_WRONLY, O_CREAT, O_EXCL, O_TRUNC, O_APPEND, O_NONBLOCK, O_DIRECTORY, O_NOFOLLOW,
        O_CLOEXEC, O_PATH, O_TMPFILE } },
    { __NR_mmap, 2, 1, { PROT_READ, PROT_WRITE, PROT_EXEC } },
    { __NR_mmap,
      3,
      1,
      { MAP_PRIVATE, MAP_SHARED, MAP_ANONYMOUS, MAP_FIXED, MAP_POPULATE, MAP_LOCKED, MAP_GROWSDOWN,
        MAP_NORESERVE, MAP_32BIT, 0x100000 } },
    { __NR_mprotect, 2, 1, { PROT_READ, PROT_WRITE, PROT_EXEC, 0x01000000 } },
    { __NR_mremap, 3, 1, { MREMAP_MAYMOVE, MREMAP_FIXED } },
    { __NR_msync, 2, 1, { MS_ASYNC, MS_SYNC, MS_INVALIDATE } },
    { __NR_madvise, 2, 0, { 0, 1, 2, 3, 4, 8, 9, 10, 11, 14, 15, 16, 17, 18, 22, 23 } },
    { __NR_mlockall, 0, 1, { 1, 2, 4 } },
    { __NR_fcntl, 1, 0, { 0, 1, 2, 3, 4, 5, 6, 8, 9, 36, 37, 1030, 1031, 1032, 1033, 1034 } },
    { __NR_ioctl,
      1,
      0,
      { 0x5401, 0x5411, 0x5413, 0x541b, 0x5421, 0x5450, 0x5451, 0x540e, 0x540f, 0x5410, 0x5422,
        0x5429 } },
    { __NR_lseek, 2, 0, { 0, 1, 2, 3, 4 } },
    { __NR_fallocate, 1, 1, { 1, 2, 16 } },
    { __NR_flock, 1, 1, { 1, 2, 4, 8 } },
    { __NR_futex, 1, 1, { 128, 256, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13 } },
    { __NR_futex, 2, 0, { 0, 1, 2, 100 } },
    { __NR_prctl, 0, 0, { 1, 2, 3, 4, 15, 16, 22, 23, 24, 36, 37, 38, 39, 7, 8, 21 } },
    { __NR_arch_prctl, 0, 0, { 0x1001, 0x1003, 0x1004 } },
    { __NR_membarrier, 0, 0, { 0, 1, 2, 4, 8, 16, 32, 64 } },
    { __NR_mount,
      3,
      1,
      { MS_BIND, MS_REMOUNT, MS_RDONLY, MS_NOEXEC, MS_PRIVATE, MS_MOVE, MS_NODEV } },
    { __NR_umount2, 1, 1, { MNT_FORCE, MNT_DETACH, MNT_EXPIRE, 8 } },
    { __NR_memfd_create, 1, 1, { 1, 2, 4, 8, 16 } },
    { __NR_pidfd_open, 1, 1, { O_NONBLOCK, O_EXCL } },
    { __NR_pidfd_getfd, 2, 0, { 0, 0, 0, 1 } },
    { __NR_pidfd_send_signal, 3, 0, { 0, 0, 1, 2, 4, 3 } },
    { __NR_wait4, 2, 1, { 1, 2, 8, 0x20000000, 0x40000000 } },
    { __NR_waitid, 0, 0, { 0, 1, 2, 3 } },
    { __NR_waitid, 3, 1, { 1, 2, 4, 8, 0x01000000 } },
    { __NR_rt_sigprocmask, 0, 0, { 0, 1, 2 } },
    { __NR_rt_sigprocmask, 3, 0, { 8 } },
    { __NR_rt_sigaction, 3, 0, { 8 } },
    { __NR_rt_sigtimedwait, 3, 0, { 8 } },
    { __NR_rt_sigsuspend, 1, 0, { 8 } },
    { __NR_timer_create, 0, 0, { 0, 1, 2, 3, 7 } },
    { __NR_timer_settime, 1, 0, { 0, 1 } },
    { __NR_setitimer, 0, 0, { 0, 1, 2 } },
    { __NR_clock_nanosleep, 0, 0, { 0, 1, 2, 7 } },
    { __NR_clock_nanosleep, 1, 0, { 0, 1 } },
    { __NR_poll, 1, 0, { 0, 1, 2, 3, 20 } },
    { __NR_poll, 2, 0, { 0, 1, 2 } },
    { __NR_ppoll, 1, 0, { 0, 1, 2, 3, 20 } },
    { __NR_select, 0, 0, { 0, 1, 8, 64, 1024 } },
    { __NR_pselect6, 0, 0, { 0, 1, 8, 64, 1024 } },
    { __NR_readv, 2, 0, { 0, 1, 2, 8, 9, 1024 } },
    { __NR_writev, 2, 0, { 0, 1, 2, 8, 9, 1024 } },
    { __NR_pipe2, 1, 1, { O_NONBLOCK, O_CLOEXEC, O_DIRECT } },
    { __NR_eventfd2, 1, 1, { 1, O_NONBLOCK, O_CLOEXEC } },
    { __NR_socket, 0, 0, { 1, 1, 16, 2 } },
    { __NR_socket, 1, 0, { 1, 2, 3, 5, 0x801, 0x80802 } },
    { __NR_socket, 2, 0, { 0, 0, 0, 1 } },
    { __NR_socketpair, 0, 0, { 1 } },
    { __NR_socketpair, 1, 0, { 1, 2, 5, 0x801, 0x80802 } },
    { __NR_socketpair, 2, 0, { 0, 0, 0, 1 } },
    { __NR_bind, 2, 0, { 2, 3, 16, 110 } },
    { __NR_connect, 2, 0, { 2, 3, 16, 110 } },
    { __NR_listen, 1, 0, { 0, 1, 5 } },
    { __NR_shutdown, 1, 0, { 0, 1, 2 } },
    { __NR_sendto, 3, 1, { 0x40, 0x4000 } },
    { __NR_sendto, 4, 0, { 0 } },
    { __NR_sendto, 5, 0, { 0 } },
    { __NR_recvfrom, 3, 1, { 0x40, 2, 0x20, 0x100 } },
    { __NR_sendmsg, 2, 1, { 0x40, 0x4000 } },
    { __NR_recvmsg, 2, 1, { 0x40, 2, 0x20, 0x40000000 } },
    { __NR_sendmmsg, 2, 0, { 0, 1, 4 } },
    { __NR_recvmmsg, 2, 0, { 0, 1, 4 } },
    { __NR_setsockopt, 1, 0, { 1 } },
    { __NR_setsockopt, 2, 0, { 2, 7, 8, 16, 18, 20, 21, 32, 33 } },
    { __NR_setsockopt, 4, 0, { 4, 16 } },
    { __NR_getsockopt, 1, 0, { 1 } },
    { __NR_getsockopt, 2, 0, { 2, 3, 4, 7, 17, 16, 20, 30, 39 } },
    { __NR_semget, 0, 0, { 0, 1, 2, 3 } },
    { __NR_semget, 1, 0, { 1, 2, 8, 3000, 32000 } },
    { __NR_semget, 2, 0, { 01777, 01777, 01600, 03666 } },
    { __NR_semop, 0, 0, { 0, 1, 2, 3, 4, 32768 } },
    { __NR_semop, 2, 0, { 1, 1, 2, 3, 500, 501 } },
    { __NR_semtimedop, 0, 0, { 0, 1, 2, 3, 4, 32768 } },
    { __NR_semtimedop, 2, 0, { 1, 1, 2, 3, 500 } },
    { __NR_semctl, 0, 0, { 0, 1, 2, 3, 4, 32768 } },
    { __NR_semctl, 1, 0, { 0, 1, 2, 7 } },
    { __NR_semctl, 2, 0, { 0, 1, 2, 3, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20 } },
    { __NR_msgget, 0, 0, { 0, 1, 2, 3 } },
    { __NR_msgget, 1, 0, { 01777, 01777, 01600, 03666 } },
    { __NR_msgsnd, 0, 0, { 0, 1, 2, 3, 4, 32768 } },
    { __NR_msgsnd, 3, 0, { 0, 04000 } },
    { __NR_msgrcv, 0, 0, { 0, 1, 2, 3, 4, 32768 } },
    { __NR_msgrcv, 4, 1, { 04000, 010000, 020000, 040000 } },
    { __NR_msgctl, 0, 0, { 0, 1, 2, 3, 4, 32768 } },
    { __NR_msgctl, 1, 0, { 0, 1, 2, 3, 11, 12, 13 } },
    { __NR_shmget, 0, 0, { 0, 1, 2, 3 } },
    { __NR_shmget, 1, 0, { 1, 4096, 10000, 1 << 20 } },
    { __NR_shmget, 2, 0, { 01777, 01777, 01600, 03666, 015777 } },
    { __NR_shmat, 0, 0, { 0, 1, 2, 3, 4, 32768 } },
    { __NR_shmat, 1, 0, { 0, 0, (long)(ARENA + 8 * PAGE), (long)(ARENA + 41 * PAGE), 0 } },
    { __NR_shmat, 2, 1, { 0, 010000, 020000, 040000, 0100000 } },
    { __NR_shmdt, 0, 0, { (long)(ARENA + 8 * PAGE), (long)(ARENA + 41 * PAGE) } },
    { __NR_shmctl, 0, 0, { 0, 1, 2, 3, 4, 32768 } },
    { __NR_shmctl, 1, 0, { 0, 1, 2, 3, 11, 12, 13, 14, 15 } },
    { __NR_inotify_init1, 0, 0, { 0, O_NONBLOCK, O_CLOEXEC } },
    { __NR_inotify_add_watch, 0, 0, { 16, 17, 16 } },
    { __NR_inotify_add_watch,
      2,
      1,
      { 0xfff, 0xfff, 0x80000000, 0x20000000, 0x01000000, 0x04000000 } },
    { __NR_inotify_rm_watch, 0, 0, { 16, 17, 16 } },
    { __NR_inotify_rm_watch, 1, 0, { 1, 2, 3 } },
    { __NR_timerfd_create, 0, 0, { 0, 1, 7, 8, 9 } },
    { __NR_timerfd_create, 1, 1, { O_NONBLOCK, O_CLOEXEC } },
    { __NR_timerfd_settime, 1, 0, { 0, 1, 3 } },
    { __NR_signalfd4, 0, 0, { -1 } },
    { __NR_signalfd4, 2, 0, { 8 } },
    { __NR_signalfd4, 3, 1, { O_NONBLOCK, O_CLOEXEC } },
    { __NR_epoll_create1, 0, 0, { 0, O_CLOEXEC } },
    { __NR_epoll_ctl, 0, 0, { 11, 12, 13, 12 } },
    { __NR_epoll_ctl, 1, 0, { 1, 1, 2, 3 } },
    { __NR_epoll_wait, 0, 0, { 11, 12, 13, 12 } },
    { __NR_epoll_wait, 2, 0, { 1, 2, 8, 1000 } },
    { __NR_epoll_wait, 3, 0, { 0, 0, 1, 2 } },
    { __NR_epoll_pwait, 0, 0, { 11, 12, 13, 12 } },
    { __NR_epoll_pwait, 2, 0, { 1, 2, 8, 1000 } },
    { __NR_epoll_pwait, 3, 0, { 0, 0, 1, 2 } },
    { __NR_epoll_pwait, 5, 0, { 8 } },
    { __NR_epoll_pwait2, 0, 0, { 11, 12, 13, 12 } },
    { __NR_epoll_pwait2, 2, 0, { 1, 2, 8 } },
    { __NR_dup3, 2, 0, { 0, O_CLOEXEC } },
    { __NR_renameat2, 4, 1, { 1, 2, 4 } },
    { __NR_unlinkat, 2, 0, { 0, AT_REMOVEDIR } },
    { __NR_linkat, 4, 1, { AT_SYMLINK_FOLLOW, AT_EMPTY_PATH } },
    { __NR_newfstatat, 3, 1, { AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH } },
    { __NR_statx, 2, 1, { AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH } },
    { __NR_execveat, 4, 1, { AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH } },
    { __NR_mknod, 1, 0, { 0100600, 0010600, 0020600, 0060600, 0140600, 0600, 0040600 } },
    { __NR_mknodat, 2, 0, { 0100600, 0010600, 0020600, 0060600, 0140600, 0600, 0040600 } },
    { __NR_chroot,
      0,
      0,
      { (long)"/", (long)".", 0 } }, /* no way out: the tree goes with its mount */
    { __NR_setuid, 0, 0, { 0, 0, 0, 1000 } },
    { __NR_clone,
      0,
      1,
      { CLONE_VM, CLONE_FS, CLONE_FILES, CLONE_SIGHAND, CLONE_THREAD, CLONE_VFORK, CLONE_PARENT,
        CLONE_PARENT_SETTID, CLONE_CHILD_SETTID, CLONE_CHILD_CLEARTID, CLONE_PIDFD, CLONE_SYSVSEM,
        CLONE_SETTLS, 17, 17, 10 } },
};

static int hinted(struct random *r, struct call *c, unsigned arg)
{
    for (unsigned i = 0; i < sizeof(hints) / sizeof(*hints); i++) {
        const struct hint *h = &hints[i];
        if (h->nr != c->nr || h->arg != arg)
            continue;
        unsigned n = MAX_VALUES;
        while (n > 1 && h->value[n - 1] == 0)
            n--;
        long v = h->value[below(r, n)];
        while (h->any_of && one_in(r, 2))
            v |= h->value[below(r, n)];
        c->arg[arg] = v;
        return 1;
    }
    return 0;
}

static long by_kind(struct random *r, enum kind kind)
{
    switch (kind) {
    case FD: return descriptor(r);
    case STR: return text(r);
    case PTR: return pointer(r);
    case LEN: return length(r);
    case PID: return process(r);
    case SIG: return one_in(r, 12) ? number(r) : one_in(r, 2) ? (long)below(r, 66) : 10;
    case OFF: return one_in(r, 4) ? number(r) : (long)(below(r, 16) * PAGE);
    case HEX:
    case INT: return number(r);
    case NONE: break;
    }
    return 0;
}

/* Some end a worker or block it, others would tell or stop who started it. */
static int wanted(struct random *r, unsigned nr)
{
    switch (nr) {
    case __NR_reboot: return 0;
    case __NR_exit:
    case __NR_exit_group:
    case __NR_pause:
    case __NR_rt_sigsuspend:
    case __NR_rt_sigreturn:
    case __NR_execve:
    case __NR_execveat: return one_in(r, 12);
    case __NR_fork:
    case __NR_vfork:
    case __NR_clone:
    case __NR_clone3: return one_in(r, 3);
    case __NR_rt_sigaction: return one_in(r, 2);
    }
    return 1;
}

static void never(struct call *c)
{
    if (c->nr == __NR_kill && c->arg[0] == -1)
        c->arg[0] = 0; /* everybody */
    if ((c->nr == __NR_setrlimit && (c->arg[0] == 1 || c->arg[0] == 9)) ||
        (c->nr == __NR_prlimit64 && (c->arg[1] == 1 || c->arg[1] == 9)))
        c->nr = __NR_getpid; /* file sizes and address space stay bounded */
}

unsigned choose_call(struct random *r, struct call *c)
{
    do
        c->nr = (uint32_t)below(r, CALLS);
    while (!signatures[c->nr].name || !wanted(r, c->nr));
    for (unsigned i = 0; i < 6; i++) {
        c->arg[i] = 0;
        if ((c->nr != __NR_chroot && one_in(r, 16)) || !hinted(r, c, i))
            c->arg[i] = by_kind(r, signatures[c->nr].kind[i]);
    }
    mend_structs(r, c);
    never(c);
    return c->nr;
}
