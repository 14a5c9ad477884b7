/* cpio.h - reads cpio archives in the "newc" format from memory, entry by entry.
 * The archive may be anything: nothing outside of it is read, whatever it says.
 * Several archives may follow one another; zeros may stand between entries. */
#ifndef FS_CPIO_H
#define FS_CPIO_H

#include "lib/base.h"

struct cpio_reader {
    const char *base, *end, *at; /* base: what alignment refers to */
    uint64_t mode_text;
    uint32_t mode;     /* of the last entry: most have the same mode */
    uint32_t trailers; /* archives that have ended */
};
struct cpio_entry {
    const char *header; /* the rest of it: cpio_attributes() */
    const char *name;   /* NUL-terminated; as it stands in the archive */
    size_t name_len;
    uint32_t mode;
    const char *data;
    size_t size;
    const char *next; /* bytes from the data's end to here are zero */
};
/* A run of symlinks, as images/cpio.c describes it: n entries of so many bytes. */
struct cpio_run {
    const char *first;
    uint32_t n, bytes, name_at;
}; /* name_at: of the last component */
struct cpio_attributes {
    uint32_t uid, gid, nlink, mtime;
};
struct cpio_identity {
    uint32_t ino, dev, rdev;
}; /* rdev: of a device */

void cpio_open(struct cpio_reader *r, const char *image, size_t bytes);
/* 1: an entry; 0: the end; -EINVAL: not a cpio archive from here on. */
int cpio_next(struct cpio_reader *r, struct cpio_entry *e);
/* Of a header that cpio_next() has accepted; what is not a number reads as 0. */
void cpio_attributes(const char *header, struct cpio_attributes *a);
void cpio_identity(const char *header, struct cpio_identity *a);
bool cpio_is_symlink(const struct cpio_entry *e);
/* Is e, just read, the first entry of a run?  Then *run is all but its name_at, and
 * lies in the archive; cpio_skip_run() makes the reader go on behind it. */
bool cpio_run_at(const struct cpio_reader *r, const struct cpio_entry *e, struct cpio_run *run);
void cpio_skip_run(struct cpio_reader *r, const struct cpio_run *run);

#endif
