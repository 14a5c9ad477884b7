/* core.c - a core file: when one is written, and in which order.
 *
 * The thread that takes the signal writes it.  First it has the process to itself, in a
 * way much like exec's (exit.c), under tree_lock:
 *
 *   the one that dumps                      each other thread
 *   sole_task = me, dumping;
 *   some at a time: all that have not       is killed, gets to exit_task() with its user
 *   passed core_join() and are not killed     registers as they were, and there to
 *   are counted in core_waits, and killed   core_join(): one less in core_waits;
 *   block until core_waits is 0             block until `dumping` is over
 *   notes, memory
 *   status; group_exit; dumping over;
 *   the first of the others is woken        leaving; the next is woken; goes on to end
 *
 * `leaving` says who has passed core_join(): perhaps it has no memory any more, nobody
 * waits for it, and it is not in the file.  Only one that is not the last to end comes
 * there, so the last thread of a process has nothing to do with any of it.  Who is
 * killed makes no new threads, so when all are none can come, and from then on the threads
 * without `leaving` are always the same ones, and stay in the list.
 *
 * As sole_task is set, no other thread's exec or exit_group() decides anything, and signals
 * that come do nothing, but for SIGKILL (signal.c): that ends the dump (preempt_killed()),
 * and is what the process died of, as on Linux.
 *
 * The mappings are noted first, and the file is written without mm->lock: a write takes
 * inode.lock, which is before it, and a process that shares the memory, a parent in vfork
 * for one, is not stopped.  A page that is gone by then is a hole.
 *
 * When the limit, the file system or memory is at its end the file is short, and still the
 * status says that there is one, as on Linux.  Sources: its fs/coredump.c, fs/binfmt_elf.c;
 * core(5). */
#include "proc/core_internal.h"
#include "arch/preempt.h"
#include "fs/file.h"
#include "fs/file_open.h"
#include "fs/inode.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/mm.h"
#include "proc/exit.h"
#include "proc/process.h"
#include "proc/signal.h"

#include <linux/elf.h>

#define CORE_BIT   0x80      /* of a status, WCOREDUMP() */
#define CORE_LEAST PAGE_SIZE /* a limit below it: no core */
#define WORK_PHDR  600u      /* instructions for one, about (arch/preempt.h) */

/* --- bytes in pages ------------------------------------------------------------ */

struct spool_page {
    struct spool_page *next;
    size_t used;
    char data[PAGE_SIZE - 16];
};

bool spool_put(struct spool *s, const void *data, size_t n)
{
    const char *from = data;

    while (n > 0 && !s->failed) {
        struct spool_page *p = s->last;
        if (p == NULL || p->used == sizeof p->data) {
            p = kmalloc(sizeof *p);
            if (p == NULL) {
                s->failed = true;
                break;
            }
            p->next = NULL;
            p->used = 0;
            if (s->last != NULL)
                s->last->next = p;
            else
                s->first = p;
            s->last = p;
        }
        size_t part = MIN(n, sizeof p->data - p->used);
        memcpy(p->data + p->used, from, part);
        p->used += part;
        s->bytes += part;
        from += part;
        n -= part;
    }
    return !s->failed;
}

bool spool_append(struct spool *s, const struct spool *more)
{
    for (const struct spool_page *p = more->first; p != NULL; p = p->next) {
        spool_put(s, p->data, p->used);
        preempt_work(2000);
    }
    return !s->failed;
}

struct spool_reader spool_read(const struct spool *s)
{
    return (struct spool_reader){ .page = s->first };
}

void spool_get(struct spool_reader *r, void *to, size_t n)
{
    char *at = to;

    while (n > 0) {
        if (r->at == r->page->used) {
            r->page = r->page->next;
            r->at = 0;
        }
        size_t part = MIN(n, r->page->used - r->at);
        memcpy(at, r->page->data + r->at, part);
        r->at += part;
        at += part;
        n -= part;
    }
}

void spool_free(struct spool *s)
{
    while (s->first != NULL) {
        struct spool_page *p = s->first;
        s->first = p->next;
        kfree(p);
        preempt_work(100);
    }
    *s = (struct spool){ 0 };
}

/* --- the file ------------------------------------------------------------------ */

bool core_write(struct core_file *c, const void *data, size_t n)
{
    struct uio u;

    c->hole = false;
    if (n > c->left || preempt_killed())
        return false;
    uio_kernel(&u, (void *)(uintptr_t)data, n);
    long done = c->file->ops->write(c->file, &u, &c->pos);
    if (done > 0)
        c->left -= (uint64_t)done;
    return done == (long)n;
}

