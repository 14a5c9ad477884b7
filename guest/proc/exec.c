/* exec.c - a task gets a new program.
 *
 *   1. The file is opened, and while it is a script, its interpreter.
 *   2. A new address space is made completely: segments, interpreter, stack.
 *      The old one is only read (argv, envp).  All memory that the commit will
 *      need is taken; the other threads end.
 *   3. Commit: nothing fails from here on.  The new mm is current, descriptors
 *      close, handlers and the rest are reset; then, and not before, whoever
 *      waits in vfork is released, and the old mm is dropped, not cleared: it
 *      goes with its last user.
 *
 * So a failed exec leaves everything as it was, unless it lost a race against another thread's exec or the end of the
 * process: then this thread dies anyway.  A vfork parent goes on when the child is in its own memory and has closed
 * its descriptors.
 *
 * Left out: binfmt_misc. */
#include "arch/fpu.h"
#include "arch/random.h"
#include "arch/uaccess.h"
#include "lib/string.h"
#include "mm/access.h"
#include "mm/heap.h"
#include "mm/mm.h"
#include "mm/vdso.h"
#include "mm/tlb.h"
#include "proc/exec_internal.h"
#include "proc/exit.h"
#include "proc/fork.h"
#include "proc/futex.h"
#include "proc/itimer.h"
#include "proc/process.h"
#include "proc/watched.h"
#include "proc/signal.h"
#include "sched/timer.h"
#include "trace/boot_stage.h"
#include "trace/trace.h"
#include "fs/fd.h"
#include "fs/file.h"
#include "fs/file_open.h"
#include "fs/path_name.h"
#include "fs/inode.h"
#include "fs/pages_io.h"
#include <linux/personality.h>
#include <linux/auxvec.h>
#include <linux/fcntl.h>

#define LINE_BYTES  256 /* what is looked at of a script: BINPRM_BUF_SIZE */
#define MAX_SCRIPTS 5   /* scripts that are interpreters of scripts */
#define PIE_BASE    0x555555554000ull
#define STACK_TOP   (USER_END - PAGE_SIZE - VDSO_BYTES)

struct script {
    char line[LINE_BYTES + 1];
    char *interp, *arg;
};

struct exec {
    struct target target;
    struct file *file; /* the program */
    unsigned nscripts;
    struct exec_stack stack;
    struct mm *mm;
    uaddr_t entry, sp;
    bool secure;
    uint32_t tid;            /* of current, before it leads the process */
    struct sighand *sighand; /* copies, if the present ones are shared */
    struct files *files;
    /* From here on not zeroed: each is written as a whole before it is read. */
    struct script *scripts[MAX_SCRIPTS + 1];
    struct elf_image img;
    struct cred cred; /* after set-user-ID bits */
    char head[LINE_BYTES + 1];
};

/* --- which file --------------------------------------------------------------- */

/* The file is a script: its line is kept, its interpreter opened. */
static int follow_script(struct exec *e, size_t n)
{
    if (e->nscripts > MAX_SCRIPTS)
        return -ELOOP;
    if (e->target.fd_closes)
        return -ENOENT;
    struct script *s = kmalloc(sizeof *s);
    if (s == NULL)
        return -ENOMEM;
    memcpy(s->line, e->head, n);
    e->scripts[e->nscripts++] = s;
    int err = script_parse(s->line, n, LINE_BYTES, &s->interp, &s->arg);
    if (err != 0)
        return err;
    struct file *next;
    err = file_open_exec(AT_FDCWD, s->interp, 0, &next);
    if (err != 0)
        return err;
    file_allow_write(e->file);
    file_put(e->file);
    e->file = next;
    return e->nscripts > MAX_SCRIPTS ? -ELOOP : 0;
}

static int find_program(struct exec *e)
{
    int err = file_open_exec(e->target.dfd, e->target.path, e->target.flags, &e->file);

    while (err == 0) {
        long n = file_read_kernel(e->file, e->head, LINE_BYTES, 0);
        if (n < 0)
            return (int)n;
        if (n < 2 || e->head[0] != '#' || e->head[1] != '!')
            return read_image(e->file, e->head, (size_t)n, &e->img);
        err = follow_script(e, (size_t)n);
    }
    return err;
}

/* --- arguments ---------------------------------------------------------------- */

/* interpreter [argument] ... script, in front of argv[1...]: the script found
 * last was started by the one before it. */
