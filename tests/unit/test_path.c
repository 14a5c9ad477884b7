/* links: guest/lib/refcount.c tests/unit/kernel_shim.c guest/fs/path.c guest/fs/protect.c guest/fs/path_name.c guest/fs/dentry.c guest/fs/inode.c guest/fs/groups.c guest/fs/tmpfs.c guest/fs/xattr.c guest/fs/mount.c guest/fs/propagate.c guest/fs/mount_ns.c guest/fs/fs_type.c guest/fs/notify.c guest/fs/fs_ctx.c guest/fs/cpio.c guest/fs/cpio_tree.c guest/fs/cpio_stored.c guest/fs/pages.c guest/lib/rbtree.c */
/* Path walks over a tree of directories, symlinks and mounts; names found again
 * from below; rename and removal; a tree unpacked from an archive.  At the end
 * nothing is left: every reference that was taken is given back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "kernel_shim.h"
#include "fs/cpio_tree.h"
#include "fs/dentry.h"
#include "fs/dirent.h"
#include "fs/fd.h"
#include "fs/file.h"
#include "fs/fs_ctx.h"
#include "fs/inode.h"
#include "fs/mount.h"
#include "fs/pages.h"
#include "fs/pages_io.h"
#include "fs/path.h"
#include "fs/path_name.h"
#include "fs/pipe.h"
#include "fs/tmpfs.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "proc/ending.h"

int snprintf(char *to, size_t room, const char *fmt, ...);

/* What the sources need of files that are not linked. */
const struct file_ops fifo_fops, dir_file_ops;
static struct inode plain = { .mode = S_IFREG | 0644 };
static struct file plain_file = { .inode = &plain };
void fifo_evict(struct inode *in) { (void)in; }
void inode_drop_pages(struct inode *in) { pages_drop(&in->pages, 0, UINT64_MAX); }
long file_regular_read(struct file *f, struct uio *u, uint64_t *pos)
{
    return (void)f, (void)u, (void)pos, 0;
}
long file_regular_write(struct file *f, struct uio *u, uint64_t *pos)
{
    return (void)f, (void)u, (void)pos, 0;
}
long file_regular_seek(struct file *f, int64_t off, int whence)
{
    return (void)f, (void)off, whence;
}
struct file *fd_get(int fd) { return fd == 7 ? &plain_file : NULL; }
void file_put(struct file *f) { (void)f; }
long strncpy_from_user(char *to, uaddr_t from, size_t room)
{
    return (void)to, (void)from, (void)room, -EFAULT;
}
bool dirent_emit(struct dirent_sink *s, const char *n, size_t len, uint64_t ino, uint8_t t,
                 uint64_t pos)
{
    return (void)s, (void)n, (void)len, (void)ino, (void)t, pos != 0;
}
int ksnprintf(char *to, size_t room, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    int n = __builtin_vsnprintf(to, room, fmt, ap);
    va_end(ap);
    return n;
}
size_t strlcpy(char *to, const char *from, size_t room)
{
    return (size_t)ksnprintf(to, room, "%s", from);
}

static int lookup(const char *name, uint32_t flags, struct path *out)
{
    return path_lookup(AT_FDCWD, name, strlen(name), flags, out);
}

/* Where does a walk lead?  Its absolute name, or the error as text. */
static const char *where(const char *name, uint32_t flags)
{
    static char buf[PATH_MAX_BYTES];
    struct path p;
    int err = lookup(name, flags, &p);
    char *at;

    if (err) {
        snprintf(buf, sizeof(buf), "%d", err);
        return buf;
    }
    at = path_name(&p, buf, sizeof(buf));
    path_put(&p);
    return at;
}
#define LEADS(name, to) assert_string_equal(where(name, WALK_FOLLOW), to)
#define FAILS(name, error) \
    do { \
        struct path p_; \
        assert_int_equal(lookup(name, WALK_FOLLOW, &p_), -(error)); \
    } while (0)

