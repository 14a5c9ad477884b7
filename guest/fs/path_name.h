/* path_name.h - from a place in the tree back to its path name. */
#ifndef FS_PATH_NAME_H
#define FS_PATH_NAME_H

#include "lib/base.h"

struct file;
struct path;

/* Absolute name of p as current sees it, into buf: start of the text in buf, or NULL
 * if too long.  Deleted: " (deleted)" is appended. */
char *path_name(const struct path *p, char *buf, size_t room);
/* The same below another root than current's; *reached: it is there. */
char *path_name_below(const struct path *root, const struct path *p, char *buf, size_t room,
                      bool *reached);
/* For getcwd(2): "(unreachable)" in front if p does not lie below current's root. */
char *path_name_reachable(const struct path *p, char *buf, size_t room);
char *file_name(struct file *f, char *buf, size_t room);     /* also "pipe:[17]" and such */
void file_last_name(struct file *f, char *buf, size_t room); /* without its directory; cut */

#endif
