/* tty.h - terminals: line discipline, sessions, job control; the console. */
#ifndef TTY_TTY_H
#define TTY_TTY_H

#include "lib/base.h"

struct session;
struct tty;

/* console.c */
void tty_init(void);  /* the console's; registers the nodes */
void tty_start(void); /* the line's interrupts come from here on */
/* jobctl.c */
/* The session leader is gone: hang up (SIGHUP, SIGCONT to the foreground group),
 * the tty belongs to nobody.  tree_lock not held. */
void tty_disassociate(struct session *s);
/* For /proc/PID/stat: device number and foreground group, 0 and -1 without one. */
void tty_describe(struct session *s, uint32_t *dev, int *fg_pgid);

#endif
