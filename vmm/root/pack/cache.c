/* cache.c - the images that vmm-root keeps: which file is whose, and how much there is of them.
 *
 * They are copies, so the directory must not grow for ever: when an image comes, those that nobody has used
 * for longest go, until the others fit.  A machine that runs from one has it mapped and loses nothing. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/root/file.h"
#include "vmm/root/pack/pack.h"

#define SUFFIX       ".root"
#define BYTES_MAX    (8ull << 30)
#define BYTES_MAX_IN "FORKSCOPE_CACHE_MAX" /* MiB instead */

static void hex(const uint8_t *digest, char *text)
{
    for (unsigned i = 0; i < SHA256_DIGEST_SIZE; i++)
        sprintf(text + 2 * i, "%02x", digest[i]);
}

/* A file is known by what changes with every change of it; a layout by its index.json, which names
 * all else by digest. */
void cache_path(const struct stat *st, struct blob index, const char *tag, const char *dir,
                char *path, size_t room)
{
    char text[2 * SHA256_DIGEST_SIZE + 1];
    struct sha256_ctx ctx;
    uint8_t digest[SHA256_DIGEST_SIZE];
    const uint64_t is[] = { ROOT_FILE_VERSION,
                            st->st_dev,
                            st->st_ino,
                            (uint64_t)st->st_size,
                            (uint64_t)st->st_mtim.tv_sec,
                            (uint64_t)st->st_mtim.tv_nsec,
                            (uint64_t)st->st_ctim.tv_sec,
                            (uint64_t)st->st_ctim.tv_nsec };
    sha256_init(&ctx);
    sha256_update(&ctx, index.at != NULL ? 8 : sizeof(is), (const uint8_t *)is);
    if (index.at != NULL)
        sha256_update(&ctx, index.n, index.at);
    if (tag != NULL)
        sha256_update(&ctx, strlen(tag), (const uint8_t *)tag);
    sha256_digest(&ctx, sizeof(digest), digest);
    hex(digest, text);
    snprintf(path, room, "%s/%s" SUFFIX, dir, text);
}

void cache_dir(const struct pack *p, char *dir, size_t room)
{
    const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int n = base != NULL && *base == '/'
                ? snprintf(dir, room, "%s/forkscope", base)
                : snprintf(dir, room, "%s/.cache/forkscope", home != NULL ? home : "");
    if (n < 0 || (size_t)n >= room || *dir != '/')
        refuse(p, "no cache: neither XDG_CACHE_HOME nor HOME is set; try --no-cache");
    for (char *at = strchr(dir + 1, '/'); at != NULL; at = strchr(at + 1, '/')) {
        *at = '\0';
        mkdir(dir, 0700);
        *at = '/';
    }
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        refuse(p, "cache %s: %s; try --no-cache", dir, strerror(errno));
}

/* --- what is used stays ---------------------------------------------------------------------- */

bool cache_has(const char *path)
{
    if (access(path, R_OK) != 0)
        return false;
    utimensat(AT_FDCWD, path, NULL, AT_SYMLINK_NOFOLLOW); /* used now */
    return true;
}

struct kept {
    char *name;
    uint64_t bytes;
    struct timespec used;
};

static int by_use(const void *a, const void *b)
{
    const struct timespec *x = &((const struct kept *)a)->used,
                          *y = &((const struct kept *)b)->used;
    if (x->tv_sec != y->tv_sec)
        return x->tv_sec < y->tv_sec ? -1 : 1;
    return (x->tv_nsec > y->tv_nsec) - (x->tv_nsec < y->tv_nsec);
}

/* Every image but `stays`; *bytes: of all of them.  NULL: none, or no memory. */
static struct kept *list_images(DIR *d, const char *stays, size_t *n, uint64_t *bytes)
{
    struct kept *list = NULL;
    struct dirent *e;
    *n = 0;
    *bytes = 0;
    while ((e = readdir(d)) != NULL) {
        struct stat st;
        size_t len = strlen(e->d_name), suffix = sizeof(SUFFIX) - 1;
        if (len <= suffix || strcmp(e->d_name + len - suffix, SUFFIX) != 0 ||
            fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
            continue;
        uint64_t size = (uint64_t)st.st_blocks * 512;
        *bytes += size;
        if (strcmp(e->d_name, stays) == 0)
            continue;
        struct kept *more = realloc(list, (*n + 1) * sizeof(*list));
        if (more == NULL)
            break;
        list = more;
        list[(*n)++] = (struct kept){ strdup(e->d_name), size, st.st_mtim };
    }
    return list;
}

static uint64_t bytes_max(void)
{
    const char *set = getenv(BYTES_MAX_IN);
    char *end;
    if (set == NULL || *set < '0' || *set > '9')
        return BYTES_MAX;
    uint64_t mib = strtoull(set, &end, 10);
    return *end == '\0' && mib < UINT64_MAX >> 20 ? mib << 20 : BYTES_MAX;
}

static void tidy(const char *dir, const char *stays)
{
    uint64_t bytes, max = bytes_max();
    size_t n;
    DIR *d = opendir(dir);
    if (d == NULL)
        return;
    struct kept *list = list_images(d, stays, &n, &bytes);
    if (n > 0)
        qsort(list, n, sizeof(*list), by_use);
    for (size_t i = 0; i < n; i++) {
        if (bytes > max && list[i].name != NULL && unlinkat(dirfd(d), list[i].name, 0) == 0)
            bytes -= list[i].bytes;
        free(list[i].name);
    }
    free(list);
    closedir(d);
}

bool cache_add(int fd, const char *dir, const char *path)
{
    char self[40];
    snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
    if (linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW) != 0 && errno != EEXIST)
        return false;
    tidy(dir, strrchr(path, '/') + 1);
    return true;
}