static int make(const char *name, uint32_t mode, const char *target)
{
    struct new_node n = { .mode = mode,
                          .target = target,
                          .target_len = target ? strlen(target) : 0 };
    struct walker w;
    int err = walk_start(&w, AT_FDCWD, name, strlen(name), 0);

    if (err)
        return err;
    mutex_lock(&fs_tree);
    err = walk_parent(&w);
    if (!err)
        err = tmpfs_create(&w.at, w.last, w.last_len, &n, NULL);
    mutex_unlock(&fs_tree);
    walk_end(&w);
    return err;
}

static int setup(void **state)
{
    struct superblock *sb;

    (void)state;
    assert_int_equal(tmpfs_new("rootfs", 0755, &sb), 0);
    assert_int_equal(mount_add(sb, sb->root, NULL, 0, "rootfs"), 0);
    shim_task.fs = fs_ctx_initial();
    return 0;
}

/* Nobody here holds what one could not wait for. */
void end_later(struct ending *e, void (*fn)(struct ending *e)) { fn(e); }

static int teardown(void **state)
{
    (void)state;
    fs_ctx_put(shim_task.fs);
    shim_task.fs = NULL;
    shim_task.cred.fsuid = 0;
    list_remove(&first_mount_ns.root->link);
    assert_true(list_empty(&mounts));
    mount_put(first_mount_ns.root);
    assert_int_equal(shim_objects(), 0);
    assert_int_equal(shim_frames(), 0);
    return 0;
}

static void plain_names(void **state)
{
    static char longest[PATH_MAX_BYTES];

    (void)state;
    make("/a", S_IFDIR | 0755, NULL);
    make("/a/b", S_IFDIR | 0755, NULL);
    make("/a/b/file", S_IFREG | 0644, NULL);
    LEADS("/", "/");
    LEADS("///", "/");
    LEADS("/a//b/./file", "/a/b/file");
    LEADS("a/b/../../a/b/", "/a/b");
    LEADS("/../../a", "/a");
    FAILS("", ENOENT);
    FAILS("/a/none", ENOENT);
    FAILS("/none/b", ENOENT);
    FAILS("/a/b/file/", ENOTDIR);
    FAILS("/a/b/file/x", ENOTDIR);
    FAILS("/a/b/file/..", ENOTDIR);
    memset(longest, 'x', 256);
    FAILS(longest, ENAMETOOLONG);
    longest[255] = 0;
    FAILS(longest, ENOENT);
    struct path p;
    assert_int_equal(path_lookup(99, "a", 1, 0, &p), -EBADF);
    assert_int_equal(path_lookup(7, "a", 1, 0, &p), -ENOTDIR);
    assert_int_equal(path_lookup(99, "/a", 2, 0, &p), 0);
    path_put(&p);
}

