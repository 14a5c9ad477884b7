/* fuzz.h - what the targets share: a reader of the input, and a file made of it. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *at;
    size_t left;
};

/* Zeros when there is no more. */
static inline void take(struct input *in, void *to, size_t n)
{
    size_t some = n < in->left ? n : in->left;
    memset(to, 0, n);
    if (some > 0)
        memcpy(to, in->at, some);
    in->at += some;
    in->left -= some;
}

static inline uint64_t take_number(struct input *in, unsigned bytes)
{
    uint64_t v = 0;
    take(in, &v, bytes);
    return v;
}

/* A copy of exactly this size, so that the sanitizer sees a read of one byte more. */
static inline void *copy_of(const void *data, size_t size)
{
    void *p = malloc(size > 0 ? size : 1);
    if (p == NULL)
        abort();
    if (size > 0)
        memcpy(p, data, size);
    return p;
}

/* The input as a file, under a path that stays the same. */
static inline const char *file_of(const void *data, size_t size)
{
    static int fd = -1;
    static char path[64];
    if (fd < 0) {
        fd = memfd_create("fuzz", MFD_CLOEXEC);
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    }
    if (fd < 0 || ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
        abort();
    return path;
}

/* Where text goes that nobody reads. */
static inline FILE *nowhere(void)
{
    static FILE *out;
    if (out == NULL && (out = fopen("/dev/null", "w")) == NULL)
        abort();
    return out;
}

/* What must hold. */
#define MUST(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            abort(); \
        } \
    } while (0)

#endif
