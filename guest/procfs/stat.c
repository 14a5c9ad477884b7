/* stat.c - /proc/PID/stat, status, statm: a task in numbers.
 * All comes from one look at the task under tree_lock (struct about), so that
 * the three agree; memory is read afterwards, from the mm. */
#include "arch/clock.h"
#include "arch/layout.h"
#include "arch/preempt.h"
#include "fs/fs_ctx.h"
#include "fs/groups.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "mm/vma.h"
#include "proc/pid.h"
#include "proc/pid_ns.h"
#include "proc/process.h"
#include "proc/ptrace.h"
#include "proc/rusage.h"
#include "proc/seccomp.h"
#include "proc/signal.h"
#include "proc/task.h"
#include "procfs/internal.h"
#include "sched/sched.h"
#include "sched/times.h"
#include "tty/tty.h"

/* clang-format off */
static const struct { const char *wchan; char letter; } reason_of[] = {
#define X(name, value, wchan, letter) [value] = { wchan, letter },
    TRACE_BLOCK_REASONS(X)
#undef X
};
/* clang-format on */

char proc_state_letter(const struct task_record *r)
{
    switch (r->state) {
    case TASK_blocked: return r->reason < BLOCK_REASON_MAX ? reason_of[r->reason].letter : 'S';
    case TASK_stopped: return 'T';
    case TASK_zombie: return 'Z';
    case TASK_dead: return 'X';
    }
    return 'R';
}

static const char *state_name(char letter)
{
    static const char *const names[] = { "R (running)", "S (sleeping)",     "D (disk sleep)",
                                         "T (stopped)", "t (tracing stop)", "Z (zombie)",
                                         "X (dead)" };
    unsigned i = 0;
    while (names[i][0] != letter)
        i++;
    return names[i];
}

const char *proc_wchan(const struct task_record *r)
{
    bool waits = r->state == TASK_blocked || r->state == TASK_stopped;
    return waits && r->reason < BLOCK_REASON_MAX ? reason_of[r->reason].wchan : "0";
}

/* By what numbers it is called; of the first ones there is a row of their own. */
enum { ID_TGID, ID_PID, ID_PGRP, ID_SID, ID_ROWS, ID_PPID = ID_ROWS, ID_TRACER, IDS };

/* What /proc says of a task or process, read at one moment. */
struct about {
    struct task_record rec;
    uint32_t id[IDS], threads, cpu, tty;
    int tty_pgrp, exit_signal, nice, exit_status, policy, rt_priority, rank;
    uint64_t start_ns, rsslim;
    struct rusage self, children;
    uint64_t sig_thread, sig_shared, blocked, ignored, caught, cpus_allowed;
    uint32_t umask;
    bool no_new_privs;
    unsigned seccomp_mode, seccomp_filters;
};

static long ticks(struct __kernel_old_timeval t)
{
    return t.tv_sec * (long)(NSEC_PER_SEC / CLOCK_TICK_NS) +
           t.tv_usec / (long)(CLOCK_TICK_NS / 1000);
}

/* Dispositions are read without their lock: a torn read is only stale. */
static void about_thread(struct about *a, struct task *t, bool whole)
{
    spin_lock(&t->lock);
    if (!whole)
        rusage_of_thread(t, &a->self);
    a->sig_thread = task_pending(t);
    a->sig_shared = t->proc->shared_pending.set;
    a->blocked = t->blocked;
    for (unsigned i = 0; t->sighand && i < SIG_MAX; i++) {
        if (sig_action(t->sighand, (int)i + 1)->handler == (uaddr_t)SIG_IGN)
            a->ignored |= 1ul << i;
        else if (sig_action(t->sighand, (int)i + 1)->handler != (uaddr_t)SIG_DFL)
            a->caught |= 1ul << i;
    }
    a->umask = t->fs ? t->fs->umask : 0;
    spin_unlock(&t->lock);
}

