/* rw_copy.h - from file to file within the kernel: sendfile(2), copy_file_range(2), splice(2). */
#ifndef SYS_RW_COPY_H
#define SYS_RW_COPY_H

#include "lib/base.h"

struct file;
struct transfer {
    struct file *in, *out;
    uaddr_t in_off, out_off; /* where the user has the positions; 0: the files' own */
    size_t n;
    bool nonblock; /* for copy() */
    /* Up to n bytes; moves the positions by what arrived.  Bytes, or -errno if there were none. */
    long (*copy)(struct file *in, uint64_t *in_pos, struct file *out, uint64_t *out_pos, size_t n,
                 bool nonblock);
    uint64_t in_pos, out_pos; /* transfer()'s own */
};
/* The files' own positions are locked while they move, but not where copy() may wait: a file that
 * has no position is on either side. */
long transfer(struct transfer *t);

#endif
