/* console.c - see console.h.
 *
 * Input waits in `pending` until the UART has room, and from a pipe no more is
 * read until `pending` is empty: the writer waits, nothing is lost.  At the
 * end of a piped input a Control-D follows, which is the end of file for
 * whoever reads the guest's terminal line by line; after an unfinished line it
 * takes two, the first one only ends that line.  A serial line has no other
 * way to say so.  Later reads in the guest wait.
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
#include <time.h>
#include <unistd.h>

#include "vmm/say.h"
#include "vmm/terminal.h"
#include "vmm/uart.h"
#include "vmm/vm.h"

#define CTRL_A      0x01
#define CTRL_D      0x04
#define PENDING_MAX 4096
#define STATUS_USER 130 /* Ctrl-A x: as if by SIGINT */

struct console {
    struct vm *vm;
    int wake_fd, signal_fd;
    atomic_bool wants_room; /* input waits for the UART */
    /* the rest belongs to console_run() */
    bool is_tty, at_eof, escaped;
    uint8_t last; /* last byte of piped input */
    uint8_t pending[PENDING_MAX];
    size_t start, count;
};

static const int handled_signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT };

/* The signals that the loop takes: those that the one who started us has not
 * set to be ignored (nohup, a shell's background job). */
static void signal_set(sigset_t *set)
{
    sigemptyset(set);
    for (size_t i = 0; i < sizeof(handled_signals) / sizeof(handled_signals[0]); i++) {
        struct sigaction old;
        sigaction(handled_signals[i], NULL, &old);
        if (old.sa_handler != SIG_IGN)
            sigaddset(set, handled_signals[i]);
    }
}

void console_block_signals(void)
{
    sigset_t set;
    signal_set(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN); /* write(2) says EPIPE */
    signal(SIGXFSZ, SIG_IGN); /* and EFBIG */
}

int console_create(struct console **out, struct vm *vm)
{
    sigset_t set;
    struct console *c = calloc(1, sizeof(*c));
    if (c == NULL)
        return -ENOMEM;
    signal_set(&set);
    c->vm = vm;
    c->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    c->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (c->wake_fd < 0 || c->signal_fd < 0) {
        int err = -errno;
        console_destroy(c);
        return err;
    }
    c->is_tty = isatty(STDIN_FILENO);
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

void console_wake(struct console *c)
{
    uint64_t one = 1;
    ssize_t ignored = write(c->wake_fd, &one, sizeof(one)); /* full: it is awake */
    (void)ignored;
}

void console_room(struct console *c)
{
    if (atomic_exchange(&c->wants_room, false))
        console_wake(c);
}

void console_output(struct console *c, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    while (len > 0 && !atomic_load(&c->vm->stopping)) {
        ssize_t n = write(STDOUT_FILENO, p, len);
        if (n >= 0) {
            p += n;
            len -= (size_t)n;
        } else if (errno == EAGAIN) { /* someone made it non-blocking */
            struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };
            poll(&out, 1, -1);
        } else if (errno == EPIPE) {
            vm_stop(c->vm, STOP_STATUS, 128 + SIGPIPE, -1, "nobody reads the console any more");
        } else if (errno != EINTR) {
            vm_stop(c->vm, STOP_FAILED, EXIT_VMM, -1, "cannot write the guest's output: %s",
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
    case 'X': vm_stop(c->vm, STOP_STATUS, STATUS_USER, -1, "stopped by Ctrl-A x"); break;
    case 'h':
    case 'H':
    case '?': help(); break;
    case CTRL_A: queue(c, CTRL_A); break;
    default: /* not one of ours: as typed */ queue(c, CTRL_A); queue(c, byte);
    }
}

static void end_of_input(struct console *c)
{
    c->at_eof = true;
    if (c->last != '\n' && c->last != '\0')
        queue(c, CTRL_D);
    queue(c, CTRL_D);
}

static void read_input(struct console *c)
{
    uint8_t buf[PENDING_MAX];
    ssize_t n = read(STDIN_FILENO, buf, sizeof(buf));
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) { /* a terminal that hung up is an end, too */
        end_of_input(c);
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
static void deliver(struct console *c)
{
    while (c->count > 0) {
        atomic_store(&c->wants_room, true);
        size_t n = uart_room(c->vm->uart);
        if (n == 0)
            return;
        if (n > c->count)
            n = c->count;
        if (n > PENDING_MAX - c->start)
            n = PENDING_MAX - c->start;
        uart_receive(c->vm->uart, c->pending + c->start, n);
        c->start = (c->start + n) % PENDING_MAX;
        c->count -= n;
    }
    atomic_store(&c->wants_room, false);
}

/* kill -TSTP: whoever gets the terminal meanwhile wants it as it was. */
static void suspend(void)
{
    terminal_restore();
    raise(SIGSTOP);
    terminal_raw();
}

static void take_signals(struct console *c)
{
    struct signalfd_siginfo info;
    while (read(c->signal_fd, &info, sizeof(info)) == sizeof(info)) {
        if (info.ssi_signo == SIGCONT)
            terminal_raw(); /* the shell has changed it meanwhile */
        else if (info.ssi_signo == SIGTSTP)
            suspend();
        else
            vm_stop(c->vm, STOP_STATUS, 128 + (int)info.ssi_signo, -1, "stopped by %s",
                    strsignal((int)info.ssi_signo));
    }
}

static double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* poll()'s argument for the time that is left; -1 when there is no limit. */
static int time_left(const struct console *c, double deadline)
{
    if (c->vm->opt->timeout == 0)
        return -1;
    double ms = (deadline - now()) * 1e3;
    return ms <= 0 ? 0 : ms > 1e6 ? 1000000 : (int)ms + 1;
}

void console_run(struct console *c)
{
    double deadline = now() + c->vm->opt->timeout;
    while (!atomic_load(&c->vm->stopping)) {
        deliver(c);
        bool wants_input = !c->at_eof && (c->is_tty || c->count == 0);
        struct pollfd fds[3] = {
            { .fd = c->wake_fd, .events = POLLIN },
            { .fd = c->signal_fd, .events = POLLIN },
            { .fd = wants_input ? STDIN_FILENO : -1, .events = POLLIN },
        };
        int left = time_left(c, deadline);
        if (left == 0) {
            vm_stop(c->vm, STOP_TIMEOUT, EXIT_TIMEOUT, -1, "time limit of %g s reached",
                    c->vm->opt->timeout);
            break;
        }
        if (poll(fds, 3, left) < 0)
            continue; /* EINTR */
        if (fds[0].revents != 0) {
            uint64_t ignored;
            while (read(c->wake_fd, &ignored, sizeof(ignored)) > 0)
                ;
        }
        if (fds[1].revents != 0)
            take_signals(c);
        if (fds[2].revents != 0)
            read_input(c);
    }
}