/* PIDs; tree_lock held.  It may be gone. */
static void take_ids(uint32_t id[ID_ROWS], const struct task *t)
{
    const struct process *p = t->proc;

    id[ID_TGID] = p->tgid;
    id[ID_PID] = t->tid;
    id[ID_PGRP] = p->pgid;
    id[ID_SID] = p->session ? p->session->sid : 0;
}

/* 0 or -ESRCH. */
static int look(const struct pfs_node *n, struct about *a)
{
    struct session *session = NULL;
    memset(a, 0, sizeof *a);
    spin_lock(&tree_lock);
    struct task *t = proc_task_locked(n);
    if (!t) {
        spin_unlock(&tree_lock);
        return -ESRCH;
    }
    struct process *p = t->proc;
    a->rec = *t->rec;
    session = p->session;
    if (session)
        session_get(session);
    take_ids(a->id, t);
    a->id[ID_PPID] = p->parent ? p->parent->tgid : 0;
    a->id[ID_TRACER] = t->ptrace != NULL ? t->ptrace->tracer->tid : 0;
    for (unsigned i = 0; i < IDS; i++)
        a->id[i] = pid_in(proc_ns(n), a->id[i]);
    a->threads = p->nthreads;
    a->exit_signal = p->exit_signal;
    a->exit_status = p->zombie ? p->exit_status : 0;
    a->nice = t->nice;
    a->policy = t->policy;
    a->rt_priority = t->rt_priority;
    a->rank = MAX((int)t->lent, a->rt_priority);
    a->cpu = t->cpu;
    a->start_ns = t->start_ns;
    a->cpus_allowed = t->cpus_allowed & cpus_online();
    a->no_new_privs = t->no_new_privs;
    a->seccomp_mode = t->seccomp_mode;
    a->seccomp_filters = seccomp_filters(t);
    a->rsslim = p->rlim[RLIMIT_RSS].rlim_cur;
    about_thread(a, t, n->whole);
    rusage_of_process(p, RUSAGE_CHILDREN, &a->children);
    if (n->whole) {
        process_get(p);
        rusage_of_process(p, RUSAGE_SELF, &a->self);
        process_put(p);
    }
    spin_unlock(&tree_lock);
    a->tty_pgrp = -1;
    if (session) {
        tty_describe(session, &a->tty, &a->tty_pgrp);
        session_put(session);
    }
    return 0;
}

/* What it is called in each namespace from the one that is shown to its innermost one. */
static void status_numbers(struct text *t, const struct pfs_node *n, struct task *task)
{
    static const char *const name[ID_ROWS] = { "NStgid", "NSpid", "NSpgid", "NSsid" };
    uint32_t row[PID_NS_LEVELS + 1], id[ID_ROWS];

    for (unsigned i = 0; i < ID_ROWS; i++) {
        spin_lock(&tree_lock);
        take_ids(id, task);
        unsigned levels = pid_row(proc_ns(n), task->tid, id[i], row);
        spin_unlock(&tree_lock);
        text_printf(t, "%s:", name[i]);
        for (unsigned k = 0; k < levels; k++)
            text_printf(t, "\t%u", row[k]);
        text_printf(t, "\n");
    }
}

