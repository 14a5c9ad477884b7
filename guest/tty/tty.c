/* tty.c - terminals as files.
 *
 * Reading waits for a line (canonical) or for VMIN bytes within VTIME; two
 * readers share the input by pieces of up to CHUNK bytes.  When the input buffer
 * is full the line is held, and what sends into it waits, until readers have
 * made room: nothing that was typed or pasted is lost.  Writing fills a page
 * from the caller, lets the line discipline process it into another, and hands
 * that to the hardware at once: where a device access costs as much as a
 * thousand instructions, one per write(2) is what a terminal can afford.
 *
 * Input may end (docs/console.md).  That is no hang-up: nobody is signalled, files stay
 * open, output goes on; but whoever reads gets what is left and then the end of the
 * file, at each read. */
#include "arch/clock.h"
#include "arch/preempt.h"
#include "fs/device.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/poll.h"
#include "fs/uio.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "sched/task.h"
#include "shared/boot_stages.h"
#include "trace/boot_stage.h"
#include "tty/internal.h"

#define CHUNK    256
#define VTIME_NS 100000000ull /* VTIME counts tenths of a second */

void tty_setup(struct tty *tty, uint32_t dev, const struct tty_hw *hw, uint8_t *buf)
{
    tty->dev = dev;
    tty->outcome = -1;
    tty->hw = hw;
    ldisc_init(&tty->ldisc, buf);
    spin_class(&tty->lock, LOCK_tty);
    waitq_init(&tty->readers);
    waitq_init(&tty->writers);
    mutex_init(&tty->writing, LOCK_tty_writing);
}

/* --- from the line --- */

void tty_echo(struct tty *tty)
{
    struct ldisc *l = &tty->ldisc;
    uint8_t out[CHUNK];
    size_t used;

    ASSERT_SPIN_HELD(&tty->lock);
    if (l->stopped)
        return; /* with the next byte after output starts again */
    for (uint32_t from = 0; from < l->nechoes; from += used) {
        size_t n = ldisc_output(l, l->echo + from, l->nechoes - from, out, sizeof(out), &used);
        tty->hw->write(tty, (const char *)out, n);
    }
    l->nechoes = 0;
}

size_t tty_room(struct tty *tty)
{
    spin_lock(&tty->lock);
    size_t room = ldisc_room(&tty->ldisc);
    if (room == 0 && !tty->held) {
        tty->held = true;
        tty->hw->hold(tty, true);
    }
    spin_unlock(&tty->lock);
    return room;
}

void tty_resume(struct tty *tty)
{
    ASSERT_SPIN_HELD(&tty->lock);
    if (tty->held && ldisc_drained(&tty->ldisc)) {
        tty->held = false;
        tty->hw->hold(tty, false);
    }
}

/* Bytes up to one that means a signal, which is returned.  The echo of all goes
 * out at once, before a byte could find the echo buffer full. */
static int take_input(struct tty *tty, const uint8_t *from, size_t n, size_t *used)
{
    struct ldisc *l = &tty->ldisc;
    int sig = 0;

    for (*used = 0; *used < n && sig == 0; (*used)++) {
        if (l->nechoes > LDISC_ECHO / 2)
            tty_echo(tty);
        sig = ldisc_input(l, from[*used]);
    }
    tty_echo(tty);
    return sig;
}

void tty_receive(struct tty *tty, const uint8_t *from, size_t n)
{
    for (size_t used; n > 0; from += used, n -= used) {
        spin_lock(&tty->lock);
        bool was_stopped = tty->ldisc.stopped;
        int sig = take_input(tty, from, n, &used);
        bool readable = ldisc_readable(&tty->ldisc, 1);
        bool started = was_stopped && !tty->ldisc.stopped;
        spin_unlock(&tty->lock);
        if (readable)
            waitq_wake(&tty->readers);
        if (started)
            waitq_wake(&tty->writers);
        if (sig != 0)
            tty_signal_foreground(tty, sig);
    }
}

