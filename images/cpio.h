/* cpio.h - writes root images: cpio archives in the "newc" format.
 *
 * The data of a regular file of CPIO_ALIGN_MIN bytes or more begins at a
 * multiple of 4 KiB from the start of the archive, and up to the next such
 * multiple after its end there are only zeros.  So a kernel that finds the
 * archive page-aligned in memory can map the file's pages where they are.
 * A finished archive is a multiple of 4 KiB long: another may follow it.
 *
 * Symlinks come last, whenever they were appended, and in runs (cpio.c): the
 * first entry of a run has a mark of CPIO_RUN_MARK bytes at the end of its name
 * field: CPIO_RUN_MAGIC without its NUL, then, little-endian, how many entries
 * the run has and how many bytes each of them.
 *
 * Used by the packer (mkroot) and by whoever adds files to a root image.  Not
 * thread-safe per archive; several archives may be written at once. */
#ifndef IMAGES_CPIO_H
#define IMAGES_CPIO_H

#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>

#define CPIO_ALIGN_MIN 2048 /* below this, alignment costs more than a copy */

#define CPIO_RUN_MAGIC "\0symruns"
#define CPIO_RUN_MARK  16

struct cpio;

/* The archive goes to `out` from its present position on, which need not be
 * seekable and stays the caller's to close.  NULL: no memory. */
struct cpio *cpio_open(FILE *out);

/* Appends one entry.  From st: mode, owner, mtime and rdev.  data: len bytes,
 * the contents of a regular file or the target of a symbolic link; len is 0
 * for anything else.  A leading "/" or "./" of path is dropped.  Every entry is a file
 * of its own: there are no hard links.  0, or -ENAMETOOLONG, -EFBIG, -EINVAL
 * (empty path) or what writing gave. */
int cpio_entry(struct cpio *c, const char *path, const struct stat *st, const void *data,
               size_t len);

/* Ends the archive and frees c, even if it fails.  0 or -errno, also for
 * anything that an earlier write left undone. */
int cpio_close(struct cpio *c);

#endif