static int add_scripts(struct exec *e)
{
    for (unsigned i = e->nscripts; i-- > 0;) {
        struct script *s = e->scripts[i];
        int err = stack_add(&e->stack, s->interp);
        e->stack.argc++;
        if (err == 0 && s->arg != NULL) {
            err = stack_add(&e->stack, s->arg);
            e->stack.argc++;
        }
        if (err != 0)
            return err;
    }
    e->stack.argc++;
    return stack_add(&e->stack, e->target.name);
}

static int collect(struct exec *e, const struct vectors *v)
{
    struct exec_stack *s = &e->stack;
    unsigned skip = e->nscripts != 0;
    long n;
    int err;

    if (skip && (err = add_scripts(e)) != 0)
        return err;
    n = v->kargv != NULL ? stack_add_kernel(s, v->kargv, skip) : stack_add_user(s, v->argv, skip);
    if (n < 0)
        return (int)n;
    s->argc += (unsigned)n;
    if (s->argc == 0) { /* programs rely on an argv[0] */
        s->pointers += sizeof(uaddr_t);
        if ((err = stack_add(s, "")) != 0)
            return err;
        s->argc = 1;
    }
    s->arg_end = s->used;
    n = v->kenvp != NULL ? stack_add_kernel(s, v->kenvp, 0) : stack_add_user(s, v->envp, 0);
    if (n < 0)
        return (int)n;
    s->envc = (unsigned)n;
    s->env_end = s->execfn = s->used;
    err = stack_add(s, e->target.name);
    return err == 0 && stack_too_big(s) ? -E2BIG : err;
}

/* --- the new address space ---------------------------------------------------- */

/* Bytes by which the parts of an image lie away from their usual places. */
struct shifts {
    uint64_t stack, pie, mmap, brk;
};

static uint64_t some_pages(uint64_t random, unsigned bits)
{
    return (random & ((1ull << bits) - 1)) << PAGE_SHIFT;
}

uint32_t randomize_va_space = 2;

/* Drawn at once: to ask the generator costs more than a few unused bits. */
static struct shifts draw_shifts(void)
{
    uint32_t how = __atomic_load_n(&randomize_va_space, __ATOMIC_RELAXED);
    uint64_t r[2];

    if (current->cred.personality & ADDR_NO_RANDOMIZE || how == 0)
        return (struct shifts){ 0 };
    random_bytes(r, sizeof r);
    return (struct shifts){ .stack = some_pages(r[0], 22),
                            .pie = some_pages(r[0] >> 22, 28),
                            .mmap = some_pages(r[1], 20),
                            .brk = some_pages(r[1] >> 20, how > 1 ? 13 : 0) };
}

/* Stack on top, mappings downwards below the room it may grow into. */
static uaddr_t place_stack(struct mm *mm, const struct shifts *shift)
{
    uint64_t gap = current->proc->rlim[RLIMIT_STACK].rlim_cur;
    uaddr_t top = STACK_TOP - shift->stack;

    gap = MIN(MAX(gap, 128ull << 20), USER_END / 6 * 5);
    mm->image.mmap_base = page_down(top - gap) - (1u << 20) - shift->mmap;
    mm->image.vdso_due = top;
    return top;
}

static int load_interp(struct exec *e, uaddr_t *base)
{
    struct elf_image *img;
    struct file *f = NULL;
    char *name = kmalloc(PAGE_SIZE);
    int err = -ENOMEM;

    img = kmalloc(sizeof *img);
    if (name != NULL && img != NULL) {
        long n = file_read_kernel(e->file, name, e->img.interp_len, e->img.interp_off);
        err = n != (long)e->img.interp_len || name[n - 1] != '\0'
                  ? -ENOEXEC
                  : file_open_exec(AT_FDCWD, name, 0, &f);
    }
    if (err == 0) {
        long n = file_read_kernel(f, name, LINE_BYTES, 0);
        err = n < 0 ? (int)n : read_image(f, name, (size_t)n, img);
        if (err == -ENOEXEC)
            err = -ELIBBAD;
        if (err == 0)
            err = map_image(e->mm, f, img, 0, base);
        if (err == 0)
            e->entry = *base + img->entry;
        file_allow_write(f);
        file_put(f);
    }
    kfree(img);
    kfree(name);
    return err;
}

