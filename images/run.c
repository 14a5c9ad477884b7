/* run.c - PID 1 of a machine that runs one command:
 *     run [-e K=V]... [-w DIR] [-u USER[:GROUP]] [-n HOSTNAME] COMMAND [ARG...]
 *
 * It makes the command the leader of a session whose terminal is the console,
 * so that Ctrl-C and job control work, reaps whatever ends, and exits when the
 * command has ended; the kernel takes PID 1's exit as the end of the machine,
 * so what else still runs ends with it.  Exit status: the command's; 128+N if
 * signal N killed it; 127 if it was not found, 126 if it could not be run; 125 if USER or DIR
 * are not there.
 *
 * The command is started with vfork: the child borrows this program's memory
 * until it has become the command, and leaves the reason there if it cannot.  A name without a
 * slash is looked up in the PATH that it gets.
 *
 * The root may be any tree: /proc, /dev/pts and others are mounted as far as there are directories for
 * them or they can be made; USER is found in its /etc/passwd, not by a library. */
#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define GROUPS_MAX 64

static struct {
    const char *workdir, *user, *hostname;
    bool has_id;
    uid_t uid;
    gid_t gid;
    gid_t group[GROUPS_MAX];
    int groups;
} is;

static void __attribute__((noreturn)) refuse(const char *what, const char *why)
{
    fprintf(stderr, "run: %s: %s\n", what, why);
    exit(125);
}

/* --- who -------------------------------------------------------------------------------- */

static bool number(const char *text, unsigned *value)
{
    char *end;
    unsigned long v = strtoul(text, &end, 10);

    *value = (unsigned)v;
    return *text >= '0' && *text <= '9' && *end == '\0' && v < 0xfffffffful;
}

/* The line of a file like /etc/passwd that has this name, or this number as its third field, cut at
 * its colons.  False: there is none. */
static bool find_line(const char *path, const char *key, char *line, size_t room, char *field[7])
{
    FILE *f = fopen(path, "re");
    unsigned wanted = 0, there;
    bool by_number = number(key, &wanted), found = false;

    while (!found && f && fgets(line, (int)room, f)) {
        char *at = line;
        int n = 0;

        line[strcspn(line, "\n")] = '\0';
        while (n < 7)
            field[n++] = at ? strsep(&at, ":") : "";
        found = strcmp(field[0], key) == 0 ||
                (by_number && number(field[2], &there) && there == wanted);
    }
    if (f)
        fclose(f);
    return found;
}

/* All groups that have the user as a member. */
static void find_groups(const char *user)
{
    FILE *f = fopen("/etc/group", "re");
    char line[4096];
    unsigned gid;

    is.group[is.groups++] = is.gid;
    while (f && is.groups < GROUPS_MAX && fgets(line, sizeof(line), f)) {
        char *at = line, *id;

        line[strcspn(line, "\n")] = '\0';
        strsep(&at, ":");
        strsep(&at, ":");
        id = strsep(&at, ":");
        while (id && at && number(id, &gid))
            if (strcmp(strsep(&at, ","), user) == 0) {
                is.group[is.groups++] = gid;
                break;
            }
    }
    if (f)
        fclose(f);
}

static void find_user(char *text)
{
    char line[4096], *field[7], *group = strchr(text, ':');
    unsigned n = 0;

    if (group)
        *group++ = '\0';
    if (*text == '\0')
        text = "0";
    if (find_line("/etc/passwd", text, line, sizeof(line), field)) {
        if (!number(field[2], &n))
            refuse(text, "has no number in /etc/passwd");
        is.uid = n;
        is.gid = number(field[3], &n) ? n : 0;
        setenv("HOME", field[5], 1);
        if (!group)
            find_groups(field[0]);
    } else if (number(text, &n)) {
        is.uid = n;
        is.gid = 0;
    } else {
        refuse(text, "no such user in /etc/passwd");
    }
    if (group && *group) {
        if (find_line("/etc/group", group, line, sizeof(line), field) && number(field[2], &n))
            is.gid = n;
        else if (number(group, &n))
            is.gid = n;
        else
            refuse(group, "no such group in /etc/group");
        is.groups = 0;
    }
    if (is.groups == 0)
        is.group[is.groups++] = is.gid;
    is.has_id = true;
}

/* --- where ------------------------------------------------------------------------------ */

static void mount_one(const char *type, const char *at)
{
    mkdir(at, 0755);
    if (mount(type, at, type, 0, NULL) != 0 && errno != EBUSY && errno != ENODEV)
        fprintf(stderr, "run: %s: %s\n", at, strerror(errno));
}

static pid_t start(char **argv, int *error)
{
    /* volatile: the child's store to it must be in memory, not in a register */
    volatile int exec_error = 0;
    pid_t pid = vfork();

    if (pid == 0) {
        setsid();
        ioctl(STDIN_FILENO, TIOCSCTTY, 0); /* fails where stdin is no terminal */
        if (!is.has_id || (setgroups((size_t)is.groups, is.group) == 0 && setgid(is.gid) == 0 &&
                           setuid(is.uid) == 0))
            execvp(argv[0], argv);
        exec_error = errno;
        _exit(127);
    }
    *error = pid < 0 ? errno : exec_error;
    return pid;
}

static int exit_status(int status)
{
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Options; which word is COMMAND. */
static int set_up(int argc, char **argv)
{
    int option;

    setenv("PATH", "/usr/local/bin:/bin:/sbin:/usr/bin:/usr/sbin", 0);
    setenv("HOME", "/root", 1); /* a kernel starts init with HOME=/ */
    setenv("TERM", "linux", 0);
    while ((option = getopt(argc, argv, "+e:w:u:n:")) != -1)
        switch (option) {
        case 'e': putenv(optarg); break;
        case 'w': is.workdir = optarg; break;
        case 'u': find_user(optarg); break;
        case 'n': is.hostname = optarg; break;
        default: return argc;
        }
    if (is.hostname && sethostname(is.hostname, strlen(is.hostname)) != 0)
        refuse(is.hostname, strerror(errno));
    if (getpid() == 1)
        mount_one("proc", "/proc");
    if (is.workdir && chdir(is.workdir) != 0)
        refuse(is.workdir, strerror(errno));
    return optind;
}

int main(int argc, char **argv)
{
    int error, status, at = set_up(argc, argv);

    if (at >= argc) {
        fprintf(stderr,
                "usage: run [-e K=V] [-w DIR] [-u USER[:GROUP]] [-n HOSTNAME] COMMAND...\n");
        return 125;
    }
    pid_t command = start(argv + at, &error);
    if (error != 0) {
        fprintf(stderr, "run: %s: %s\n", argv[at], strerror(error));
        return error == ENOENT || error == ENOTDIR ? 127 : 126;
    }
    for (;;) {
        pid_t pid = wait(&status);
        if (pid == command)
            return exit_status(status);
        if (pid < 0 && errno != EINTR) {
            perror("run: wait");
            return 125;
        }
    }
}
