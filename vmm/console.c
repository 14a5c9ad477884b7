/* console.c - see console.h.
 *
 * Input waits in `pending` until the UART has room, and from a pipe no more is
 * read until `pending` is empty: the writer waits, nothing is lost.  When a piped
 * input has ended and the guest's driver has taken the last byte, the carrier falls:
 * docs/console.md says what that means to programs.  A guest whose driver does not
 * listen to modem lines gets a Control-D instead, which is the end of file for
 * whoever reads its terminal line by line at that time; after an unfinished line it
 * takes two, the first one only ends that line.
 *
 * A terminal is read always, so that Ctrl-A is seen even when the guest does
 * not read; what finds `pending` full is dropped, as on a real line. */
#include "vmm/console.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "vmm/mapped.h"
#include "vmm/options.h"
#include "vmm/say.h"
#include "vmm/stop.h"
#include "vmm/terminal.h"
#include "vmm/timelimit.h"
#include "vmm/uart.h"

#define CTRL_A       0x01
#define CTRL_D       0x04
#define PENDING_MAX  4096
#define OUTPUT_PIECE (1u << 20) /* then a stop is looked for: a file takes any length at once */
#define STATUS_USER  130        /* Ctrl-A x: as if by SIGINT */

struct console {
    struct stop *stop;
    struct uart *uart;
    int wake_fd, signal_fd; /* wake_fd: the UART may have room */
    atomic_bool wants_room; /* input, or its end, waits for the UART */
    atomic_uint size;       /* of the terminal: rows << 16 | columns; 0: not known */
    /* the rest belongs to console_run() */
    bool is_tty, at_eof, end_told, escaped;
    uint8_t last; /* last byte of piped input */
    uint8_t pending[PENDING_MAX];
    size_t start, count;
};

/* Not taken by the loop: what cannot be caught; what tells of a bug, which terminal.c
 * and sandbox.c deal with; what write(2) says better; the kick of a vCPU, which is
 * harmless at any time; and what ends nothing by default. */
static const int other_signals[] = { SIGKILL, SIGSTOP, SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,
                                     SIGABRT, SIGSYS,  SIGTRAP, SIGPIPE, SIGXFSZ, SIGUSR1,
                                     SIGCHLD, SIGURG,  SIGTTIN, SIGTTOU };

/* The signals that the loop takes, once console_block_signals() was called: all that would end or stop vmm, real-time ones too, as
 * each must leave the terminal as it was, but not those that the one who started us
 * has set to be ignored (nohup, a shell's background job). */
static sigset_t taken_signals;

static void choose_signals(void)
{
    sigfillset(&taken_signals);
    for (size_t i = 0; i < sizeof(other_signals) / sizeof(other_signals[0]); i++)
        sigdelset(&taken_signals, other_signals[i]);
    for (int sig = 1; sig <= SIGRTMAX; sig++) {
        struct sigaction old;
        if (sigismember(&taken_signals, sig) && sigaction(sig, NULL, &old) == 0 &&
            old.sa_handler == SIG_IGN)
            sigdelset(&taken_signals, sig);
    }
}

void console_block_signals(void)
{
    time_limit_disarm();
    choose_signals();
    pthread_sigmask(SIG_BLOCK, &taken_signals, NULL);
    signal(SIGPIPE, SIG_IGN); /* write(2) says EPIPE */
    signal(SIGXFSZ, SIG_IGN); /* and EFBIG */
}

void console_release_signals(const struct console *c)
{
    struct signalfd_siginfo info;
    while (read(c->signal_fd, &info, sizeof(info)) == sizeof(info))
        ;
    pthread_sigmask(SIG_UNBLOCK, &taken_signals, NULL);
}

static void take_size(struct console *c)
{
    unsigned rows, cols;
    terminal_size(&rows, &cols);
    atomic_store(&c->size, rows << 16 | cols);
}

uint32_t console_size(const struct console *c) { return atomic_load(&c->size); }

int console_create(struct console **out, struct stop *stop, struct uart *uart)
{
    struct console *c = calloc(1, sizeof(*c));
    if (c == NULL)
        return -ENOMEM;
    c->stop = stop;
    c->uart = uart;
    c->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    c->signal_fd = signalfd(-1, &taken_signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (c->wake_fd < 0 || c->signal_fd < 0) {
        int err = -errno;
        console_destroy(c);
        return err;
    }
    c->is_tty = isatty(STDIN_FILENO);
    take_size(c);
    *out = c;
    return 0;
}

void console_destroy(struct console *c)
{
    if (c == NULL)
        return;
    if (c->wake_fd >= 0)
        close(c->wake_fd);
    if (c->signal_fd >= 0)
        close(c->signal_fd);
    free(c);
}

void console_room(struct console *c)
{
    uint64_t one = 1;
    if (!atomic_exchange(&c->wants_room, false))
        return;
    ssize_t ignored = write(c->wake_fd, &one, sizeof(one)); /* full: it is awake */
    (void)ignored;
}

void console_output(struct console *c, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    while (len > 0 && !stop_asked(c->stop)) {
        ssize_t n = write(STDOUT_FILENO, p, len < OUTPUT_PIECE ? len : OUTPUT_PIECE);
        if (n >= 0) {
            p += n;
            len -= (size_t)n;
        } else if (errno == EAGAIN) { /* someone made it non-blocking */
            struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };
            poll(&out, 1, -1);
        } else if (errno == EPIPE) {
            vm_stop(c->stop, STOP_STATUS, 128 + SIGPIPE, -1, "nobody reads the console any more");
        } else if (errno != EINTR) {
            vm_stop(c->stop, STOP_FAILED, EXIT_VMM, -1, "cannot write the guest's output: %s",
                    strerror(errno));
        }
    }
}

