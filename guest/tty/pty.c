/* pty.c - pseudo-terminals: a terminal (the slave) whose line is another file (the master).
 *
 * The slave is a struct tty like the console, with everything that comes with it; what a program
 * writes to the master is what somebody types, and what the slave puts out, echo included, can be
 * read from the master.  Between them is a ring of a page.  A slave's write waits while it is
 * full; an echo that finds no room is lost.  A master's write waits while nobody reads what was
 * typed before.
 *
 * Opening /dev/ptmx makes a pair, and a name for the slave (devpts.c).  When the master is
 * closed the slave is hung up.  When the slave's last file is closed the master reads what is
 * left, and then EIO, until somebody opens the slave again.
 *
 * A pair is never freed: current's terminal may be asked for without a reference, and what is
 * found must be a terminal then.  It is used again when neither side is open.
 *
 * Locks: `pairs` (a mutex) for which are in use; the slave's tty.lock for all that is in one.  Who
 * waits looks at the ring's ends and at who is there without it, and again under it. */
#include "arch/preempt.h"
#include "arch/uaccess.h"
#include "fs/device.h"
#include "fs/devpts.h"
#include "fs/fd.h"
#include "fs/file.h"
#include "fs/file_open.h"
#include "fs/poll.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "proc/signal.h"
#include "tty/internal.h"
#include <asm/ioctls.h>
#include <linux/major.h>
#include <linux/stat.h>

#define PAIRS 256u
#define CHUNK 256u
#define TYPED 64u /* bytes between two points where others may run */
/* Instructions a byte, about (arch/preempt.h). */
#define WORK_TYPED 300u /* through the line discipline, with its echo */
#define WORK_TAKEN 20u

struct pty {
    struct tty tty; /* the slave; its lock guards the rest */
    struct device device;
    unsigned n;      /* fixed */
    bool is_open;    /* the master */
    bool locked;     /* TIOCSPTLCK: the slave cannot be opened */
    bool packet;     /* TIOCPKT: a read begins with a byte that says what it is */
    bool was_opened; /* the slave, since the master was */
    unsigned slaves; /* open files of the slave */
    uint8_t *ring;   /* a page of output: tail..head, counted without wrapping */
    uint32_t tail, head;
    struct waitq master; /* who reads, writes, polls there */
};

static struct mutex pairs;
static struct pty *pty[PAIRS]; /* [pairs] to be filled, read without; NULL: never used */

static struct pty *pty_of(struct tty *tty) { return container_of(tty, struct pty, tty); }

static bool slave_gone(const struct pty *p) { return p->was_opened && p->slaves == 0; }

/* --- the slave's line --- */

static size_t line_room(struct tty *tty)
{
    const struct pty *p = pty_of(tty);

    return p->is_open ? PAGE_SIZE - (p->head - p->tail) : PAGE_SIZE;
}

static void line_write(struct tty *tty, const char *s, size_t n)
{
    struct pty *p = pty_of(tty);

    if (!p->is_open)
        return;
    n = MIN(n, PAGE_SIZE - (p->head - p->tail));
    for (; n > 0; n--)
        p->ring[p->head++ % PAGE_SIZE] = (uint8_t)*s++;
    waitq_wake(&p->master);
}

static void line_hold(struct tty *tty, bool on)
{
    if (!on)
        waitq_wake(&pty_of(tty)->master);
}

static int slave_open(struct tty *tty)
{
    struct pty *p = pty_of(tty);

    spin_lock(&tty->lock);
    bool may = p->is_open && !p->locked;
    p->slaves += may;
    p->was_opened |= may;
    spin_unlock(&tty->lock);
    return may ? 0 : -EIO;
}

static void slave_close(struct tty *tty)
{
    struct pty *p = pty_of(tty);

    spin_lock(&tty->lock);
    if (--p->slaves == 0) {
        ldisc_flush(&tty->ldisc);
        waitq_wake(&p->master);
    }
    spin_unlock(&tty->lock);
}

static const struct tty_hw line = {
    .write = line_write,
    .hold = line_hold,
    .room = line_room,
    .open = slave_open,
    .close = slave_close,
};

/* --- pairs --- */

static struct pty *make_pair(unsigned n)
{
    struct pty *p = kzalloc(sizeof(*p));

    if (p == NULL)
        return NULL;
    uint8_t *input = kmalloc(LDISC_BUF);
    p->ring = kmalloc(PAGE_SIZE);
    if (p->ring == NULL || input == NULL) {
        kfree(p->ring);
        kfree(input);
        kfree(p);
        return NULL;
    }
    p->n = n;
    tty_setup(&p->tty, DEV(UNIX98_PTY_SLAVE_MAJOR, n), &line, input);
    waitq_init(&p->master);
    p->device = (struct device){ .rdev = p->tty.dev, .ops = &tty_fops, .private = &p->tty };
    return p;
}

