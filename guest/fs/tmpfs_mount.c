/* tmpfs_mount.c - tmpfs as a kind of file system, and its options: size, nr_blocks, nr_inodes, mode,
 * uid, gid; and those that ask for what is so here (no swap, no huge pages, one node of memory). */
#include "fs/tmpfs_mount.h"
#include "fs/dentry.h"
#include "fs/fs_type.h"
#include "fs/inode.h"
#include "fs/mount.h"
#include "fs/tmpfs.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"
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
    uint64_t max_pages, max_inodes;
    uint32_t mode, uid, gid;
    bool inodes_told, noswap, inode64;
};

/* One without a value. */
static bool plain_option(struct tmpfs_options *o, const char *key)
{
    if (strcmp(key, "noswap") == 0)
        return o->noswap = true;
    if (strcmp(key, "inode64") == 0)
        return o->inode64 = true;
    return strcmp(key, "inode32") == 0;
}

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
    } else if (strcmp(key, "nr_inodes") == 0) {
        ok = o->inodes_told = parse_size(value, &o->max_inodes);
    } else if (strcmp(key, "mode") == 0) {
        ok = parse_number(value, 8, &o->mode);
    } else if (strcmp(key, "uid") == 0) {
        ok = parse_number(value, 10, &o->uid);
    } else if (strcmp(key, "gid") == 0) {
        ok = parse_number(value, 10, &o->gid);
    } else if (strcmp(key, "huge") == 0) {
        ok = strcmp(value, "never") == 0;
    } else if (strcmp(key, "mpol") == 0) {
        ok = strcmp(value, "default") == 0;
    } else {
        ok = !*value && plain_option(o, key);
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
    struct tmpfs_options o = { .max_pages = sb->max_pages, .max_inodes = sb->max_inodes };
    int err = tmpfs_parse(&o, data);

    if (err)
        return err;
    if (o.max_pages && o.max_pages != sb->max_pages && sb->pages > o.max_pages)
        return -EINVAL;
    if (o.inodes_told && o.max_inodes && sb->inodes > o.max_inodes)
        return -EINVAL;
    sb->max_pages = o.max_pages;
    sb->max_inodes = o.max_inodes;
    return 0;
}

uint64_t tmpfs_share(void)
{
    struct frame_counts c;

    frame_count(&c);
    return (c.total - c.image) / 2;
}

/* As Linux's tmpfs tells them: what is not as it would be without being told. */
static int tell(struct superblock *sb, const struct tmpfs_options *o, uint32_t usual_mode)
{
    const size_t room = 80;
    char *text = kzalloc(room);
    size_t n = 0;

    sb->told = text;
    if (!text)
        return -ENOMEM;
    if (o->mode != usual_mode)
        n += (size_t)ksnprintf(text + n, room - n, ",mode=%03o", o->mode);
    if (o->uid)
        n += (size_t)ksnprintf(text + n, room - n, ",uid=%u", o->uid);
    if (o->gid)
        n += (size_t)ksnprintf(text + n, room - n, ",gid=%u", o->gid);
    ksnprintf(text + n, room - n, "%s%s", o->inode64 ? ",inode64" : "", o->noswap ? ",noswap" : "");
    return 0;
}

static int make(const char *type, const struct tmpfs_options *o, uint32_t usual_mode,
                struct superblock **out)
{
    struct superblock *sb;
    int err = tmpfs_new(type, o->mode, &sb);

    if (err)
        return err;
    err = tell(sb, o, usual_mode);
    if (err)
        sb_free(sb);
    else
        *out = sb;
    return err;
}

static int get_tmpfs(char *data, struct superblock **out)
{
    struct tmpfs_options o = { .max_pages = tmpfs_share(),
                               .mode = 01777,
                               .uid = current->cred.fsuid,
                               .gid = current->cred.fsgid };
    int err = tmpfs_parse(&o, data);

    o.mode &= 07777;
    if (!err)
        err = make("tmpfs", &o, 01777, out);
    if (err)
        return err;
    (*out)->max_pages = o.max_pages;
    (*out)->max_inodes = o.max_inodes;
    (*out)->root->inode->uid = o.uid;
    (*out)->root->inode->gid = o.gid;
    return 0;
}

static int check_tmpfs(char *option)
{
    struct tmpfs_options o = { 0 };

    return tmpfs_parse(&o, option);
}

/* Linux's ramfs knows one option, passes over all others, and has no limit. */
static int get_ramfs(char *data, struct superblock **out)
{
    struct tmpfs_options o = { .mode = 0755 };
    int err;

    while (data && *data) {
        char *next = strchr(data, ',');

        if (next)
            *next++ = 0;
        if (strncmp(data, "mode=", 5) == 0 && !parse_number(data + 5, 8, &o.mode))
            return -EINVAL;
        data = next;
    }
    o.mode &= 07777;
    err = make("ramfs", &o, 0755, out);
    if (!err)
        (*out)->no_storage = true;
    return err;
}

void tmpfs_register(void)
{
    static struct fs_type tmpfs = { .name = "tmpfs", .get = get_tmpfs, .check = check_tmpfs };
    static struct fs_type ramfs = { .name = "ramfs", .get = get_ramfs };

    fs_type_register(&ramfs);
    fs_type_register(&tmpfs);
}

void sb_options(const struct superblock *sb, char text[SB_OPTIONS_ROOM])
{
    int n = 0;

    text[0] = 0;
    if (sb->max_pages && !(sb->told && sb->max_pages == tmpfs_share()))
        n = ksnprintf(text, SB_OPTIONS_ROOM, ",size=%luk", sb->max_pages << (PAGE_SHIFT - 10));
    if (sb->max_inodes)
        n += ksnprintf(text + n, SB_OPTIONS_ROOM - (size_t)n, ",nr_inodes=%lu", sb->max_inodes);
    if (sb->told)
        strlcpy(text + n, sb->told, SB_OPTIONS_ROOM - (size_t)n);
}