void tty_end_input(struct tty *tty)
{
    spin_lock(&tty->lock);
    ldisc_end(&tty->ldisc);
    tty_echo(tty);
    spin_unlock(&tty->lock);
    waitq_wake(&tty->readers);
    waitq_wake(&tty->writers);
}

void tty_resize(struct tty *tty, const struct winsize *ws)
{
    spin_lock(&tty->lock);
    bool changed = memcmp(ws, &tty->winsize, sizeof(*ws)) != 0;
    tty->winsize = *ws;
    spin_unlock(&tty->lock);
    if (changed)
        tty_signal_foreground(tty, SIGWINCH);
}

/* --- open, close --- */

static int open_tty(struct tty *tty, struct file *f, bool console)
{
    if (unlikely(tty->exclusive) && !capable())
        return -EBUSY;
    struct tty_file *tf = kmalloc(sizeof(*tf));
    if (tf == NULL)
        return -ENOMEM;
    int err = tty->hw->open != NULL ? tty->hw->open(tty) : 0;
    if (err != 0) {
        kfree(tf);
        return err;
    }
    tf->tty = tty;
    tf->hangups = tty->hangups;
    tf->console = console;
    f->private = tf;
    return 0;
}

static void tty_release(struct file *f)
{
    struct tty_file *tf = f->private;

    if (tf->tty->hw->close != NULL)
        tf->tty->hw->close(tf->tty);
    kfree(tf);
}

/* A device without a terminal of its own is /dev/tty: the opener's controlling terminal. */
static int tty_open(struct inode *in, struct file *f)
{
    struct tty *tty = device_of(in)->private;

    if (tty == NULL) {
        tty = tty_of_current();
        int err = tty != NULL ? open_tty(tty, f, false) : -ENXIO;
        if (err == 0 && tty_of_current() != tty) { /* gone meanwhile, and perhaps another's */
            tty_release(f);
            err = -ENXIO;
        }
        return err;
    }
    bool console = in->rdev != tty->dev; /* /dev/console stands for another device */
    int err = open_tty(tty, f, console);

    if (err == 0 && !console && !(f->flags & O_NOCTTY))
        tty_open_acquire(tty);
    return err;
}

/* --- reading --- */

/* A shell that reads, or asks when there will be something to read, has its prompt
 * out. */
static void mark_prompt(void)
{
    static bool marked;
    const char *comm = current->rec->comm;
    size_t n = strnlen(comm, COMM_LEN);

    if (!marked && n >= 2 && comm[n - 2] == 's' && comm[n - 1] == 'h') {
        marked = true;
        boot_stage(BOOT_shell_prompt);
    }
}

struct read_terms {
    size_t want;
    uint64_t time_ns;
    bool canonical;
    bool from_start;
};

/* What a read of n bytes waits for: termios(3), the four cases of MIN and TIME.
 * Without MIN, TIME runs from the start; with it, from each byte to the next. */
static struct read_terms read_terms(struct tty *tty, size_t n)
{
    const struct ktermios *t = &tty->ldisc.termios;
    struct read_terms r = { 1, 0, true, false };

    spin_lock(&tty->lock);
    if (!(t->c_lflag & ICANON)) {
        r.canonical = false;
        r.from_start = t->c_cc[VMIN] == 0;
        size_t min = r.from_start ? 1 : t->c_cc[VMIN];
        r.want = MIN(n, min);
        r.time_ns = t->c_cc[VTIME] * VTIME_NS;
    }
    spin_unlock(&tty->lock);
    return r;
}

/* Enough to read, or a reason to look why not.  seen: bytes when we last looked. */
static bool read_over(struct tty_file *tf, const struct read_terms *r, size_t *seen, bool *arrived)
{
    struct ldisc *l = &tf->tty->ldisc;

    spin_lock(&tf->tty->lock);
    size_t now = l->head - l->tail;
    *arrived = now > *seen;
    *seen = now;
    bool over = ldisc_readable(l, r->want) || tty_hung_up(tf) ||
                r->canonical != ((l->termios.c_lflag & ICANON) != 0);
    spin_unlock(&tf->tty->lock);
    return over;
}

