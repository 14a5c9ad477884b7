/* there.h - what lies at a path of the guest before it boots: in the tree of --root, and over it
 * what --add has brought so far.  Symlinks are followed inside, never on the host. */
#ifndef VMM_THERE_H
#define VMM_THERE_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "vmm/root/image.h"

enum there_kind { THERE_NOTHING, THERE_DIRECTORY, THERE_OTHER, THERE_SYMLINK };

struct there_found {
    enum there_kind kind;
    char path[PATH_MAX]; /* absolute, without symlinks on the way; of nothing: where it would be */
    const char *host;    /* file that --add takes it from; NULL: it is the tree's, or no file */
};

struct there;

/* root: NULL or with `at` 0: no tree; its index is not trusted.  NULL: no memory. */
struct there *there_new(const struct root_image *root);
void there_free(struct there *t);

/* guest: absolute, as there_find() gives it; replaces what the tree has there.  text: of a symlink, else NULL; host: of
 * a file, or NULL.  False: no memory. */
bool there_add(struct there *t, const char *guest, mode_t mode, const char *host, const char *text);
bool there_was_added(const struct there *t, const char *guest);

enum there_last { THERE_FOLLOW, THERE_NOFOLLOW }; /* what the last name is, if a symlink */
/* False: too long, or symlinks without end. */
bool there_find(const struct there *t, const char *path, enum there_last last,
                struct there_found *f);

#endif
