/* tty.h - terminals: line discipline, sessions, job control; the console. */
#ifndef TTY_TTY_H
#define TTY_TTY_H

#include "lib/base.h"

struct session;
struct tty;

void tty_init(void); /* the console's; registers the nodes */
/* From the UART's interrupt: bytes that were received, as many as there is room
 * for at most.  Room of 0: console_hold() has been called. */
size_t console_room(void);
void console_input(const uint8_t *from, size_t n);
/* The session leader is gone: hang up (SIGHUP, SIGCONT to the foreground group),
 * the tty belongs to nobody.  tree_lock not held. */
void tty_disassociate(struct session *s);
/* For /proc/PID/stat: device number and foreground group, 0 and -1 without one. */
void tty_describe(struct session *s, uint32_t *dev, int *fg_pgid);

#endif