static void help(void)
{
    say("Ctrl-A x  stop the VM");
    say("Ctrl-A h  this help");
    say("Ctrl-A Ctrl-A  send one Ctrl-A to the guest");
}

static void queue(struct console *c, uint8_t byte)
{
    if (c->count < PENDING_MAX)
        c->pending[(c->start + c->count++) % PENDING_MAX] = byte;
}

static void take_terminal_byte(struct console *c, uint8_t byte)
{
    if (!c->escaped) {
        if (byte == CTRL_A)
            c->escaped = true;
        else
            queue(c, byte);
        return;
    }
    c->escaped = false;
    switch (byte) {
    case 'x':
    case 'X': vm_stop(c->stop, STOP_STATUS, STATUS_USER, -1, "stopped by Ctrl-A x"); break;
    case 'h':
    case 'H':
    case '?': help(); break;
    case CTRL_A: queue(c, CTRL_A); break;
    default: /* not one of ours: as typed */ queue(c, CTRL_A); queue(c, byte);
    }
}

static void read_input(struct console *c, bool hung_up)
{
    uint8_t buf[PENDING_MAX];
    ssize_t n = read(STDIN_FILENO, buf, sizeof(buf));
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        c->at_eof = true;
        if (c->is_tty && hung_up)
            vm_stop(c->stop, STOP_STATUS, 128 + SIGHUP, -1, "the terminal hung up");
        return;
    }
    c->last = buf[n - 1];
    for (ssize_t i = 0; i < n; i++) {
        if (c->is_tty)
            take_terminal_byte(c, buf[i]);
        else
            queue(c, buf[i]);
    }
}

/* Hand over what the UART takes.  When some is left, the next read of the
 * UART's data wakes us: the flag is set before the room is looked at again. */
static void deliver_bytes(struct console *c)
{
    while (c->count > 0) {
        atomic_store(&c->wants_room, true);
        size_t n = uart_room(c->uart);
        if (n == 0)
            return;
        if (n > c->count)
            n = c->count;
        if (n > PENDING_MAX - c->start)
            n = PENDING_MAX - c->start;
        uart_receive(c->uart, c->pending + c->start, n);
        c->start = (c->start + n) % PENDING_MAX;
        c->count -= n;
    }
    atomic_store(&c->wants_room, false);
}

/* All input has been handed over; that it has ended is said once. */
static void deliver_end(struct console *c)
{
    atomic_store(&c->wants_room, true);
    switch (uart_hang_up(c->uart)) {
    case UART_BUSY: return; /* the flag stays */
    case UART_DEAF:
        if (c->last != '\n' && c->last != '\0')
            queue(c, CTRL_D);
        queue(c, CTRL_D);
        break;
    case UART_HUNG_UP: break;
    }
    c->end_told = true;
    deliver_bytes(c);
}

static void deliver(struct console *c)
{
    deliver_bytes(c);
    if (c->count == 0 && c->at_eof && !c->end_told)
        deliver_end(c);
}

/* kill -TSTP: whoever gets the terminal meanwhile wants it as it was. */
static void suspend(void)
{
    terminal_restore();
    raise(SIGSTOP);
    terminal_raw();
}

/* The guest looks at the size when the line rings. */
static void resized(struct console *c)
{
    take_size(c);
    uart_ring(c->uart);
}

static void take_signals(struct console *c)
{
    struct signalfd_siginfo info;
    while (read(c->signal_fd, &info, sizeof(info)) == sizeof(info)) {
        if (info.ssi_signo == SIGCONT)
            terminal_raw(); /* the shell has changed it meanwhile */
        else if (info.ssi_signo == SIGTSTP)
            suspend();
        else if (info.ssi_signo == SIGWINCH)
            resized(c);
        else
            vm_stop(c->stop, STOP_STATUS, 128 + (int)info.ssi_signo, -1, "stopped by %s",
                    strsignal((int)info.ssi_signo));
    }
}

void console_run(struct console *c, double timeout)
{
    while (!stop_asked(c->stop)) {
        deliver(c);
        bool wants_input = !c->at_eof && (c->is_tty || c->count == 0);
        struct pollfd fds[] = {
            { .fd = c->wake_fd, .events = POLLIN },
            { .fd = c->signal_fd, .events = POLLIN },
            { .fd = wants_input ? STDIN_FILENO : -1, .events = POLLIN },
            { .fd = c->stop->wake_fd, .events = POLLIN },
        };
        int left = time_limit_left();
        const char *shrunk = mapped_shrunk();
        if (shrunk != NULL) {
            vm_stop(c->stop, STOP_FAILED, EXIT_VMM, -1, MAPPED_SHRUNK, shrunk);
            break;
        }
        if (left == 0) {
            vm_stop(c->stop, STOP_TIMEOUT, EXIT_TIMEOUT, -1, "time limit of %g s reached", timeout);
            break;
        }
        int wait = left < 0 || left > MAPPED_LOOK_MS ? MAPPED_LOOK_MS : left;
        if (poll(fds, sizeof(fds) / sizeof(fds[0]), wait) < 0)
            continue; /* EINTR */
        if (fds[0].revents != 0) {
            uint64_t ignored;
            while (read(c->wake_fd, &ignored, sizeof(ignored)) > 0)
                ;
        }
        if (fds[1].revents != 0)
            take_signals(c);
        if (fds[2].revents != 0)
            read_input(c, (fds[2].revents & POLLHUP) != 0);
    }
}