/* The pair is in use from now on, as new; false: it was already. */
static bool claim(struct pty *p)
{
    spin_lock(&p->tty.lock);
    bool is_free = !p->is_open && p->slaves == 0;
    if (is_free) {
        ldisc_init(&p->tty.ldisc, p->tty.ldisc.buf);
        memset(&p->tty.winsize, 0, sizeof(p->tty.winsize));
        p->tty.ldisc.termios.c_cflag = B38400 | CS8 | CREAD; /* no line that has a carrier */
        p->tty.exclusive = p->tty.held = p->packet = p->was_opened = false;
        p->tail = p->head = 0;
        p->is_open = p->locked = true;
    }
    spin_unlock(&p->tty.lock);
    return is_free;
}

static int take_pair(struct pty **out)
{
    int err = -ENOSPC;

    mutex_lock(&pairs);
    for (unsigned n = 0; n < PAIRS && err == -ENOSPC; n++) {
        if (pty[n] == NULL)
            __atomic_store_n(&pty[n], make_pair(n), __ATOMIC_RELEASE);
        if (pty[n] == NULL)
            err = -ENOMEM;
        else if (claim(pty[n]))
            err = 0, *out = pty[n];
    }
    mutex_unlock(&pairs);
    return err;
}

static const struct device *find_slave(uint32_t minor)
{
    struct pty *p = minor < PAIRS ? __atomic_load_n(&pty[minor], __ATOMIC_ACQUIRE) : NULL;

    return p != NULL ? &p->device : NULL;
}

static void give_back(struct pty *p)
{
    spin_lock(&p->tty.lock);
    p->is_open = false;
    p->tail = p->head;
    spin_unlock(&p->tty.lock);
    tty_hang_up(&p->tty);
}

/* --- the master --- */

static int master_open(struct inode *in __attribute__((unused)), struct file *f)
{
    struct pty *p;
    int err = take_pair(&p);

    if (err != 0)
        return err;
    err = devpts_add(p->n, p->tty.dev);
    if (err != 0) {
        give_back(p);
        return err;
    }
    f->private = p;
    return 0;
}

static void master_release(struct file *f)
{
    struct pty *p = f->private;

    devpts_remove(p->n);
    give_back(p);
}

static bool master_readable(struct pty *p) { return p->head != p->tail || slave_gone(p); }

/* Some of the output: how many bytes. */
static size_t take_output(struct pty *p, uint8_t *to, size_t n)
{
    spin_lock(&p->tty.lock);
    n = MIN(n, (size_t)(p->head - p->tail));
    for (size_t i = 0; i < n; i++)
        to[i] = p->ring[p->tail++ % PAGE_SIZE];
    spin_unlock(&p->tty.lock);
    return n;
}

static long master_read(struct file *f, struct uio *u, uint64_t *pos __attribute__((unused)))
{
    struct pty *p = f->private;
    uint8_t chunk[CHUNK];
    long done = 0;

    if (u->left == 0)
        return 0;
    if (!master_readable(p) && (f->flags & O_NONBLOCK))
        return -EAGAIN;
    int err = WAIT_EVENT(&p->master, master_readable(p), BLOCK_tty_read, 0, BLOCK_INTERRUPTIBLE,
                         NO_DEADLINE);
    if (err != 0)
        return err;
    if (p->packet && p->head != p->tail) {
        chunk[0] = TIOCPKT_DATA;
        done = uio_put(u, chunk, 1);
        if (done < 0)
            return done;
    }
    long before = done;
    for (size_t n; u->left > 0 && (n = take_output(p, chunk, MIN(u->left, CHUNK))) > 0;) {
        long moved = uio_put(u, chunk, n);
        if (moved < 0)
            return done > before ? done : moved;
        done += moved;
        preempt_work((uint32_t)n * WORK_TAKEN);
    }
    waitq_wake(&p->tty.writers);
    return done > 0 ? done : -EIO;
}

static long master_write(struct file *f, struct uio *u, uint64_t *pos __attribute__((unused)))
{
    struct pty *p = f->private;
    uint8_t chunk[TYPED];
    long done = 0;

    while (u->left > 0) {
        if (signal_pending(current)) /* a line without an end takes bytes for ever */
            return done > 0 ? done : -ERESTARTSYS;
        size_t room = tty_room(&p->tty);
        if (room == 0) {
            if (f->flags & O_NONBLOCK)
                return done > 0 ? done : -EAGAIN;
            int err = WAIT_EVENT(&p->master, tty_room(&p->tty) > 0, BLOCK_tty_write, 0,
                                 BLOCK_INTERRUPTIBLE, NO_DEADLINE);
            if (err != 0)
                return done > 0 ? done : err;
            continue;
        }
        long n = uio_get(u, chunk, MIN(MIN(u->left, room), TYPED));
        if (n < 0)
            return done > 0 ? done : n;
        tty_receive(&p->tty, chunk, (size_t)n);
        done += n;
        preempt_work((uint32_t)n * WORK_TYPED);
    }
    return done;
}

