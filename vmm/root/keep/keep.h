/* keep.h - vmm-root --keep's parts: targets, and the two kinds of them. */
#ifndef VMM_ROOT_KEEP_KEEP_H
#define VMM_ROOT_KEEP_KEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/root/keep.h"
#include "vmm/root/xattrs.h"

struct extent {
    uint64_t offset, bytes;
};

/* What has come of an entry. */
struct entry {
    struct keep_entry is;
    char *path, *link; /* link NULL: none */
    struct extent *extent;
    size_t nextents, extents_room;
    struct xattrs xattrs;
    uint64_t at; /* bytes of data are written so far, or are holes */
};

struct target {
    const char *what; /* for messages */
    bool is_tar;
    int dir; /* where its name is */
    char base[256], temp[40];
    bool has_temp, failed, ended;
    bool skipping; /* the entry is left out */
    int fd;        /* of the tar, or of the file that is written; -1: none */
    struct archive *tar;
    int tree;     /* of a directory that is brought out; -1: it is a file */
    struct late { /* a directory's attributes come last */
        char *path;
        struct keep_entry is;
    } * late;
    size_t nlate, late_room;
    uint64_t special; /* what was left out: devices, sockets, FIFOs */
};

/* target.c */
/* One line for the target's first failure; the rest of what comes for it is passed over.  False. */
bool __attribute__((format(printf, 2, 3))) target_fail(struct target *t, const char *fmt, ...);
bool target_fail_errno(struct target *t, const char *name);
/* A file of that kind of name in its directory, which nobody else has. */
bool target_make_temp(struct target *t, int (*make)(struct target *t));
bool keep_write(int fd, const void *at, size_t n);

/* tar.c */
bool tar_begin(struct target *t);
bool tar_entry(struct target *t, const struct entry *e);
bool tar_data(struct target *t, struct entry *e, uint64_t offset, const void *at, size_t n);
bool tar_end_entry(struct target *t, struct entry *e);
bool tar_whole(struct target *t);
void tar_free(struct target *t);

/* out.c */
bool out_entry(struct target *t, const struct entry *e);
bool out_data(struct target *t, struct entry *e, uint64_t offset, const void *at, size_t n);
bool out_end_entry(struct target *t, struct entry *e);
bool out_whole(struct target *t);
void out_remove(struct target *t); /* what was written under the other name */

#endif
