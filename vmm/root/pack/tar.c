/* tar.c - a tar, compressed or not, into the tree.
 *
 * Names are taken apart here and walked in the tree that is being made, never on the host: a symlink on
 * the way is followed inside the tree, as in a chroot, ".." in a link ends at its root, and a name with
 * ".." in it is refused.  Data goes to the image file behind what is there, holes stay holes. */
#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/root_index.h"
#include "vmm/root/file.h"
#include "vmm/root/pack/pack.h"
#include "vmm/root/xattrs.h"

#define DATA_MAX  (64ull << 30) /* of an image */
#define LINKS_MAX 40

/* --- names ------------------------------------------------------------------------------- */

static uint32_t make_dir(struct pack *p, uint32_t dir, const char *name, size_t len)
{
    struct root_attributes a = { .mode = S_IFDIR | 0755 };
    return root_tree_add(p->tree, dir, name, len, &a);
}

/* The directory that path leads to from dir; missing ones are made if `make`.  NONE: there is none. */
static uint32_t walk(struct pack *p, uint32_t dir, const char *path, size_t n, bool make,
                     unsigned *links)
{
    const char *end = path + n;
    while (path < end && dir != ROOT_NODE_NONE) {
        const char *slash = memchr(path, '/', (size_t)(end - path));
        size_t len = (size_t)((slash != NULL ? slash : end) - path);
        if (len == 2 && memcmp(path, "..", 2) == 0) {
            dir = root_tree_parent(p->tree, dir);
        } else if (len > 0 && !(len == 1 && *path == '.')) {
            uint32_t next = root_tree_find(p->tree, dir, path, len);
            const char *text = next != ROOT_NODE_NONE ? root_tree_text(p->tree, next) : "";
            if (*text != '\0') {
                char *copy =
                    ++*links <= LINKS_MAX ? strdup(text) : NULL; /* the tree's text moves */
                next = copy == NULL ? ROOT_NODE_NONE
                                    : walk(p, *copy == '/' ? ROOT_NODE_TOP : dir, copy,
                                           strlen(copy), make, links);
                free(copy);
            } else if (next == ROOT_NODE_NONE || !root_tree_is_dir(p->tree, next)) {
                next = make ? make_dir(p, dir, path, len) : ROOT_NODE_NONE;
            }
            dir = next;
        }
        path += len + (slash != NULL);
    }
    return dir;
}

static void check_name(const struct pack *p, const char *name)
{
    for (const char *at = name; at != NULL; at = strchr(at, '/')) {
        at += *at == '/';
        if (strncmp(at, "..", 2) == 0 && (at[2] == '/' || at[2] == '\0'))
            refuse(p, "a name has '..' in it: %.200s", name);
    }
}

/* The last component of name, and its directory in the tree; len 0: the root itself. */
static uint32_t place(struct pack *p, const char *name, bool make, const char **last, size_t *len)
{
    unsigned links = 0;
    size_t n = strlen(name);
    check_name(p, name);
    while (n > 0 && (name[n - 1] == '/' || (name[n - 1] == '.' && (n == 1 || name[n - 2] == '/'))))
        n--;
    *last = name + n;
    while (*last > name && (*last)[-1] != '/')
        --*last;
    *len = (size_t)(name + n - *last);
    uint32_t dir = walk(p, ROOT_NODE_TOP, name, (size_t)(*last - name), make, &links);
    if (dir == ROOT_NODE_NONE && make)
        refuse(p, "%.200s: %s", name,
               root_tree_wrong(p->tree) != NULL ? root_tree_wrong(p->tree)
                                                : "its directory cannot be");
    return dir;
}

/* --- one entry --------------------------------------------------------------------------- */

static struct root_attributes attributes(struct archive_entry *e)
{
    unsigned major = (unsigned)archive_entry_rdevmajor(e),
             minor = (unsigned)archive_entry_rdevminor(e);
    unsigned type = archive_entry_filetype(e);
    return (struct root_attributes){
        .mode = (type & S_IFMT) | (archive_entry_perm(e) & 07777),
        .uid = (uint32_t)archive_entry_uid(e),
        .gid = (uint32_t)archive_entry_gid(e),
        .rdev = type == AE_IFCHR || type == AE_IFBLK
                    ? (minor & 0xff) | (major & 0xfff) << 8 | (minor & 0xfff00u) << 12
                    : 0,
        .mtime = archive_entry_mtime(e),
        .mtime_ns = (uint32_t)archive_entry_mtime_nsec(e) % 1000000000,
    };
}

