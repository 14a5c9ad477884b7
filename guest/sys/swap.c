/* swap.c - swapon(2) and swapoff(2), where no file and no device can hold what is swapped out: all of them are
 * memory themselves. */
#include "arch/syscall.h"
#include "fs/dentry.h"
#include "fs/inode.h"
#include "fs/path.h"
#include "sched/task.h"

#include <linux/fcntl.h>

#define SWAP_FLAGS 0x7ffffu /* a priority, that it is one, and what is to be discarded */

/* Is there a file of that name?  None will do. */
static long refuse(uaddr_t name)
{
    struct path p;
    long err = path_lookup_user(AT_FDCWD, name, WALK_FOLLOW, &p);

    if (err)
        return err;
    err = is_dir(p.dentry->inode) ? -EISDIR : -EINVAL;
    path_put(&p);
    return err;
}

SYSCALL2(swapon, uaddr_t, name, uint32_t, flags)
{
    if (flags & ~SWAP_FLAGS)
        return -EINVAL;
    return capable() ? refuse(name) : -EPERM;
}

SYSCALL1(swapoff, uaddr_t, name) { return capable() ? refuse(name) : -EPERM; }
