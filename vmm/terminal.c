/* terminal.c - see terminal.h.  The saved settings are written once, before
 * any signal handler can look at them. */
#include "vmm/terminal.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "vmm/options.h"
#include "vmm/say.h"

static struct termios saved;
static volatile sig_atomic_t is_terminal, is_raw;

static bool (*mend_page)(void *ctx);
static void *mend_ctx;

static void watch(int sig);

static void complain(const char *text)
{
    ssize_t ignored = write(STDERR_FILENO, text, strlen(text));
    (void)ignored;
}

/* Raised by an instruction of ours, or by somebody with kill(2). */
static void on_fatal(int sig, siginfo_t *info, void *context)
{
    (void)context;
    if (sig == SIGBUS &&
        info->si_code == BUS_ADRERR) { /* guest memory: see mapped.h, root/mend.h */
        if (mend_page != NULL && mend_page(mend_ctx)) {
            watch(SIGBUS);
            return;
        }
        terminal_restore();
        complain("vmm: a file became shorter while vmm had it mapped\n");
        _exit(EXIT_VMM);
    }
    terminal_restore();
    if (info->si_code > 0 || info->si_pid == getpid())
        complain("vmm: internal error; this is a bug in vmm\n");
    raise(sig); /* SA_RESETHAND: the default action, with its core */
}

static void watch(int sig)
{
    struct sigaction action = { .sa_sigaction = on_fatal, .sa_flags = SA_RESETHAND | SA_SIGINFO };
    sigaction(sig, &action, NULL);
}

void terminal_on_lost_page(bool (*mend)(void *ctx), void *ctx)
{
    mend_page = mend;
    mend_ctx = ctx;
}

bool terminal_open(void)
{
    static const int fatal[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP };
    for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
        watch(fatal[i]);
    is_terminal = tcgetattr(STDIN_FILENO, &saved) == 0;
    return is_terminal;
}

void terminal_size(unsigned *rows, unsigned *cols)
{
    struct winsize w;
    *rows = *cols = 0;
    if (is_terminal && ioctl(STDIN_FILENO, TIOCGWINSZ, &w) == 0) {
        *rows = w.ws_row;
        *cols = w.ws_col;
    }
}

void terminal_raw(void)
{
    if (!is_terminal)
        return;
    struct termios raw = saved;
    cfmakeraw(&raw);
    is_raw = 1;
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    say_terminal_is_raw(true);
}

void terminal_restore(void)
{
    if (!is_raw)
        return;
    is_raw = 0;
    tcsetattr(STDIN_FILENO, TCSANOW, &saved);
    say_terminal_is_raw(false);
}
