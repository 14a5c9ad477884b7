/* output.c - see output.h.
 *
 * The child tells by its status that there is a file to keep.  A trace that cannot be read to
 * its end makes status 2, but what could be read is in the file; out of memory, a call that the
 * sandbox does not allow, and a stream that shrinks make 2, too, and there it is not whole. */
#include "vmm/trace/cmd/output.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmm/trace/lib/status.h"

#define STATUS_KEEP  100 /* from the child to the parent: 2, and keep the file */
#define BUFFER_BYTES (256u * 1024)

static char *temporary; /* what on_signal() removes */
static volatile sig_atomic_t child;

static bool cannot(const char *what, const char *file)
{
    fprintf(stderr, "vmm-trace: cannot %s %s: %s\n", what, file, strerror(errno));
    return false;
}

static const char *name_of(const struct output *o)
{
    return o->file != NULL ? o->file : "the output";
}

/* --- the parent -------------------------------------------------------------------------- */

static void on_signal(int sig)
{
    kill((pid_t)child, SIGKILL);
    unlink(temporary);
    signal(sig, SIG_DFL);
    raise(sig);
}

static void watch_signals(void (*handler)(int))
{
    static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
    struct sigaction action = { .sa_handler = handler };
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        sigaction(signals[i], &action, NULL);
}

static void __attribute__((noreturn)) finish(const struct output *o, int fd, int status)
{
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : STATUS_TROUBLE;
    bool written = code == STATUS_OK || code == STATUS_KEEP;
    if (WIFSIGNALED(status))
        fprintf(stderr, "vmm-trace: killed by signal %d; %s is not written\n", WTERMSIG(status),
                o->file);
    if (written && fsync(fd) != 0)
        written = cannot("write", o->file);
    if (written && rename(temporary, o->file) != 0)
        written = cannot("rename it to", o->file);
    if (!written)
        unlink(temporary);
    exit(written && code == STATUS_OK ? STATUS_OK : STATUS_TROUBLE);
}

static void __attribute__((noreturn)) wait_for_child(const struct output *o, int fd)
{
    int status;
    while (waitpid((pid_t)child, &status, 0) < 0)
        if (errno != EINTR)
            exit(STATUS_TROUBLE);
    finish(o, fd, status);
}

/* --- the file ---------------------------------------------------------------------------- */

static bool is_special(const char *file)
{
    struct stat st;
    return stat(file, &st) == 0 && !S_ISREG(st.st_mode);
}

/* Beside the file that it will be, with the rights that a new file gets. */
static int make_temporary(const char *file)
{
    mode_t mask = umask(0);
    umask(mask);
    if (asprintf(&temporary, "%s.XXXXXX", file) < 0)
        out_of_memory();
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd >= 0)
        fchmod(fd, 0666 & ~mask);
    return fd;
}

/* Signals are blocked, from before there was a temporary file on. */
static bool split(const struct output *o)
{
    pid_t parent = getpid();
    child = fork();
    if (child < 0) {
        unlink(temporary);
        return cannot("start a process to write", o->file);
    }
    watch_signals(child == 0 ? SIG_DFL : on_signal);
    return child != 0 || (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent);
}

/* The file that o->file will be: a child goes on with it, the parent renames or removes it. */
static int begin_file(const struct output *o)
{
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    int fd = make_temporary(o->file);
    bool well = fd >= 0 ? split(o) : cannot("write", o->file);
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (well && child != 0)
        wait_for_child(o, fd);
    return well ? fd : -1;
}

bool output_begin(struct output *o)
{
    if (o->file == NULL) {
        o->out = stdout;
    } else {
        int fd = -1;
        if (!is_special(o->file))
            fd = begin_file(o);
        else if ((fd = open(o->file, O_WRONLY | O_CLOEXEC)) < 0)
            cannot("write", o->file);
        if (fd < 0)
            return false;
        o->out = fdopen(fd, "w");
        if (o->out == NULL)
            out_of_memory();
    }
    setvbuf(o->out, NULL, _IOFBF, BUFFER_BYTES);
    return true;
}

bool output_end(struct output *o)
{
    errno = 0;
    if (fflush(o->out) == 0 && !ferror(o->out))
        return true;
    fprintf(stderr, "vmm-trace: cannot write %s: %s\n", name_of(o),
            errno != 0 ? strerror(errno) : "an earlier write failed");
    clearerr(o->out);
    return false;
}

int output_keep(int status)
{
    return temporary != NULL && status != STATUS_OK ? STATUS_KEEP : status;
}
