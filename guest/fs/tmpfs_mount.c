/* tmpfs_mount.c - tmpfs as a kind of file system, and its options: size, nr_blocks, mode, uid,
 * gid.  nr_inodes is taken and has no effect: memory is the limit. */
#include "fs/tmpfs_mount.h"
#include "fs/dentry.h"
#include "fs/fs_type.h"
#include "fs/inode.h"
#include "fs/tmpfs.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "sched/task.h"

/* "12", "64k", "1m", "50%" of RAM: bytes; false: not a size. */
static bool parse_size(const char *s, uint64_t *bytes)
{
    uint64_t n = 0;

    if (*s < '0' || *s > '9')
        return false;
    for (; *s >= '0' && *s <= '9'; s++)
        if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, *s - '0', &n))
            return false;
    if (*s == '%') {
        struct frame_counts c;

        frame_count(&c);
        n = c.total * n / 100 * PAGE_SIZE;
        s++;
    } else if (*s) {
        const char *units = "kmg", *u = strchr(units, *s | 0x20);

        if (!u || n >> (54 - 10 * (u - units)))
            return false;
        n <<= 10 * (u - units + 1);
        s++;
    }
    *bytes = n;
    return *s == 0;
}

static bool parse_number(const char *s, unsigned base, uint32_t *out)
{
    uint64_t n = 0;

    if (!*s)
        return false;
    for (; *s; s++) {
        unsigned digit = (unsigned)(*s - '0');

        if (digit >= base)
            return false;
        n = n * base + digit;
        if (n > UINT32_MAX)
            return false;
    }
    *out = (uint32_t)n;
    return true;
}

/* What options say, before anything is done about it. */
struct tmpfs_options {
    uint64_t max_pages;
    uint32_t mode, uid, gid;
};

static int tmpfs_option(struct tmpfs_options *o, const char *key, const char *value)
{
    uint64_t bytes;
    bool ok;

    if (strcmp(key, "size") == 0) {
        ok = parse_size(value, &bytes);
        if (ok)
            o->max_pages = page_up(bytes) >> PAGE_SHIFT;
    } else if (strcmp(key, "nr_blocks") == 0) {
        ok = parse_size(value, &o->max_pages);
    } else if (strcmp(key, "mode") == 0) {
        ok = parse_number(value, 8, &o->mode);
    } else if (strcmp(key, "uid") == 0) {
        ok = parse_number(value, 10, &o->uid);
    } else if (strcmp(key, "gid") == 0) {
        ok = parse_number(value, 10, &o->gid);
    } else {
        ok = strcmp(key, "nr_inodes") == 0 && parse_size(value, &bytes); /* memory is the limit */
    }
    return ok ? 0 : -EINVAL;
}

static int tmpfs_parse(struct tmpfs_options *o, char *data)
{
    while (data && *data) {
        char *next = strchr(data, ','), *value;
        int err;

        if (next)
            *next++ = 0;
        value = strchr(data, '=');
        if (value)
            *value++ = 0;
        err = *data ? tmpfs_option(o, data, value ? value : "") : 0;
        if (err)
            return err;
        data = next;
    }
    return 0;
}

int tmpfs_remount(struct superblock *sb, char *data)
{
    struct tmpfs_options o = { .max_pages = sb->max_pages };
    int err = tmpfs_parse(&o, data);

    if (err)
        return err;
    if (o.max_pages && o.max_pages != sb->max_pages && sb->pages > o.max_pages)
        return -EINVAL;
    sb->max_pages = o.max_pages;
    return 0;
}

uint64_t tmpfs_share(void)
{
    struct frame_counts c;

    frame_count(&c);
    return (c.total - c.image) / 2;
}

static int get_tmpfs(char *data, struct superblock **out)
{
    struct tmpfs_options o = { .max_pages = tmpfs_share(),
                               .mode = 01777,
                               .uid = current->cred.fsuid,
                               .gid = current->cred.fsgid };
    int err = tmpfs_parse(&o, data);

    if (!err)
        err = tmpfs_new("tmpfs", o.mode & 07777, out);
    if (err)
        return err;
    (*out)->max_pages = o.max_pages;
    (*out)->root->inode->uid = o.uid;
    (*out)->root->inode->gid = o.gid;
    return 0;
}

/* Linux's ramfs has no options and no limit. */
static int get_ramfs(char *data __attribute__((unused)), struct superblock **out)
{
    return tmpfs_new("ramfs", 0755, out);
}

void tmpfs_register(void)
{
    static struct fs_type tmpfs = { .name = "tmpfs", .get = get_tmpfs };
    static struct fs_type ramfs = { .name = "ramfs", .get = get_ramfs };

    fs_type_register(&ramfs);
    fs_type_register(&tmpfs);
}