static bool is_zero(const uint8_t *at, size_t n)
{
    return n == 0 || (at[0] == 0 && memcmp(at, at + 1, n - 1) == 0);
}

static void set_xattrs(struct pack *p, struct archive_entry *e, uint32_t node,
                       struct root_attributes a, const char *shown)
{
    const char *name;
    const void *value;
    size_t n;
    struct xattrs x = { .at = NULL };
    bool ok = true;
    archive_entry_xattr_reset(e);
    while (ok && archive_entry_xattr_next(e, &name, &value, &n) == ARCHIVE_OK) {
        if (name != NULL && strcmp(name, XATTRS_ACL) == 0) {
            a.mode = xattrs_mode_without_acl(a.mode, value, n);
            root_tree_set(p->tree, node, &a);
            p->acls++;
        } else if (name != NULL && xattrs_wanted(name)) {
            ok = xattrs_add(&x, name, value, n);
        }
    }
    if (ok)
        ok = root_tree_set_xattrs(p->tree, node, x.at, x.bytes);
    free(x.at);
    if (!ok)
        refuse(p, "%.200s: extended attributes that cannot be", shown);
}

/* False: the archive ends here, without what should follow the data.  Writers of layers leave that out;
 * a layer's digest has been checked, so nothing is missing. */
static bool copy_data(struct pack *p, struct archive *a, uint32_t node, const char *name,
                      int64_t size, bool layer)
{
    const void *at;
    size_t n;
    int64_t offset, end = 0;
    int ret;
    if (size < 0 || (uint64_t)size > DATA_MAX - p->data)
        refuse(p, "%.200s: an image may have 64 GiB of data", name);
    while ((ret = archive_read_data_block(a, &at, &n, &offset)) == ARCHIVE_OK) {
        if (offset < end || offset > size || n > (uint64_t)(size - offset))
            refuse(p, "%.200s: has data outside of the file", name);
        end = offset + (int64_t)n;
        if (is_zero(at, n)) /* a hole costs nothing: so does a bomb */
            continue;
        if (lseek(p->out, (off_t)(p->data + (uint64_t)offset), SEEK_SET) < 0)
            refuse(p, "cannot write the image");
        write_all(p, at, n);
    }
    if (ret != ARCHIVE_EOF && !(layer && end == size))
        refuse(p, "%.200s: %s", name, archive_error_string(a));
    root_tree_set_data(p->tree, node, p->data / ROOT_FILE_PAGE, (uint64_t)size);
    p->data += ((uint64_t)size + ROOT_FILE_PAGE - 1) & ~(uint64_t)(ROOT_FILE_PAGE - 1);
    return ret == ARCHIVE_EOF;
}

static void add_link(struct pack *p, uint32_t dir, const char *last, size_t len, const char *name,
                     const char *to)
{
    const char *its_last;
    size_t its_len;
    uint32_t at = place(p, to, false, &its_last, &its_len);
    uint32_t node = at != ROOT_NODE_NONE && its_len > 0
                        ? root_tree_find(p->tree, at, its_last, its_len)
                        : ROOT_NODE_NONE;
    if (node == ROOT_NODE_NONE || root_tree_link(p->tree, dir, last, len, node) == ROOT_NODE_NONE)
        refuse(p, "%.200s: is a link to %.200s, which is no file in it", name, to);
}

/* A whiteout of a layer, and what it takes away. */
static bool whiteout(struct pack *p, uint32_t dir, const char *last, size_t len)
{
    if (len < 4 || memcmp(last, ".wh.", 4) != 0)
        return false;
    if (len == 12 && memcmp(last, ".wh..wh..opq", 12) == 0)
        root_tree_clear_lower(p->tree, dir);
    else if (len < 8 || memcmp(last, ".wh..wh.", 8) != 0)
        root_tree_remove_lower(p->tree, dir, last + 4, len - 4);
    return true;
}

