/* fs_info.c - sysfs(2) and ustat(2): which kinds of file systems there are, and what one has left.
 * Old calls, which statfs(2) and /proc/filesystems have made superfluous. */
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "fs/dentry.h"
#include "fs/fs_type.h"
#include "fs/inode.h"
#include "fs/mount.h"
#include "fs/path.h"
#include "lib/string.h"
#include "mm/frame.h"

static long type_index(uaddr_t name)
{
    struct user_name n;
    long err = name_get(&n, name), found = n.len ? -EINVAL : -ENOENT;

    if (err)
        return err;
    for (unsigned i = 0; found == -EINVAL && fs_type_name(i); i++)
        if (strcmp(fs_type_name(i), n.text) == 0)
            found = i;
    name_put(&n);
    return found;
}

static long type_name(unsigned i, uaddr_t to)
{
    const char *name = fs_type_name(i);

    return name ? copy_to_user(to, name, strlen(name) + 1) : -EINVAL;
}

static long type_count(void)
{
    long n = 0;

    while (fs_type_name((unsigned)n))
        n++;
    return n;
}

SYSCALL3(sysfs, int, what, uint64_t, a, uint64_t, b)
{
    switch (what) {
    case 1: return type_index(a);
    case 2: return type_name((unsigned)MIN(a, (uint64_t)UINT32_MAX), b);
    case 3: return type_count();
    }
    return -EINVAL;
}

struct ustat { /* <asm/types.h> of old: no kernel header has it any more */
    int32_t free;
    uint64_t inodes_free;
    char name[6], pack[6];
};

SYSCALL2(ustat, uint32_t, dev, uaddr_t, to)
{
    struct ustat u = { 0 };
    struct frame_counts c;
    struct mount *m;
    bool found = false;

    frame_count(&c);
    mutex_lock(&fs_tree);
    list_for_each(m, &mounts, link) {
        if (m->sb->dev != dev)
            continue;
        found = true;
        if (m->sb->no_storage)
            break;
        uint64_t room = m->sb->max_pages > m->sb->pages ? m->sb->max_pages - m->sb->pages : 0;
        u.free = (int32_t)(m->sb->max_pages ? MIN(room, (uint64_t)c.free) : c.free);
        u.inodes_free = c.free;
        break;
    }
    mutex_unlock(&fs_tree);
    return found ? copy_to_user(to, &u, sizeof(u)) : -EINVAL;
}
