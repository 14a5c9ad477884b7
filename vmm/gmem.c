/* gmem.c - guest RAM: one anonymous mapping, two ranges of guest addresses.
 *
 * Host address = base + offset, where the offset of a low address is itself
 * and that of a high address is what RAM below the hole has left over.  Every
 * check happens in gmem_span(), without any sum that could overflow.
 *
 * MAP_NORESERVE: a guest of many GiB costs what it touches.  Files are mapped
 * over parts of the mapping, private, so the guest's stores stay its own. */
#include "vmm/gmem.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define EXTRA_ALIGN  (2ull << 20)
#define MAP_FILE_MIN (16 * GMEM_PAGE) /* fewer pages are cheaper read */

struct gmem {
    uint8_t *base;
    uint64_t low, high; /* bytes in each range */
    uint8_t *extra;     /* not ours */
    uint64_t extra_at, extra_bytes;
};

int gmem_create(struct gmem **out, uint64_t bytes)
{
    struct gmem *m = malloc(sizeof(*m));
    if (m == NULL)
        return -ENOMEM;
    m->low = bytes < GMEM_LOW_MAX ? bytes : GMEM_LOW_MAX;
    m->high = bytes - m->low;
    m->extra_bytes = 0;
    m->base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    if (m->base == MAP_FAILED) {
        int err = -errno;
        free(m);
        return err;
    }
    madvise(m->base, bytes, MADV_DONTDUMP); /* a core of the VMM is about the VMM */
    *out = m;
    return 0;
}

void gmem_destroy(struct gmem *m)
{
    if (m == NULL)
        return;
    munmap(m->base, m->low + m->high);
    free(m);
}

void *gmem_span(const struct gmem *m, uint64_t gpa, size_t len)
{
    if (gpa < m->low)
        return len <= m->low - gpa ? m->base + gpa : NULL;
    if (m->extra_bytes != 0 && gpa >= m->extra_at && gpa - m->extra_at < m->extra_bytes)
        return len <= m->extra_bytes - (gpa - m->extra_at) ? m->extra + (gpa - m->extra_at) : NULL;
    if (gpa < GMEM_HIGH_BASE)
        return NULL;
    uint64_t off = gpa - GMEM_HIGH_BASE;
    if (off >= m->high || len > m->high - off)
        return NULL;
    return m->base + m->low + off;
}

uint64_t gmem_low_bytes(const struct gmem *m) { return m->low; }

uint64_t gmem_high_bytes(const struct gmem *m) { return m->high; }

static uint64_t ram_end(const struct gmem *m)
{
    return m->high != 0 ? GMEM_HIGH_BASE + m->high : m->low;
}

uint64_t gmem_end(const struct gmem *m)
{
    uint64_t ram = ram_end(m), extra = m->extra_bytes != 0 ? m->extra_at + m->extra_bytes : 0;
    return ram > extra ? ram : extra;
}

uint64_t gmem_add(struct gmem *m, uint8_t *at, uint64_t bytes)
{
    uint64_t gpa = (ram_end(m) + EXTRA_ALIGN - 1) & ~(EXTRA_ALIGN - 1);
    if (gpa < GMEM_HIGH_BASE && (gpa > GMEM_LOW_MAX || bytes > GMEM_LOW_MAX - gpa))
        gpa = GMEM_HIGH_BASE;
    m->extra = at;
    m->extra_at = gpa;
    m->extra_bytes = bytes;
    return gpa;
}

static int read_all(int fd, uint8_t *to, uint64_t offset, uint64_t len)
{
    while (len > 0) {
        ssize_t n = pread(fd, to, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return -ENODATA;
        to += n;
        offset += (uint64_t)n;
        len -= (uint64_t)n;
    }
    return 0;
}

int gmem_place_file(struct gmem *m, uint64_t gpa, int fd, uint64_t offset, uint64_t len)
{
    uint8_t *to = gmem_span(m, gpa, len);
    if (to == NULL)
        return -EFAULT;
    uint64_t whole = len & ~(GMEM_PAGE - 1);
    if (gpa % GMEM_PAGE == 0 && offset % GMEM_PAGE == 0 && whole >= MAP_FILE_MIN) {
        void *at = mmap(to, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE,
                        fd, (off_t)offset);
        if (at == MAP_FAILED)
            return -errno;
        madvise(at, whole, MADV_DONTDUMP);
        to += whole;
        offset += whole;
        len -= whole;
    }
    return read_all(fd, to, offset, len);
}
