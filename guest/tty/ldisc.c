/* ldisc.c - the terminal line discipline, termios(3).
 *
 * Input is a ring.  In canonical mode bytes gather behind canon_head, where
 * they can still be erased, until a byte ends the line: then canon_head moves
 * up to head and the line can be read.  The end is marked in a bitmap, not by
 * its value, so that a VEOF (kept as a NUL with a mark) and a literal ^D differ,
 * and a line may be read in parts.
 *
 * Echo goes to a small buffer of raw bytes which the caller writes out through
 * ldisc_output(), so there is one place that tracks the cursor's column.
 *
 * After the end of input (ldisc_end()) the bounds of lines still divide reads, but
 * nothing waits for one.  A reader without ICANON for which Enter is a newline (ICRNL)
 * reads lines as a line editor does, and acts on a line when its newline comes: if the
 * input ends amid a line it gets the newline that is missing, or it would throw the line
 * away.  Who has switched ICRNL off, as cfmakeraw() does, reads bytes, and just these.
 *
 * Left out: parity and break (PARMRK, BRKINT, INPCK: the line has neither),
 * ECHOPRT, XCASE, output delays (NLDLY ...), IXOFF (a full buffer stops the UART). */
#include "tty/ldisc.h"
#include "lib/string.h"

#include <asm/ioctls.h>
#include <asm/signal.h>

#define CTRL(c) ((c)&0x1f)
#define RING(i) ((i) & (LDISC_BUF - 1))
#define BELL    7

static bool iflag(const struct ldisc *l, tcflag_t f) { return (l->termios.c_iflag & f) != 0; }
static bool oflag(const struct ldisc *l, tcflag_t f) { return (l->termios.c_oflag & f) != 0; }
static bool lflag(const struct ldisc *l, tcflag_t f) { return (l->termios.c_lflag & f) != 0; }

static bool is_cntrl(uint8_t c) { return c < 0x20 || c == 0x7f; }
static bool is_upper(uint8_t c) { return c >= 'A' && c <= 'Z'; }
static bool is_lower(uint8_t c) { return c >= 'a' && c <= 'z'; }
/* Part of a word for VWERASE; letters beyond ASCII are told by their first byte. */
static bool is_word(uint8_t c)
{
    return is_upper(c) || is_lower(c) || (c >= '0' && c <= '9') || c == '_' || c >= 0xc0;
}
/* The second and later bytes of a UTF-8 character. */
static bool is_continuation(const struct ldisc *l, uint8_t c)
{
    return iflag(l, IUTF8) && (c & 0xc0) == 0x80;
}

/* Is c that control character?  NUL in c_cc turns one off. */
static bool is_cc(const struct ldisc *l, uint8_t c, unsigned which)
{
    return c != 0 && l->termios.c_cc[which] == c;
}

static void mark_end(struct ldisc *l, uint32_t i) { l->ends[RING(i) / 64] |= 1ull << (i % 64); }
static bool is_end(const struct ldisc *l, uint32_t i)
{
    return (l->ends[RING(i) / 64] >> (i % 64)) & 1;
}
static void clear_end(struct ldisc *l, uint32_t i) { l->ends[RING(i) / 64] &= ~(1ull << (i % 64)); }

/* Most of what comes is text, and ldisc_input() need not compare it with each of
 * the characters that mean something.  Too many bits cost time, no more. */
static void find_special(struct ldisc *l)
{
    bool all = iflag(l, ISTRIP) || iflag(l, IUCLC) || iflag(l, IXANY);

    memset(l->special, all ? 0xff : 0, sizeof(l->special));
    l->special[0] |= 0xffffffff; /* control characters */
    for (unsigned i = 0; i < NCCS; i++) {
        uint8_t c = l->termios.c_cc[i];
        l->special[c / 64] |= 1ull << (c % 64);
    }
}

static bool is_special(const struct ldisc *l, uint8_t c)
{
    return (l->special[c / 64] >> (c % 64)) & 1;
}

void ldisc_init(struct ldisc *l, uint8_t *buf)
{
    static const uint8_t cc[NCCS] = {
        [VINTR] = CTRL('C'),    [VQUIT] = CTRL('\\'),   [VERASE] = 0x7f,
        [VKILL] = CTRL('U'),    [VEOF] = CTRL('D'),     [VMIN] = 1,
        [VSTART] = CTRL('Q'),   [VSTOP] = CTRL('S'),    [VSUSP] = CTRL('Z'),
        [VREPRINT] = CTRL('R'), [VDISCARD] = CTRL('O'), [VWERASE] = CTRL('W'),
        [VLNEXT] = CTRL('V'),
    };

    memset(l, 0, sizeof(*l));
    l->buf = buf;
    l->termios.c_iflag = ICRNL | IXON;
    l->termios.c_oflag = OPOST | ONLCR;
    l->termios.c_cflag = B38400 | CS8 | CREAD | HUPCL | CLOCAL;
    l->termios.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN;
    memcpy(l->termios.c_cc, cc, sizeof(cc));
    l->termios.c_ispeed = l->termios.c_ospeed = 38400;
    find_special(l);
}

