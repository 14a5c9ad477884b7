/* pid.c - the directories of processes and threads, and their small files. */
#include "arch/preempt.h"
#include "fs/uio.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/access.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "mm/mm.h"
#include "proc/oom.h"
#include "proc/pid.h"
#include "proc/pid_ns.h"
#include "proc/process.h"
#include "proc/task.h"
#include "procfs/internal.h"

/* --- memory of a process ------------------------------------------------- */

#define WORK_PART \
    350u /* instructions, about (arch/preempt.h), besides those that mm_read() tells */

/* Of what is between two of its addresses, some from *pos on: a program chooses them, so there may be more than memory holds. */
static long read_between(struct mm *mm, uaddr_t at, uaddr_t end, struct uio *u, uint64_t *pos)
{
    char part[256];
    long done = 0;

    while (u->left > 0 && at < end && *pos < end - at && !preempt_killed()) {
        long got = mm_read(mm, at + *pos, part, MIN(MIN(u->left, sizeof part), end - at - *pos));
        long put = got > 0 ? uio_put(u, part, (size_t)got) : 0;
        if (put <= 0)
            return done > 0 ? done : put;
        *pos += (uint64_t)put;
        done += put;
        preempt_work(WORK_PART);
    }
    return done;
}

/* Behind the first NUL; in the first page, at most. */
static uaddr_t title_end(struct mm *mm, uaddr_t at, uaddr_t end)
{
    char part[256];

    for (end = MIN(end, at + PAGE_SIZE); at < end; at += sizeof part) {
        long n = mm_read(mm, at, part, MIN(end - at, sizeof part));
        for (long i = 0; i < n; i++)
            if (part[i] == 0)
                return at + (uaddr_t)i + 1;
        if (n < (long)sizeof part)
            return at + (uaddr_t)MAX(n, 0);
    }
    return end;
}

/* A program that wants to show a title writes it over its arguments, and on into the environment that lies
 * behind them.  As on Linux it has if their last byte is no NUL any more: then the title ends with the
 * first one, and with the page at most. */
static long read_cmdline(const struct pfs_node *n, struct uio *u, uint64_t *pos)
{
    struct mm *mm = proc_mm(n);
    char last = 0;

    if (!mm)
        return 0;
    const struct mm_image *i = &mm->image;
    uaddr_t at = i->arg_start, end = i->arg_end, env_end = i->env_start == end ? i->env_end : 0;
    if (at < end && mm_read(mm, end - 1, &last, 1) == 1 && last != 0)
        end = title_end(mm, at, MAX(end, env_end));
    long done = read_between(mm, at, end, u, pos);
    mm_put(mm, PT_exit_teardown);
    return done;
}

static long read_environ(const struct pfs_node *n, struct uio *u, uint64_t *pos)
{
    struct mm *mm = proc_mm(n);

    if (!mm)
        return 0;
    long done = read_between(mm, mm->image.env_start, mm->image.env_end, u, pos);
    mm_put(mm, PT_exit_teardown);
    return done;
}

static void show_auxv(struct text *t, struct mm *mm)
{
    text_put(t, (const char *)mm->image.auxv, mm->image.auxv_bytes);
}

/* mem: the position is the address.  Moves a part by one of the two functions below. */
static long move_memory(const struct pfs_node *n, struct uio *u, uint64_t *pos,
                        long (*move)(struct mm *mm, uaddr_t at, struct uio *u, char *part,
                                     size_t n))
{
    struct mm *mm = proc_mm(n);
    char part[256];
    long done = 0;
    while (mm && u->left > 0) {
        long got = move(mm, *pos, u, part, MIN(u->left, sizeof part));
        if (got <= 0) {
            if (done == 0)
                done = got == -EFAULT || got == 0 ? -EIO : got;
            break;
        }
        *pos += (uint64_t)got;
        done += got;
    }
    if (mm)
        mm_put(mm, PT_exit_teardown);
    return done;
}

static long move_out(struct mm *mm, uaddr_t at, struct uio *u, char *part, size_t n)
{
    long got = mm_read_any(mm, at, part, n);
    return got > 0 ? uio_put(u, part, (size_t)got) : got;
}

static long move_in(struct mm *mm, uaddr_t at, struct uio *u, char *part, size_t n)
{
    long got = uio_get(u, part, n);
    return got > 0 ? mm_write_any(mm, at, part, (size_t)got) : got;
}

static long read_mem(const struct pfs_node *n, struct uio *u, uint64_t *pos)
{
    return move_memory(n, u, pos, move_out);
}

static long write_mem(const struct pfs_node *n, struct uio *u, uint64_t *pos)
{
    return move_memory(n, u, pos, move_in);
}

