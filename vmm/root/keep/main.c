/* main.c - vmm-root --keep: writes what vmm says that the guest's files are.
 *
 *     vmm-root --keep [tar FILE] [out GUEST HOST]...
 *
 * It is started by vmm before the VM runs.  The directories that it writes into are open, and it is in a
 * sandbox that holds it to them, before it says so and reads the first record.  What comes was the guest's: names are
 * checked here, too, as if vmm had not.  When the pipe ends without a last word nothing is kept. */
#include "vmm/root/keep/keep.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/options.h"
#include "vmm/privilege.h"
#include "vmm/root/keep/run.h"
#include "vmm/sandbox.h"

#define TARGETS_MAX 1024

static void __attribute__((noreturn)) refuse(const char *what, const char *why)
{
    fprintf(stderr, "vmm: %s: %s\n", what, why);
    exit(EXIT_VMM);
}

/* --- before the sandbox ------------------------------------------------------------------ */

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static bool is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The directory, and the name in it, that `host` stands for.  In a directory the name is `own`'s last part. */
static void open_place(struct target *t, char *host, const char *own)
{
    struct stat st;
    char *cut = strrchr(host, '/');
    bool into = own != NULL && is_dir(host);
    const char *base = last_part(into ? own : host);
    const char *dir = into ? host : cut == NULL ? "." : cut == host ? "/" : host;
    if (*base == '\0' || strcmp(base, ".") == 0 || strcmp(base, "..") == 0 ||
        strlen(base) >= sizeof(t->base))
        refuse(t->what, "has no name for a file of the host; say --out GUEST:HOST");
    strcpy(t->base, base);
    if (dir == host && !into)
        *cut = '\0';
    t->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (t->dir < 0 || faccessat(t->dir, ".", W_OK, AT_EACCESS) != 0)
        refuse(t->what, strerror(errno));
    if (fstatat(t->dir, t->base, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(st.st_mode))
        refuse(t->what, "is there on the host, and no regular file");
}

static char *label(const char *fmt, const char *name)
{
    char text[300];
    snprintf(text, sizeof(text), fmt, name);
    return strdup(text);
}

static unsigned open_targets(char **word, struct target *t)
{
    unsigned n = 0;
    for (; *word != NULL; n++) {
        if (n == TARGETS_MAX)
            refuse("--out", "is there too often");
        t[n] = (struct target){ .fd = -1, .tree = -1, .is_tar = strcmp(word[0], "tar") == 0 };
        if (word[1] == NULL || (!t[n].is_tar && word[2] == NULL))
            refuse("--keep", "its words are not in threes");
        t[n].what = label(t[n].is_tar ? "--save %.250s" : "--out %.250s", word[1]);
        if (t[n].what == NULL)
            refuse("--out", "out of memory");
        open_place(&t[n], t[n].is_tar ? word[1] : word[2], t[n].is_tar ? NULL : word[1]);
        if (t[n].is_tar && !tar_begin(&t[n]))
            exit(EXIT_VMM);
        word += t[n].is_tar ? 2 : 3;
    }
    return n;
}

static void close_sandbox(const struct target *t, unsigned n)
{
    struct rlimit none = { 0, 0 };
    int dir[TARGETS_MAX];
    for (unsigned i = 0; i < n; i++)
        dir[i] = t[i].dir;
    setrlimit(RLIMIT_CORE, &none);
    if (!privilege_drop_but(dir, n) || !sandbox_enter(SANDBOX_KEEP))
        _exit(EXIT_VMM);
}

/* The end of the pipe is what ends it: a terminal's signals are vmm's. */
static void take_no_signals(void)
{
    static const int from_terminal[] = { SIGINT, SIGQUIT, SIGTSTP, SIGHUP, SIGTERM, SIGPIPE };
    for (unsigned i = 0; i < sizeof(from_terminal) / sizeof(from_terminal[0]); i++)
        signal(from_terminal[i], SIG_IGN);
}

static void say_to_vmm(char what)
{
    ssize_t ignored = write(KEEP_FD_ANSWER, &what, 1);
    (void)ignored;
}

int keep_main(char **word)
{
    static struct target target[TARGETS_MAX];
    take_no_signals();
    fcntl(KEEP_FD_IN, F_SETFD, FD_CLOEXEC); /* what is inherited does not stay open */
    fcntl(KEEP_FD_ANSWER, F_SETFD, FD_CLOEXEC);
    setlocale(LC_CTYPE, "C.UTF-8"); /* names in tars are UTF-8 */
    unsigned n = open_targets(word, target);
    close_sandbox(target, n);
    say_to_vmm(KEEP_GOOD);
    bool ok = keep_run(KEEP_FD_IN, target, n);
    say_to_vmm(ok ? KEEP_GOOD : KEEP_BAD);
    return ok ? 0 : EXIT_VMM;
}
