/* pid.c - the directories of processes and threads, and their small files. */
#include "fs/uio.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/access.h"
#include "mm/frame.h"
#include "mm/mm.h"
#include "proc/oom.h"
#include "proc/pid.h"
#include "proc/process.h"
#include "proc/task.h"
#include "procfs/internal.h"

/* --- memory of a process ------------------------------------------------- */

static void put_memory(struct text *t, struct mm *mm, uaddr_t at, uaddr_t end)
{
    char part[256];
    while (at < end) {
        long n = mm_read(mm, at, part, MIN(end - at, sizeof part));
        if (n <= 0)
            break;
        text_put(t, part, (size_t)n);
        at += (uaddr_t)n;
    }
}

static int show_cmdline(struct text *t, const struct proc_node *n)
{
    struct mm *mm = proc_mm(n);
    if (mm) {
        put_memory(t, mm, mm->image.arg_start, mm->image.arg_end);
        mm_put(mm, PT_exit_teardown);
    }
    return 0;
}

static int show_environ(struct text *t, const struct proc_node *n)
{
    struct mm *mm = proc_mm(n);
    if (mm) {
        put_memory(t, mm, mm->image.env_start, mm->image.env_end);
        mm_put(mm, PT_exit_teardown);
    }
    return 0;
}

static int show_auxv(struct text *t, const struct proc_node *n)
{
    struct mm *mm = proc_mm(n);
    if (mm) {
        text_put(t, (const char *)mm->image.auxv, mm->image.auxv_bytes);
        mm_put(mm, PT_exit_teardown);
    }
    return 0;
}

/* mem: the position is the address. */
static long transfer_mem(const struct proc_node *n, struct uio *u, uint64_t *pos, bool write)
{
    struct mm *mm = proc_mm(n);
    char part[256];
    long done = 0;
    while (mm && u->left > 0) {
        size_t want = MIN(u->left, sizeof part);
        long got = write ? uio_get(u, part, want) : mm_read(mm, *pos, part, want);
        if (got > 0)
            got = write ? mm_write(mm, *pos, part, (size_t)got) : uio_put(u, part, (size_t)got);
        if (got <= 0) {
            done = done ? done : got == -EFAULT || got == 0 ? -EIO : got;
            break;
        }
        *pos += (uint64_t)got;
        done += got;
    }
    if (mm)
        mm_put(mm, PT_exit_teardown);
    return done;
}

/* --- its record ---------------------------------------------------------- */

static int show_comm(struct text *t, const struct proc_node *n)
{
    struct task *task = proc_task(n);
    if (!task)
        return -ESRCH;
    text_printf(t, "%s\n", task->rec->comm);
    task_put(task);
    return 0;
}

/* A thread may name itself and its siblings. */
static int store_comm(const struct proc_node *n, char *line)
{
    struct task *task = proc_task(n);
    int err = task ? 0 : -ESRCH;
    if (task && task->proc != current->proc)
        err = -EINVAL;
    char *end = strchr(line, '\n');
    if (end)
        *end = 0;
    if (!err) {
        spin_lock(&task->lock);
        memset(task->rec->comm, 0, sizeof task->rec->comm);
        strlcpy(task->rec->comm, line, sizeof task->rec->comm);
        spin_unlock(&task->lock);
    }
    if (task)
        task_put(task);
    return err;
}

static int show_wchan(struct text *t, const struct proc_node *n)
{
    struct task *task = proc_task(n);
    if (!task)
        return -ESRCH;
    const char *where = proc_may_look(task) ? proc_wchan(task->rec) : "0";
    text_put(t, where, strlen(where));
    task_put(task);
    return 0;
}

/* The call in which it sleeps, with its arguments, stack and instruction. */
static int show_syscall(struct text *t, const struct proc_node *n)
{
    struct task *task = proc_task(n);
    if (!task)
        return -ESRCH;
    struct regs r;
    bool sleeps = false;
    spin_lock(&task->lock); /* it cannot wake, nor leave its stack */
    if (task->rec->state == TASK_blocked && task->uregs) {
        r = *task->uregs;
        sleeps = true;
    }
    spin_unlock(&task->lock);
    if (sleeps)
        text_printf(t, "%d 0x%llx 0x%llx 0x%llx 0x%llx 0x%llx 0x%llx 0x%llx 0x%llx\n",
                    task->rec->syscall, (unsigned long long)r.rdi, (unsigned long long)r.rsi,
                    (unsigned long long)r.rdx, (unsigned long long)r.r10, (unsigned long long)r.r8,
                    (unsigned long long)r.r9, (unsigned long long)r.rsp, (unsigned long long)r.rip);
    else
        text_printf(t, "running\n");
    task_put(task);
    return 0;
}

