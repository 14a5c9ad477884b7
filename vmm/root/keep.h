/* keep.h - what vmm tells `vmm-root --keep` of the guest's files, down a pipe: records, each a head and so
 * many bytes.  A target (a tar, or a place in the host's tree) begins, has entries, and is whole or torn; only
 * what is whole gets its name.  docs/root.md */
#ifndef VMM_ROOT_KEEP_H
#define VMM_ROOT_KEEP_H

#include <stdint.h>

#define KEEP_RECORD_MAX (1u << 20)
#define KEEP_FILE_MAX   (64ull << 30) /* bytes of a file: what --root takes */
#define KEEP_FD_IN      3
#define KEEP_FD_ANSWER  4 /* a byte when all is open, and one in the end: KEEP_GOOD or not */
#define KEEP_GOOD       'g'
#define KEEP_BAD        'b'

enum keep_what {
    KEEP_BEGIN = 1, /* uint32_t: which target */
    KEEP_ENTRY,     /* struct keep_entry, and a path, which is empty for the target itself */
    KEEP_LINK,      /* a symlink's text, or the path of the file that this is one more name of */
    KEEP_XATTR,     /* a name with its NUL, and its value */
    KEEP_EXTENT, /* two uint64_t, offset and bytes: of a file with holes, what is none; before its data */
    KEEP_DATA,  /* uint64_t offset, and bytes */
    KEEP_END,   /* of the entry */
    KEEP_WHOLE, /* of the target */
    KEEP_TORN,  /* the same, but it is not to be kept */
};

struct keep_head {
    uint32_t what, bytes;
};

struct keep_entry {
    uint32_t mode, uid, gid, rdev;
    uint64_t size;
    int64_t mtime;
    uint32_t mtime_ns;
    uint32_t more; /* one of these: */
};
#define KEEP_HARD_LINK 1u /* one more name of a file that came before */
#define KEEP_SPARSE    2u /* extents follow */

#endif
