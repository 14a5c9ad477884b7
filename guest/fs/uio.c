/* uio.c - walks the pieces of a read or write.
 *
 * What has been moved is what the call returns, so a fault after some bytes is
 * no error: the next call meets it again.  A copy that faults does not say how far
 * it got, so it is tried again page by page: what counts is whole up to the page
 * that is not there. */
#include "fs/uio.h"
#include "arch/uaccess.h"
#include "lib/string.h"
#include "mm/bulk.h"
#include "mm/heap.h"

#define PART_MAX (KMALLOC_MAX / sizeof(struct iovec)) /* of a vector, its link included */

void uio_kernel(struct uio *u, void *buf, size_t n)
{
    *u = (struct uio){ .kernel = true, .buf = buf, .left = n };
}

/* n pieces more: how many bytes all cover now, or -errno.  Where there are none, nothing is at `from`. */
static long take_pieces(struct iovec *v, uaddr_t from, size_t n, bool alone, uint64_t total)
{
    if (n != 0 && copy_from_user(v, from, n * sizeof(*v)) != 0)
        return -EFAULT;
    for (size_t i = 0; i < n; i++) {
        if ((int64_t)v[i].iov_len < 0)
            return -EINVAL;
        if (!user_range((uaddr_t)v[i].iov_base, v[i].iov_len) &&
            (!alone || !user_range((uaddr_t)v[i].iov_base, MIN(v[i].iov_len, UIO_BYTES_MAX))))
            return -EFAULT;                       /* one alone is cut first */
        if (v[i].iov_len > UIO_BYTES_MAX - total) /* no more than that in all */
            v[i].iov_len = UIO_BYTES_MAX - total;
        total += v[i].iov_len;
    }
    return (long)total;
}

static SLOW_PATH long take_parts(struct uio_vector *v, uaddr_t from)
{
    void *none, **link = &none;
    size_t left = v->n;
    long total = 0;

    v->v = NULL;
    while (left > 0 && total >= 0) {
        size_t n = left > PART_MAX ? PART_MAX - 1 : left;
        struct iovec *part = kmalloc((n + (n < left)) * sizeof(*part));
        if (part == NULL) {
            total = -ENOMEM;
            break;
        }
        v->v == NULL ? (void)(v->v = part) : (void)(*link = part);
        if (n < left) {
            link = &part[n].iov_base;
            *link = NULL;
        }
        total = take_pieces(part, from, n, false, (uint64_t)total);
        from += n * sizeof(*part);
        left -= n;
    }
    if (total < 0)
        uio_vector_put(v);
    return total;
}

long uio_vector_get(struct uio_vector *v, uaddr_t from, size_t n)
{
    v->v = v->few;
    v->n = n;
    long total =
        n > ARRAY_SIZE(v->few) ? take_parts(v, from) : take_pieces(v->few, from, n, n == 1, 0);
    v->u = (struct uio){ .iov = v->v, .niov = (uint32_t)n, .left = (size_t)total };
    return total;
}

void uio_vector_put(struct uio_vector *v)
{
    struct iovec *part = v->v, *next;

    for (size_t left = v->n; part != NULL && part != v->few; part = next, left -= PART_MAX - 1) {
        next = left > PART_MAX ? part[PART_MAX - 1].iov_base : NULL;
        kfree(part);
    }
}

void uio_next_piece(struct uio *u)
{
    u->off = 0;
    if (++u->at < PART_MAX - 1 || u->niov <= PART_MAX)
        return;
    u->iov = u->iov[u->at].iov_base;
    u->niov -= u->at;
    u->at = 0;
}

static long move_kernel(struct uio *u, char *data, size_t n, enum bulk d)
{
    char *at = u->buf + u->off;
    bool bulk = bulk_pays(data, n) && bulk_pays(at, n);
    if (d == BULK_TO_USER)
        bulk ? bulk_copy(at, data, n) : (void)memcpy(at, data, n);
    else if (d == BULK_FROM_USER)
        bulk ? bulk_copy(data, at, n) : (void)memcpy(data, at, n);
    else
        memset(at, 0, n);
    u->off += n;
    u->left -= n;
    return (long)n;
}

static int move_piece(uaddr_t at, char *data, size_t n, enum bulk d)
{
    if (bulk_pays(data, n))
        return bulk_user(at, data, n, d);
    if (d == BULK_TO_USER)
        return copy_to_user(at, data, n);
    if (d == BULK_FROM_USER)
        return copy_from_user(data, at, n);
    return clear_user(at, n);
}

static SLOW_PATH long move_pieces(struct uio *u, char *data, size_t n, enum bulk d)
{
    size_t done = 0;
    while (done < n) {
        const struct iovec *v = &u->iov[u->at];
        if (u->off == v->iov_len) {
            uio_next_piece(u);
            continue;
        }
        uaddr_t at = (uaddr_t)v->iov_base + u->off;
        size_t piece = MIN(n - done, (size_t)v->iov_len - u->off);
        if (move_piece(at, data + done, piece, d) != 0) {
            piece = MIN(piece, PAGE_SIZE - at % PAGE_SIZE); /* as far as the first page goes */
            if (move_piece(at, data + done, piece, d) != 0)
                return done > 0 ? (long)done : -EFAULT;
        }
        u->off += piece;
        u->left -= piece;
        done += piece;
    }
    return (long)done;
}

static SLOW_PATH long move_whole(struct uio *u, char *data, size_t n, enum bulk d)
{
    size_t left = u->left;
    long done = move_pieces(u, data, n, d);

    if (done == (long)n)
        return done;
    u->left = left;
    return -EFAULT;
}

static inline __attribute__((always_inline)) long move(struct uio *u, char *data, size_t n,
                                                       enum bulk d,
                                                       long (*rest)(struct uio *u, char *data,
                                                                    size_t n, enum bulk d))
{
    n = MIN(n, u->left);
    if (unlikely(u->kernel))
        return move_kernel(u, data, n, d);
    const struct iovec *v = &u->iov[u->at];
    /* Mostly all of it lies in one piece, and is there. */
    if (n == 0 || n > v->iov_len - u->off ||
        move_piece((uaddr_t)v->iov_base + u->off, data, n, d) != 0)
        return rest(u, data, n, d);
    u->off += n;
    u->left -= n;
    return (long)n;
}

long uio_put(struct uio *u, const void *from, size_t n)
{
    return move(u, (char *)from, n, BULK_TO_USER, move_pieces);
}

long uio_get(struct uio *u, void *to, size_t n)
{
    return move(u, to, n, BULK_FROM_USER, move_pieces);
}

long uio_put_zero(struct uio *u, size_t n)
{
    return move(u, NULL, n, BULK_CLEAR_USER, move_pieces);
}

long uio_put_whole(struct uio *u, const void *from, size_t n)
{
    return move(u, (char *)from, n, BULK_TO_USER, move_whole);
}

long uio_get_whole(struct uio *u, void *to, size_t n)
{
    return move(u, to, n, BULK_FROM_USER, move_whole);
}