static unsigned fill_auxv(const struct exec *e, struct auxv *a, uaddr_t bias, uaddr_t base)
{
    const struct elf_image *img = &e->img;
    uint32_t hwcap = cpu_has.hwcap, hwcap2 = cpu_has.fsgsbase ? 2 : 0;
    const struct auxv all[] = {
        { AT_SYSINFO_EHDR, e->mm->image.vdso_due + VDSO_CODE },
        { AT_HWCAP, hwcap },
        { AT_PAGESZ, PAGE_SIZE },
        { AT_CLKTCK, 100 },
        { AT_PHDR, img->phdr != 0 ? img->phdr + bias : 0 },
        { AT_PHENT, sizeof(Elf64_Phdr) },
        { AT_PHNUM, img->phnum },
        { AT_BASE, base },
        { AT_FLAGS, 0 },
        { AT_ENTRY, img->entry + bias },
        { AT_UID, e->cred.uid },
        { AT_EUID, e->cred.euid },
        { AT_GID, e->cred.gid },
        { AT_EGID, e->cred.egid },
        { AT_SECURE, e->secure },
        { AT_RANDOM, 0 },
        { AT_HWCAP2, hwcap2 },
        { AT_EXECFN, 0 },
        { AT_PLATFORM, 0 },
        { AT_MINSIGSTKSZ, fpu_frame_bytes() + 1024 }, /* what the kernel pushes besides */
    };
    _Static_assert(ARRAY_SIZE(all) <= AUXV_MAX, "room");
    memcpy(a, all, sizeof all);
    return ARRAY_SIZE(all);
}

static int build(struct exec *e)
{
    const struct elf_image *img = &e->img;
    struct auxv auxv[AUXV_MAX];
    uaddr_t bias, base = 0;
    int err = mm_create(&e->mm);

    if (err != 0)
        return err;
    struct mm *mm = e->mm;
    if (current->mm != NULL) {
        mm->kept = current->mm->kept;
        mm->image.core_filter = current->mm->image.core_filter;
    }
    struct shifts shift = draw_shifts();
    uaddr_t top = place_stack(mm, &shift);
    /* A PIE that names no interpreter is one itself, or static: either way it
     * has the place where nothing that it loads can be in its way. */
    err = map_image(mm, e->file, img, elf_place(img, PIE_BASE + shift.pie), &bias);
    if (err != 0)
        return err;
    e->entry = img->entry + bias;
    if (img->interp_len != 0 && (err = load_interp(e, &base)) != 0)
        return err;
    mm->image.code_start = img->code_start + bias;
    mm->image.code_end = img->code_end + bias;
    mm->image.data_start = img->data_start + bias;
    mm->image.data_end = img->data_end + bias;
    mm->image.brk_start = mm->image.brk = page_up(img->bss_end + bias) + shift.brk;
    mm->image.exe = e->file;
    file_get(e->file);
    mm->image.dumpable = !e->secure;
    unsigned n = fill_auxv(e, auxv, bias, base);
    return stack_map(&e->stack, mm, top, img->exec_stack, auxv, n, &e->sp);
}

/* --- commit ------------------------------------------------------------------- */

/* Copies of what another task also uses: the last memory that can be missing.  If
 * those others were only our threads, which go on until exit_other_threads(), the
 * originals are newer, and are ours then: take_*() see to that. */
static int prepare(struct exec *e)
{
    struct task *t = current;

    if (ref_read(&t->sighand->users) > 1 && (e->sighand = sighand_copy(t->sighand)) == NULL)
        return -ENOMEM;
    if (files_users(t->files) > 1 && (e->files = files_copy(t->files)) == NULL)
        return files_copy_error(t->files);
    return 0;
}

static void take_sighand(struct task *t, struct exec *e)
{
    struct sighand *old = t->sighand;

    if (e->sighand == NULL || ref_read(&old->users) == 1)
        return;
    spin_lock(&tree_lock);
    t->sighand = e->sighand;
    spin_unlock(&tree_lock);
    e->sighand = old; /* exec_free() puts it */
}

static void take_files(struct task *t, struct exec *e)
{
    struct files *old = t->files;

    if (e->files == NULL || files_users(old) == 1)
        return;
    spin_lock(&t->lock);
    t->files = e->files;
    spin_unlock(&t->lock);
    e->files = old;
}

/* What the program is called: the last part of its path; given by descriptor alone, the
 * name of what runs in the end, a script's interpreter. */
static void name_program(const struct exec *e, char comm[COMM_LEN])
{
    const char *name = strrchr(e->target.name, '/');

    if (e->target.path[0] == '\0')
        file_last_name(e->file, comm, COMM_LEN);
    else
        strlcpy(comm, name != NULL ? name + 1 : e->target.name, COMM_LEN);
}

