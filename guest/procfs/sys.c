/* sys.c - /proc/sys, as far as programs read it. */
#include "arch/random.h"
#include "event/aio.h"
#include "event/epoll.h"
#include "event/inotify.h"
#include "event/lease.h"
#include "event/userfaultfd.h"
#include "fs/fd.h"
#include "fs/groups.h"
#include "fs/kmsg.h"
#include "fs/pipe.h"
#include "fs/protect.h"
#include "ipc/mq.h"
#include "ipc/msg.h"
#include "ipc/sem.h"
#include "ipc/shm.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/limits.h"
#include "mm/map.h"
#include "mm/vma.h"
#include "net/inet.h"
#include "proc/core.h"
#include "proc/exec.h"
#include "proc/key.h"
#include "proc/pid.h"
#include "proc/pid_ns.h"
#include "proc/uts.h"
#include "procfs/internal.h"
#include "pseudofs/memory.h"
#include "sched/policy.h"
#include "sched/sched.h"
#include "sched/task.h"
#include <linux/capability.h>

/* value: where the name lies in a struct new_utsname. */
static int show_uts(struct text *t, const struct pfs_node *n)
{
    struct new_utsname u;
    uts_get(&u);
    text_printf(t, "%s\n", (const char *)&u + n->entry->value);
    return 0;
}

static int store_uts(const struct pfs_node *n, char *line)
{
    if (!capable())
        return -EPERM;
    uts_set(n->entry->value == offsetof(struct new_utsname, nodename) ? UTS_HOST : UTS_DOMAIN,
            line);
    return 0;
}

