/* core_notes.c - the notes of a core file: what is known of the process and of each thread.
 *
 * For the one that died NT_PRSTATUS, of the process NT_PRPSINFO, NT_SIGINFO, NT_AUXV and NT_FILE,
 * then the vector state; then NT_PRSTATUS and the vector state of each other thread: Linux's
 * order, in which debuggers take what follows a NT_PRSTATUS to be that thread's.
 *
 * struct elf_prstatus and elf_prpsinfo are in no UAPI header.  They are here as in Linux's
 * include/linux/elfcore.h and arch/x86/include/asm/user_64.h; glibc's <sys/procfs.h> and
 * <sys/user.h> have the same. */
#include "arch/fpu.h"
#include "arch/preempt.h"
#include "fs/path_name.h"
#include "lib/string.h"
#include "mm/access.h"
#include "mm/heap.h"
#include "mm/mm.h"
#include "proc/core_internal.h"
#include "proc/pid_ns.h"
#include "proc/process.h"
#include "proc/signal.h"
#include "proc/user_regs.h"
#include "proc/rusage.h"
#include "sched/times.h"

#include <linux/elf.h>
#include <linux/time_types.h>

/* Instructions, about (arch/preempt.h). */
#define WORK_THREAD 8000u
#define WORK_NAME   4000u

struct elf_prstatus {
    int32_t si_signo, si_code, si_errno;
    int16_t cursig;
    uint64_t sigpend, sighold;
    int32_t pid, ppid, pgrp, sid;
    struct __kernel_old_timeval utime, stime, cutime, cstime;
    struct user_regs reg;
    int32_t fpvalid;
};
_Static_assert(sizeof(struct elf_prstatus) == 336, "Linux's");

struct elf_prpsinfo {
    char state, sname, zomb, nice;
    uint64_t flag;
    uint32_t uid, gid;
    int32_t pid, ppid, pgrp, sid;
    char fname[16], psargs[80];
};
_Static_assert(sizeof(struct elf_prpsinfo) == 136, "Linux's");

/* Head and name; `bytes` of contents, and note_end(), follow. */
static void note_begin(struct spool *to, const char *name, uint32_t type, size_t bytes)
{
    const size_t len = strlen(name) + 1;
    const Elf64_Nhdr h = { .n_namesz = (uint32_t)len, .n_descsz = (uint32_t)bytes, .n_type = type };
    char padded[8] = "";

    strlcpy(padded, name, sizeof padded);
    spool_put(to, &h, sizeof h);
    spool_put(to, padded, sizeof padded); /* "CORE", "LINUX": both take 8 */
}

static void note_end(struct spool *to, size_t bytes) { spool_put(to, "\0\0", -bytes & 3); }

static void note(struct spool *to, const char *name, uint32_t type, const void *data, size_t bytes)
{
    note_begin(to, name, type, bytes);
    spool_put(to, data, bytes);
    note_end(to, bytes);
}

/* --- threads ------------------------------------------------------------------- */

static void fill_family(struct elf_prstatus *s, struct task *t, int sig)
{
    struct process *p = t->proc;
    struct rusage ru, children;

    spin_lock(&tree_lock);
    s->pid = (int32_t)pid_told(t->tid);
    s->ppid = p->parent != NULL ? (int32_t)pid_told(p->parent->tgid) : 0;
    s->pgrp = (int32_t)pid_told(p->pgid);
    s->sid = (int32_t)pid_told(p->session->sid);
    rusage_of_process(p, RUSAGE_CHILDREN, &children);
    if (t == p->leader) {
        rusage_of_process(p, RUSAGE_SELF, &ru);
    } else {
        spin_lock(&t->lock);
        rusage_of_thread(t, &ru);
        spin_unlock(&t->lock);
    }
    spin_unlock(&tree_lock);
    s->utime = ru.ru_utime;
    s->stime = ru.ru_stime;
    s->cutime = children.ru_utime;
    s->cstime = children.ru_stime;
    s->si_signo = s->cursig = (int16_t)sig;
    s->sigpend = task_pending(t);
    s->sighold = t->blocked;
    s->fpvalid = 1;
}

static void note_status(struct spool *to, struct task *t, const struct regs *r, int sig)
{
    struct elf_prstatus s;

    memset(&s, 0, sizeof s);
    fill_family(&s, t, sig);
    user_regs_get(&s.reg, t, r);
    note(to, "CORE", NT_PRSTATUS, &s, sizeof s);
}

