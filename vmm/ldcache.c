/* ldcache.c - see ldcache.h.  The file is mapped; each offset in it is checked
 * before use, and each string must end inside the file. */
#include "vmm/ldcache.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC        "glibc-ld.so.cache1.1"
#define FLAGS_X86_64 0x0303 /* ELF, libc6, x86-64 */

struct header {
    char magic[20];
    uint32_t count, strings_bytes;
    uint32_t unused[5];
};
_Static_assert(sizeof(struct header) == 48, "as ldconfig writes it");

struct entry {
    int32_t flags;
    uint32_t key, value; /* offsets of strings from the start of the file */
    uint32_t os_version;
    uint64_t hwcap;
};
_Static_assert(sizeof(struct entry) == 24, "as ldconfig writes it");

struct ldcache {
    const char *file;
    size_t bytes;
    uint32_t count;
};

struct ldcache *ldcache_open(const char *path)
{
    struct stat st;
    struct header h;
    struct ldcache *c = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    if (fstat(fd, &st) == 0 && (size_t)st.st_size > sizeof(h)) {
        void *file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        c = file != MAP_FAILED ? malloc(sizeof(*c)) : NULL;
        if (c != NULL) {
            memcpy(&h, file, sizeof(h));
            *c = (struct ldcache){ file, (size_t)st.st_size, h.count };
            if (memcmp(h.magic, MAGIC, sizeof(h.magic)) != 0 ||
                h.count > (c->bytes - sizeof(h)) / sizeof(struct entry)) {
                ldcache_close(c);
                c = NULL;
            }
        }
    }
    close(fd);
    return c;
}

void ldcache_close(struct ldcache *c)
{
    if (c == NULL)
        return;
    munmap((void *)c->file, c->bytes);
    free(c);
}

static const char *string_at(const struct ldcache *c, uint32_t offset)
{
    if (offset >= c->bytes || memchr(c->file + offset, '\0', c->bytes - offset) == NULL)
        return NULL;
    return c->file + offset;
}

const char *ldcache_find(const struct ldcache *c, const char *name)
{
    for (uint32_t i = 0; c != NULL && i < c->count; i++) {
        struct entry e;
        memcpy(&e, c->file + sizeof(struct header) + i * sizeof(e), sizeof(e));
        const char *key = string_at(c, e.key);
        if (e.flags == FLAGS_X86_64 && e.hwcap == 0 && key != NULL && strcmp(key, name) == 0)
            return string_at(c, e.value);
    }
    return NULL;
}
