/* fd.h - descriptor tables. */
#ifndef FS_FD_H
#define FS_FD_H

#include "fs/file.h"
#include "lib/base.h"

struct files;

#define FD_MAX 1048576 /* hard upper bound; RLIMIT_NOFILE is 1024/4096 */

extern uint32_t fd_nr_open; /* [a] no RLIMIT_NOFILE may be more; FD_MAX at most */

struct files *files_create(void);
struct files *files_copy(struct files *from); /* for fork; NULL: */
int files_copy_error(
    struct files *from); /*   why: -ENOMEM, or -EMFILE, as fd_nr_open is less by now */
void files_get(struct files *fs);
void files_put(struct files *fs); /* last: closes all */
uint32_t files_users(struct files *fs);
int files_unshare(void); /* current has a table of its own: 0, -ENOMEM or -EMFILE */
void files_close_on_exec(struct files *fs);
struct file *files_peek(struct files *fs, int fd); /* of another task, with a reference (procfs) */
bool files_peek_cloexec(struct files *fs, int fd); /* its close-on-exec flag */
int files_next(struct files *fs, int fd);          /* lowest open descriptor >= fd, -1: none */

/* In current's table. */
int fd_alloc(int from, uint32_t flags /* O_CLOEXEC */); /* reserves; -EMFILE */
void fd_install(int fd, struct file *f);                /* takes over the reference */
void fd_cancel(int fd);
int fd_flags(int fd);                            /* FD_CLOEXEC or 0; -EBADF */
int fd_set_flags(int fd, int flags);             /* FD_CLOEXEC or 0: 0 or -EBADF */
struct file *fd_get(int fd);                     /* with a reference, NULL: -EBADF */
int fd_open_add(struct file *f, uint32_t flags); /* alloc + install; takes over f, always */
int fd_close(int fd);                            /* 0 or -EBADF */
/* dup2: f gets a reference; what was there is closed. */
int fd_replace(int fd, struct file *f, uint32_t flags);

/* `struct file *name`: what fd leads to, or NULL.  Its reference is given back where the
 * block ends, whichever way that is. */
#define WITH_FILE(name, fd) struct file *name __attribute__((cleanup(fd_leave))) = fd_get(fd)
static inline void fd_leave(struct file **f)
{
    if (*f)
        file_put(*f);
}

#endif
