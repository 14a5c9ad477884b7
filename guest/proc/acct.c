/* acct.c - a record of each process that ends, at the end of a file: acct(2), in the third form (acct(5)).
 *
 * Nothing is counted for it: all that a record has is known of a process that ends.  Who writes is that process, with
 * the rights of whoever opened the file.  Left out: ASU, as nobody notes that a right was used, and the pause when the
 * file system is nearly full (a record that does not fit is not written). */
#include "proc/acct.h"
#include "arch/clock.h"
#include "arch/syscall.h"
#include "fs/file.h"
#include "fs/file_open.h"
#include "fs/inode.h"
#include "fs/path.h"
#include "fs/tmpfs.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "proc/exit.h"
#include "proc/pid.h"
#include "proc/process.h"
#include "proc/rusage.h"
#include "tty/tty.h"

struct record { /* struct acct_v3; that of <linux/acct.h> has a float */
    uint8_t flag, version;
    uint16_t tty;
    uint32_t exitcode, uid, gid, pid, ppid, begun,
        elapsed; /* begun: s since 1970; elapsed: a float, ticks */
    uint16_t utime, stime, memory, io, rw, minflt, majflt, swaps; /* packed; ticks, KiB */
    char comm[16];
};
_Static_assert(sizeof(struct record) == 64, "acct(5)");
enum { FORKED_ONLY = 0x01, DUMPED_CORE = 0x08, KILLED = 0x10, THIRD_FORM = 3 };
#define TICK_NS 10000000ull

static struct file *acct_file; /* [tree_lock] NULL: nobody wants them */

/* 13 bits and an exponent of 8 above, rounded; the largest if it is too large. */
static uint16_t packed(uint64_t v)
{
    unsigned exponent = 0, half = 0;

    for (; v > 0x1fff; v >>= 3, exponent++)
        half = v & 4;
    if (half != 0 && ++v > 0x1fff) {
        v >>= 3;
        exponent++;
    }
    return exponent > 7 ? UINT16_MAX : (uint16_t)(exponent << 13 | v);
}

/* The bits of a float, cut off. */
static uint32_t as_float(uint64_t v)
{
    if (v == 0)
        return 0;
    unsigned top = 63u - (unsigned)__builtin_clzll(v);
    uint64_t fraction = v << (63 - top) << 1 >> 41;
    return (127 + top) << 23 | (uint32_t)fraction;
}

static uint64_t ticks(struct __kernel_old_timeval t)
{
    return ((uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_usec * 1000) / TICK_NS;
}

static void fill(struct record *r)
{
    struct task *t = current;
    struct process *p = t->proc;
    uint64_t now = clock_mono_ns();
    struct session *session;
    struct rusage use;
    uint32_t dev;
    int group;

    memset(r, 0, sizeof *r);
    spin_lock(&tree_lock);
    rusage_of_process(p, RUSAGE_SELF, &use);
    p->rlim[RLIMIT_FSIZE].rlim_cur = RLIM64_INFINITY; /* nothing else is written any more */
    r->ppid = p->parent != NULL ? p->parent->tgid : 0;
    uint64_t lived = now - p->leader->start_ns;
    r->exitcode = (uint32_t)p->exit_status;
    r->flag = (p->did_exec ? 0 : FORKED_ONLY) | (r->exitcode & 0x80 ? DUMPED_CORE : 0) |
              (r->exitcode & 0x7f ? KILLED : 0);
    session = p->session;
    session_get(session);
    spin_unlock(&tree_lock);
    tty_describe(session, &dev, &group);
    session_put(session);
    r->version = THIRD_FORM;
    r->tty = (uint16_t)dev;
    r->uid = t->cred.uid;
    r->gid = t->cred.gid;
    r->pid = p->tgid;
    r->begun = (uint32_t)((clock_real_ns() - lived) / NSEC_PER_SEC);
    r->elapsed = as_float(lived / TICK_NS);
    r->utime = packed(ticks(use.ru_utime));
    r->stime = packed(ticks(use.ru_stime));
    r->memory = packed(t->mm->total_vm << (PAGE_SHIFT - 10));
    r->minflt = packed((uint64_t)use.ru_minflt);
    memcpy(r->comm, t->rec->comm, sizeof r->comm);
}

void acct_end(void)
{
    struct record r;
    struct uio u;

    spin_lock(&tree_lock);
    struct file *f = acct_file;
    if (f != NULL)
        file_get(f);
    spin_unlock(&tree_lock);
    if (f == NULL)
        return;
    fill(&r);
    uio_kernel(&u, &r, sizeof r);
    uint64_t pos = 0; /* it is opened to append */
    f->ops->write(f, &u, &pos);
    file_put(f);
}

static int open_for_records(uaddr_t name, struct file **f)
{
    struct user_name n;
    int err = name_get(&n, name);

    if (err != 0)
        return err;
    err = file_open(AT_FDCWD, n.text, n.len, O_WRONLY | O_APPEND | O_LARGEFILE, 0, f);
    name_put(&n);
    if (err != 0)
        return err;
    if (!S_ISREG((*f)->inode->mode))
        err = -EACCES;
    else if ((*f)->ops != &tmpfs_file_ops || !(*f)->path.mnt)
        err = -EINVAL; /* one that the kernel makes up, or that /proc/PID/fd led to */
    if (err != 0)
        file_put(*f);
    return err;
}

SYSCALL1(acct, uaddr_t, name)
{
    struct file *f = NULL, *old;

    if (!has_cap(CAP_SYS_PACCT))
        return -EPERM;
    int err = name != 0 ? open_for_records(name, &f) : 0;
    if (err != 0)
        return err;
    if (f != NULL)
        exit_extras = true;
    spin_lock(&tree_lock);
    old = acct_file;
    acct_file = f;
    spin_unlock(&tree_lock);
    if (old != NULL)
        file_put(old);
    return 0;
}