static void symlinks(void **state)
{
    char name[16], target[16];

    (void)state;
    make("/d", S_IFDIR | 0755, NULL);
    make("/d/f", S_IFREG | 0644, NULL);
    make("/rel", S_IFLNK | 0777, "d/f");
    make("/abs", S_IFLNK | 0777, "/d");
    make("/d/up", S_IFLNK | 0777, "../abs//");
    make("/slash", S_IFLNK | 0777, "d/f/");
    make("/dangling", S_IFLNK | 0777, "d/none");
    make("/loop", S_IFLNK | 0777, "./loop");
    LEADS("rel", "/d/f");
    LEADS("abs/up/up/f", "/d/f");
    LEADS("d/up/", "/d");
    assert_string_equal(where("d/up", 0), "/d/up");
    assert_string_equal(where("d/up/", 0), "/d");
    FAILS("slash", ENOTDIR);
    FAILS("dangling", ENOENT);
    FAILS("loop", ELOOP);
    FAILS("loop/x", ELOOP);
    assert_string_equal(where("loop", 0), "/loop");
    for (int i = 0; i <= 41; i++) { /* l0 -> l1 -> ... -> d: 40 links are the most */
        snprintf(name, sizeof(name), "/l%d", i);
        snprintf(target, sizeof(target), i == 41 ? "d" : "l%d/.", i + 1);
        make(name, S_IFLNK | 0777, target);
    }
    LEADS("/l2/f", "/d/f");
    FAILS("/l1/f", ELOOP);
    /* Only a missing last name is reported as such. */
    struct walker w;
    bool missing;
    static const struct {
        const char *name;
        bool missing;
    } cases[] = {
        { "/d/none", true },
        { "/none/x", false },
        { "/dangling", true },
        { "/none/", true },
    };
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        walk_start(&w, AT_FDCWD, cases[i].name, strlen(cases[i].name), 0);
        mutex_lock(&fs_tree);
        assert_int_equal(walk_last(&w, WALK_FOLLOW, &missing), -ENOENT);
        assert_int_equal(missing, cases[i].missing);
        mutex_unlock(&fs_tree);
        walk_end(&w);
    }
}

static void rights(void **state)
{
    (void)state;
    make("/shut", S_IFDIR | 0700, NULL);
    make("/shut/f", S_IFREG | 0666, NULL);
    make("/open", S_IFDIR | 0711, NULL);
    make("/open/f", S_IFREG | 0640, NULL);
    shim_task.cred.fsuid = shim_task.cred.fsgid = 5;
    FAILS("/shut/f", EACCES);
    FAILS("/shut/none", EACCES);
    LEADS("/open/f", "/open/f");
    assert_int_equal(make("/open/new", S_IFREG | 0644, NULL), -EACCES);
    shim_task.cred.fsgid = 0;
    shim_task.cred.fsuid = 0;
}

static void mounts_and_dotdot(void **state)
{
    struct superblock *sb;
    struct path on, in;

    (void)state;
    make("/m", S_IFDIR | 0755, NULL);
    make("/m/below", S_IFREG | 0644, NULL);
    assert_int_equal(lookup("/m", 0, &on), 0);
    assert_int_equal(tmpfs_new("tmpfs", 0755, &sb), 0);
    assert_int_equal(mount_add(sb, sb->root, &on, 0, "none"), 0);
    path_put(&on);
    FAILS("/m/below", ENOENT);
    make("/m/top", S_IFDIR | 0755, NULL);
    LEADS("/m/top/../../m/./top", "/m/top");
    LEADS("/m/..", "/");
    assert_int_equal(lookup("/m/top", 0, &in), 0);
    struct mount *m = in.mnt;
    mount_get(m); /* ours; the path is somebody else's */
    assert_int_equal(mount_remove(m, false), -EBUSY);
    path_put(&in);
    assert_int_equal(mount_remove(m, false), 0);
    mount_put(m);
    LEADS("/m/below", "/m/below");
}

static void names_after_changes(void **state)
{
    struct path dir, f, root = { first_mount_ns.root, first_mount_ns.root->root };
    char buf[64];

    (void)state;
    make("/old", S_IFDIR | 0755, NULL);
    make("/new", S_IFDIR | 0755, NULL);
    make("/old/f", S_IFREG | 0644, NULL);
    lookup("/old", 0, &dir);
    lookup("/old/f", 0, &f);
    mutex_lock(&fs_tree);
    struct dentry *victim = dentry_peek(first_mount_ns.root->root, "new", 3);
    assert_int_equal(tmpfs_rename(&root, dir.dentry, &root, "new", 3, victim, 0), 0);
    mutex_unlock(&fs_tree);
    assert_string_equal(path_name(&f, buf, sizeof(buf)), "/new/f");
    FAILS("/old", ENOENT);
    assert_int_equal(first_mount_ns.root->root->inode->nlink, 3);
    assert_int_equal(tmpfs_unlink(&root, dir.dentry, true), -ENOTEMPTY);
    assert_int_equal(tmpfs_unlink(&dir, f.dentry, true), -ENOTDIR);
    assert_int_equal(tmpfs_unlink(&dir, f.dentry, false), 0);
    assert_string_equal(path_name(&f, buf, sizeof(buf)), "/new/f (deleted)");
    assert_null(path_name(&f, buf, 10));
    assert_int_equal(f.dentry->inode->nlink, 0);
    assert_int_equal(tmpfs_unlink(&root, dir.dentry, true), 0);
    assert_int_equal(first_mount_ns.root->root->inode->nlink, 2);
    path_put(&f);
    path_put(&dir);
}