int show_stat(struct text *t, const struct pfs_node *n)
{
    static const struct mm no_mm;
    struct about a;
    int err = look(n, &a);
    if (err)
        return err;
    struct mm *held = proc_mm(n);
    const struct mm *mm = held ? held : &no_mm;
    bool may = false;
    struct task *task = proc_task(n);
    if (task) {
        may = task_may_look(task);
        task_put(task);
    }
    text_printf(t, "%u (%s) %c %u %u %u %d %d %u %ld %ld 0 0 ", a.id[ID_PID], a.rec.comm,
                proc_state_letter(&a.rec), a.id[ID_PPID], a.id[ID_PGRP], a.id[ID_SID], (int)a.tty,
                a.tty_pgrp > 0 ? (int)proc_number(n, (uint32_t)a.tty_pgrp) : a.tty_pgrp,
                held ? 0x400000u : 0x200040u, a.self.ru_minflt, a.children.ru_minflt);
    text_printf(t, "%ld %ld %ld %ld %d %d %u 0 %lu ", ticks(a.self.ru_utime),
                ticks(a.self.ru_stime), ticks(a.children.ru_utime), ticks(a.children.ru_stime),
                a.rank != 0 ? -1 - a.rank : 20 + a.nice, a.nice, MAX(a.threads, 1u),
                a.start_ns / CLOCK_TICK_NS);
    text_printf(t, "%lu %lu %lu %lu %lu %lu 0 0 %lu %lu %lu %lu ", mm->total_vm << PAGE_SHIFT,
                mm->pages_mapped, a.rsslim, may ? mm->image.code_start : 1ul,
                may ? mm->image.code_end : 1ul, may ? mm->image.stack_start : 0ul,
                (a.sig_thread | a.sig_shared) & 0x7fffffff, a.blocked & 0x7fffffff,
                a.ignored & 0x7fffffff, a.caught & 0x7fffffff);
    text_printf(t, "%d 0 0 %d %u %d %d 0 0 0 ", proc_wchan(&a.rec)[0] != '0', a.exit_signal, a.cpu,
                a.rt_priority, a.policy);
    if (!may)
        mm = &no_mm;
    text_printf(t, "%lu %lu %lu %lu %lu %lu %lu %d\n", mm->image.data_start, mm->image.data_end,
                mm->image.brk_start, mm->image.arg_start, mm->image.arg_end, mm->image.env_start,
                mm->image.env_end, may ? a.exit_status : 0);
    if (held)
        mm_put(held, PT_exit_teardown);
    return 0;
}

static void kb(struct text *t, const char *name, uint64_t pages)
{
    text_printf(t, "%s\t%8lu kB\n", name, pages << (PAGE_SHIFT - 10));
}

/* mm->lock held. */
static uint64_t locked_pages(struct mm *mm)
{
    uint64_t pages = 0;
    for (struct vma *v = vma_find(mm, 0); v; v = vma_next(v))
        pages += v->flags & VM_LOCKED ? (v->end - v->start) >> PAGE_SHIFT : 0;
    return pages;
}

static void status_memory(struct text *t, struct mm *mm)
{
    mutex_lock(&mm->lock); /* the counts change together */
    uint64_t code = (page_up(mm->image.code_end) - page_down(mm->image.code_start)) >> PAGE_SHIFT;
    uint64_t exec = MAX(mm->exec_vm, code);
    kb(t, "VmPeak:", mm->hiwater_vm);
    kb(t, "VmSize:", mm->total_vm);
    kb(t, "VmLck:", locked_pages(mm));
    kb(t, "VmPin:", 0);
    kb(t, "VmHWM:", mm->hiwater_rss);
    kb(t, "VmRSS:", mm->pages_mapped);
    kb(t, "RssAnon:", mm->pages_anon);
    kb(t, "RssFile:", mm->pages_mapped - mm->pages_anon);
    kb(t, "VmData:", mm->data_vm);
    kb(t, "VmStk:", mm->stack_vm);
    kb(t, "VmExe:", code);
    kb(t, "VmLib:", exec - code);
    kb(t, "VmPTE:", mm->tables);
    kb(t, "VmSwap:", 0);
    mutex_unlock(&mm->lock);
}

static void status_cred(struct text *t, const struct cred *c)
{
    text_printf(t, "Uid:\t%u\t%u\t%u\t%u\n", c->uid, c->euid, c->suid, c->fsuid);
    text_printf(t, "Gid:\t%u\t%u\t%u\t%u\n", c->gid, c->egid, c->sgid, c->fsgid);
}

