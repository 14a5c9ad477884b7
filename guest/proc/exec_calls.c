/* exec_calls.c - execve and execveat, and how PID 1 gets its program: which file is
 * meant, and by what name it is told.  exec.c does it. */
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "fs/fd.h"
#include "lib/printf.h"
#include "mm/heap.h"
#include "proc/exec.h"
#include "proc/exec_internal.h"
#include <linux/limits.h>
#include <linux/fcntl.h>

static long exec_path(const char *path, const struct vectors *v)
{
    struct target target = { .dfd = AT_FDCWD, .path = path, .name = path };
    return exec(&target, v);
}

long exec_user(const char *path, uaddr_t argv, uaddr_t envp)
{
    struct vectors v = { .argv = argv, .envp = envp };
    return exec_path(path, &v);
}

long exec_kernel(const char *path, const char *const argv[], const char *const envp[])
{
    struct vectors v = { .kargv = argv, .kenvp = envp };
    return exec_path(path, &v);
}

long exec_kernel_fd(int fd, const char *name, const char *const argv[], const char *const envp[])
{
    struct vectors v = { .kargv = argv, .kenvp = envp };
    struct target target = { .dfd = fd, .flags = AT_EMPTY_PATH, .path = "", .name = name };
    return exec(&target, &v);
}

/* --- the calls ---------------------------------------------------------------- */

static int user_path(uaddr_t at, char **out)
{
    char *path = kmalloc(PATH_MAX);
    if (path == NULL)
        return -ENOMEM;
    long n = strncpy_from_user(path, at, PATH_MAX);
    if (n < 0) {
        kfree(path);
        return (int)n;
    }
    *out = path;
    return 0;
}

SYSCALL3(execve, uaddr_t, path_at, uaddr_t, argv, uaddr_t, envp)
{
    char *path = NULL;
    long rc = user_path(path_at, &path);

    if (rc == 0) {
        rc = exec_user(path, argv, envp);
        kfree(path);
    }
    return rc;
}

/* A file named by descriptor is /dev/fd/N to the program and to a script's
 * interpreter, which cannot open that if the descriptor closes on exec. */
static long exec_at(struct target *target, const struct vectors *v)
{
    if (target->dfd == AT_FDCWD || target->path[0] == '/') {
        target->name = target->path;
        return exec(target, v);
    }
    char *name = kmalloc(PATH_MAX);
    if (name == NULL)
        return -ENOMEM;
    const char *slash = target->path[0] != '\0' ? "/" : "";
    long rc = -ENAMETOOLONG;
    if (ksnprintf(name, PATH_MAX, "/dev/fd/%d%s%s", target->dfd, slash, target->path) < PATH_MAX) {
        int flags = fd_flags(target->dfd);
        target->name = name;
        target->fd_closes = flags > 0;
        rc = exec(target, v);
    }
    kfree(name);
    return rc;
}

SYSCALL5(execveat, int, dfd, uaddr_t, path_at, uaddr_t, argv, uaddr_t, envp, uint32_t, flags)
{
    struct vectors v = { .argv = argv, .envp = envp };
    char *path = NULL;

    if (flags & ~(uint32_t)(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
        return -EINVAL;
    long rc = user_path(path_at, &path);
    if (rc == 0) {
        struct target target = { .dfd = dfd, .flags = flags, .path = path };
        rc = exec_at(&target, &v);
        kfree(path);
    }
    return rc;
}
