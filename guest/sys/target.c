/* target.c - a (dfd, name, flags) triple. */
#include "sys/target.h"
#include "fs/dentry.h"
#include "fs/fd.h"
#include "fs/file.h"
#include "fs/inode.h"

int target_get(struct target *t, int dfd, uaddr_t name, uint32_t flags)
{
    struct user_name n;
    int err = 0;

    *t = (struct target){ 0 };
    if (!name && flags & AT_EMPTY_PATH)
        name_empty(&n);
    else
        err = name_get(&n, name);
    if (err)
        return err;
    if (!n.len && flags & AT_EMPTY_PATH && dfd != AT_FDCWD) {
        t->file = fd_get(dfd);
        err = t->file ? 0 : -EBADF;
        if (t->file) {
            t->inode = t->file->inode;
            t->path = t->file->path; /* whose references stay the file's */
        }
    } else {
        err = path_lookup(dfd, n.text, n.len,
                          (flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW) |
                              (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0),
                          &t->path);
        if (!err)
            t->inode = t->path.dentry->inode;
    }
    name_put(&n);
    return err;
}

void target_put(struct target *t)
{
    if (t->file)
        file_put(t->file);
    else
        path_put(&t->path);
}