/* Until a read can be served.  0 (perhaps with less than wanted), -EAGAIN, -ERESTARTSYS. */
static int read_wait(struct file *f, struct tty_file *tf, const struct read_terms *r)
{
    struct waiter w;
    size_t seen = 0;
    bool arrived;
    int err = 0;

    if (read_over(tf, r, &seen, &arrived))
        return 0;
    if (f->flags & O_NONBLOCK)
        return seen > 0 && !r->canonical ? 0 : -EAGAIN;
    if (r->from_start && r->time_ns == 0)
        return 0;
    uint64_t deadline =
        r->time_ns != 0 && (r->from_start || seen > 0) ? clock_mono_ns() + r->time_ns : NO_DEADLINE;
    waiter_add(&tf->tty->readers, &w);
    while (err == 0 && !read_over(tf, r, &seen, &arrived)) {
        if (arrived && r->time_ns != 0 && !r->from_start)
            deadline = clock_mono_ns() + r->time_ns;
        err = block(BLOCK_tty_read, 0, BLOCK_INTERRUPTIBLE, deadline);
        waitq_pass_on(&tf->tty->readers);
    }
    waiter_remove(&tf->tty->readers, &w);
    if (err == -ERESTARTSYS && seen > 0 && !r->canonical)
        return 0; /* raw bytes that are there go first */
    return err == -ETIMEDOUT ? 0 : err;
}

/* Hands out what is there, a line at most. */
static long read_now(struct tty *tty, struct uio *u)
{
    uint8_t chunk[CHUNK];
    long done = 0;
    bool end = false;

    while (u->left > 0 && !end) {
        spin_lock(&tty->lock);
        size_t n = ldisc_readable(&tty->ldisc, 1)
                       ? ldisc_read(&tty->ldisc, chunk, MIN(u->left, sizeof(chunk)), &end)
                       : 0;
        tty_resume(tty);
        spin_unlock(&tty->lock);
        if (n == 0)
            break;
        long moved = uio_put(u, chunk, n);
        if (moved < 0)
            return done > 0 ? done : moved;
        done += moved;
        if ((size_t)moved < n)
            break;
    }
    return done;
}

static long tty_read(struct file *f, struct uio *u, uint64_t *pos __attribute__((unused)))
{
    struct tty_file *tf = f->private;

    mark_prompt();
    for (;;) {
        struct read_terms r = read_terms(tf->tty, u->left);

        if (tty_hung_up(tf) || u->left == 0)
            return 0;
        int err = tty_job_control(tf->tty, SIGTTIN);
        if (err == 0)
            err = read_wait(f, tf, &r);
        if (err != 0)
            return err;
        bool canonical = (tf->tty->ldisc.termios.c_lflag & ICANON) != 0;
        if (canonical == r.canonical) /* else the rules changed while we slept */
            return read_now(tf->tty, u);
    }
}

/* --- writing --- */

static bool writable(struct tty *tty) { return !tty->ldisc.stopped && tty_may_write(tty) > 0; }

/* Waits while output is stopped, or the line takes no more. */
static int write_wait(struct file *f, struct tty_file *tf)
{
    struct tty *tty = tf->tty;

    if (!writable(tty) && !tty_hung_up(tf) && (f->flags & O_NONBLOCK))
        return -EAGAIN;
    int err = WAIT_EVENT(&tty->writers, writable(tty) || tty_hung_up(tf), BLOCK_tty_write, 0,
                         BLOCK_INTERRUPTIBLE, NO_DEADLINE);
    if (err == 0 && tty_hung_up(tf))
        err = -EIO;
    return err;
}