/* A new file of this process's own, which nobody else can have opened. */
static int open_file(int sig, struct file **out)
{
    char *name = core_name(sig);
    struct file *f;

    if (name == NULL)
        return -ENOMEM;
    file_unlink_kernel(name); /* what else is wrong the open will tell */
    int err =
        file_open_kernel(name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_LARGEFILE, 0600, &f);
    kfree(name);
    if (err != 0)
        return err;
    const struct inode *in = f->inode;
    if (!S_ISREG(in->mode) || in->nlink != 1 || in->uid != current->cred.fsuid ||
        (in->mode & 0677) != 0600) { /* the umask may have been of another opinion */
        file_put(f);
        return -EPERM;
    }
    *out = f;
    return 0;
}

static bool write_header(struct core_file *c, unsigned nphdr)
{
    const Elf64_Ehdr e = {
        .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT,
                     ELFOSABI_NONE },
        .e_type = ET_CORE,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_phoff = sizeof(Elf64_Ehdr),
        .e_ehsize = sizeof(Elf64_Ehdr),
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = (uint16_t)nphdr, /* CORE_VMAS_MAX and one: it fits */
    };
    return core_write(c, &e, sizeof e);
}

static uint32_t phdr_flags(uint32_t vm)
{
    return (vm & VM_READ ? PF_R : 0u) | (vm & VM_WRITE ? PF_W : 0u) | (vm & VM_EXEC ? PF_X : 0u);
}

/* The notes lie behind the table, the memory from the next page on. */
static bool write_phdrs(struct core_file *c, const struct core_map *m, size_t notes)
{
    uint64_t at = sizeof(Elf64_Ehdr) + (m->count + 1) * sizeof(Elf64_Phdr);
    Elf64_Phdr p = { .p_type = PT_NOTE, .p_offset = at, .p_filesz = notes, .p_align = 4 };
    struct spool_reader r = spool_read(&m->vmas);
    struct core_vma v;

    at = page_up(at + notes);
    if (!core_write(c, &p, sizeof p))
        return false;
    for (unsigned i = 0; i < m->count; i++) {
        spool_get(&r, &v, sizeof v);
        p = (Elf64_Phdr){ .p_type = PT_LOAD,
                          .p_offset = at,
                          .p_vaddr = v.start,
                          .p_memsz = v.end - v.start,
                          .p_filesz = v.dump,
                          .p_flags = phdr_flags(v.flags),
                          .p_align = PAGE_SIZE };
        at += v.dump;
        if (!core_write(c, &p, sizeof p))
            return false;
        preempt_work(WORK_PHDR);
    }
    return true;
}

static bool write_notes(struct core_file *c, const struct spool *notes)
{
    for (const struct spool_page *p = notes->first; p != NULL; p = p->next) {
        if (!core_write(c, p->data, p->used))
            return false;
        preempt_work(2000);
    }
    c->pos = page_up(c->pos);
    return true;
}

/* True: there is a core, though it may be short. */
static bool write_core(struct file *f, const struct regs *r, const siginfo_t *info, uint64_t limit)
{
    struct core_file c = { .file = f, .left = limit };
    struct mm *mm = current->mm;
    struct core_map map = { 0 };
    struct spool notes = { 0 };
    bool made = core_map_take(&map, mm) && core_notes(&notes, r, info, &map);

    if (made && write_header(&c, map.count + 1) && write_phdrs(&c, &map, notes.bytes) &&
        write_notes(&c, &notes))
        core_map_write(&c, mm, &map);
    if (c.hole) { /* the file is as long as it says */
        c.pos--;
        core_write(&c, "", 1);
    }
    spool_free(&notes);
    core_map_free(&map);
    return made;
}

/* --- the other threads ----------------------------------------------------------- */

/* Was t told to stand still, or does it already? */
static bool told(const struct task *t) { return (t->pending.set & SIGBIT(SIGKILL)) != 0; }

