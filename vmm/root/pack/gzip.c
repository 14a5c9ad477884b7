/* gzip.c - a compressed tar for libarchive's reader of tars, with zlib.
 *
 * libarchive's own reader of gzip passes over the checksum and the length at the end, so a damaged archive would be
 * taken with whatever it decodes to.  zlib compares them, if it is read up to there: a tar ends before its padding
 * does, so the rest is read, too. */
#include <archive.h>
#include <errno.h>
#include <zlib.h>

#include "vmm/root/pack/pack.h"

#define TAIL_MAX (1ull << 30) /* behind the end of the tar */

static struct {
    z_stream z;
    const uint8_t *at; /* what zlib has not been given */
    size_t left;
    bool ended;
    const char *wrong;
    uint8_t out[256u << 10];
} gz; /* one archive is read at a time */

bool gzip_is(struct blob b) { return b.n >= 18 && b.at[0] == 0x1f && b.at[1] == 0x8b; }

/* One member has ended.  Another may follow; what is none is passed over, as gzip does. */
static void next_member(void)
{
    gz.at -= gz.z.avail_in;
    gz.left += gz.z.avail_in;
    gz.z.avail_in = 0;
    gz.ended = !gzip_is((struct blob){ gz.at, gz.left }) || inflateReset(&gz.z) != Z_OK;
}

static void step(void)
{
    if (gz.z.avail_in == 0) {
        uInt n = gz.left < 1u << 30 ? (uInt)gz.left : 1u << 30;
        gz.z.next_in = (z_const Bytef *)gz.at;
        gz.z.avail_in = n;
        gz.at += n;
        gz.left -= n;
    }
    int ret = inflate(&gz.z, Z_NO_FLUSH);
    if (ret == Z_STREAM_END)
        next_member();
    else if (ret == Z_BUF_ERROR)
        gz.wrong = "truncated gzip input";
    else if (ret != Z_OK)
        gz.wrong = gz.z.msg != NULL ? gz.z.msg : "damaged gzip input";
}

static la_ssize_t more(struct archive *a, void *arg, const void **at)
{
    (void)arg;
    gz.z.next_out = gz.out;
    gz.z.avail_out = sizeof(gz.out);
    while (!gz.ended && gz.wrong == NULL && gz.z.avail_out > 0)
        step();
    *at = gz.out;
    if (gz.wrong == NULL)
        return (la_ssize_t)(sizeof(gz.out) - gz.z.avail_out);
    if (a != NULL)
        archive_set_error(a, EINVAL, "%s", gz.wrong);
    return ARCHIVE_FATAL;
}

int gzip_open(struct archive *a, struct blob b)
{
    inflateEnd(&gz.z); /* of one that was refused; none is no harm */
    gz.z = (z_stream){ .next_in = Z_NULL };
    gz.at = b.at;
    gz.left = b.n;
    gz.ended = false;
    gz.wrong = NULL;
    if (inflateInit2(&gz.z, 15 + 16) != Z_OK)
        return ARCHIVE_FATAL;
    return archive_read_open(a, NULL, NULL, more, NULL);
}

const char *gzip_end(void)
{
    uint64_t tail = 0;
    const void *at;
    la_ssize_t n;
    while ((n = more(NULL, NULL, &at)) > 0 && tail < TAIL_MAX)
        tail += (uint64_t)n;
    inflateEnd(&gz.z);
    return n > 0 ? "more than 1 GiB behind its end" : gz.wrong;
}