static const struct {
    const char *name, *unit;
} limit_name[RLIM_NLIMITS] = {
    [RLIMIT_CPU] = { "Max cpu time", "seconds" },
    [RLIMIT_FSIZE] = { "Max file size", "bytes" },
    [RLIMIT_DATA] = { "Max data size", "bytes" },
    [RLIMIT_STACK] = { "Max stack size", "bytes" },
    [RLIMIT_CORE] = { "Max core file size", "bytes" },
    [RLIMIT_RSS] = { "Max resident set", "bytes" },
    [RLIMIT_NPROC] = { "Max processes", "processes" },
    [RLIMIT_NOFILE] = { "Max open files", "files" },
    [RLIMIT_MEMLOCK] = { "Max locked memory", "bytes" },
    [RLIMIT_AS] = { "Max address space", "bytes" },
    [RLIMIT_LOCKS] = { "Max file locks", "locks" },
    [RLIMIT_SIGPENDING] = { "Max pending signals", "signals" },
    [RLIMIT_MSGQUEUE] = { "Max msgqueue size", "bytes" },
    [RLIMIT_NICE] = { "Max nice priority", "" },
    [RLIMIT_RTPRIO] = { "Max realtime priority", "" },
    [RLIMIT_RTTIME] = { "Max realtime timeout", "us" },
};

static const char *limit_text(uint64_t value, char *buf, size_t room)
{
    if (value == RLIM64_INFINITY)
        return "unlimited";
    ksnprintf(buf, room, "%llu", (unsigned long long)value);
    return buf;
}

