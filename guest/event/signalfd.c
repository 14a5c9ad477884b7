/* signalfd.c - pending signals as a file: signalfd(2).
 *
 * The file holds a set and nothing else: what it gives is pending for whoever reads it.  A read
 * waits as rt_sigtimedwait does.  Who polls stands in a queue of which there are a few for all
 * processes (proc/signal.h): so it is there for as long as an epoll likes, whatever
 * becomes of the process. */
#include "arch/preempt.h"
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "fs/anon_inode.h"
#include "fs/fd.h"
#include "fs/inode.h"
#include "fs/poll.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "proc/process.h"
#include "proc/signal.h"

#include <asm/siginfo.h>
#include <linux/fcntl.h>
#include <linux/magic.h>
#include <linux/signalfd.h>

#define WORK_GIVE 400u /* instructions a signal, about (arch/preempt.h) */

struct signalfd {
    ksigset_t set; /* [a] */
};

static struct superblock signalfd_sb = ANON_INODES("[signalfd]");

static ksigset_t set_now(const struct file *f)
{
    const struct signalfd *s = f->private;

    return __atomic_load_n(&s->set, __ATOMIC_RELAXED);
}

/* Which fields are meant depends on who sent it. */
static void convert(const siginfo_t *i, struct signalfd_siginfo *s)
{
    memset(s, 0, sizeof(*s));
    s->ssi_signo = (uint32_t)i->si_signo;
    s->ssi_errno = i->si_errno;
    s->ssi_code = i->si_code;
    if (i->si_code == SI_TIMER) {
        s->ssi_tid = (uint32_t)i->si_tid;
        s->ssi_overrun = (uint32_t)i->si_overrun;
        s->ssi_ptr = (uint64_t)i->si_ptr;
        s->ssi_int = i->si_int;
        return;
    }
    if (i->si_code > 0 && i->si_code != SI_KERNEL &&
        (SIGBIT(i->si_signo) &
         (SIGBIT(SIGSEGV) | SIGBIT(SIGBUS) | SIGBIT(SIGILL) | SIGBIT(SIGFPE) | SIGBIT(SIGTRAP)))) {
        s->ssi_addr = (uint64_t)i->si_addr;
        return;
    }
    s->ssi_pid = (uint32_t)i->si_pid;
    s->ssi_uid = i->si_uid;
    if (i->si_signo == SIGCHLD && i->si_code > 0 && i->si_code != SI_KERNEL) {
        s->ssi_status = i->si_status;
        s->ssi_utime = (uint64_t)i->si_utime;
        s->ssi_stime = (uint64_t)i->si_stime;
    } else if (i->si_code < 0 && i->si_code != SI_TKILL) {
        s->ssi_ptr = (uint64_t)i->si_ptr;
        s->ssi_int = i->si_int;
    }
}

static long signalfd_read(struct file *f, struct uio *u, uint64_t *pos __attribute__((unused)))
{
    struct signalfd_siginfo s;
    siginfo_t info;
    long done = 0;

    if (u->left < sizeof(s))
        return -EINVAL;
    while (u->left >= sizeof(s)) {
        int sig = signal_take(set_now(f), &info);
        if (sig == 0 && (done > 0 || (f->flags & O_NONBLOCK)))
            break;
        if (sig == 0)
            sig = signal_wait_for(set_now(f), &info, BLOCK_signalfd, NO_DEADLINE);
        if (sig < 0)
            return sig;
        convert(&info, &s);
        if (uio_put(u, &s, sizeof(s)) != sizeof(s))
            return done > 0 ? done : -EFAULT;
        done += (long)sizeof(s);
        preempt_work(WORK_GIVE);
    }
    return done > 0 ? done : -EAGAIN;
}

static uint32_t signalfd_poll(struct file *f, struct poll_table *pt)
{
    if (pt != NULL)
        poll_wait(pt, signal_watch());
    return signal_waits(set_now(f)) ? EPOLLIN : 0;
}

static void signalfd_release(struct file *f) { kfree(f->private); }

static void signalfd_info(struct file *f, struct file_info *to)
{
    file_info_printf(to, "sigmask:\t%016llx\n", (unsigned long long)set_now(f));
}

static const struct file_ops signalfd_ops = {
    .read = signalfd_read,
    .poll = signalfd_poll,
    .seek = anon_inode_seek,
    .release = signalfd_release,
    .info = signalfd_info,
    .nonseekable = true,
};

/* The set of a file that is there; who waits for it looks again. */
static long change(int fd, ksigset_t set)
{
    WITH_FILE(f, fd);
    if (f == NULL || (f->flags & O_PATH))
        return -EBADF;
    if (f->ops != &signalfd_ops)
        return -EINVAL;
    struct signalfd *s = f->private;
    __atomic_store_n(&s->set, set, __ATOMIC_SEQ_CST);
    waitq_wake(signal_watch());
    return fd;
}

static long create(int fd, uaddr_t at, size_t bytes, uint32_t flags)
{
    ksigset_t set;

    if (bytes != sizeof(set))
        return -EINVAL;
    if (get_user(set, at) != 0)
        return -EFAULT;
    if (flags & ~(uint32_t)(SFD_CLOEXEC | SFD_NONBLOCK))
        return -EINVAL;
    set &= ~SIGSET_UNBLOCKABLE;
    if (fd != -1)
        return change(fd, set);
    struct signalfd *s = kmalloc(sizeof(*s));
    if (s == NULL)
        return -ENOMEM;
    s->set = set;
    fd = anon_inode_fd(&signalfd_sb, &signalfd_ops, O_RDWR | flags, s);
    if (fd < 0)
        kfree(s);
    return fd;
}

SYSCALL3(signalfd, int, fd, uaddr_t, set, size_t, bytes) { return create(fd, set, bytes, 0); }

SYSCALL4(signalfd4, int, fd, uaddr_t, set, size_t, bytes, uint32_t, flags)
{
    return create(fd, set, bytes, flags);
}
