/* mapped.c - see mapped.h. */
#include "vmm/mapped.h"

#include <stddef.h>
#include <sys/stat.h>

#define FILES_MAX 4

static struct {
    int fd;
    off_t bytes;
    const char *name;
} file[FILES_MAX];
static unsigned nfiles;

void mapped_add(int fd, const char *name)
{
    struct stat st;
    if (nfiles < FILES_MAX && fstat(fd, &st) == 0) {
        file[nfiles].fd = fd;
        file[nfiles].bytes = st.st_size;
        file[nfiles].name = name;
        nfiles++;
    }
}

const char *mapped_shrunk(void)
{
    struct stat st;
    for (unsigned i = 0; i < nfiles; i++)
        if (fstat(file[i].fd, &st) == 0 && st.st_size < file[i].bytes)
            return file[i].name;
    return NULL;
}
