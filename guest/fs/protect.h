/* protect.h - rules against traps in directories that everybody may write, as /tmp: /proc/sys/fs/protected_*. */
#ifndef FS_PROTECT_H
#define FS_PROTECT_H

#include "lib/base.h"

struct inode;
struct path;

/* [a] 0: the rule is off, as Linux begins. */
extern uint32_t protected_symlinks, protected_hardlinks, protected_fifos, protected_regular;

/* May current follow the link, the last name of a path, in that directory?  0 or -EACCES. */
int protect_follow(const struct inode *dir, const struct inode *link);
/* May current give it one more name?  0 or -EPERM. */
int protect_link(struct inode *in);
/* May current open it with O_CREAT, though it is there already?  0 or -EACCES.  fs_tree held. */
int protect_create(const struct path *p);

#endif