static uint32_t master_poll(struct file *f, struct poll_table *pt)
{
    struct pty *p = f->private;
    uint32_t ready = 0;

    poll_wait(pt, &p->master);
    spin_lock(&p->tty.lock);
    if (p->head != p->tail)
        ready |= EPOLLIN | EPOLLRDNORM;
    if (ldisc_room(&p->tty.ldisc) > 0)
        ready |= EPOLLOUT | EPOLLWRNORM;
    if (slave_gone(p))
        ready |= EPOLLHUP;
    spin_unlock(&p->tty.lock);
    return ready;
}

static long set_flag(struct pty *p, bool *flag, uaddr_t from)
{
    int on;

    if (get_user(on, from) != 0)
        return -EFAULT;
    spin_lock(&p->tty.lock);
    *flag = on != 0;
    spin_unlock(&p->tty.lock);
    return 0;
}

/* The slave, opened by its name for the caller, who need not find or believe that himself. */
static long open_peer(struct pty *p, uint32_t flags)
{
    char name[24];
    struct file *f;

    ksnprintf(name, sizeof name, "/dev/pts/%u", p->n);
    int err = file_open_kernel(name, flags & (O_ACCMODE | O_NOCTTY | O_NONBLOCK), 0, &f);
    if (err != 0)
        return err;
    f->flags &= ~(uint32_t)O_LARGEFILE;
    return fd_open_add(f, flags & O_CLOEXEC);
}

/* What has arrived here; what was typed is the slave's already. */
static long flush_master(struct pty *p, uaddr_t which)
{
    if (which > TCIOFLUSH)
        return -EINVAL;
    if (which == TCOFLUSH)
        return 0;
    spin_lock(&p->tty.lock);
    p->tail = p->head;
    spin_unlock(&p->tty.lock);
    waitq_wake(&p->tty.writers);
    return 0;
}

/* What somebody types at a master is what it reads. */
static long type_at_master(struct pty *p, uaddr_t from)
{
    char byte;

    if (!capable())
        return -EPERM;
    if (get_user(byte, from) != 0)
        return -EFAULT;
    spin_lock(&p->tty.lock);
    line_write(&p->tty, &byte, 1);
    spin_unlock(&p->tty.lock);
    return 0;
}

static long master_ioctl(struct file *f, uint32_t cmd, uaddr_t arg)
{
    struct pty *p = f->private;

    switch (cmd) {
    case TIOCGPTN: return put_user(p->n, arg);
    case TIOCSPTLCK: return set_flag(p, &p->locked, arg);
    case TIOCGPTLCK: return put_user((int)p->locked, arg);
    case TIOCGPTPEER: return open_peer(p, (uint32_t)arg);
    case TCFLSH: return flush_master(p, arg);
    case TIOCSTI: return type_at_master(p, arg);
    case TIOCPKT: return set_flag(p, &p->packet, arg);
    case TIOCGPKT: return put_user((int)p->packet, arg);
    case TIOCINQ: return put_user((int)(p->head - p->tail), arg);
    case TIOCGPGRP: return put_user((int)p->tty.fg_pgid, arg);
    case TIOCSIG:
        if (arg < 1 || arg > SIG_MAX)
            return -EINVAL;
        tty_signal_foreground(&p->tty, (int)arg);
        return 0;
    }
    return tty_control(&p->tty, cmd, arg);
}

static const struct file_ops ptmx_fops = {
    .open = master_open,
    .read = master_read,
    .write = master_write,
    .ioctl = master_ioctl,
    .poll = master_poll,
    .async = true,
    .release = master_release,
    .nonseekable = true,
};

void pty_init(void)
{
    static const struct device nodes[] = {
        { "ptmx", S_IFCHR | 0666, DEV(TTYAUX_MAJOR, 2), &ptmx_fops, NULL },
    };
    static struct device_table table = { nodes, ARRAY_SIZE(nodes), NULL };
    static struct device_major slaves = { .major = UNIX98_PTY_SLAVE_MAJOR, .find = find_slave };

    mutex_init(&pairs, LOCK_pty_pairs);
    device_register(&table);
    device_register_major(&slaves);
}