#define OUTPUT_PIECE 256u /* bytes between two points where others may run (arch/preempt.h) */
#define WORK_BYTE    60u  /* instructions a byte, about, where each goes through a UART */

/* How many of n bytes the line has taken. */
static size_t write_processed(struct tty *tty, size_t n)
{
    size_t used = 1, at = 0;

    for (; at < n && used > 0; at += used) {
        size_t piece = MIN(n - at, OUTPUT_PIECE);
        spin_lock(&tty->lock);
        size_t room = MIN(tty_may_write(tty), PAGE_SIZE);
        size_t out = ldisc_output(&tty->ldisc, tty->in + at, piece, tty->out, room, &used);
        if (tty->hw->room != NULL) /* nobody may take that room meanwhile */
            tty->hw->write(tty, (const char *)tty->out, out);
        spin_unlock(&tty->lock);
        if (tty->hw->room == NULL)
            tty->hw->write(tty, (const char *)tty->out, out);
        preempt_work((uint32_t)used * WORK_BYTE);
    }
    return at;
}

static int make_pages(struct tty *tty)
{
    if (tty->in == NULL)
        tty->in = kmalloc(PAGE_SIZE);
    if (tty->out == NULL)
        tty->out = kmalloc(PAGE_SIZE);
    return tty->in != NULL && tty->out != NULL ? 0 : -ENOMEM;
}

static long write_page(struct file *f, struct tty_file *tf, struct uio *u)
{
    struct tty *tty = tf->tty;
    int err = write_wait(f, tf);

    if (err != 0)
        return err;
    mutex_lock(&tty->writing);
    struct uio before = *u;
    long n = make_pages(tty), taken = 0;
    if (n == 0)
        n = uio_get(u, tty->in, MIN(u->left, PAGE_SIZE));
    if (n > 0)
        taken = (long)write_processed(tty, (size_t)n);
    if (n > 0 && taken < n) { /* the rest comes again */
        *u = before;
        if (taken > 0)
            uio_get(u, tty->in, (size_t)taken);
    }
    mutex_unlock(&tty->writing);
    return n > 0 ? taken : n;
}

static long tty_write(struct file *f, struct uio *u, uint64_t *pos __attribute__((unused)))
{
    struct tty_file *tf = f->private;
    long done = 0;

    if (tty_hung_up(tf))
        return -EIO;
    if (tf->tty->ldisc.termios.c_lflag & TOSTOP) {
        int err = tty_job_control(tf->tty, SIGTTOU);
        if (err != 0)
            return err;
    }
    while (u->left > 0) {
        if (signal_pending(current))
            return done > 0 ? done : -ERESTARTSYS;
        long n = write_page(f, tf, u);
        if (n < 0)
            return done > 0 ? done : n;
        done += n;
    }
    return done;
}

/* --- poll --- */

static uint32_t tty_poll(struct file *f, struct poll_table *pt)
{
    struct tty_file *tf = f->private;
    struct tty *tty = tf->tty;
    uint32_t ready = 0;

    mark_prompt();
    poll_wait(pt, &tty->readers);
    poll_wait(pt, &tty->writers);
    if (tty_hung_up(tf))
        return EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLRDNORM | EPOLLWRNORM;
    spin_lock(&tty->lock);
    const struct ktermios *t = &tty->ldisc.termios;
    size_t want = t->c_cc[VTIME] == 0 && t->c_cc[VMIN] != 0 ? t->c_cc[VMIN] : 1;
    if (ldisc_readable(&tty->ldisc, want))
        ready |= EPOLLIN | EPOLLRDNORM;
    if (writable(tty))
        ready |= EPOLLOUT | EPOLLWRNORM;
    spin_unlock(&tty->lock);
    return ready;
}

const struct file_ops tty_fops = {
    .open = tty_open,
    .read = tty_read,
    .write = tty_write,
    .ioctl = tty_ioctl,
    .poll = tty_poll,
    .async = true,
    .release = tty_release,
    .nonseekable = true,
};
