/* archive.h - looks a cpio archive through before a kernel has to live with it. */
#ifndef VMM_ARCHIVE_H
#define VMM_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct archive {
    size_t entries;
    uint64_t copied;   /* bytes of pages that a kernel cannot use where they lie */
    size_t at;         /* where the look ended: at `bytes`, or at what is no cpio any more */
    const char *wrong; /* NULL: so far all is well */
    bool open;         /* the last archive lacks its trailer */
};

/* Archives in newc format one after the other, with zeros between.  Bytes may be anything. */
void archive_look(struct archive *a, const uint8_t *image, size_t bytes);

#endif
