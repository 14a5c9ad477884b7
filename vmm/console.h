/* console.h - what connects the guest's serial port with stdin and stdout.
 *
 * console_run() is the loop of the main thread: input, signals, the time
 * limit.  The others may be called by any thread. */
#ifndef VMM_CONSOLE_H
#define VMM_CONSOLE_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

struct console;
struct stop;
struct uart;

int console_create(struct console **out, struct stop *stop, struct uart *uart); /* 0 or -errno */
void console_destroy(struct console *c);                                        /* NULL is fine */

/* Returns when the VM is to stop.  timeout: seconds, which the message about a time limit
 * that has run out names. */
void console_run(struct console *c, double timeout);

void console_room(struct console *c); /* the UART may take input again */
/* All of it to stdout, unless the VM is stopping.  What stdout refuses ends the
 * VM: with 128+SIGPIPE when nobody reads any more, else as a failure. */
void console_output(struct console *c, const void *bytes, size_t len);

uint32_t console_size(const struct console *c); /* rows << 16 | columns; 0: not known */

/* Blocks, in all threads to come, the signals that console_run() takes.  From here to
 * console_run() --timeout waits. */
void console_block_signals(void);
/* After console_run(): those that are pending have had their say, later ones end vmm. */
void console_release_signals(const struct console *c);

#endif