/* --- its record ---------------------------------------------------------- */

static void show_comm(struct text *t, struct task *task)
{
    text_printf(t, "%s\n", task->rec->comm);
}

/* A thread may name itself and its siblings. */
static int store_comm(struct task *task, char *line)
{
    if (task->proc != current->proc)
        return -EINVAL;
    spin_lock(&task->lock);
    memset(task->rec->comm, 0, sizeof task->rec->comm);
    strlcpy(task->rec->comm, line, sizeof task->rec->comm);
    spin_unlock(&task->lock);
    return 0;
}

static void show_wchan(struct text *t, struct task *task)
{
    text_printf(t, "%s", task_may_look(task) ? proc_wchan(task->rec) : "0");
}

/* The call in which it sleeps, with its arguments, stack and instruction. */
static void show_syscall(struct text *t, struct task *task)
{
    struct regs r;
    bool sleeps = false, ended;
    spin_lock(&task->lock); /* it cannot wake, nor leave its stack */
    if (task == current || (task->rec->state == TASK_blocked && task->uregs)) {
        r = *task->uregs;
        sleeps = true;
    }
    ended = task->rec->state == TASK_zombie || task->rec->state == TASK_dead;
    spin_unlock(&task->lock);
    if (ended)
        text_printf(t, "-1 0x0 0x0\n");
    else if (sleeps)
        text_printf(t, "%d 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx\n", task->rec->syscall,
                    r.rdi, r.rsi, r.rdx, r.r10, r.r8, r.r9, r.rsp, r.rip);
    else
        text_printf(t, "running\n");
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
    ksnprintf(buf, room, "%lu", value);
    return buf;
}