static int show_limits(struct text *t, const struct proc_node *n)
{
    struct rlimit64 limit[RLIM_NLIMITS];
    struct task *task = proc_task(n);
    if (!task)
        return -ESRCH;
    spin_lock(&tree_lock);
    memcpy(limit, task->proc->rlim, sizeof limit);
    spin_unlock(&tree_lock);
    text_printf(t, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
    for (unsigned i = 0; i < RLIM_NLIMITS; i++) {
        struct rlimit64 l = limit[i];
        char soft[24], hard[24];
        const char *now = limit_text(l.rlim_cur, soft, sizeof soft);
        const char *most = limit_text(l.rlim_max, hard, sizeof hard);
        text_printf(t, "%-25s %-20s %-20s %-10s\n", limit_name[i].name, now, most,
                    limit_name[i].unit);
    }
    task_put(task);
    return 0;
}

/* 0 is never killed; else two thirds of what the badness is in thousandths of RAM
 * above -1000, as Linux shows it. */
static int show_oom_score(struct text *t, const struct proc_node *n)
{
    struct frame_counts c;
    struct task *task = proc_task(n);
    if (!task)
        return -ESRCH;
    frame_count(&c);
    spin_lock(&tree_lock);
    int64_t bad = oom_badness(task->proc);
    spin_unlock(&tree_lock);
    task_put(task);
    int64_t score = bad == INT64_MIN ? 0 : (1000 + bad * 1000 / (int64_t)c.total) * 2 / 3;
    text_printf(t, "%lld\n", (long long)MAX(score, (int64_t)0));
    return 0;
}

static int show_oom_adj(struct text *t, const struct proc_node *n)
{
    struct task *task = proc_task(n);
    if (!task)
        return -ESRCH;
    text_printf(t, "%d\n", task->proc->oom_score_adj);
    task_put(task);
    return 0;
}

/* Who may look may write; only root may make it less. */
static int store_oom_adj(const struct proc_node *n, char *line)
{
    int value = 0;
    const char *p = line + (*line == '-' || *line == '+'), *digits = p;
    for (; *p >= '0' && *p <= '9' && value <= OOM_ADJ_MAX; p++)
        value = value * 10 + (*p - '0');
    if (p == digits || (*p && *p != '\n') || value > OOM_ADJ_MAX)
        return -EINVAL;
    if (*line == '-')
        value = -value;
    struct task *task = proc_task(n);
    int err = task ? 0 : -ESRCH;
    if (task && (!proc_may_look(task) || (value < task->proc->oom_score_adj && !capable())))
        err = -EACCES;
    if (!err)
        task->proc->oom_score_adj = (int16_t)value;
    if (task)
        task_put(task);
    return err;
}

static int show_cgroup(struct text *t, const struct proc_node *n __attribute__((unused)))
{
    text_printf(t, "0::/\n");
    return 0;
}

/* --- the directories ----------------------------------------------------- */

#define PRIVATE_FILE(n, m, fn) \
    { \
        .name = n, .mode = S_IFREG | (m), .flags = PROC_PRIVATE, .show = fn \
    }
#define FD_DIR(n, fn) \
    { \
        .name = n, .mode = S_IFDIR | 0500, .number = fn, .numbers = proc_fd_numbers \
    }
#define LINK(n, read, go) \
    { \
        .name = n, .mode = S_IFLNK | 0777, .readlink = read, .follow = go \
    }

static int task_number(const struct proc_node *dir, uint32_t nr, struct proc_node *child);
static unsigned task_numbers(const struct proc_node *dir, uint32_t from, uint32_t *out,
                             unsigned room);

/* What a process and each of its threads have in common. */
#define COMMON_FILES \
    PRIVATE_FILE("auxv", 0400, show_auxv), PROC_FILE("cgroup", 0444, show_cgroup), \
        PROC_FILE("cmdline", 0444, show_cmdline), PROC_STORE("comm", 0644, show_comm, store_comm), \
        LINK("cwd", readlink_cwd, follow_cwd), PRIVATE_FILE("environ", 0400, show_environ), \
        LINK("exe", readlink_exe, follow_exe), FD_DIR("fd", proc_fd_number), \
        FD_DIR("fdinfo", proc_fdinfo_number), PROC_FILE("limits", 0444, show_limits), \
        PRIVATE_FILE("maps", 0444, show_maps), \
        { .name = "mem", \
          .mode = S_IFREG | 0600, \
          .flags = PROC_PRIVATE, \
          .transfer = transfer_mem }, \
        PROC_FILE("mountinfo", 0444, show_mountinfo), PROC_FILE("mounts", 0444, show_mounts), \
        PROC_FILE("oom_score", 0444, show_oom_score), \
        PROC_STORE("oom_score_adj", 0644, show_oom_adj, store_oom_adj), \
        LINK("root", readlink_root, follow_root), PRIVATE_FILE("smaps", 0444, show_smaps), \
        PROC_FILE("stat", 0444, show_stat), PROC_FILE("statm", 0444, show_statm), \
        PROC_FILE("status", 0444, show_status), PRIVATE_FILE("syscall", 0400, show_syscall), \
        PROC_FILE("wchan", 0444, show_wchan)

static const struct proc_entry tid_table[] = { COMMON_FILES, { .name = NULL } };
static const struct proc_entry pid_table[] = {
    COMMON_FILES,
    { .name = "task", .mode = S_IFDIR | 0555, .number = task_number, .numbers = task_numbers },
    { .name = NULL },
};
static const struct proc_entry pid_entry = PROC_DIR("", pid_table);
static const struct proc_entry tid_entry = PROC_DIR("", tid_table);

/* Sorts nr into the ascending window of at most `room` numbers >= from. */
static unsigned window_add(uint32_t *out, unsigned n, unsigned room, uint32_t from, uint32_t nr)
{
    unsigned i = n < room ? n : room - 1;
    if (nr < from || (n == room && nr > out[room - 1]))
        return n;
    for (; i > 0 && out[i - 1] > nr; i--)
        out[i] = out[i - 1];
    out[i] = nr;
    return n < room ? n + 1 : n;
}

static unsigned task_numbers(const struct proc_node *dir, uint32_t from, uint32_t *out,
                             unsigned room)
{
    unsigned n = 0;
    spin_lock(&tree_lock);
    struct task *t = task_find(dir->tid), *each;
    if (t)
        list_for_each(each, &t->proc->threads, thread_link)
            n = window_add(out, n, room, from, each->tid);
    spin_unlock(&tree_lock);
    return n;
}

static int task_number(const struct proc_node *dir, uint32_t nr, struct proc_node *child)
{
    spin_lock(&tree_lock);
    struct task *t = task_find(nr), *leader = task_find(dir->tid);
    bool same = t && leader && t->proc == leader->proc;
    spin_unlock(&tree_lock);
    *child = (struct proc_node){ .entry = &tid_entry, .tid = nr };
    return same ? 0 : -ENOENT;
}

unsigned proc_pids(const struct proc_node *dir __attribute__((unused)), uint32_t from,
                   uint32_t *out, unsigned room)
{
    unsigned n = 0;
    struct process *p;
    spin_lock(&tree_lock);
    list_for_each(p, &all_processes, all_link)
        n = window_add(out, n, room, from, p->tgid);
    spin_unlock(&tree_lock);
    return n;
}

/* Threads are found by number, too, but not listed; as on Linux. */
int proc_pid_number(const struct proc_node *dir __attribute__((unused)), uint32_t nr,
                    struct proc_node *child)
{
    spin_lock(&tree_lock);
    bool there = nr > 0 && task_find(nr) != NULL;
    spin_unlock(&tree_lock);
    *child = (struct proc_node){ .entry = &pid_entry, .tid = nr, .whole = true };
    return there ? 0 : -ENOENT;
}