static size_t entry(char *to, size_t at, const char *name, unsigned mode, const char *data)
{
    unsigned len = (unsigned)strlen(data), n = (unsigned)strlen(name) + 1;

    at +=
        (size_t)snprintf(to + at, 128, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
                         1, mode, 0, 0, 1, 0, len, 0, 0, 0, 0, n, 0);
    memcpy(to + at, name, n);
    for (at += n; at & 3;)
        to[at++] = 0;
    memcpy(to + at, data, len);
    for (at += len; at & 3;)
        to[at++] = 0;
    return at;
}

/* A run of links to `busybox` in /lnk, as images/cpio.c writes it. */
static size_t link_run(char *to, size_t at, const char *const names[], uint32_t count)
{
    uint32_t bytes = 168, target = 7;
    size_t field = bytes - 110 - 8;

    for (uint32_t i = 0; i < count; i++, at += bytes) {
        memset(to + at, 0, bytes);
        snprintf(to + at, bytes,
                 "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08zx%08xlnk/%s", 1,
                 S_IFLNK | 0777, 0, 0, 1, 0, target, 0, 0, 0, 0, field, 0, names[i]);
        if (i == 0) {
            memcpy(to + at + 110 + field - 16, "\0symruns", 8);
            memcpy(to + at + 110 + field - 8, &count, 4);
            memcpy(to + at + 110 + field - 4, &bytes, 4);
        }
        memcpy(to + at + 110 + field, "busybox", target);
    }
    return at;
}

/* Links of a run stay in the image until somebody looks: they are found, replaced
 * and removed all the same. */
static void runs_of_links(void)
{
    static const char *const names[] = { "a",   "busyb", "busybo", "busyboxe", "busyboxes",
                                         "cat", "dir",   "vi",     "zcat" };
    static const char *const again[] = { "cat", "new" };
    static char image[8192];
    size_t n = entry(image, 0, "lnk/busybox", S_IFREG | 0755, "");
    struct path p, dir;

    n = entry(image, n, "lnk/cat", S_IFREG | 0644, "");
    n = entry(image, n, "lnk/dir", S_IFDIR | 0755, "");
    n = entry(image, n, "lnk/dir/file", S_IFREG | 0644, "");
    n = entry(image, n, "lnk/a", S_IFDIR | 0755, "");
    n = link_run(image, n, names, ARRAY_SIZE(names));  /* the directory stays that has a file */
    n = entry(image, n, "lnk/vi", S_IFREG | 0644, ""); /* counts */
    n = entry(image, n, "TRAILER!!!", 0, "");
    n = link_run(image, n, again, ARRAY_SIZE(again));
    n = entry(image, n, "TRAILER!!!", 0, "");
    assert_int_equal(cpio_unpack(first_mount_ns.root->sb, image, n, 0), 0);
    FAILS("/lnk/b", ENOENT);
    FAILS("/lnk/busyboxe0", ENOENT);
    FAILS("/lnk/zz", ENOENT);
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        char name[32];

        snprintf(name, sizeof(name), "/lnk/%s", names[i]);
        if (strcmp(names[i], "vi") == 0 || strcmp(names[i], "dir") == 0)
            LEADS(name, name);
        else
            LEADS(name, "/lnk/busybox");
    }
    LEADS("/lnk/new", "/lnk/busybox");
    lookup("/lnk", 0, &dir);
    assert_int_equal(lookup("/lnk/new", 0, &p), 0);
    assert_int_equal(tmpfs_unlink(&dir, p.dentry, false), 0);
    path_put(&p);
    FAILS("/lnk/new", ENOENT);
    path_put(&dir);
}