static void put_uuid(struct text *t, const uint8_t b[16])
{
    for (unsigned i = 0; i < 16; i++)
        text_printf(t, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", b[i]);
    text_put(t, "\n", 1);
}

/* Version 4, variant 1. */
static void make_uuid(uint8_t b[16])
{
    random_bytes(b, 16);
    b[6] = (b[6] & 0x0f) | 0x40;
    b[8] = (b[8] & 0x3f) | 0x80;
}

static int show_uuid(struct text *t, const struct pfs_node *n __attribute__((unused)))
{
    uint8_t b[16];
    make_uuid(b);
    put_uuid(t, b);
    return 0;
}

static int show_boot_id(struct text *t, const struct pfs_node *n __attribute__((unused)))
{
    static struct spinlock lock = SPINLOCK_INIT(LOCK_boot_id);
    static uint8_t id[16]; /* [lock] all zero: not made yet */
    spin_lock(&lock);
    if (id[6] == 0)
        make_uuid(id);
    spin_unlock(&lock);
    put_uuid(t, id);
    return 0;
}

static int show_file_nr(struct text *t, const struct pfs_node *n __attribute__((unused)))
{
    text_printf(t, "%lu\t0\t9223372036854775807\n", CPU_SUM(files_open));
    return 0;
}

static int show_no_caches(struct text *t, const struct pfs_node *n)
{
    (void)t;
    (void)n;
    return -EINVAL; /* it can only be written */
}

/* Bits of what is to be dropped: pages of files, which here are the files, and names. */
static int store_drop_caches(const struct pfs_node *n __attribute__((unused)), char *line)
{
    uint64_t what;

    if (!capable())
        return -EPERM;
    return pfs_setting(line, &what) && what >= 1 && what <= 4 ? 0 : -EINVAL;
}

/* The console's level, and those of messages without one, the least and the usual one of the console. */
static int show_printk(struct text *t, const struct pfs_node *n __attribute__((unused)))
{
    text_printf(t, "%u\t4\t1\t7\n", __atomic_load_n(&kmsg_console_level, __ATOMIC_RELAXED));
    return 0;
}

/* The first of them alone, or all of them, of which the others stay. */
static int store_printk(const struct pfs_node *n __attribute__((unused)), char *line)
{
    uint64_t level;
    char *end = line;

    if (!capable())
        return -EPERM;
    while (*end != '\0' && *end != ' ' && *end != '\t')
        end++;
    *end = '\0';
    if (!pfs_setting(line, &level) || level > INT32_MAX)
        return -EINVAL;
    __atomic_store_n(&kmsg_console_level, (uint32_t)level, __ATOMIC_RELAXED);
    return 0;
}

static int show_aio_nr(struct text *t, const struct pfs_node *n __attribute__((unused)))
{
    text_printf(t, "%u\n", aio_requests());
    return 0;
}

static int show_core_pattern(struct text *t, const struct pfs_node *n __attribute__((unused)))
{
    char pattern[CORE_PATTERN_MAX];
    core_pattern_get(pattern);
    text_printf(t, "%s\n", pattern);
    return 0;
}

static int store_core_pattern(const struct pfs_node *n __attribute__((unused)), char *line)
{
    return capable() ? core_pattern_set(line) : -EPERM;
}

static int show_core_uses_pid(struct text *t, const struct pfs_node *n __attribute__((unused)))
{
    text_printf(t, "%u\n", core_uses_pid);
    return 0;
}

/* A digit is enough for yes and no. */
static int store_core_uses_pid(const struct pfs_node *n __attribute__((unused)), char *line)
{
    if (!capable())
        return -EPERM;
    if (*line < '0' || *line > '9' || line[1] != 0)
        return -EINVAL;
    core_uses_pid = (uint32_t)(*line - '0');
    return 0;
}

static int show_last_pid(struct text *t, const struct pfs_node *n __attribute__((unused)))
{
    text_printf(t, "%u\n", pid_ns_last());
    return 0;
}

static int store_last_pid(const struct pfs_node *n __attribute__((unused)), char *line)
{
    uint64_t nr;

    if (!capable() && !has_cap(CAP_CHECKPOINT_RESTORE))
        return -EPERM;
    if (!pfs_setting(line, &nr) || nr > pid_max)
        return -EINVAL;
    pid_ns_set_last((uint32_t)nr);
    return 0;
}

/* 0 makes it what it was at first. */
static int store_rr_turn(const struct pfs_node *n, char *line)
{
    int err = store_tunable(n, line);

    if (err == 0 && sched_rr_turn_ms == 0)
        sched_rr_turn_ms = RR_TURN_MS;
    return err;
}

static int store_pipe_max(const struct pfs_node *n __attribute__((unused)), char *line)
{
    uint64_t bytes;

    if (!capable())
        return -EPERM;
    return pfs_setting(line, &bytes) ? pipe_set_max_size(bytes) : -EINVAL;
}

/* The same entry where current is: its word is in the first IPC namespace. */
struct ipc_here {
    struct pfs_node node;
    struct pfs_entry entry;
    struct pfs_tunable tunable;
};

static const struct pfs_node *here(struct ipc_here *h, const struct pfs_node *n)
{
    h->node = *n;
    h->entry = *n->entry;
    h->tunable = *n->entry->tunable;
    h->tunable.word = (char *)ipc_here() + ((char *)h->tunable.word - (char *)&first_ipc_space);
    h->entry.tunable = &h->tunable;
    h->node.entry = &h->entry;
    return &h->node;
}

static int show_ipc(struct text *t, const struct pfs_node *n)
{
    struct ipc_here h;

    return show_tunable(t, here(&h, n));
}

static int store_ipc(const struct pfs_node *n, char *line)
{
    struct ipc_here h;

    return store_tunable(here(&h, n), line);
}

/* The tunable's word is a wish (ipc/ids.h). */
static int show_next_id(struct text *t, const struct pfs_node *n)
{
    struct ipc_here h;

    n = here(&h, n);
    text_printf(t, "%d\n",
                __atomic_load_n((const int32_t *)n->entry->tunable->word, __ATOMIC_RELAXED));
    return 0;
}

static int store_next_id(const struct pfs_node *n, char *line)
{
    return has_cap(CAP_CHECKPOINT_RESTORE) ? store_ipc(n, line) : -EPERM;
}

static int show_epoll_watches(struct text *t, const struct pfs_node *n __attribute__((unused)))
{
    text_printf(t, "%lu\n", epoll_max_watches());
    return 0;
}

static int store_epoll_watches(const struct pfs_node *n __attribute__((unused)), char *line)
{
    uint64_t most;

    if (!capable())
        return -EPERM;
    if (!pfs_setting(line, &most) || most > INT64_MAX)
        return -EINVAL;
    epoll_set_max_watches(most);
    return 0;
}

/* value: of the range's two numbers. */
static int show_range(struct text *t, const struct pfs_node *n)
{
    const uint32_t *range = n->entry->value ? ping_groups : inet_port_range;

    text_printf(t, "%u\t%u\n", range[0], range[1]);
    return 0;
}

static int store_range(const struct pfs_node *n, char *line)
{
    bool ping = n->entry->value;
    uint32_t *range = ping ? ping_groups : inet_port_range;
    uint64_t from, to;
    const char *at = line;

    if (!capable())
        return -EPERM;
    while (*at == ' ' || *at == '\t')
        at++;
    if (!pfs_parse(&at, &from) || (*at != ' ' && *at != '\t') || !pfs_setting(at, &to) ||
        from > INT32_MAX || to > INT32_MAX ||
        (!ping && (from == 0 || to > UINT16_MAX || to < from)))
        return -EINVAL;
    range[0] = to < from ? 1 : (uint32_t)from;
    range[1] = to < from ? 0 : (uint32_t)to;
    return 0;
}

/* As on Linux, for programs that once set them: they stay as they are. */
static int store_nothing(const struct pfs_node *n __attribute__((unused)),
                         char *line __attribute__((unused)))
{
    return 0;
}

static uint32_t swappiness = 60; /* without swap Linux has no use for it either */

/* Ratio and kbytes: the one that was set last is meant, and the other is 0. */
static int store_overcommit(const struct pfs_node *n, char *line)
{
    int err = store_tunable(n, line);

    if (err)
        return err;
    if (n->entry->tunable->word == &overcommit_ratio)
        overcommit_kbytes = 0;
    else if (n->entry->tunable->word == &overcommit_kbytes)
        overcommit_ratio = 0;
    commit_choose(memory_promised);
    return 0;
}

/* clang-format off */
#define ENTROPY_BITS       256
#define OVERFLOW_ID        65534
#define NEXT_ID(n, ids) \
    PFS_FILE(n, 0644, show_next_id, .store = store_next_id, \
             .tunable = &(const struct pfs_tunable){ &first_ipc_space.ids.wish, 0, INT32_MAX, 4 })
#define IPC_TUNABLE(n, var, lo, hi) \
    PFS_FILE(n, 0644, show_ipc, .store = store_ipc, \
             .tunable = &(const struct pfs_tunable){ &first_ipc_space.var, lo, hi, \
                                                     sizeof(first_ipc_space.var) })
#define UTS(n, m, which, ...) \
    PFS_FILE(n, m, show_uts, .value = offsetof(struct new_utsname, which), __VA_ARGS__)

static const struct pfs_entry random_table[] = {
    PFS_FILE("boot_id", 0444, show_boot_id),
    PFS_NUMBER("entropy_avail", 0444, ENTROPY_BITS),
    PFS_NUMBER("poolsize", 0444, ENTROPY_BITS),
    PFS_FILE("urandom_min_reseed_secs", 0644, show_value, .store = store_nothing, .value = 60),
    PFS_FILE("uuid", 0444, show_uuid),
    PFS_FILE("write_wakeup_threshold", 0644, show_value, .store = store_nothing,
             .value = ENTROPY_BITS),
    PFS_END,
};

static const struct pfs_entry user_table[] = {
    PFS_TUNABLE("max_pid_namespaces", pid_ns_max, 0, INT32_MAX),
    PFS_END,
};

static const struct pfs_entry keys_table[] = {
    PFS_TUNABLE("maxbytes", key_max_bytes, 0, INT32_MAX),
    PFS_TUNABLE("maxkeys", key_max_keys, 0, INT32_MAX),
    PFS_TUNABLE("root_maxbytes", key_root_max_bytes, 0, INT32_MAX),
    PFS_TUNABLE("root_maxkeys", key_root_max_keys, 0, INT32_MAX),
    PFS_END,
};

static const struct pfs_entry seccomp_table[] = {
    PFS_TEXT("actions_avail", 0444, "kill_process kill_thread trap errno trace log allow\n"),
    PFS_END,
};

static const struct pfs_entry kernel_table[] = {
    PFS_TEXT("arch", 0444, "x86_64\n"),
    PFS_NUMBER("cap_last_cap", 0444, CAP_LAST_CAP),
    PFS_FILE("core_pattern", 0644, show_core_pattern, .store = store_core_pattern),
    PFS_FILE("core_uses_pid", 0644, show_core_uses_pid, .store = store_core_uses_pid),
    UTS("domainname", 0644, domainname, .store = store_uts),
    UTS("hostname", 0644, nodename, .store = store_uts),
    NEXT_ID("msg_next_id", msg),
    PFS_DIR("keys", 0555, .children = keys_table),
    IPC_TUNABLE("msgmax", msg_max_size, 0, INT32_MAX),
    IPC_TUNABLE("msgmnb", msg_max_bytes, 0, INT32_MAX),
    IPC_TUNABLE("msgmni", msg.limit, 0, IPC_SLOTS_MAX),
    PFS_NUMBER("ngroups_max", 0444, GROUPS_MAX),
    PFS_FILE("ns_last_pid", 0666, show_last_pid, .store = store_last_pid),
    UTS("osrelease", 0444, release),
    UTS("ostype", 0444, sysname),
    PFS_NUMBER("overflowgid", 0444, OVERFLOW_ID),
    PFS_NUMBER("overflowuid", 0444, OVERFLOW_ID),
    PFS_TUNABLE("pid_max", pid_max, PID_MAX_LEAST, PID_MAX),
    PFS_FILE("printk", 0644, show_printk, .store = store_printk),
    PFS_DIR("random", 0555, .children = random_table),
    PFS_TUNABLE("randomize_va_space", randomize_va_space, 0, INT32_MAX),
    PFS_FILE("sched_rr_timeslice_ms", 0644, show_tunable, .store = store_rr_turn,
             .tunable = &(const struct pfs_tunable){ &sched_rr_turn_ms, 0, INT32_MAX, 4 }),
    PFS_DIR("seccomp", 0555, .children = seccomp_table),
    PFS_FILE("sem", 0644, show_sem_limits, .store = store_sem_limits),
    NEXT_ID("sem_next_id", sem),
    NEXT_ID("shm_next_id", shm),
    IPC_TUNABLE("shmall", shm_max_pages, 0, UINT64_MAX),
    IPC_TUNABLE("shmmax", shm_max_size, 0, UINT64_MAX),
    IPC_TUNABLE("shmmni", shm.limit, 0, IPC_SLOTS_MAX),
    PFS_NUMBER("tainted", 0444, 0),
    PFS_NUMBER("threads-max", 0444, PID_MAX - 1), /* each has a number */
    UTS("version", 0444, version),
    PFS_END,
};

static const struct pfs_entry vm_table[] = {
    PFS_FILE("drop_caches", 0200, show_no_caches, .store = store_drop_caches),
    PFS_TUNABLE("hugetlb_shm_group", shm_huge_group, 0, INT32_MAX),
    PFS_TUNABLE("max_map_count", max_map_count, 0, INT32_MAX),
    PFS_NUMBER("mmap_min_addr", 0444, MMAP_MIN_ADDR),
    PFS_FILE("overcommit_kbytes", 0644, show_tunable, .store = store_overcommit,
             .tunable = &(const struct pfs_tunable){ &overcommit_kbytes, 0, UINT64_MAX >> 10, 8 }),
    PFS_FILE("overcommit_memory", 0644, show_tunable, .store = store_overcommit,
             .tunable = &(const struct pfs_tunable){ &overcommit_memory, 0, OVERCOMMIT_NEVER, 4 }),
    PFS_FILE("overcommit_ratio", 0644, show_tunable, .store = store_overcommit,
             .tunable = &(const struct pfs_tunable){ &overcommit_ratio, 0, INT32_MAX, 4 }),
    PFS_TUNABLE("swappiness", swappiness, 0, 200),
    PFS_TUNABLE("unprivileged_userfaultfd", userfaultfd_unprivileged, 0, 1),
    PFS_END,
};

static const struct pfs_entry mqueue_table[] = {
    IPC_TUNABLE("msg_default", mq_default_messages, 1, 65536),
    IPC_TUNABLE("msg_max", mq_max_messages, 1, 65536),
    IPC_TUNABLE("msgsize_default", mq_default_bytes, 128, 16777216),
    IPC_TUNABLE("msgsize_max", mq_max_bytes, 128, 16777216),
    IPC_TUNABLE("queues_max", mq_max_queues, 0, 1024),
    PFS_END,
};

static const struct pfs_entry epoll_table[] = {
    PFS_FILE("max_user_watches", 0644, show_epoll_watches, .store = store_epoll_watches),
    PFS_END,
};

static const struct pfs_entry inotify_table[] = {
    PFS_TUNABLE("max_queued_events", inotify_max_events, 0, INT32_MAX),
    PFS_TUNABLE("max_user_instances", inotify_max_instances, 0, INT32_MAX),
    PFS_TUNABLE("max_user_watches", inotify_max_watches, 0, INT32_MAX),
    PFS_END,
};

static const struct pfs_entry fs_table[] = {
    PFS_TUNABLE("aio-max-nr", aio_max_requests, 0, UINT32_MAX),
    PFS_FILE("aio-nr", 0444, show_aio_nr),
    PFS_DIR("epoll", 0555, .children = epoll_table),
    PFS_TUNABLE("dir-notify-enable", dir_notify_enable, 0, INT32_MAX),
    PFS_NUMBER("file-max", 0444, INT64_MAX), /* memory is the only limit */
    PFS_FILE("file-nr", 0444, show_file_nr),
    PFS_DIR("inotify", 0555, .children = inotify_table),
    PFS_TUNABLE("lease-break-time", lease_break_seconds, 0, INT32_MAX),
    PFS_TUNABLE("leases-enable", leases_enable, 0, INT32_MAX),
    PFS_DIR("mqueue", 0555, .children = mqueue_table),
    PFS_TUNABLE("nr_open", fd_nr_open, 64, FD_MAX),
    PFS_FILE("pipe-max-size", 0644, show_tunable, .store = store_pipe_max,
             .tunable = &(const struct pfs_tunable){ &pipe_max_size, 0, 0, 4 }),
    PFS_TUNABLE("pipe-user-pages-hard", pipe_user_hard, 0, INT32_MAX),
    PFS_TUNABLE("pipe-user-pages-soft", pipe_user_soft, 0, INT32_MAX),
    PFS_TUNABLE("protected_fifos", protected_fifos, 0, 2),
    PFS_TUNABLE("protected_hardlinks", protected_hardlinks, 0, 1),
    PFS_TUNABLE("protected_regular", protected_regular, 0, 2),
    PFS_TUNABLE("protected_symlinks", protected_symlinks, 0, 1),
    PFS_END,
};

static const struct pfs_entry net_core_table[] = {
    PFS_TUNABLE("somaxconn", inet_somaxconn, 0, INT32_MAX),
    PFS_END,
};

static const struct pfs_entry net_ipv4_table[] = {
    PFS_FILE("ip_local_port_range", 0644, show_range, .store = store_range),
    PFS_FILE("ping_group_range", 0644, show_range, .store = store_range, .value = 1),
    PFS_END,
};

static const struct pfs_entry net_table[] = {
    PFS_DIR("core", 0555, .children = net_core_table),
    PFS_DIR("ipv4", 0555, .children = net_ipv4_table),
    PFS_END,
};

const struct pfs_entry proc_sys_table[] = {
    PFS_DIR("fs", 0555, .children = fs_table),
    PFS_DIR("kernel", 0555, .children = kernel_table),
    PFS_DIR("net", 0555, .children = net_table),
    PFS_DIR("user", 0555, .children = user_table),
    PFS_DIR("vm", 0555, .children = vm_table),
    PFS_END,
};
/* clang-format on */
