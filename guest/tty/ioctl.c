/* ioctl.c - ioctl_tty(2), as far as a serial line has it.  Output is gone
 * when write returns, so draining never waits.  Speed and framing are kept and
 * have no effect. */
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "fs/file.h"
#include "lib/string.h"
#include "proc/signal.h"
#include "tty/internal.h"
#include <asm/ioctls.h>

/* struct termios and struct termios2 are the first bytes of struct ktermios. */
_Static_assert(offsetof(struct ktermios, c_ispeed) >= sizeof(struct termios), "layout");
_Static_assert(sizeof(struct ktermios) == sizeof(struct termios2), "layout");
_Static_assert(sizeof(struct termio) < sizeof(struct termios), "set_termios() tells them by size");

static long get_termios(struct tty *tty, uaddr_t to, size_t n)
{
    struct ktermios t;

    spin_lock(&tty->lock);
    t = tty->ldisc.termios;
    spin_unlock(&tty->lock);
    return copy_to_user(to, &t, n);
}

/* The settings as System V had them: the low halves of the flags, and the first characters. */
static long get_termio(struct tty *tty, uaddr_t to)
{
    struct termio old = { 0 };

    spin_lock(&tty->lock);
    const struct ktermios *t = &tty->ldisc.termios;
    old.c_iflag = (uint16_t)t->c_iflag;
    old.c_oflag = (uint16_t)t->c_oflag;
    old.c_cflag = (uint16_t)t->c_cflag;
    old.c_lflag = (uint16_t)t->c_lflag;
    old.c_line = t->c_line;
    memcpy(old.c_cc, t->c_cc, NCC);
    spin_unlock(&tty->lock);
    return put_user(old, to);
}

static uint32_t low_half(uint32_t whole, uint16_t low) { return (whole & 0xffff0000u) | low; }

static void merge_termio(struct ktermios *t, const struct termio *old)
{
    t->c_iflag = low_half(t->c_iflag, old->c_iflag);
    t->c_oflag = low_half(t->c_oflag, old->c_oflag);
    t->c_cflag = low_half(t->c_cflag, old->c_cflag);
    t->c_lflag = low_half(t->c_lflag, old->c_lflag);
    t->c_line = old->c_line;
    memcpy(t->c_cc, old->c_cc, NCC);
}

enum typed_ahead { KEEP_INPUT, DROP_INPUT };

static long set_termios(struct tty *tty, uaddr_t from, size_t n, enum typed_ahead input)
{
    struct termio old;
    struct ktermios t;
    int err = tty_job_control(tty, SIGTTOU);

    if (err != 0)
        return err;
    spin_lock(&tty->lock);
    t = tty->ldisc.termios; /* keeps the speeds if they do not come along */
    spin_unlock(&tty->lock);
    bool as_termio = n == sizeof old;
    if (copy_from_user(as_termio ? (void *)&old : (void *)&t, from, n) != 0)
        return -EFAULT;
    if (as_termio)
        merge_termio(&t, &old);
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

static long set_softcar(struct tty *tty, uaddr_t from)
{
    int on;

    if (get_user(on, from) != 0)
        return -EFAULT;
    spin_lock(&tty->lock);
    tty->ldisc.termios.c_cflag &= ~(uint32_t)CLOCAL;
    tty->ldisc.termios.c_cflag |= on ? CLOCAL : 0;
    spin_unlock(&tty->lock);
    return 0;
}

/* A byte as if it had been typed: into one's own terminal, or by the privileged. */
static long type_byte(struct tty *tty, uaddr_t from)
{
    uint8_t byte;

    if (tty_of_current() != tty && !capable())
        return -EPERM;
    if (get_user(byte, from) != 0)
        return -EFAULT;
    tty_receive(tty, &byte, 1);
    return 0;
}

static long exclude(struct tty *tty, bool on)
{
    spin_lock(&tty->lock);
    tty->exclusive = on;
    spin_unlock(&tty->lock);
    return 0;
}

static long hang_up_by_root(struct tty *tty)
{
    if (!capable())
        return -EPERM;
    tty_hang_up(tty);
    return 0;
}

/* The caller's own terminal, if it has one. */
SYSCALL0(vhangup)
{
    if (!has_cap(CAP_SYS_TTY_CONFIG))
        return -EPERM;
    struct tty *tty = tty_of_current();
    if (tty != NULL)
        tty_hang_up(tty);
    return 0;
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
    case TCGETA: return get_termio(tty, arg);
    case TCSETA:
    case TCSETAW: return set_termios(tty, arg, sizeof(struct termio), KEEP_INPUT);
    case TCSETAF: return set_termios(tty, arg, sizeof(struct termio), DROP_INPUT);
    case TIOCGSOFTCAR: return put_user((int)!!(tty->ldisc.termios.c_cflag & CLOCAL), arg);
    case TIOCSSOFTCAR: return set_softcar(tty, arg);
    case TIOCEXCL:
    case TIOCNXCL: return exclude(tty, cmd == TIOCEXCL);
    case TIOCGEXCL: return put_user((int)tty->exclusive, arg);
    case TIOCSTI: return type_byte(tty, arg);
    case TIOCVHANGUP: return hang_up_by_root(tty);
    case TIOCGPTPEER: return -EIO; /* of a master only */
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
    case TCSBRKP:
    case TIOCSBRK:
    case TIOCCBRK: return tty_job_control(tty, SIGTTOU);
    case TIOCGETD: return put_user((int)0, arg);
    case TIOCSETD: return set_ldisc(tty, arg);
    case TIOCGDEV: return put_user(tty->dev, arg);
    }
    return -ENOTTY;
}