/* Typed ahead across a change of ICANON: what is there when lines begin to
 * count is one line; when they cease to, all of it can be read. */
void ldisc_set_termios(struct ldisc *l, const struct ktermios *to)
{
    bool toggled = ((l->termios.c_lflag ^ to->c_lflag) & ICANON) != 0;

    l->termios = *to;
    find_special(l);
    if (toggled) {
        memset(l->ends, 0, sizeof(l->ends));
        l->canon_head = lflag(l, ICANON) ? l->head : l->tail;
        if (lflag(l, ICANON) && l->head != l->tail)
            mark_end(l, l->head - 1);
        l->lnext = false;
    }
    if (!iflag(l, IXON))
        l->stopped = false;
}

void ldisc_flush(struct ldisc *l)
{
    l->tail = l->canon_head = l->head;
    memset(l->ends, 0, sizeof(l->ends));
    l->amid_line = false;
}

void ldisc_end(struct ldisc *l)
{
    if (lflag(l, ICANON))
        l->amid_line = l->head != l->canon_head; /* what was erased is no line */
    l->ended = true;
    l->stopped = false;
}

/* --- echo --- */

static void echo_raw(struct ldisc *l, uint8_t c)
{
    if (l->nechoes < LDISC_ECHO)
        l->echo[l->nechoes++] = c;
}

/* Control characters show as ^X, a newline that ends no line too. */
static void echo_char(struct ldisc *l, uint8_t c)
{
    if (lflag(l, ECHOCTL) && is_cntrl(c) && c != '\t') {
        echo_raw(l, '^');
        echo_raw(l, c ^ 0x40);
    } else {
        echo_raw(l, c);
    }
}

/* Columns that c takes when it is echoed at `column`. */
static uint32_t echo_width(const struct ldisc *l, uint8_t c, uint32_t column)
{
    if (c == '\t')
        return 8 - column % 8;
    if (is_cntrl(c))
        return lflag(l, ECHOCTL) ? 2 : 0;
    return is_continuation(l, c) ? 0 : 1;
}

/* Takes the echo of the byte at `head`, just removed, off the screen. */
static void unecho(struct ldisc *l, uint8_t c)
{
    uint32_t column = l->canon_column;

    if (c == '\t')
        for (uint32_t i = l->canon_head; i != l->head; i++)
            column += echo_width(l, l->buf[RING(i)], column);
    for (uint32_t n = echo_width(l, c, column); n > 0; n--) {
        echo_raw(l, '\b');
        if (c != '\t') {
            echo_raw(l, ' ');
            echo_raw(l, '\b');
        }
    }
}

/* --- editing --- */

/* Where the last character begins: it may be several bytes. */
static uint32_t last_char(const struct ldisc *l)
{
    uint32_t i = l->head;

    do {
        i--;
    } while (is_continuation(l, l->buf[RING(i)]) && i != l->canon_head);
    return i;
}

static void erase_char(struct ldisc *l)
{
    if (l->head == l->canon_head)
        return;
    l->head = last_char(l);
    uint8_t c = l->buf[RING(l->head)];
    if (!lflag(l, ECHO))
        return;
    if (lflag(l, ECHOE))
        unecho(l, c);
    else
        echo_char(l, l->termios.c_cc[VERASE]);
}

static void erase_word(struct ldisc *l)
{
    bool in_word = false;

    while (l->head != l->canon_head) {
        uint32_t at = last_char(l);
        uint8_t c = l->buf[RING(at)];

        if (in_word && !is_word(c))
            break;
        in_word = is_word(c);
        l->head = at;
        if (lflag(l, ECHO))
            unecho(l, c);
    }
}

static void erase_line(struct ldisc *l)
{
    tcflag_t visual = ECHOK | ECHOKE | ECHOE;

    if (lflag(l, ECHO) && (l->termios.c_lflag & visual) == visual) {
        while (l->head != l->canon_head)
            erase_char(l);
        return;
    }
    if (lflag(l, ECHO) && l->head != l->canon_head) {
        echo_char(l, l->termios.c_cc[VKILL]);
        if (lflag(l, ECHOK))
            echo_raw(l, '\n');
    }
    l->head = l->canon_head;
}

static void reprint(struct ldisc *l)
{
    echo_char(l, l->termios.c_cc[VREPRINT]);
    echo_raw(l, '\n');
    l->canon_column = 0;
    for (uint32_t i = l->canon_head; i != l->head; i++)
        echo_char(l, l->buf[RING(i)]);
}

