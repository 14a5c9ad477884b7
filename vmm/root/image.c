/* image.c - see image.h. */
#include "vmm/root/image.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

bool root_image_open(struct root_image *im, const char *source, bool cache)
{
    char mark[PATH_MAX];
    struct stat st;
    int n = snprintf(mark, sizeof(mark), "%s/oci-layout", source);
    bool is_layout = n > 0 && (size_t)n < sizeof(mark) && lstat(mark, &st) == 0;
    if (stat(source, &st) == 0 && S_ISDIR(st.st_mode) && !is_layout)
        return root_image_of_dir(im, source);
    return root_image_of_file(im, source, cache);
}

void root_image_free(struct root_image *im)
{
    if (im->at != NULL)
        munmap(im->at, im->bytes);
    if (im->spare != NULL) {
        munmap(im->spare, im->data);
        close(im->probe);
    }
    free(im->file);
    free(im->run.text);
    free(im->run.env);
    free(im->run.command);
    *im = (struct root_image){ .at = NULL };
}
