/* console.h - what connects the guest's serial port with stdin and stdout.
 *
 * console_run() is the loop of the main thread: input, signals, the time
 * limit.  The others may be called by any thread. */
#ifndef VMM_CONSOLE_H
#define VMM_CONSOLE_H

#include <signal.h>
#include <stddef.h>

struct console;
struct vm;

int console_create(struct console **out, struct vm *vm); /* 0 or -errno */
void console_destroy(struct console *c);                 /* NULL is fine */

/* Returns when the VM is to stop. */
void console_run(struct console *c);

void console_wake(struct console *c); /* look again whether to stop */
void console_room(struct console *c); /* the UART may take input again */
/* All of it to stdout, unless the VM is stopping.  What stdout refuses ends the
 * VM: with 128+SIGPIPE when nobody reads any more, else as a failure. */
void console_output(struct console *c, const void *bytes, size_t len);

/* Blocks, in all threads to come, the signals that console_run() takes. */
void console_block_signals(void);

#endif
