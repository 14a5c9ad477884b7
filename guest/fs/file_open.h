/* file_open.h - from a name to an open file: open(2), the kernel's own opens, exec's. */
#ifndef FS_FILE_OPEN_H
#define FS_FILE_OPEN_H

#include "lib/base.h"

struct file;
struct path;

/* What fails leaves *out as it was: there is nothing to put then. */
int file_open(int dfd, const char *text, size_t len, uint32_t flags, uint32_t mode,
              struct file **out);
/* The same; walk: WALK_RESOLVE's bits (path.h). */
int file_open_walk(int dfd, const char *text, size_t len, uint32_t flags, uint32_t mode,
                   uint32_t walk, struct file **out);
/* What is there already, and has been found in another way than by its name. */
int file_open_path(const struct path *p, uint32_t flags, struct file **out);
/* By path name in the kernel. */
int file_open_kernel(const char *path, uint32_t flags, uint32_t mode, struct file **out);
/* unlink(2) by such a name. */
int file_unlink_kernel(const char *path);
/* For exec: checks x right, regular, noexec; denies writers.  dfd as in openat.
 * flags: AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW. */
int file_open_exec(int dfd, const char *path, uint32_t flags, struct file **out);

#endif
