/* terminal.h - raw mode for the terminal on stdin, and back, always. */
#ifndef VMM_TERMINAL_H
#define VMM_TERMINAL_H

#include <stdbool.h>

/* True when stdin is a terminal; remembers how it was, and restores that when
 * the VMM dies of SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT or SIGTRAP. */
bool terminal_open(void);
/* What mends guest memory that a file has lost; true: the VMM can go on. */
void terminal_on_lost_page(bool (*mend)(void *ctx), void *ctx);
void terminal_size(unsigned *rows, unsigned *cols); /* 0, 0: not known */
void terminal_raw(void);     /* no effect unless it is a terminal; again after SIGCONT */
void terminal_restore(void); /* async-signal-safe; may be called at any time */

#endif