/* The new program's memory is current from here on.  Returns the old one. */
static struct mm *take_mm(struct task *t, struct exec *e)
{
    struct mm *old = t->mm;
    char comm[COMM_LEN] = ""; /* to its end, as it is shown */

    name_program(e, comm);
    spin_lock(&t->lock);
    t->mm = e->mm;
    memcpy(t->rec->comm, comm, sizeof comm);
    t->rec->mm = e->mm->id;
    spin_unlock(&t->lock);
    e->mm = NULL;
    mm_activate(t->mm);
    trace_exec(t->mm->id, old != NULL ? old->id : 0, t->tid, t->rec->comm);
    return old;
}

static void reset_task(struct task *t, const struct exec *e, const struct mm *old)
{
    struct process *p = t->proc;

    t->cred = e->cred;
    if (e->secure)
        t->pdeath_signal = 0;
    t->set_child_tid = t->robust_list = 0;
    t->rseq.at = 0;
    t->rseq_event &= RETURN_NO_TSC | RETURN_ENDINGS;
    t->restart.fn = NULL;
    p->membarrier = 0;
    spin_lock(&tree_lock);
    p->did_exec = true;
    p->exit_signal = SIGCHLD;
    if (old != NULL)
        p->maxrss = MAX(p->maxrss, old->hiwater_rss);
    spin_unlock(&tree_lock);
}

static void start_regs(struct task *t, const struct exec *e)
{
    struct regs *r = t->uregs;

    memset(r, 0, sizeof *r);
    r->vector = TRAP_SYSCALL;
    r->error = (uint64_t)-1;
    r->rip = e->entry;
    r->rsp = e->sp;
    r->cs = USER_CS;
    r->ss = USER_SS;
    r->rflags = RFLAGS_ALWAYS;
    user_set_fs_base(0);
    user_set_gs_base(0);
    fpu_reset(current->fpu);
}

/* For the trace: what was executed, and how. */
static void tell_arguments(const struct exec *e, struct mm *mm)
{
    char args[sizeof(trace_char128)];
    size_t n = MIN(mm->image.arg_end - mm->image.arg_start, sizeof args);
    long got = mm_read(mm, mm->image.arg_start, args, n);

    trace_exec_args(mm->id, e->target.name, args, got > 0 ? (size_t)got : 0);
}

static void commit(struct exec *e)
{
    struct task *t = current;

    take_sighand(t, e);
    take_files(t, e);
    struct mm *old = take_mm(t, e);
    if (unlikely(trace_on))
        tell_arguments(e, t->mm);
    sighand_exec(t);
    files_close_on_exec(t->files);
    itimer_exec(t->proc);
    reset_task(t, e, old);
    start_regs(t, e);
    t->kthread = false;
    if (old != NULL) {
        mm_release(t, old, RELEASE_exec);
        mm_put(old, PT_exec_teardown);
    }
    boot_stage(BOOT_init_exec);
}

static void exec_free(struct exec *e)
{
    for (unsigned i = 0; i < e->nscripts; i++)
        kfree(e->scripts[i]);
    if (e->stack.pages != NULL)
        stack_free(&e->stack);
    if (e->sighand != NULL)
        sighand_put(e->sighand);
    if (e->files != NULL)
        files_put(e->files);
    if (e->mm != NULL)
        mm_put(e->mm, PT_exec_teardown);
    kfree(e);
}

long exec(const struct target *target, const struct vectors *v)
{
    struct exec *e = kmalloc(sizeof *e);
    if (e == NULL)
        return -ENOMEM;
    memset(e, 0, offsetof(struct exec, scripts));
    e->target = *target;
    e->tid = current->tid;
    int err = find_program(e);
    if (err == 0)
        err = exec_new_cred(e->file, &e->cred, &e->secure);
    if (err == 0)
        err = stack_init(&e->stack, current->proc->rlim[RLIMIT_STACK].rlim_cur);
    if (err == 0 && (err = collect(e, v)) == 0 && (err = build(e)) == 0 &&
        (err = prepare(e)) == 0) {
        if (current->robust_list != 0)  /* in the old memory, and while we have the number */
            futex_exit_robust(current); /* that its mutexes know */
        err = exit_other_threads();
    }
    uint32_t old_tid = e->tid;
    if (err == 0)
        commit(e);
    else if (e->file != NULL)
        file_allow_write(e->file);
    if (e->file != NULL)
        file_put(e->file);
    exec_free(e);
    if (err == 0 && task_watched(current))
        watched_execed(old_tid);
    return err;
}