static void status_cpus(struct text *t, uint64_t mask)
{
    text_printf(t, "Cpus_allowed:\t");
    text_cpu_map(t, mask);
    text_printf(t, "Cpus_allowed_list:\t");
    text_cpu_list(t, mask);
}

#define WORK_GROUP 300u /* instructions, about (arch/preempt.h) */

static void status_groups(struct text *t, struct task *task)
{
    spin_lock(&task->lock);
    struct groups *g = task->groups;
    if (g)
        ref_get(&g->refs);
    spin_unlock(&task->lock);
    if (!g)
        return;
    for (uint32_t i = 0; i < g->n; i++) {
        text_printf(t, "%u ", *groups_at(g, i));
        preempt_work(WORK_GROUP);
    }
    groups_put(g);
}

int show_status(struct text *t, const struct pfs_node *n)
{
    struct about a;
    int err = look(n, &a);
    struct task *task = err ? NULL : proc_task(n);
    if (!task)
        return -ESRCH;
    const struct cred *c = &task->cred;
    struct mm *mm = task_get_mm(task);
    text_printf(t, "Name:\t");
    text_escaped(t, a.rec.comm);
    text_printf(t,
                "\nUmask:\t%04o\nState:\t%s\nTgid:\t%u\nNgid:\t0\n"
                "Pid:\t%u\nPPid:\t%u\nTracerPid:\t%u\n",
                a.umask, state_name(proc_state_letter(&a.rec)), a.id[ID_TGID], a.id[ID_PID],
                a.id[ID_PPID], a.id[ID_TRACER]);
    status_cred(t, c);
    text_printf(t, "Groups:\t");
    status_groups(t, task);
    text_printf(t, "\n");
    status_numbers(t, n, task);
    if (mm) {
        status_memory(t, mm);
        text_printf(t, "CoreDumping:\t%d\n", task->proc->dumping);
        mm_put(mm, PT_exit_teardown);
    }
    text_printf(t, "Threads:\t%u\n", a.threads);
    text_printf(t, "SigQ:\t%u/%llu\n", signal_charged(c->uid),
                task->proc->rlim[RLIMIT_SIGPENDING].rlim_cur);
    text_printf(t,
                "SigPnd:\t%016lx\nShdPnd:\t%016lx\nSigBlk:\t%016lx\n"
                "SigIgn:\t%016lx\nSigCgt:\t%016lx\n",
                a.sig_thread, a.sig_shared, a.blocked, a.ignored, a.caught);
    text_printf(t,
                "CapInh:\t%016lx\nCapPrm:\t%016lx\nCapEff:\t%016lx\nCapBnd:\t%016lx\n"
                "CapAmb:\t%016lx\n",
                c->cap_inheritable, c->cap_permitted, c->cap_effective, c->cap_bounding,
                c->cap_ambient);
    text_printf(t, "NoNewPrivs:\t%d\nSeccomp:\t%u\nSeccomp_filters:\t%u\n", a.no_new_privs,
                a.seccomp_mode, a.seccomp_filters);
    status_cpus(t, a.cpus_allowed);
    text_printf(t, "voluntary_ctxt_switches:\t%ld\nnonvoluntary_ctxt_switches:\t%ld\n",
                a.self.ru_nvcsw, a.self.ru_nivcsw);
    task_put(task);
    return 0;
}

int show_statm(struct text *t, const struct pfs_node *n)
{
    struct mm *mm = proc_mm(n);
    if (!mm) {
        text_printf(t, "0 0 0 0 0 0 0\n");
        return 0;
    }
    mutex_lock(&mm->lock);
    text_printf(t, "%lu %lu %lu %lu 0 %lu 0\n", mm->total_vm, mm->pages_mapped,
                mm->pages_mapped - mm->pages_anon,
                (page_up(mm->image.code_end) - page_down(mm->image.code_start)) >> PAGE_SHIFT,
                mm->data_vm + mm->stack_vm);
    mutex_unlock(&mm->lock);
    mm_put(mm, PT_exit_teardown);
    return 0;
}
