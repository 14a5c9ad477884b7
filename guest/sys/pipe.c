/* pipe.c - pipe(2): a new pipe, its ends as descriptors. */
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "fs/fd.h"
#include "fs/file.h"
#include "fs/pipe.h"
#include <linux/fcntl.h>

static long make_pipe(uaddr_t fds, uint32_t flags)
{
    struct file *ends[2];
    int fd[2];
    long err = pipe_create(flags, ends);
    if (err)
        return err;
    fd[0] = fd_alloc(0, flags & O_CLOEXEC);
    fd[1] = fd[0] < 0 ? fd[0] : fd_alloc(0, flags & O_CLOEXEC);
    err = fd[1] < 0 ? fd[1] : copy_to_user(fds, fd, sizeof(fd));
    if (err) {
        for (int i = 0; i < 2; i++) {
            if (fd[i] >= 0)
                fd_cancel(fd[i]);
            file_put(ends[i]);
        }
        return err;
    }
    fd_install(fd[0], ends[0]);
    fd_install(fd[1], ends[1]);
    return 0;
}

SYSCALL1(pipe, uaddr_t, fds) { return make_pipe(fds, 0); }
SYSCALL2(pipe2, uaddr_t, fds, uint32_t, flags) { return make_pipe(fds, flags); }
