/* anon_inode.c - files that are nothing but their operations. */
#include "fs/anon_inode.h"
#include "fs/fd.h"
#include "fs/file.h"
#include "fs/inode.h"
#include <linux/fcntl.h>

int anon_inode_open(struct superblock *sb, const struct file_ops *ops, uint32_t flags,
                    void *private, struct file **out)
{
    struct inode *in = inode_alloc(sb, 0600);

    if (!in)
        return -ENOMEM;
    int err = file_alloc(in, ops, flags & (O_ACCMODE | O_NONBLOCK), out);
    inode_put(in); /* the file has a reference of its own */
    if (!err)
        (*out)->private = private;
    return err;
}

int anon_inode_fd(struct superblock *sb, const struct file_ops *ops, uint32_t flags, void *private)
{
    int fd = fd_alloc(0, flags & O_CLOEXEC);
    struct file *f;

    if (fd < 0)
        return fd;
    int err = anon_inode_open(sb, ops, flags, private, &f);
    if (err) {
        fd_cancel(fd);
        return err;
    }
    fd_install(fd, f);
    return fd;
}

long anon_inode_seek(struct file *f, int64_t off, int whence)
{
    (void)f;
    (void)off;
    (void)whence;
    return 0;
}
