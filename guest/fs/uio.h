/* uio.h - where the bytes of a read go and those of a write come from: user
 * memory, in one piece or many, or a kernel buffer. */
#ifndef FS_UIO_H
#define FS_UIO_H

#include "lib/base.h"
#include <linux/uio.h>

struct uio {
    bool kernel; /* buf is the one piece */
    char *buf;
    const struct iovec *iov; /* kernel copy of the vector; bases are user addresses */
    uint32_t niov, at;       /* pieces from iov[0] on; piece now, and */
    size_t off;              /* offset in it */
    size_t left;             /* bytes still to move, over all pieces */
};

void uio_kernel(struct uio *u, void *buf, size_t n);
static inline void uio_user(struct uio *u, struct iovec *one, uaddr_t at, size_t n)
{
    *one = (struct iovec){ .iov_base = (void *)at, .iov_len = n }; /* the caller's, filled in */
    *u = (struct uio){ .iov = one, .niov = 1, .left = n };
}
#define UIO_BYTES_MAX 0x7ffff000ul /* what a call moves at most, as on Linux */

/* A kernel copy of a user's vector.  One that does not fit into a page is in parts of one, each of which ends with
 * a link: the base of its last piece is the next part. */
struct uio_vector {
    struct uio u;
    struct iovec *v, few[8];
    size_t n;
};
/* n <= UIO_MAXIOV; checked: how many bytes it covers, and v->u is ready to move them, until
 * uio_vector_put(); or -EFAULT, -EINVAL, -ENOMEM. */
long uio_vector_get(struct uio_vector *v, uaddr_t from, size_t n);
void uio_vector_put(struct uio_vector *v);
void uio_next_piece(struct uio *u);

/* Move up to n bytes (at most u->left) and advance.  Bytes moved, or -EFAULT if
 * none could be.  No spinlock held. */
long uio_put(struct uio *u, const void *from, size_t n); /* read: towards the user */
long uio_get(struct uio *u, void *to, size_t n);         /* write: from the user */
long uio_put_zero(struct uio *u, size_t n);
/* The same, all of it or -EFAULT; then some of it may have been copied, u->left is as before, and the
 * place in the pieces is not. */
long uio_put_whole(struct uio *u, const void *from, size_t n);
long uio_get_whole(struct uio *u, void *to, size_t n);

#endif
