/* links: vmm/root/tree.c vmm/root/tree_index.c vmm/root/xattrs.c vmm/root/pack/tar.c vmm/root/pack/packed.c vmm/root/pack/oci.c */
/* libs: -larchive -ljansson -lnettle -lz */
/* What vmm-root makes of an archive or image: refused, or an index whose names are sorted, whose
 * numbers lie in their tables, and in which each directory is reached once.  The digests of `docker save` are
 * not asked to fit: one of a compressed layer is not. */
#include "fuzz.h"

#include <archive.h>
#include <nettle/sha2.h>
#include <setjmp.h>
#include <sys/stat.h>

#include "shared/root_index.h"
#include "vmm/root/pack/pack.h"

static jmp_buf refused;
static struct archive *reading;

void refuse(const struct pack *p, const char *fmt, ...)
{
    (void)fmt;
    reading = p->reading;
    longjmp(refused, 1);
}

void write_all(const struct pack *p, const void *at, size_t n)
{
    volatile uint8_t seen = 0;
    (void)p;
    for (size_t i = 0; i < n; i += 512)
        seen = ((const uint8_t *)at)[i];
    (void)seen;
}

void add_run(struct pack *p, char letter, const char *value)
{
    (void)p, (void)letter;
    MUST(strlen(value) < 8u << 20);
}

static void check_dir(const struct root_header *h, const uint8_t *index, const struct root_inode *d)
{
    const struct root_entry *e = (const void *)(index + h->entries_at);
    const char *text = (const char *)index + h->text_at;
    MUST(d->count <= h->entries && d->at <= h->entries - d->count);
    for (uint64_t i = d->at; i < d->at + d->count; i++) {
        MUST(e[i].inode > 0 && e[i].inode < h->inodes && e[i].taken == 0);
        MUST(e[i].len > 0 && e[i].len <= ROOT_NAME_MAX && e[i].name + e[i].len < h->text_bytes);
        MUST(memchr(text + e[i].name, '/', e[i].len) == NULL);
        if (i > d->at) {
            const struct root_entry *b = &e[i - 1];
            size_t n = b->len < e[i].len ? b->len : e[i].len;
            int c = memcmp(text + b->name, text + e[i].name, n);
            MUST(c < 0 || (c == 0 && b->len < e[i].len));
        }
    }
}

static void check(struct root_tree *t, uint64_t pages)
{
    struct root_header h;
    size_t n = root_tree_index_bytes(t);
    uint8_t *index = n != 0 ? malloc(n) : NULL;
    if (index == NULL)
        return;
    root_tree_index_write(t, pages, index);
    memcpy(&h, index, sizeof(h));
    const struct root_inode *in = (const void *)(index + h.inodes_at);
    const struct root_entry *e = (const void *)(index + h.entries_at);
    uint8_t *met = calloc(h.inodes, 1);
    MUST(met != NULL && S_ISDIR(in[0].mode));
    for (uint32_t i = 0; i < h.inodes; i++) {
        if (S_ISDIR(in[i].mode))
            check_dir(&h, index, &in[i]);
        else if (S_ISLNK(in[i].mode) && in[i].size > 0)
            MUST(in[i].at + in[i].size < h.text_bytes);
        else if (S_ISREG(in[i].mode) && in[i].size > 0)
            MUST(in[i].at + (in[i].size + 4095) / 4096 <= pages);
    }
    for (uint32_t i = 0; i < h.entries; i++)
        if (S_ISDIR(in[e[i].inode].mode))
            MUST(met[e[i].inode]++ == 0);
    free(met);
    free(index);
}

/* --- a layout with blobs whose digests are right -------------------------------------------- */

#define BLOBS 8u

static int descriptor(char *to, const struct layout_blob *b)
{
    return sprintf(to, "\"digest\":\"sha256:%s\",\"size\":%zu", b->name, b->is.n);
}

/* The part's bytes, with @1 to @7 replaced by the digest and size of what comes behind it. */
static struct blob expand(struct blob part, const struct layout_blob *blob, unsigned self)
{
    uint8_t *to = malloc(part.n * 60 + 1);
    size_t n = 0;
    MUST(to != NULL);
    for (size_t i = 0; i < part.n; i++) {
        unsigned k = i + 1 < part.n && part.at[i] == '@' ? part.at[i + 1] - '0' : 0;
        if (k > self && k < BLOBS) {
            char text[128];
            size_t len = (size_t)descriptor(text, &blob[k]);
            memcpy(to + n, text, len);
            n += len;
            i++;
        } else {
            to[n++] = part.at[i];
        }
    }
    return (struct blob){ to, n };
}

static void name_blob(struct layout_blob *b)
{
    struct sha256_ctx ctx;
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_init(&ctx);
    sha256_update(&ctx, b->is.n, b->is.at);
    sha256_digest(&ctx, sizeof(digest), digest);
    for (unsigned i = 0; i < sizeof(digest); i++)
        sprintf(b->name + 2 * i, "%02x", digest[i]);
}

/* Parts, each behind two bytes of length; the first is index.json. */
static void make_layout(struct layout *l, struct layout_blob *blob, struct blob b)
{
    struct blob part[BLOBS];
    struct input in = { b.at, b.n };
    for (unsigned i = 0; i < BLOBS; i++) {
        size_t n = take_number(&in, 2);
        part[i] = (struct blob){ in.at, n < in.left ? n : in.left };
        in.at += part[i].n;
        in.left -= part[i].n;
    }
    for (unsigned i = BLOBS; i-- > 0;) {
        blob[i].is = expand(part[i], blob, i);
        name_blob(&blob[i]);
    }
    *l = (struct layout){ .n = BLOBS - 1, .blob = blob + 1, .index = blob[0].is };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct root_tree *volatile tree; /* what a refusal leaves */
    static struct layout_blob blob[BLOBS];
    static struct layout with_blobs;
    if (size < 2)
        return 0;
    uint8_t *copy = copy_of(data + 1, size - 1);
    struct blob b = { copy, size - 1 }, manifest;
    struct pack p = { .source = "fuzz", .out = -1 };
    reading = NULL;
    tree = p.tree = root_tree_new();
    MUST(p.tree != NULL);
    p.out = open("/dev/null", O_WRONLY | O_CLOEXEC);
    memset(blob, 0, sizeof(blob));
    if (data[0] % 8 == 4)
        make_layout(&with_blobs, blob, b);
    if (setjmp(refused) == 0) {
        if (data[0] % 8 == 4) {
            pack_layout(&p, &with_blobs, NULL);
        } else if (data[0] % 8 == 0) {
            struct layout l = { .index = b };
            pack_layout(&p, &l, NULL); /* has no blobs */
        } else if (data[0] % 4 == 1 && tar_is_plain(b) &&
                   tar_member(b, "manifest.json", &manifest)) {
            struct layout l = { .tar = b };
            pack_docker(&p, &l, manifest, NULL);
        } else {
            pack_tar(&p, b, data[0] % 4 == 2);
        }
        check(p.tree, p.data / 4096);
    }
    if (reading != NULL)
        archive_read_free(reading);
    for (unsigned i = 0; i < BLOBS; i++)
        free((void *)blob[i].is.at);
    close(p.out);
    root_tree_free(tree);
    free(copy);
    return 0;
}
