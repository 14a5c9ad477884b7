/* /proc/PID/cmdline and environ of a program that wrote a title over its arguments: how far what is
 * shown goes depends on whether the last byte of the arguments is still a NUL. */
#include "check.h"

static char *args, *args_end, *env_end;

static void show(const char *what)
{
    char text[8300];
    int fd = open("/proc/self/cmdline", O_RDONLY);
    ssize_t n = read(fd, text, sizeof(text)), more = read(fd, text + n, 1);
    char tail[8] = "";

    pread(fd, tail, 3, 4);
    close(fd);
    SAY("%s: %zd bytes, then %zd; from 4 on %s; ", what, n, more, tail);
    for (ssize_t i = 0; i < n && i < 60; i++)
        SAY("%c", text[i] ? text[i] : '|');
    SAY("\n");
}

/* Writes n letters over the arguments and what is behind them. */
static void title(long n, char after)
{
    memset(args, 'T', n);
    if (args + n < env_end)
        args[n] = after;
}

static void titles(void)
{
    long room = args_end - args, all = env_end - args;

    show("as it began");
    title(4, 0);
    show("shorter");
    title(room - 1, 0);
    show("all but the last byte");
    title(room, 0);
    show("exactly");
    title(room, 'x');
    show("without a NUL");
    title(room + 6, 0);
    show("into the environment");
    title(room, 0);
    args[3] = 0;
    show("a NUL in it, but the last byte written");
    title(all, 0);
    show("all of it");
    SAY("environment of T alone: %d\n",
        (int)strspn(slurp("/proc/self/environ"), "T") == env_end - args_end);
}

static void test(void)
{
    extern char **environ;
    static char big[6000];
    char cmdline[256];

    ssize_t n = 0;
    int fd = open("/proc/self/cmdline", O_RDONLY);
    n = read(fd, cmdline, sizeof(cmdline));
    close(fd);
    if (getenv("TITLE") == NULL) {
        char *argv[] = { "proc_title", "one", "two", NULL }, *env[] = { "TITLE=1", "A=b", NULL };
        CHECK_EQ(CHILD(execve("/proc/self/exe", argv, env)), 0);
        memset(big, 'e', sizeof(big) - 1);
        memcpy(big, "TITLE=", 6);
        char *large[] = { big, NULL };
        CHECK_EQ(CHILD(execve("/proc/self/exe", argv, large)), 0);
        return;
    }
    /* The strings lie one behind the other: the arguments end where the environment begins. */
    env_end = environ[0];
    args_end = environ[0];
    args = args_end - n;
    for (int i = 0; environ[i] != NULL; i++)
        env_end = environ[i] + strlen(environ[i]) + 1;
    titles();
}
