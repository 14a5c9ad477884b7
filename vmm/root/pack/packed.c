/* packed.c - a compressed tar for libarchive's reader of tars, with the checksums of what is compressed.
 *
 * A tar ends before its padding does, and the checksums stand behind that: who stops at the tar's end has compared
 * none of a short archive, so the rest is read, too.  libarchive gives nobody what follows a tar's end; so one of its
 * readers decompresses and another one reads the tar.  Its own reader of gzip passes over checksum and length, so
 * for that it is zlib. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <zlib.h>

#include "vmm/root/pack/pack.h"

#define TAIL_MAX (1ull << 30) /* behind the end of the tar */

static struct {
    z_stream z;
    const uint8_t *at; /* what zlib has not been given */
    size_t left;
    bool ended;
    uint8_t out[256u << 10];
} gz;                         /* one archive is read at a time */
static struct archive *other; /* what decompresses anything else; NULL: zlib does */
static const char *wrong;

static bool is_gzip(struct blob b) { return b.n >= 18 && b.at[0] == 0x1f && b.at[1] == 0x8b; }

/* One member has ended.  Another may follow; what is none is passed over, as gzip does. */
static void next_member(void)
{
    gz.at -= gz.z.avail_in;
    gz.left += gz.z.avail_in;
    gz.z.avail_in = 0;
    gz.ended = !is_gzip((struct blob){ gz.at, gz.left }) || inflateReset(&gz.z) != Z_OK;
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
        wrong = "truncated gzip input";
    else if (ret != Z_OK)
        wrong = gz.z.msg != NULL ? gz.z.msg : "damaged gzip input";
}

static la_ssize_t more_of_gzip(const void **at)
{
    gz.z.next_out = gz.out;
    gz.z.avail_out = sizeof(gz.out);
    while (!gz.ended && wrong == NULL && gz.z.avail_out > 0)
        step();
    *at = gz.out;
    return (la_ssize_t)(sizeof(gz.out) - gz.z.avail_out);
}

static la_ssize_t more_of_other(const void **at)
{
    size_t n = 0;
    la_int64_t offset;
    int ret = archive_read_data_block(other, at, &n, &offset);
    if (ret < ARCHIVE_WARN)
        wrong = archive_error_string(other) != NULL ? archive_error_string(other) : "is damaged";
    return ret == ARCHIVE_EOF ? 0 : (la_ssize_t)n;
}

static la_ssize_t more(struct archive *a, void *arg, const void **at)
{
    la_ssize_t n = 0;
    (void)arg;
    if (wrong == NULL)
        n = other != NULL ? more_of_other(at) : more_of_gzip(at);
    if (wrong == NULL)
        return n;
    if (a != NULL)
        archive_set_error(a, EINVAL, "%s", wrong);
    return ARCHIVE_FATAL;
}

static int open_gzip(struct blob b)
{
    gz.z = (z_stream){ .next_in = Z_NULL };
    gz.at = b.at;
    gz.left = b.n;
    gz.ended = false;
    return inflateInit2(&gz.z, 15 + 16) == Z_OK ? ARCHIVE_OK : ARCHIVE_FATAL;
}

static int open_other(struct blob b)
{
    struct archive_entry *e;
    other = archive_read_new();
    if (other == NULL)
        return ARCHIVE_FATAL;
    archive_read_support_filter_xz(other);
    archive_read_support_filter_zstd(other);
    archive_read_support_format_raw(other);
    int ret = archive_read_open_memory(other, b.at, b.n);
    return ret == ARCHIVE_OK ? archive_read_next_header(other, &e) : ret;
}

static void drop(void)
{
    inflateEnd(&gz.z); /* none is no harm */
    if (other != NULL)
        archive_read_free(other);
    other = NULL;
}

int packed_open(struct archive *a, struct blob b)
{
    drop(); /* of one that was refused */
    wrong = NULL;
    int ret = is_gzip(b) ? open_gzip(b) : open_other(b);
    return ret == ARCHIVE_OK ? archive_read_open(a, NULL, NULL, more, NULL) : ARCHIVE_FATAL;
}

bool packed_end(const char **why)
{
    static char text[200];
    uint64_t tail = 0;
    const void *at;
    la_ssize_t n;
    while ((n = more(NULL, NULL, &at)) > 0 && tail < TAIL_MAX)
        tail += (uint64_t)n;
    snprintf(text, sizeof(text), "%s",
             n > 0   ? "more than 1 GiB behind its end"
             : n < 0 ? wrong
                     : "");
    drop();
    *why = text;
    return n == 0;
}