/* Adds a byte; in canonical mode one place is kept for the line's end. */
enum ends { IN_LINE, ENDS_LINE };

static void put(struct ldisc *l, uint8_t c, enum ends ends)
{
    uint32_t keep = lflag(l, ICANON) && ends == IN_LINE ? 1 : 0;

    if (l->head - l->tail + keep >= LDISC_BUF) {
        if (iflag(l, IMAXBEL))
            echo_raw(l, BELL);
        return;
    }
    l->buf[RING(l->head)] = c;
    clear_end(l, l->head);
    if (ends == ENDS_LINE)
        mark_end(l, l->head);
    l->head++;
    l->amid_line = ends == IN_LINE && c != '\n' && c != '\r';
    if (ends == ENDS_LINE)
        l->canon_head = l->head;
}

static void put_echoed(struct ldisc *l, uint8_t c)
{
    if (lflag(l, ECHO)) {
        if (l->head == l->canon_head && l->nechoes == 0)
            l->canon_column = l->column;
        echo_char(l, c);
    }
    put(l, c, IN_LINE);
}

/* Canonical mode's own characters.  True: c was one. */
static bool edit(struct ldisc *l, uint8_t c)
{
    bool ext = lflag(l, IEXTEN);

    if (is_cc(l, c, VERASE)) {
        erase_char(l);
    } else if (is_cc(l, c, VKILL)) {
        erase_line(l);
    } else if (ext && is_cc(l, c, VWERASE)) {
        erase_word(l);
    } else if (ext && is_cc(l, c, VLNEXT)) {
        l->lnext = true;
        if (lflag(l, ECHO) && lflag(l, ECHOCTL)) {
            echo_raw(l, '^');
            echo_raw(l, '\b');
        }
    } else if (ext && lflag(l, ECHO) && is_cc(l, c, VREPRINT)) {
        reprint(l);
    } else if (c == '\n') {
        if (lflag(l, ECHO) || lflag(l, ECHONL))
            echo_raw(l, '\n');
        put(l, c, ENDS_LINE);
    } else if (is_cc(l, c, VEOF)) {
        put(l, 0, ENDS_LINE);
    } else if (is_cc(l, c, VEOL) || (ext && is_cc(l, c, VEOL2))) {
        if (lflag(l, ECHO))
            echo_char(l, c);
        put(l, c, ENDS_LINE);
    } else {
        return false;
    }
    return true;
}

static int signal_of(const struct ldisc *l, uint8_t c)
{
    if (!lflag(l, ISIG))
        return 0;
    return is_cc(l, c, VINTR)   ? SIGINT
           : is_cc(l, c, VQUIT) ? SIGQUIT
           : is_cc(l, c, VSUSP) ? SIGTSTP
                                : 0;
}

/* VSTART and VSTOP.  True: c was one. */
static bool flow_control(struct ldisc *l, uint8_t c)
{
    if (!iflag(l, IXON))
        return false;
    if (is_cc(l, c, VSTART)) {
        l->stopped = false;
    } else if (is_cc(l, c, VSTOP)) {
        l->stopped = true;
    } else {
        if (iflag(l, IXANY))
            l->stopped = false;
        return false;
    }
    return true;
}

/* In canonical mode with no line to read, the line being edited has no end yet. */
static bool line_unfinished(const struct ldisc *l)
{
    return lflag(l, ICANON) && l->canon_head == l->tail;
}

size_t ldisc_room(const struct ldisc *l)
{
    size_t room = LDISC_BUF - (l->head - l->tail);

    if (room > 1)
        return room - 1; /* the last place is for a line's end */
    return line_unfinished(l) ? 1 : 0;
}

bool ldisc_drained(const struct ldisc *l)
{
    return l->head - l->tail <= LDISC_BUF / 2 || line_unfinished(l);
}

int ldisc_input(struct ldisc *l, uint8_t c)
{
    if (!is_special(l, c) && !l->lnext) {
        put_echoed(l, c);
        return 0;
    }
    if (iflag(l, ISTRIP))
        c &= 0x7f;
    if (iflag(l, IUCLC) && lflag(l, IEXTEN) && is_upper(c))
        c += 'a' - 'A';
    if (l->lnext) {
        l->lnext = false;
        put_echoed(l, c);
        return 0;
    }
    if (flow_control(l, c))
        return 0;
    int sig = signal_of(l, c);
    if (sig != 0) {
        l->stopped = false;
        if (!lflag(l, NOFLSH)) {
            ldisc_flush(l);
            l->nechoes = 0;
        }
        if (lflag(l, ECHO))
            echo_char(l, c);
        return sig;
    }
    if (c == '\r') {
        if (iflag(l, IGNCR))
            return 0;
        if (iflag(l, ICRNL)) {
            c = '\n';
            if (!lflag(l, ICANON)) { /* Enter goes to the next line in raw mode, too */
                if (lflag(l, ECHO))
                    echo_raw(l, c);
                put(l, c, IN_LINE);
                return 0;
            }
        }
    } else if (c == '\n' && iflag(l, INLCR)) {
        c = '\r';
    }
    if (!lflag(l, ICANON) || !edit(l, c))
        put_echoed(l, c);
    return 0;
}