/* current has come to core_join() while the others are dumped. */
static void stand(struct task *t)
{
    struct process *p = t->proc;

    if (told(t)) {
        if (--p->core_waits == 0)
            wake_task(p->sole_task);
    } else { /* it ends by itself, and need not be told any more */
        spin_lock(&t->sighand->lock);
        t->pending.set |= SIGBIT(SIGKILL);
        spin_unlock(&t->sighand->lock);
    }
    while (p->dumping) {
        spin_unlock(&tree_lock);
        block(BLOCK_core_dump, p->tgid, BLOCK_UNINTERRUPTIBLE, NO_DEADLINE);
        spin_lock(&tree_lock);
    }
}

/* The first after `at`, in the list, of the threads that stand.  tree_lock held. */
static struct task *standing_after(struct process *p, struct list *at)
{
    for (at = at->next; at != &p->threads; at = at->next) {
        struct task *t = container_of(at, struct task, thread_link);
        if (t != current && t != p->sole_task && !t->leaving)
            return t;
    }
    return NULL;
}

void core_join(struct task *t)
{
    struct process *p = t->proc;
    struct task *next = NULL;

    spin_lock(&tree_lock);
    if (p->dumping)
        stand(t);
    t->leaving = true;
    if (told(t)) /* by one that was killed itself, perhaps, when some did not stand yet */
        next = standing_after(p, &t->thread_link);
    if (next != NULL)
        wake_task(next);
    spin_unlock(&tree_lock);
}

struct task *core_next_thread(struct task *t)
{
    struct process *p = current->proc;

    spin_lock(&tree_lock);
    t = standing_after(p, t == current ? &p->threads : &t->thread_link);
    spin_unlock(&tree_lock);
    return t;
}

/* False: the process's end is decided already, or another thread is about to. */
static bool begin(struct process *p)
{
    spin_lock(&tree_lock);
    bool mine = !p->group_exit && p->sole_task == NULL;
    if (mine) {
        p->sole_task = current;
        p->dumping = true;
        p->core_waits = 0;
        p->stop_pending = p->stop_signal = 0;
    }
    spin_unlock(&tree_lock);
    return mine;
}

#define TOLD_AT_ONCE 32u
#define WORK_TELL    250u /* instructions for one, about (arch/preempt.h) */

/* Tells some that do not know yet.  False: all do. */
static bool tell_some(struct process *p)
{
    struct task *t;
    unsigned n = 0;

    spin_lock(&tree_lock);
    list_for_each(t, &p->threads, thread_link) {
        if (t == current || t->leaving || told(t))
            continue;
        p->core_waits++;
        signal_kill_thread(t);
        if (++n == TOLD_AT_ONCE)
            break;
    }
    spin_unlock(&tree_lock);
    return n == TOLD_AT_ONCE;
}

/* The others stand still, and what they had in registers is in memory.  False: SIGKILL. */
static bool others_stand(struct process *p)
{
    struct task *t;

    while (tell_some(p))
        preempt_work(TOLD_AT_ONCE * WORK_TELL);
    spin_lock(&tree_lock);
    while (p->core_waits > 0 && !p->group_exit) {
        spin_unlock(&tree_lock);
        block(BLOCK_core_dump, 0, BLOCK_KILLABLE, NO_DEADLINE);
        spin_lock(&tree_lock);
    }
    bool all = p->core_waits == 0 && !p->group_exit;
    spin_unlock(&tree_lock);
    for (t = current; all && (t = core_next_thread(t)) != NULL; preempt_work(WORK_TELL))
        while (__atomic_load_n(&t->on_cpu, __ATOMIC_ACQUIRE))
            preempt_point(); /* it is about to sleep in core_join() */
    return all;
}

static void __attribute__((noreturn)) end(struct process *p, int status)
{
    struct task *t;

    spin_lock(&tree_lock);
    signal_group_exit(p, status); /* unless SIGKILL has, meanwhile */
    p->dumping = false;
    p->sole_task = NULL;
    t = standing_after(p, &p->threads);
    if (t != NULL)
        wake_task(t); /* who wakes the next, and so on */
    spin_unlock(&tree_lock);
    exit_task(status);
}

void core_die(const struct regs *r, int sig, const siginfo_t *info)
{
    struct process *p = current->proc;
    uint64_t limit = p->rlim[RLIMIT_CORE].rlim_cur;
    struct file *f;
    int status = sig;

    if (limit < CORE_LEAST || current->mm->image.dumpable != 1 || !begin(p))
        exit_group(sig);
    if (others_stand(p) && open_file(sig, &f) == 0) {
        if (write_core(f, r, info, limit))
            status |= CORE_BIT;
        file_put(f);
    }
    end(p, status);
}
