/* internal.h - a terminal: what tty.c, ioctl.c, jobctl.c and
 * console.c share. */
#ifndef TTY_INTERNAL_H
#define TTY_INTERNAL_H

#include "sched/block.h"
#include "sched/task.h"
#include "sync/lock.h"
#include "tty/ldisc.h"
#include "tty/tty.h"
#include <asm/termios.h>

struct file;
struct file_ops;
struct task;

/* The line behind a terminal.  tty.lock is held, but in write() where room is NULL. */
struct tty;
struct tty_hw {
    void (*write)(struct tty *tty, const char *s, size_t n);
    void (*hold)(struct tty *tty, bool on); /* receives nothing until it is called with false */
    size_t (*room)(struct tty *tty);        /* what write() takes now; NULL: all */
    int (*open)(struct tty *tty);           /* no lock held; NULL: nobody counts */
    void (*close)(struct tty *tty);         /* no lock held */
};
#define TTY_LEAST_ROOM 64u /* with less, nobody begins to write: one byte may become eight */

/* Locks: tty.lock (spin) guards all but what is marked.  [w] tty.writing. */
struct tty {
    struct spinlock lock;
    uint32_t dev;            /* number that ps shows; fixed */
    const struct tty_hw *hw; /* fixed */
    struct ldisc ldisc;      /* [lock] */
    struct winsize winsize;  /* [lock] */
    struct session *session; /* [lock] that it controls, with a reference; NULL */
    uint32_t fg_pgid;        /* [lock] foreground group; 0: none */
    bool held;               /* [lock] the line is not to send: the buffer is full */
    bool exclusive;   /* [lock] TIOCEXCL: only the privileged open it, until the pair is new */
    bool once;        /* serves one session: see jobctl.c; fixed */
    int outcome;      /* [lock] of that session: the wait status of its leader; -1: none yet */
    uint32_t hangups; /* [lock] so many; files opened before the last are dead; read without */
    struct waitq readers, writers;
    struct mutex writing; /* one write(2) at a time owns the pages: */
    uint8_t *in, *out;    /* [w] a page each, made by the first write */
};

/* An open file's private part: fixed. */
struct tty_file {
    struct tty *tty;
    uint32_t hangups; /* tty->hangups when it was opened */
    bool console;     /* by /dev/console: survives hang-ups, acquires nothing */
};
static inline bool tty_hung_up(const struct tty_file *tf)
{
    return !tf->console && tf->hangups != tf->tty->hangups;
}

/* tty.c */
/* Of a device whose private is the tty; NULL: current's controlling terminal, /dev/tty. */
extern const struct file_ops tty_fops;
void tty_setup(struct tty *tty, uint32_t dev, const struct tty_hw *hw,
               uint8_t *buf /* LDISC_BUF bytes, kept */);
size_t tty_room(struct tty *tty); /* bytes that may be received; at 0 the line is held */
void tty_receive(struct tty *tty, const uint8_t *from, size_t n); /* no lock held */
void tty_end_input(struct tty *tty); /* the line sends nothing any more; no lock held */
void tty_resize(struct tty *tty, const struct winsize *ws); /* no lock held */
void tty_resume(struct tty *tty); /* lock held, input was taken: no longer held? */
void tty_echo(struct tty *tty);   /* lock held: writes pending echoes out */
static inline size_t tty_may_write(struct tty *tty) /* lock held, or as a hint */
{
    size_t room = tty->hw->room != NULL ? tty->hw->room(tty) : SIZE_MAX;
    return room >= TTY_LEAST_ROOM ? room : 0;
}

/* ioctl.c */
long tty_ioctl(struct file *f, uint32_t cmd, uaddr_t arg);
long tty_control(struct tty *tty, uint32_t cmd, uaddr_t arg); /* the same for a pty's master */

/* jobctl.c */
/* May current read (SIGTTIN) or change (SIGTTOU) its terminal?  0; -EIO; or
 * -ERESTARTSYS: it has been sent that signal.  No lock held. */
int tty_job_control(struct tty *tty, int sig);
struct tty *tty_of_current(void);              /* controlling terminal, NULL none */
void tty_open_acquire(struct tty *tty);        /* opened without O_NOCTTY */
long tty_acquire(struct tty *tty, bool steal); /* TIOCSCTTY */
long tty_give_up(struct tty *tty);             /* TIOCNOTTY */
long tty_get_pgrp(struct tty *tty, uaddr_t to);
long tty_set_pgrp(struct tty *tty, uaddr_t from);
long tty_get_sid(struct tty *tty, uaddr_t to);
void tty_signal_foreground(struct tty *tty, int sig);
void tty_hang_up(struct tty *tty); /* the line is gone: SIGHUP, and files that are open are dead */

/* pty.c */
void pty_init(void); /* registers /dev/ptmx and the numbers of the slaves */

#endif
