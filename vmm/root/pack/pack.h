/* pack.h - vmm-root's parts: a tree out of archives, whose data goes to the image file as it comes.
 * What is wrong with an archive ends the program: one line, status 125. */
#ifndef VMM_ROOT_PACK_H
#define VMM_ROOT_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "vmm/root/tree.h"

/* Bytes of the host that are looked at: a file mapped, or a part of one. */
struct blob {
    const uint8_t *at;
    size_t n;
};

struct pack {
    struct root_tree *tree;
    const char *source; /* for messages */
    int out;
    uint64_t data; /* bytes of the image so far, whole pages */
    char *run;     /* strings of what to run (vmm/root/file.h) */
    size_t run_bytes;
    unsigned acls;           /* that were left out */
    struct archive *reading; /* the one that a refusal is about; NULL: none */
};

/* main.c */
void __attribute__((noreturn, format(printf, 2, 3)))
refuse(const struct pack *p, const char *fmt, ...);
void write_all(const struct pack *p, const void *at, size_t n);
void add_run(struct pack *p, char letter, const char *value);

/* cache.c */
void cache_dir(const struct pack *p, char *dir, size_t room); /* made if it is not there */
/* The image's file: of a tar or, with `index`, of a layout; tag: or NULL. */
void cache_path(const struct stat *st, struct blob index, const char *tag, const char *dir,
                char *path, size_t room);
bool cache_has(const char *path); /* if so, it counts as used */
/* Gives the file without a name this one.  Others may go: the least recently used.  False: errno. */
bool cache_add(int fd, const char *dir, const char *path);

/* tar.c: `layer`: whiteouts take away what earlier layers have */
void pack_tar(struct pack *p, struct blob tar, bool layer);
/* The data of a tar's file, if the tar is not compressed and has it: in place. */
bool tar_member(struct blob tar, const char *name, struct blob *out);
bool tar_is_plain(struct blob tar); /* not compressed */

/* packed.c: one archive at a time */
struct archive;
int packed_open(struct archive *a, struct blob b); /* as archive_read_open() */
/* Reads the rest, so that all checksums are compared.  False: *why, until the next call. */
bool packed_end(const char **why);

/* oci.c */
struct layout {      /* where blobs are: a directory's, or an archive's */
    struct blob tar; /* .at NULL: none */
    unsigned n;
    struct layout_blob {
        char name[65];
        struct blob is;
    } * blob;
    struct blob index; /* index.json */
};
/* The image that `tag` names, or the only one (NULL). */
void pack_layout(struct pack *p, const struct layout *l, const char *tag);
/* manifest.json of `docker save`, in l->tar. */
void pack_docker(struct pack *p, const struct layout *l, struct blob manifest, const char *tag);

#endif