/* False: it was the last, see copy_data(). */
static bool add_entry(struct pack *p, struct archive *a, struct archive_entry *e, bool layer)
{
    const char *name = archive_entry_pathname(e), *last, *link = archive_entry_hardlink(e);
    struct root_attributes is = attributes(e);
    size_t len;
    if (name == NULL)
        refuse(p, "a name is not UTF-8");
    uint32_t dir = place(p, name, true, &last, &len);
    if (len == 0) {
        if (S_ISDIR(is.mode))
            root_tree_set(p->tree, ROOT_NODE_TOP, &is);
        set_xattrs(p, e, ROOT_NODE_TOP, is, "/");
        return true;
    }
    if (layer && whiteout(p, dir, last, len))
        return true;
    if (link != NULL) {
        add_link(p, dir, last, len, name, link);
        return true;
    }
    if (S_ISDIR(is.mode)) { /* over a symlink to a directory: that stays, as tar and dpkg have it */
        unsigned links = 0;
        uint32_t old = root_tree_find(p->tree, dir, last, len);
        if (!layer && old != ROOT_NODE_NONE && *root_tree_text(p->tree, old) != '\0' &&
            walk(p, dir, last, len, false, &links) != ROOT_NODE_NONE)
            return true;
    }
    if ((is.mode & S_IFMT) == 0)
        refuse(p, "%.200s: of no kind that is known", name);
    uint32_t node = root_tree_add(p->tree, dir, last, len, &is);
    if (node == ROOT_NODE_NONE)
        refuse(p, "%.200s: %s", name,
               root_tree_wrong(p->tree) != NULL ? root_tree_wrong(p->tree) : "no name for a file");
    set_xattrs(p, e, node, is, name);
    if (S_ISLNK(is.mode)) {
        const char *text = archive_entry_symlink(e);
        if (text == NULL || !root_tree_set_text(p->tree, node, text, strlen(text)))
            refuse(p, "%.200s: a symlink of no or too many bytes", name);
    } else if (S_ISREG(is.mode) && archive_entry_size(e) != 0) {
        return copy_data(p, a, node, name, archive_entry_size(e), layer);
    }
    return true;
}

/* --- the archive ------------------------------------------------------------------------- */

static struct archive *open_tar(struct blob tar, bool packed)
{
    struct archive *a = archive_read_new();
    if (a == NULL)
        return NULL;
    archive_read_support_format_tar(a);
    if ((packed ? packed_open(a, tar) : archive_read_open_memory(a, tar.at, tar.n)) == ARCHIVE_OK)
        return a;
    archive_read_free(a);
    return NULL;
}

void pack_tar(struct pack *p, struct blob tar, bool layer)
{
    bool packed = !tar_is_plain(tar);
    struct archive *a = open_tar(tar, packed);
    struct archive_entry *e;
    const char *why;
    unsigned entries = 0;
    int ret = ARCHIVE_OK;
    p->reading = a;
    if (a == NULL)
        refuse(p, "is no tar archive that is known here");
    bool more = true;
    for (; more && ((ret = archive_read_next_header(a, &e)) == ARCHIVE_OK || ret == ARCHIVE_WARN);
         entries++)
        more = add_entry(p, a, e, layer);
    if (more && ret != ARCHIVE_EOF)
        refuse(p, "%s", archive_error_string(a));
    if (packed && !packed_end(&why))
        refuse(p, "%s", why);
    if (entries == 0 && !layer)
        refuse(p, "is no tar archive, or has nothing in it");
    p->reading = NULL;
    archive_read_free(a);
}

bool tar_is_plain(struct blob tar) { return tar.n >= 262 && memcmp(tar.at + 257, "ustar", 5) == 0; }

bool tar_member(struct blob tar, const char *name, struct blob *out)
{
    struct archive *a = open_tar(tar, false);
    struct archive_entry *e;
    const void *at;
    size_t n;
    int64_t offset;
    bool found = false;
    while (!found && a != NULL && archive_read_next_header(a, &e) == ARCHIVE_OK) {
        const char *is = archive_entry_pathname(e);
        if (is == NULL || archive_entry_filetype(e) != AE_IFREG ||
            strcmp(is + (strncmp(is, "./", 2) == 0 ? 2 : 0), name) != 0)
            continue;
        /* Not compressed, one block is the file, where it lies. */
        found = archive_read_data_block(a, &at, &n, &offset) == ARCHIVE_OK && offset == 0 &&
                (int64_t)n == archive_entry_size(e) && (const uint8_t *)at >= tar.at &&
                (const uint8_t *)at + n <= tar.at + tar.n;
        *out = (struct blob){ at, n };
    }
    if (a != NULL)
        archive_read_free(a);
    return found;
}
