/* image.h - a root image in the VMM's memory: files' data, mapped, and the index behind it
 * (shared/root_index.h).  Made on one thread, before the VM. */
#ifndef VMM_ROOT_IMAGE_H
#define VMM_ROOT_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

struct root_image {
    uint8_t *at;      /* NULL: none */
    uint64_t bytes;   /* all of it, whole pages */
    uint64_t data;    /* bytes before the index, whole pages */
    const char *name; /* what --root said */
};

/* dir.c */
/* The directory tree at `path`.  False after one line. */
bool root_image_of_dir(struct root_image *im, const char *path);
void root_image_free(struct root_image *im);

#endif
