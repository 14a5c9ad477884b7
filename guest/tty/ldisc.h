/* ldisc.h - the terminal line discipline: bytes from the keyboard in, edited
 * lines, echo and signals out; and output processing.  Plain logic: the caller
 * locks (tty.lock), wakes and sends. */
#ifndef TTY_LDISC_H
#define TTY_LDISC_H

#include "lib/base.h"
#include <asm/termbits.h>

#define LDISC_BUF  4096u /* a power of two */
#define LDISC_ECHO 256u

struct ldisc {
    struct ktermios termios;
    /* Input not read yet: tail..head, counted without wrapping.  Of that, up to
     * canon_head are complete lines; the rest is the line being edited. */
    uint8_t *buf;                  /* [k] LDISC_BUF bytes, the owner's */
    uint64_t ends[LDISC_BUF / 64]; /* bit: this byte ends a line */
    uint32_t tail, canon_head, head;
    bool lnext;               /* the next byte is literal */
    bool stopped;             /* output is, by VSTOP or TCOOFF */
    bool ended;               /* no more comes: ldisc_end() */
    bool amid_line;           /* the last byte from the line ended none */
    uint32_t column;          /* of the cursor, as far as we can know */
    uint32_t canon_column;    /* where the line being edited began */
    uint8_t echo[LDISC_ECHO]; /* raw: goes through output processing */
    uint32_t nechoes;
    uint64_t special[256 / 64]; /* bit: termios may give this byte a meaning; others are text */
};

void ldisc_init(struct ldisc *l, uint8_t *buf); /* Linux's defaults: cooked, echoing, 38400 8N1 */
void ldisc_set_termios(struct ldisc *l, const struct ktermios *to);

/* How many more bytes the line may send before somebody reads.  Never 0 while no
 * complete line is there in canonical mode, since nobody could read then: what
 * is too much for one line is dropped, and the byte that ends it gets through. */
size_t ldisc_room(const struct ldisc *l);
/* Time to let the line send again, after ldisc_room() was 0? */
bool ldisc_drained(const struct ldisc *l);

/* The line sends nothing any more, ever.  All that is buffered can be read, an
 * unfinished line, too; then every read finds the end of the file, in any mode.
 * Output that VSTOP has stopped goes on: nobody is left to type VSTART. */
void ldisc_end(struct ldisc *l);

/* One byte from the line.  Returns the signal it means to the foreground group,
 * or 0.  Afterwards l->echo may hold something to write. */
int ldisc_input(struct ldisc *l, uint8_t c);

/* A line, or in raw mode `want` bytes. */
bool ldisc_readable(const struct ldisc *l, size_t want);
/* Takes up to n bytes, in canonical mode at most to the end of a line.  *end: that
 * end has been taken (also when it was VEOF, which is no byte). */
size_t ldisc_read(struct ldisc *l, uint8_t *to, size_t n, bool *end);
size_t ldisc_available(const struct ldisc *l); /* FIONREAD */
void ldisc_flush(struct ldisc *l);             /* forgets all input */

/* Processes bytes for output (OPOST), as many as surely fit.  Returns bytes
 * written to `to`, *used bytes of `from` consumed. */
size_t ldisc_output(struct ldisc *l, const uint8_t *from, size_t n, uint8_t *to, size_t room,
                    size_t *used);

#endif