/* Entries replace one another. */
static void unpacked_tree(void **state)
{
    static char image[4096];
    size_t n = entry(image, 0, "bin/sh", S_IFLNK | 0777, "busybox");
    struct path p, dir;

    (void)state;
    n = entry(image, n, "bin/ls", S_IFLNK | 0777, "nothing");
    n = entry(image, n, "./bin/busybox", S_IFREG | 0755, "");
    n = entry(image, n, "/bin/ls", S_IFLNK | 0777, "busybox"); /* counts */
    n = entry(image, n, "bin/vi", S_IFLNK | 0777, "busybox");
    n = entry(image, n, "bin/vi", S_IFREG | 0644, ""); /* counts */
    n = entry(image, n, "bin/cat", S_IFREG | 0644, "");
    n = entry(image, n, "bin/cat", S_IFLNK | 0777, "busybox"); /* counts */
    n = entry(image, n, "bin", S_IFLNK | 0777, "x");           /* a directory stays one */
    n = entry(image, n, "lib", S_IFDIR | 0755, "");
    n = entry(image, n, "lib", S_IFLNK | 0777, "bin"); /* unless it is empty */
    n = entry(image, n, "sbin/x", S_IFREG | 0644, "");
    n = entry(image, n, "sbin", S_IFDIR | 0700, "");
    n = entry(image, n, "empty", S_IFDIR | 0755, "");
    n = entry(image, n, "empty", S_IFREG | 0644, "");
    n = entry(image, n, "empty", S_IFDIR | 0755, "");
    n = entry(image, n, "empty/x", S_IFREG | 0644, ""); /* where the new one is */
    n = entry(image, n, "TRAILER!!!", 0, "");
    assert_int_equal(cpio_unpack(first_mount_ns.root->sb, image, n, 0), 0);
    LEADS("/bin/sh", "/bin/busybox");
    LEADS("/bin/ls", "/bin/busybox");
    LEADS("/bin/vi", "/bin/vi");
    LEADS("/bin/cat", "/bin/busybox");
    LEADS("/lib/cat", "/bin/busybox");
    LEADS("/sbin/x", "/sbin/x");
    LEADS("/empty/x", "/empty/x");
    FAILS("/bin/none", ENOENT);
    n = entry(image, 0, "a/../b", S_IFREG | 0644, "");
    assert_int_equal(cpio_unpack(first_mount_ns.root->sb, image, n, 0), -EINVAL);
    FAILS("/b", ENOENT);
    lookup("/bin", 0, &dir);
    assert_int_equal(lookup("/bin/sh", 0, &p), 0);
    assert_int_equal(tmpfs_unlink(&dir, p.dentry, false), 0);
    path_put(&p);
    FAILS("/bin/sh", ENOENT);
    path_put(&dir);
    runs_of_links();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(plain_names, setup, teardown),
        cmocka_unit_test_setup_teardown(symlinks, setup, teardown),
        cmocka_unit_test_setup_teardown(rights, setup, teardown),
        cmocka_unit_test_setup_teardown(mounts_and_dotdot, setup, teardown),
        cmocka_unit_test_setup_teardown(names_after_changes, setup, teardown),
        cmocka_unit_test_setup(unpacked_tree, setup), /* names in chunks stay for ever */
    };

    shim_init();
    mutex_init(&fs_tree, LOCK_fs_tree);
    return cmocka_run_group_tests_name("path", tests, NULL, NULL);
}
