/* ioctl.c - ioctl_tty(2), as far as a serial line has it.  Output is gone
 * when write returns, so draining never waits.  Speed and framing are kept and
 * have no effect. */
#include "arch/uaccess.h"
#include "fs/file.h"
#include "lib/string.h"
#include "proc/signal.h"
#include "tty/internal.h"
#include <asm/ioctls.h>

/* struct termios and struct termios2 are the first bytes of struct ktermios. */
_Static_assert(offsetof(struct ktermios, c_ispeed) >= sizeof(struct termios), "layout");
_Static_assert(sizeof(struct ktermios) == sizeof(struct termios2), "layout");

static long get_termios(struct tty *tty, uaddr_t to, size_t n)
{
    struct ktermios t;

    spin_lock(&tty->lock);
    t = tty->ldisc.termios;
    spin_unlock(&tty->lock);
    return copy_to_user(to, &t, n);
}

enum typed_ahead { KEEP_INPUT, DROP_INPUT };

static long set_termios(struct tty *tty, uaddr_t from, size_t n, enum typed_ahead input)
{
    struct ktermios t;
    int err = tty_job_control(tty, SIGTTOU);

    if (err != 0)
        return err;
    spin_lock(&tty->lock);
    t = tty->ldisc.termios; /* keeps the speeds if they do not come along */
    spin_unlock(&tty->lock);
    if (copy_from_user(&t, from, n) != 0)
        return -EFAULT;
    spin_lock(&tty->lock);
    if (input == DROP_INPUT)
        ldisc_flush(&tty->ldisc);
    ldisc_set_termios(&tty->ldisc, &t);
    tty_resume(tty);
    tty_echo(tty);
    spin_unlock(&tty->lock);
    waitq_wake(&tty->readers); /* what counts as readable has changed */
    waitq_wake(&tty->writers);
    return 0;
}

static long get_winsize(struct tty *tty, uaddr_t to)
{
    spin_lock(&tty->lock);
    struct winsize ws = tty->winsize;
    spin_unlock(&tty->lock);
    return put_user(ws, to);
}

static long set_winsize(struct tty *tty, uaddr_t from)
{
    struct winsize ws;

    if (get_user(ws, from) != 0)
        return -EFAULT;
    tty_resize(tty, &ws);
    return 0;
}

static long flush(struct tty *tty, uaddr_t which)
{
    int err = tty_job_control(tty, SIGTTOU);

    if (err != 0)
        return err;
    if (which > TCIOFLUSH)
        return -EINVAL;
    if (which != TCOFLUSH) {
        spin_lock(&tty->lock);
        ldisc_flush(&tty->ldisc);
        tty_resume(tty);
        spin_unlock(&tty->lock);
    }
    return 0;
}

static long flow(struct tty *tty, uaddr_t what)
{
    int err = tty_job_control(tty, SIGTTOU);
    uint8_t send = 0;

    if (err != 0)
        return err;
    if (what > TCION)
        return -EINVAL;
    spin_lock(&tty->lock);
    if (what == TCOOFF || what == TCOON)
        tty->ldisc.stopped = what == TCOOFF;
    else
        send = tty->ldisc.termios.c_cc[what == TCIOFF ? VSTOP : VSTART];
    tty_echo(tty);
    if (send != 0 && tty_may_write(tty) > 0)
        tty->hw->write(tty, (const char *)&send, 1);
    spin_unlock(&tty->lock);
    waitq_wake(&tty->writers);
    return 0;
}

static long put_available(struct tty *tty, uaddr_t to)
{
    spin_lock(&tty->lock);
    int n = (int)ldisc_available(&tty->ldisc);
    spin_unlock(&tty->lock);
    return put_user(n, to);
}

static long set_ldisc(struct tty *tty, uaddr_t from)
{
    int n, err = tty_job_control(tty, SIGTTOU);

    if (err != 0)
        return err;
    if (get_user(n, from) != 0)
        return -EFAULT;
    return n == 0 ? 0 : -EINVAL; /* N_TTY is the only one */
}

long tty_ioctl(struct file *f, uint32_t cmd, uaddr_t arg)
{
    struct tty_file *tf = f->private;

    if (tty_hung_up(tf))
        return cmd == TIOCSPGRP ? -ENOTTY : -EIO;
    return tty_control(tf->tty, cmd, arg);
}

long tty_control(struct tty *tty, uint32_t cmd, uaddr_t arg)
{
    switch (cmd) {
    case TCGETS: return get_termios(tty, arg, sizeof(struct termios));
    case TCGETS2: return get_termios(tty, arg, sizeof(struct termios2));
    case TCSETS:
    case TCSETSW: return set_termios(tty, arg, sizeof(struct termios), KEEP_INPUT);
    case TCSETSF: return set_termios(tty, arg, sizeof(struct termios), DROP_INPUT);
    case TCSETS2:
    case TCSETSW2: return set_termios(tty, arg, sizeof(struct termios2), KEEP_INPUT);
    case TCSETSF2: return set_termios(tty, arg, sizeof(struct termios2), DROP_INPUT);
    case TIOCGWINSZ: return get_winsize(tty, arg);
    case TIOCSWINSZ: return set_winsize(tty, arg);
    case TIOCGPGRP: return tty_get_pgrp(tty, arg);
    case TIOCSPGRP: return tty_set_pgrp(tty, arg);
    case TIOCGSID: return tty_get_sid(tty, arg);
    case TIOCSCTTY: return tty_acquire(tty, arg == 1);
    case TIOCNOTTY: return tty_give_up(tty);
    case TIOCINQ: return put_available(tty, arg);
    case TIOCOUTQ: return put_user((int)0, arg);
    case TCFLSH: return flush(tty, arg);
    case TCXONC: return flow(tty, arg);
    case TCSBRK: /* drain, or a break that nobody hears */
    case TCSBRKP: return tty_job_control(tty, SIGTTOU);
    case TIOCGETD: return put_user((int)0, arg);
    case TIOCSETD: return set_ldisc(tty, arg);
    case TIOCGDEV: return put_user(tty->dev, arg);
    }
    return -ENOTTY;
}