/* page: room for the state. */
static void note_vectors(struct spool *to, struct task *t, char *page)
{
    fpu_dump(t->fpu, page);
    note(to, "CORE", NT_PRFPREG, page, FPU_LEGACY_BYTES);
    if (cpu_has.xcr0 != 0)
        note(to, "LINUX", NT_X86_XSTATE, page, fpu_dump_bytes());
}

/* --- the process ----------------------------------------------------------------- */

static void note_psinfo(struct spool *to)
{
    struct task *t = current;
    const struct mm_image *image = &t->mm->image;
    struct elf_prpsinfo i;

    memset(&i, 0, sizeof i);
    i.sname = 'R';
    i.nice = (char)t->nice;
    i.uid = t->cred.uid;
    i.gid = t->cred.gid;
    spin_lock(&tree_lock);
    i.pid = (int32_t)pid_told(t->proc->tgid);
    i.ppid = t->proc->parent != NULL ? (int32_t)pid_told(t->proc->parent->tgid) : 0;
    i.pgrp = (int32_t)pid_told(t->proc->pgid);
    i.sid = (int32_t)pid_told(t->proc->session->sid);
    spin_unlock(&tree_lock);
    strlcpy(i.fname, t->rec->comm, sizeof i.fname);
    long n = mm_read(t->mm, image->arg_start, i.psargs,
                     MIN(image->arg_end - image->arg_start, sizeof i.psargs - 1));
    for (long k = 0; k < n; k++)
        if (i.psargs[k] == 0)
            i.psargs[k] = ' ';
    note(to, "CORE", NT_PRPSINFO, &i, sizeof i);
}

/* The mappings of files, one after the other.  name NULL: there is no room for it. */
struct file_walk {
    struct spool_reader at;
    unsigned left;
    char *page;
    const char *name;
    struct core_vma v;
};

static bool file_next(struct file_walk *w)
{
    for (; w->left > 0; w->left--) {
        preempt_work(200);
        spool_get(&w->at, &w->v, sizeof w->v);
        if (w->v.file == NULL)
            continue;
        w->name = file_name(w->v.file, w->page, PAGE_SIZE);
        preempt_work(WORK_NAME);
        w->left--;
        return true;
    }
    return false;
}

static struct file_walk file_walk(const struct core_map *m, char *page)
{
    return (struct file_walk){ .at = spool_read(&m->vmas), .left = m->count, .page = page };
}

static void put_name(struct spool *to, const char *name) { spool_put(to, name, strlen(name) + 1); }

/* How many, the unit of their offsets, where each lies; then their names.  The names are
 * asked for once, as a rename may change them. */
static bool note_files(struct spool *to, const struct core_map *m, char *page)
{
    struct spool ranges = { 0 }, names = { 0 };
    uint64_t head[2] = { 0, PAGE_SIZE };

    for (struct file_walk w = file_walk(m, page); file_next(&w);) {
        const uint64_t range[] = { w.v.start, w.v.end, w.v.pgoff };
        head[0]++;
        spool_put(&ranges, range, sizeof range);
        put_name(&names, w.name != NULL ? w.name : "");
    }
    size_t bytes = sizeof head + ranges.bytes + names.bytes;
    bool ok = !ranges.failed && !names.failed;
    if (ok && head[0] > 0) {
        note_begin(to, "CORE", NT_FILE, bytes);
        spool_put(to, head, sizeof head);
        spool_append(to, &ranges);
        spool_append(to, &names);
        note_end(to, bytes);
    }
    spool_free(&ranges);
    spool_free(&names);
    return ok;
}

bool core_notes(struct spool *to, const struct regs *r, const siginfo_t *info,
                const struct core_map *m)
{
    struct task *t = current;
    const struct mm_image *image = &t->mm->image;
    char *page = kmalloc(PAGE_SIZE);

    if (page == NULL)
        return false;
    ASSERT(fpu_dump_bytes() <= PAGE_SIZE);
    note_status(to, t, r, info->si_signo);
    note_psinfo(to);
    note(to, "CORE", NT_SIGINFO, info, sizeof *info);
    note(to, "CORE", NT_AUXV, image->auxv, image->auxv_bytes);
    bool ok = note_files(to, m, page);
    note_vectors(to, t, page);
    while (ok && !to->failed && (t = core_next_thread(t)) != NULL) {
        note_status(to, t, t->uregs, info->si_signo);
        note_vectors(to, t, page);
        preempt_work(WORK_THREAD);
    }
    kfree(page);
    return ok && !to->failed;
}
