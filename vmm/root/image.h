/* image.h - a root image in the VMM's memory: files' data, mapped, and the index behind it
 * (shared/root_index.h).  Made on one thread, before the VM. */
#ifndef VMM_ROOT_IMAGE_H
#define VMM_ROOT_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

struct root_run { /* what a container image says is to be run; zeros: nothing */
    char *text;   /* where the words are */
    char **env;   /* K=V, nenv of them */
    unsigned nenv;
    char **command; /* NULL-terminated */
    const char *workdir, *user;
};

struct root_image {
    uint8_t *at;      /* NULL: none */
    uint64_t bytes;   /* all of it, whole pages */
    uint64_t data;    /* bytes before the index, whole pages */
    const char *name; /* what --root said */
    struct root_run run;
    /* for mend.c, of a directory's files: */
    struct root_file {
        uint64_t page; /* where its data is, from a page of the image on */
        uint32_t pages, inode;
    } * file;
    uint32_t nfiles;
    uint8_t *spare; /* zeros to put in the place of what is lost */
    int probe;
    bool mending;
    unsigned mended;
};

/* image.c */
/* Whatever `source` is: a directory tree, a tar, a container image.  With `cache`, what has to be unpacked
 * is kept for the next time.  False after one line. */
bool root_image_open(struct root_image *im, const char *source, bool cache);
void root_image_free(struct root_image *im);

/* dir.c */
/* The directory tree at `path`.  False after one line. */
bool root_image_of_dir(struct root_image *im, const char *path);

/* file.c */
/* By vmm-root, of a tar or a container image. */
bool root_image_of_file(struct root_image *im, const char *source, bool cache);
/* What vmm-root has made of `source`, and keeps in `file` (NULL: nowhere).  False after one line; then, too,
 * root_image_free() is for what is taken. */
bool root_image_map(struct root_image *im, int fd, const char *source, const char *file);

#endif