static void show_limits(struct text *t, struct task *task)
{
    struct rlimit64 limit[RLIM_NLIMITS];
    char soft[24], hard[24];
    spin_lock(&tree_lock);
    memcpy(limit, task->proc->rlim, sizeof limit);
    spin_unlock(&tree_lock);
    text_printf(t, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
    for (unsigned i = 0; i < RLIM_NLIMITS; i++)
        text_printf(t, "%-25s %-20s %-20s %-*s\n", limit_name[i].name,
                    limit_text(limit[i].rlim_cur, soft, sizeof soft),
                    limit_text(limit[i].rlim_max, hard, sizeof hard), *limit_name[i].unit ? 10 : 0,
                    limit_name[i].unit);
}

/* 0 is never killed; else two thirds of what the badness is in thousandths of RAM
 * above -1000, as Linux shows it. */
static void show_oom_score(struct text *t, struct task *task)
{
    struct frame_counts c;
    frame_count(&c);
    spin_lock(&tree_lock);
    int64_t bad = oom_badness(task->proc);
    spin_unlock(&tree_lock);
    int64_t score = bad == INT64_MIN ? 0 : (1000 + bad * 1000 / (int64_t)c.total) * 2 / 3;
    text_printf(t, "%ld\n", MAX(score, (int64_t)0));
}

static void show_oom_adj(struct text *t, struct task *task)
{
    text_printf(t, "%d\n", task->proc->oom_score_adj);
}

/* Who may look may write; only root may make it less. */
static int set_oom_adj(struct task *task, int value)
{
    if (!task_may_look(task) || (value < task->proc->oom_score_adj && !has_cap(CAP_SYS_RESOURCE)))
        return -EACCES;
    task->proc->oom_score_adj = (int16_t)value;
    return 0;
}

/* A number of C with its sign, blanks around it; at most `max` from 0. */
static int parse_signed(char *line, int max, int *value)
{
    uint64_t number;
    char *end = line + strlen(line);

    while (*line == ' ' || *line == '\t')
        line++;
    while (end > line && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\n'))
        *--end = 0;
    bool minus = *line == '-';
    int err = pfs_number(line + minus, 0, INT32_MAX, &number);
    if (err)
        return err;
    *value = minus ? -(int)number : (int)number;
    return number <= (uint64_t)max ? 0 : -EINVAL;
}

static int store_oom_adj(struct task *task, char *line)
{
    int value, err = parse_signed(line, OOM_ADJ_MAX, &value);

    return err ? err : set_oom_adj(task, value);
}

/* oom_adj: the same in an older measure, -17 to 15; -17 means never. */
#define OLD_OOM_NEVER 17
#define OLD_OOM_MAX   15

static void show_old_oom_adj(struct text *t, struct task *task)
{
    int value = task->proc->oom_score_adj;

    text_printf(t, "%d\n",
                value == OOM_ADJ_MAX ? OLD_OOM_MAX : value * OLD_OOM_NEVER / OOM_ADJ_MAX);
}

static int store_old_oom_adj(struct task *task, char *line)
{
    int value, err = parse_signed(line, OLD_OOM_NEVER, &value);

    if (err || value > OLD_OOM_MAX)
        return err ? err : -EINVAL;
    return set_oom_adj(task,
                       value == OLD_OOM_MAX ? OOM_ADJ_MAX : value * OOM_ADJ_MAX / OLD_OOM_NEVER);
}

static void show_personality(struct text *t, struct task *task)
{
    text_printf(t, "%08x\n", task->cred.personality);
}

/* Of a process with many threads some may be counted as of a moment earlier.  Nothing is read from a disk, or written
 * to one. */
#define WORK_IO 40u

static int show_io(struct text *t, const struct pfs_node *n)
{
    struct io_count c[2];
    struct family_walk w;

    spin_lock(&tree_lock);
    struct task *task = proc_task_locked(n);
    if (task == NULL) {
        spin_unlock(&tree_lock);
        return -ESRCH;
    }
    struct process *p = task->proc;
    memcpy(c, n->whole ? p->io : task->io, sizeof c);
    if (n->whole) {
        process_get(p);
        family_walk_begin(&w, &p->threads);
        while (FAMILY_WALK_NEXT(&w, task, thread_link, WORK_IO) != NULL)
            for (unsigned i = 0; i < 2 && (!task->exiting || task == p->leader); i++) {
                c[i].bytes += task->io[i].bytes;
                c[i].calls += task->io[i].calls;
            }
        family_walk_end(&w);
        process_put(p);
    }
    spin_unlock(&tree_lock);
    text_printf(t,
                "rchar: %lu\nwchar: %lu\nsyscr: %lu\nsyscw: %lu\nread_bytes: 0\nwrite_bytes: 0\n"
                "cancelled_write_bytes: 0\n",
                c[0].bytes, c[1].bytes, c[0].calls, c[1].calls);
    return 0;
}

/* --- the directories ----------------------------------------------------- */

static int task_number(const struct pfs_node *dir, uint32_t nr, struct pfs_node *child);
static unsigned task_numbers(const struct pfs_node *dir, uint32_t from, uint32_t *out,
                             unsigned room);

/* What a process and each of its threads have in common. */
/* clang-format off */
#define ID_MAP(n) \
    PFS_ENTRY(n, S_IFREG | 0644, PFS_IS_TEXT, .text = "         0          0 4294967295\n", \
               .store = store_id_map)
#define COMMON_FILES \
    PROC_MM("auxv", 0400, show_auxv, .flags = PROC_PRIVATE), \
    PFS_TEXT("cgroup", 0444, "0::/\n"), \
    PFS_FILE("clear_refs", 0200, show_no_refs, .store = store_clear_refs), \
    PFS_ENTRY("cmdline", S_IFREG | 0444, PFS_IS_BYTES, .read = read_cmdline), \
    PROC_TASK("comm", 0644, show_comm, .store_task = store_comm), \
    PFS_GOAL("cwd", 0777, goal_cwd), \
    PFS_ENTRY("environ", S_IFREG | 0400, PFS_IS_BYTES, .read = read_environ, .flags = PROC_PRIVATE), \
    PFS_GOAL("exe", 0777, goal_exe), \
    PFS_DIR("fd", 0500, PFS_NUMBERED("", proc_fd_number, proc_fd_numbers)), \
    PFS_DIR("fdinfo", 0500, PFS_NUMBERED("", proc_fdinfo_number, proc_fd_numbers)), \
    ID_MAP("gid_map"), \
    PFS_FILE("io", 0400, show_io, .flags = PROC_PRIVATE), \
    PROC_TASK("limits", 0444, show_limits), \
    PROC_MM("maps", 0444, show_maps, .flags = PROC_PRIVATE), \
    PFS_ENTRY("mem", S_IFREG | 0600, PFS_IS_BYTES, .read = read_mem, .write = write_mem, \
               .flags = PROC_PRIVATE), \
    PFS_FILE("mountinfo", 0444, show_mountinfo), \
    PFS_FILE("mounts", 0444, show_mounts), \
    PFS_DIR("net", 0555, .children = proc_net_table), \
    PFS_DIR("ns", 0511, .children = proc_ns_table), \
    PROC_MM("numa_maps", 0444, show_numa_maps, .flags = PROC_PRIVATE), \
    PROC_TASK("oom_adj", 0644, show_old_oom_adj, .store_task = store_old_oom_adj), \
    PROC_TASK("oom_score", 0444, show_oom_score), \
    PROC_TASK("oom_score_adj", 0644, show_oom_adj, .store_task = store_oom_adj), \
    PFS_ENTRY("pagemap", S_IFREG | 0400, PFS_IS_BYTES, .read = read_pagemap, .flags = PROC_PRIVATE), \
    PROC_TASK("personality", 0400, show_personality, .flags = PROC_PRIVATE), \
    ID_MAP("projid_map"), \
    PFS_GOAL("root", 0777, goal_root), \
    PFS_ENTRY("setgroups", S_IFREG | 0644, PFS_IS_TEXT, .text = "allow\n", .store = store_setgroups, \
               .flags = PROC_ADMIN), \
    PROC_MM("smaps", 0444, show_smaps, .flags = PROC_PRIVATE), \
    PROC_MM("smaps_rollup", 0444, show_smaps_rollup, .flags = PROC_PRIVATE), \
    PFS_FILE("stack", 0400, show_stack, .flags = PROC_PRIVATE), \
    PFS_FILE("stat", 0444, show_stat), \
    PFS_FILE("statm", 0444, show_statm), \
    PFS_FILE("status", 0444, show_status), \
    PROC_TASK("syscall", 0400, show_syscall, .flags = PROC_PRIVATE), \
    ID_MAP("uid_map"), \
    PROC_TASK("wchan", 0444, show_wchan)
/* clang-format on */

static const struct pfs_entry tid_table[] = { COMMON_FILES, PFS_END };
static const struct pfs_entry pid_table[] = {
    COMMON_FILES,
    PROC_MM("coredump_filter", 0644, show_core_filter, .store = store_core_filter),
    PFS_DIR("map_files", 0500, .named = &proc_map_files, .flags = PFS_IS_NAMED),
    PFS_DIR("task", 0555, PFS_NUMBERED("", task_number, task_numbers)),
    PFS_FILE("timerslack_ns", 0666, show_slack, .store = store_slack),
    PFS_END,
};
static const struct pfs_entry pid_entry =
    PFS_DIR("", 0555, .children = pid_table, .flags = PROC_LIVING);
static const struct pfs_entry tid_entry =
    PFS_DIR("", 0555, .children = tid_table, .flags = PROC_LIVING);

#define LOOKS_AT_ONCE \
    256u /* at the table of numbers, and what they cost in instructions (arch/preempt.h) */
#define WORK_LOOKS 2500u

/* Numbers in ns of threads of p, or with p NULL of processes, from `from` on. */
static unsigned numbers_from(const struct pid_ns *ns, const struct process *p, uint32_t from,
                             uint32_t *out, unsigned room)
{
    unsigned n = 0;
    while (from < PID_MAX && n < room) {
        spin_lock(&tree_lock);
        struct task *t = pid_ns_next(ns, &from, LOOKS_AT_ONCE);
        if (t && (p ? t->proc == p : t->tid == t->proc->tgid))
            out[n++] = from - 1;
        spin_unlock(&tree_lock);
        preempt_work(t ? WORK_LOOKS / LOOKS_AT_ONCE * 4 : WORK_LOOKS);
    }
    return n;
}

static unsigned task_numbers(const struct pfs_node *dir, uint32_t from, uint32_t *out,
                             unsigned room)
{
    unsigned n = 0;
    struct task *t = proc_task(dir);
    if (t) {
        n = numbers_from(proc_ns(dir), t->proc, from, out, room);
        task_put(t);
    }
    return n;
}

static int task_number(const struct pfs_node *dir, uint32_t nr, struct pfs_node *child)
{
    spin_lock(&tree_lock);
    uint32_t tid = pid_from(proc_ns(dir), nr);
    struct task *t = task_find(tid), *leader = proc_task_locked(dir);
    bool same = t && leader && t->proc == leader->proc;
    *child = (struct pfs_node){
        .entry = &tid_entry, .tid = tid, .born = same ? t->start_ns : 0, .space = dir->space
    };
    spin_unlock(&tree_lock);
    return same ? 0 : -ENOENT;
}

unsigned proc_pids(const struct pfs_node *dir, uint32_t from, uint32_t *out, unsigned room)
{
    return numbers_from(proc_ns(dir), NULL, from, out, room);
}

/* Threads are found by number, too, but not listed; as on Linux. */
int proc_pid_number(const struct pfs_node *dir, uint32_t nr, struct pfs_node *child)
{
    spin_lock(&tree_lock);
    uint32_t pid = pid_from(proc_ns(dir), nr);
    struct task *t = task_find(pid);
    *child = (struct pfs_node){ .entry = &pid_entry,
                                .tid = pid,
                                .whole = true,
                                .born = t ? t->start_ns : 0,
                                .space = dir->space };
    spin_unlock(&tree_lock);
    return t ? 0 : -ENOENT;
}

bool proc_is_process(const struct pfs_node *n) { return n->entry == &pid_entry; }
