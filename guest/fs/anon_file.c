/* anon_file.c - files without a place: memfd_create, shared anonymous memory. */
#include "fs/anon_file.h"
#include "fs/dentry.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/path.h"
#include "fs/tmpfs.h"
#include "lib/string.h"
#include <linux/magic.h>

static struct superblock anon_sb;

void anon_file_init(void)
{
    sb_init(&anon_sb, "tmpfs", TMPFS_MAGIC);
    anon_sb.permanent = true;
}

int anon_file_create(const char *name, uint32_t mode, uint64_t size, struct file **out)
{
    struct path p = { 0 };
    char text[NAME_MAX_BYTES + 1];
    int err;

    text[0] = '/';
    strlcpy(text + 1, name, sizeof(text) - 1);
    err = tmpfs_unnamed(&anon_sb, mode, NULL, text, &p.dentry);
    if (err)
        return err;
    p.dentry->inode->size = size;
    err = file_new(&p, O_RDWR, out);
    dentry_put(p.dentry);
    if (!err) { /* who made it may write and run it; only who opens it again is a writer */
        inode_write_end((*out)->inode);
        (*out)->write_counted = false;
    }
    return err;
}