/* --- reading --- */

static uint32_t readable_end(const struct ldisc *l)
{
    return lflag(l, ICANON) && !l->ended ? l->canon_head : l->head;
}

bool ldisc_readable(const struct ldisc *l, size_t want)
{
    uint32_t there = readable_end(l) - l->tail;

    if (l->ended)
        return true;
    return lflag(l, ICANON) ? there > 0 : there >= MIN(want, (size_t)LDISC_BUF);
}

/* An end that is a NUL is VEOF's: it is taken, but is no byte of the line. */
static bool is_eof_mark(const struct ldisc *l, uint32_t i)
{
    return is_end(l, i) && l->buf[RING(i)] == 0;
}

size_t ldisc_read(struct ldisc *l, uint8_t *to, size_t n, bool *end)
{
    uint32_t stop = readable_end(l);
    size_t done = 0;

    *end = false;
    while (done < n && l->tail != stop && !*end) {
        uint32_t i = l->tail++;

        *end = lflag(l, ICANON) && is_end(l, i);
        if (!*end || l->buf[RING(i)] != 0)
            to[done++] = l->buf[RING(i)];
    }
    /* The buffer is full just before a VEOF: it must not look like the end of
     * the file to the next read. */
    if (lflag(l, ICANON) && !*end && done > 0 && l->tail != stop && is_eof_mark(l, l->tail)) {
        l->tail++;
        *end = true;
    }
    if (!lflag(l, ICANON))
        l->canon_head = l->tail;
    if (l->ended && l->tail == l->head && done < n && l->amid_line) {
        l->amid_line = false;
        if (!lflag(l, ICANON) && iflag(l, ICRNL))
            to[done++] = '\n';
    }
    return done;
}

size_t ldisc_available(const struct ldisc *l)
{
    uint32_t stop = readable_end(l);
    size_t n = stop - l->tail;

    if (lflag(l, ICANON))
        for (uint32_t i = l->tail; i != stop; i++)
            n -= is_eof_mark(l, i);
    return n;
}

/* --- output --- */

#define OUT_MAX 8 /* bytes that one byte may become: a tab */

/* One byte that is not plain text. */
static size_t output_special(struct ldisc *l, uint8_t c, uint8_t *to)
{
    size_t n = 0;

    switch (c) {
    case '\n':
        if (oflag(l, ONLCR))
            to[n++] = '\r';
        if (oflag(l, ONLCR) || oflag(l, ONLRET))
            l->column = 0;
        break;
    case '\r':
        if (oflag(l, ONOCR) && l->column == 0)
            return 0;
        if (oflag(l, OCRNL))
            c = '\n';
        if (!oflag(l, OCRNL) || oflag(l, ONLRET))
            l->column = 0;
        break;
    case '\t': {
        uint32_t width = 8 - l->column % 8;
        l->column += width;
        if ((l->termios.c_oflag & TABDLY) == XTABS) {
            memset(to, ' ', width);
            return width;
        }
        break;
    }
    case '\b':
        if (l->column > 0)
            l->column--;
        break;
    default:
        if (oflag(l, OLCUC) && is_lower(c))
            c -= 'a' - 'A';
        if (!is_cntrl(c) && !is_continuation(l, c))
            l->column++;
    }
    to[n++] = c;
    return n;
}

/* Eight bytes of plain text at once: none is a control character or above 0x7e.
 * (A DEL passes as text here; it moves no terminal's cursor, and only the
 * width of a tab behind it would tell.) */
static bool plain_word(uint64_t w)
{
    const uint64_t high = 0x8080808080808080ull;

    return ((w | (w - 0x2020202020202020ull)) & high) == 0;
}

size_t ldisc_output(struct ldisc *l, const uint8_t *from, size_t n, uint8_t *to, size_t room,
                    size_t *used)
{
    size_t in = 0, out = 0;

    if (!oflag(l, OPOST)) {
        n = MIN(n, room);
        memcpy(to, from, n);
        *used = n;
        return n;
    }
    bool words = !oflag(l, OLCUC);
    while (in < n && room - out >= OUT_MAX) {
        uint64_t w;

        if (words && n - in >= 8 && (__builtin_memcpy(&w, from + in, 8), plain_word(w))) {
            __builtin_memcpy(to + out, &w, 8);
            l->column += 8;
            in += 8;
            out += 8;
        } else {
            out += output_special(l, from[in++], to + out);
        }
    }
    *used = in;
    return out;
}
