/* privilege.c - see privilege.h.
 *
 * Descriptors: a file of vmm's caller that was never meant for it, a log or a socket, would
 * be a guest's that broke out.  They cannot be closed at the start, since `-i <(zcat FILE)`
 * names one.  At the end they are known by this: they came through an exec, so they have
 * no FD_CLOEXEC, and all that vmm opens have it.
 *
 * Limits: none can be raised again (setrlimit is not on the filter's list).
 *   NOFILE  what is open stays; no call can make one more.
 *   CORE    0: a core is a file with what lay in memory, written where vmm was started.
 * Left alone: NPROC, since KVM itself starts a thread in this process at the first KVM_RUN
 * (Linux 6.13 and later) and would fail; the filter lets no thread be made.  FSIZE, since a
 * trace may be as long as its disk is large; AS and DATA, since what a report needs is bounded
 * by the code that makes it; CPU, since a VM may run for weeks. */
#include "vmm/privilege.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vmm/say.h"

#define SCAN_MAX 65536 /* descriptors that are looked for without /proc */
#define POLL_MAX 4     /* poll(2) takes no longer list than NOFILE */

static bool is_inherited(int fd)
{
    int flags = fcntl(fd, F_GETFD);
    return fd > STDERR_FILENO && flags >= 0 && !(flags & FD_CLOEXEC);
}

static void close_inherited(void)
{
    DIR *d = opendir("/proc/self/fd");
    struct dirent *ent;
    while (d != NULL && (ent = readdir(d)) != NULL)
        if (ent->d_name[0] != '.' && is_inherited(atoi(ent->d_name)))
            close(atoi(ent->d_name));
    if (d != NULL) {
        closedir(d);
        return;
    }
    long end = sysconf(_SC_OPEN_MAX);
    for (int fd = STDERR_FILENO + 1; fd < (end > 0 && end < SCAN_MAX ? (int)end : SCAN_MAX); fd++)
        if (is_inherited(fd))
            close(fd);
}

/* Who writes for root may go on writing to what is not root's. */
static bool drop_capabilities(bool writes)
{
    struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct set[_LINUX_CAPABILITY_U32S_3] = { 0 };
    if (writes && syscall(SYS_capget, &head, set) != 0)
        return false;
    uint32_t kept = set[0].effective & 1u << CAP_DAC_OVERRIDE;
    memset(set, 0, sizeof(set));
    set[0].effective = set[0].permitted = kept;
    return syscall(SYS_capset, &head, set) == 0;
}

#ifdef VMM_INSTRUMENTED /* a profile is written, or leaks are looked for, at the end */
static bool close_file_system(const int *dir, unsigned n)
{
    (void)dir, (void)n;
    return true;
}
#else
static bool open_beneath(int rules, const int *dir, unsigned n, uint64_t handled)
{
    const uint64_t never = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                           LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SOCK |
                           LANDLOCK_ACCESS_FS_MAKE_FIFO;
    bool ok = true;
    for (unsigned i = 0; ok && i < n; i++) {
        struct landlock_path_beneath_attr below = { .allowed_access = handled & ~never,
                                                    .parent_fd = dir[i] };
        ok = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &below, 0) == 0;
    }
    return ok;
}

/* A ruleset without a rule but for those directories: of what it handles, nothing else is allowed.  It
 * handles what this kernel knows and the headers name. */
static bool close_file_system(const int *dir, unsigned n)
{
    struct landlock_ruleset_attr all = { .handled_access_fs = LANDLOCK_ACCESS_FS_MAKE_SYM * 2 - 1 };
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 1)
        return true; /* an older kernel, or switched off there */
#ifdef LANDLOCK_ACCESS_FS_REFER
    if (abi >= 2)
        all.handled_access_fs |= LANDLOCK_ACCESS_FS_REFER;
#endif
#ifdef LANDLOCK_ACCESS_FS_TRUNCATE
    if (abi >= 3)
        all.handled_access_fs |= LANDLOCK_ACCESS_FS_TRUNCATE;
#endif
    int fd = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0);
    bool ok = fd >= 0 && open_beneath(fd, dir, n, all.handled_access_fs) &&
              syscall(SYS_landlock_restrict_self, fd, 0) == 0;
    int err = errno;
    if (fd >= 0)
        close(fd);
    errno = err;
    return ok;
}
#endif

bool privilege_drop(void) { return privilege_drop_but(NULL, 0); }

bool privilege_drop_but(const int *dir, unsigned n)
{
    const char *what = NULL;
    close_inherited();
    if (!drop_capabilities(n > 0))
        what = "capabilities";
    else if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        what = "the right to gain privileges";
    else if (!close_file_system(dir, n))
        what = "the file system (Landlock)";
    if (what != NULL)
        say("cannot give up %s: %s", what, strerror(errno));
    return what == NULL;
}

static bool set_limit(__rlimit_resource_t which, rlim_t value)
{
    struct rlimit limit = { value, value };
    return setrlimit(which, &limit) == 0;
}

/* As many descriptors as are open. */
static bool limit_descriptors(void)
{
#ifdef VMM_INSTRUMENTED
    return true;
#else
    int unused = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0); /* all below are open */
    if (unused < 0)
        return true; /* the limit is reached */
    close(unused);
    return set_limit(RLIMIT_NOFILE, unused < POLL_MAX ? POLL_MAX : (rlim_t)unused);
#endif
}

bool privilege_limit(void)
{
    if (limit_descriptors() && set_limit(RLIMIT_CORE, 0))
        return true;
    say("cannot set a limit on itself: %s", strerror(errno));
    return false;
}
