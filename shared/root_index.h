/* root_index.h - a root file system that lies in guest memory: its index, made by the VMM, read
 * by the kernel.  docs/root.md says why it is as it is.
 *
 * An image is whole pages: first the files' data, each file from a page's start on and with zeros
 * after its end, then the index.  The boot module points at the index.  Numbers are
 * little-endian; an offset counts from the start of its table. */
#ifndef SHARED_ROOT_INDEX_H
#define SHARED_ROOT_INDEX_H

#include <stddef.h>
#include <stdint.h>

#define ROOT_INDEX_WORD    "index" /* the boot module's command line */
#define ROOT_INDEX_MAGIC   0x3149545253464bull
#define ROOT_NAME_MAX      255u
#define ROOT_LINK_MAX      4095u /* bytes of a symlink's text */
#define ROOT_TOP           0u    /* the inode of / */
#define ROOT_INDEX_VERSION 2u

struct root_header {
    uint64_t magic;
    uint32_t version;
    uint32_t inodes;                         /* how many */
    uint32_t entries;                        /* how many */
    uint32_t text_bytes;                     /* of names and symlinks */
    uint64_t data_pages;                     /* they end where the index begins */
    uint64_t inodes_at, entries_at, text_at; /* offsets in the index */
    uint64_t xattrs_at;                      /* the same: of struct root_xattrs */
    uint64_t xattrs;                         /* how many */
};

struct root_inode {
    uint32_t mode, uid, gid;
    uint32_t nlink; /* of a directory: 2, and one for each directory in it */
    uint64_t size;
    int64_t mtime;
    uint32_t mtime_ns;
    uint32_t rdev;  /* as stat(2) of 32-bit programs has it: new_encode_dev() */
    uint64_t at;    /* file: first page of its data; symlink: offset of its text; directory: its
                       first entry */
    uint32_t count; /* directory: how many entries */
    uint32_t
        lost; /* 0; the VMM's mark while the machine runs: one more than the first page of the file
                       that the host has no more */
};

/* Those of a directory stand together, sorted by memcmp(), a shorter name before what it begins. */
struct root_entry {
    uint32_t inode, name; /* name: offset of its bytes */
    uint16_t len;
    uint16_t taken; /* 0; the kernel's mark, for what it has made a name of */
};

/* A file that has extended attributes; sorted by the file's number. */
struct root_xattrs {
    uint32_t inode, at,
        bytes; /* at: offset in the text of one struct root_xattr after the other, unaligned */
};
struct root_xattr {
    uint32_t size;
    uint8_t name_len, zero[3]; /* the name without a NUL and the value follow */
};

_Static_assert(sizeof(struct root_header) == 72 && sizeof(struct root_inode) == 56 &&
                   sizeof(struct root_entry) == 12,
               "the format");

#endif
