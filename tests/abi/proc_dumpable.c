/* proc_dumpable.c - a process that may not be dumped, or may do more, is looked into and traced by root only, though it runs
 * as the same user. */
#include "check.h"
#include <grp.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#define USER 12345

static char secret[16] = "secret";

static void become_user(void)
{
    setgroups(0, NULL);
    if (setgid(USER) != 0 || setuid(USER) != 0)
        _exit(9);
}

/* Runs until it is killed, once it has said that it is ready. */
static pid_t start(void (*prepare)(void))
{
    int ends[2];
    char byte;

    if (pipe(ends) != 0)
        _exit(9);
    pid_t pid = fork();
    if (pid == 0) {
        prepare();
        if (write(ends[1], "x", 1) == 1)
            pause();
        _exit(0);
    }
    close(ends[1]);
    if (read(ends[0], &byte, 1) != 1)
        SAY("it is not ready\n");
    close(ends[0]);
    return pid;
}

/* Some are refused when they are opened, others when they are read. */
static void say_open(pid_t pid, const char *name, int flags)
{
    char path[64], byte;

    snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
    int fd = open(path, flags);
    int opens_only =
        flags & O_DIRECTORY || (flags & O_ACCMODE) == O_WRONLY || strcmp(name, "mem") == 0;
    SAY("%s: %s\n", name, fd >= 0 && (opens_only || read(fd, &byte, 1) >= 0) ? "yes" : "no");
    close(fd);
}

static void say_link(pid_t pid, const char *name)
{
    char path[64], to[200];

    snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
    SAY("readlink %s: %s\n", name, readlink(path, to, sizeof(to)) < 0 ? strerror(errno) : "yes");
}

static void say_owner(pid_t pid, const char *name)
{
    char path[64];
    struct stat s;

    snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
    if (lstat(path, &s) != 0)
        SAY("lstat %s: %s\n", name, strerror(errno));
    else
        SAY("%s belongs to %u:%u\n", name, s.st_uid, s.st_gid);
}

static void look(pid_t pid)
{
    static const char *const files[] = { "environ", "auxv",  "maps",    "smaps",  "numa_maps", "io",
                                         "pagemap", "stack", "syscall", "status", "comm" };
    static const char *const owners[] = { "", "/environ", "/fd", "/ns", "/task", "/comm", "/exe" };
    char bytes[16] = "";
    struct iovec to = { bytes, sizeof(bytes) }, from = { secret, sizeof(secret) };

    for (unsigned i = 0; i < sizeof(files) / sizeof(*files); i++)
        say_open(pid, files[i], O_RDONLY);
    say_open(pid, "mem", O_RDWR);
    say_open(pid, "comm", O_WRONLY);
    say_open(pid, "fd", O_RDONLY | O_DIRECTORY);
    say_open(pid, "map_files", O_RDONLY | O_DIRECTORY);
    say_open(pid, "task", O_RDONLY | O_DIRECTORY);
    say_link(pid, "exe");
    say_link(pid, "cwd");
    say_link(pid, "fd/0");
    say_link(pid, "ns/mnt");
    for (unsigned i = 0; i < sizeof(owners) / sizeof(*owners); i++)
        say_owner(pid, owners[i] + (*owners[i] != 0));
    SAY("process_vm_readv: %zd\n", process_vm_readv(pid, &to, 1, &from, 1, 0));
    long rc = ptrace(PTRACE_SEIZE, pid, 0, 0);
    SAY("ptrace: %ld\n", rc);
    if (rc == 0)
        ptrace(PTRACE_DETACH, pid, 0, 0);
}

/* Looked at by somebody who is the same user. */
static void by_another(const char *who, void (*prepare)(void))
{
    pid_t pid = start(prepare);

    SAY("-- %s\n", who);
    pid_t other = fork();
    if (other == 0) {
        become_user();
        prctl(PR_SET_DUMPABLE, 1);
        look(pid);
        _exit(0);
    }
    waitpid(other, NULL, 0);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void ordinary(void)
{
    become_user();
    prctl(PR_SET_DUMPABLE, 1);
}

static void hidden(void)
{
    ordinary();
    prctl(PR_SET_DUMPABLE, 0);
}

static void was_root(void) { become_user(); }

/* It may do something that the other may not. */
static void able(void)
{
    const struct {
        uint32_t version;
        int pid;
    } h = { 0x20080522, 0 };
    const uint32_t raw = 1u << 13, sets[2][3] = { { raw, raw, 0 }, { 0 } }; /* CAP_NET_RAW */

    prctl(PR_SET_KEEPCAPS, 1);
    become_user();
    if (syscall(SYS_capset, &h, sets) != 0)
        _exit(9);
    prctl(PR_SET_DUMPABLE, 1);
}

static void test(void)
{
    static const char *const own[] = { "environ", "maps", "io", "mem", "comm" };

    if (getuid() != 0) {
        SAY("only for root\n");
        return;
    }
    by_another("as others are", ordinary);
    by_another("not dumpable", hidden);
    by_another("once root", was_root);
    by_another("with a capability", able);
    pid_t pid = fork();
    if (pid == 0) { /* its own, when it may not be dumped */
        SAY("-- itself\n");
        hidden();
        for (unsigned i = 0; i < sizeof(own) / sizeof(*own); i++)
            say_open(getpid(), own[i], O_RDONLY);
        say_open(getpid(), "fd", O_RDONLY | O_DIRECTORY);
        say_link(getpid(), "fd/0");
        say_owner(getpid(), "comm");
        _exit(0);
    }
    waitpid(pid, NULL, 0);
}
