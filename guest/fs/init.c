/* init.c - the tree at boot: / is a tmpfs with what the root images hold, /dev a devtmpfs. */
#include "fs/init.h"
#include "arch/layout.h"
#include "arch/machine.h"
#include "arch/pvh.h"
#include "fs/anon_file.h"
#include "fs/cpio_tree.h"
#include "fs/dentry.h"
#include "fs/devfs.h"
#include "fs/devpts.h"
#include "fs/file.h"
#include "fs/fs_type.h"
#include "fs/image_tree.h"
#include "fs/inode.h"
#include "fs/layout.h"
#include "fs/loop.h"
#include "fs/mem_dev.h"
#include "fs/mount.h"
#include "fs/path.h"
#include "fs/tmpfs.h"
#include "fs/tmpfs_mount.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/kmap.h"
#include "shared/boot_stages.h"
#include "trace/boot_stage.h"

static void unpack_image(struct superblock *sb, paddr_t start, uint64_t bytes)
{
    pfn_t first = start & (PAGE_SIZE - 1) ? 0 : (pfn_t)(start >> PAGE_SHIFT);
    int err = kmap_direct_part(start, start + bytes);

    if (err == 0)
        err = cpio_unpack(sb, phys_to_virt(start), bytes, first);
    if (err)
        kprintf("root image at 0x%llx: error %d, part of it is missing\n",
                (unsigned long long)start, -err);
}

/* An image with an index instead of an archive: nothing is unpacked. */
static void place_indexed(struct superblock *sb, const struct boot_module *m)
{
    int err =
        m->start & (PAGE_SIZE - 1) ? -EINVAL : kmap_direct_part(m->start, m->start + m->bytes);

    if (err == 0)
        err =
            image_tree_place(sb, phys_to_virt(m->start), m->bytes, (pfn_t)(m->start >> PAGE_SHIFT));
    if (err)
        panic("root index at 0x%llx: error %d", (unsigned long long)m->start, -err);
}

static void unpack_images(struct superblock *sb)
{
    bool replaced = false;

    for (unsigned i = 0; i < boot_info.nmodules; i++)
        replaced |= boot_info.module[i].kind != MODULE_ADD;
    if (!replaced)
        unpack_image(sb, virt_to_phys(rootimg_start), (uint64_t)(rootimg_end - rootimg_start));
    for (enum module_kind kind = MODULE_INDEX; kind <= MODULE_ADD; kind++)
        for (unsigned i = 0; i < boot_info.nmodules; i++) {
            const struct boot_module *m = &boot_info.module[i];

            if (m->kind == kind && kind == MODULE_INDEX)
                place_indexed(sb, m);
            else if (m->kind == kind)
                unpack_image(sb, m->start, m->bytes);
        }
}

static void mount_dev(void)
{
    struct path top = { first_mount_ns.root, first_mount_ns.root->root },
                dev = { first_mount_ns.root, NULL };
    struct new_node n = { .mode = S_IFDIR | 0755 };
    struct superblock *sb;
    int err = dentry_find(top.dentry, "dev", 3, &dev.dentry);

    if (err == -ENOENT)
        err = tmpfs_create(&top, "dev", 3, &n, &dev.dentry);
    if (!err)
        err = fs_type_get("devtmpfs", NULL, &sb);
    if (!err)
        err = mount_add(sb, sb->root, &dev, MS_RELATIME, "devtmpfs");
    if (err)
        panic("/dev: error %d", -err);
    dentry_put(dev.dentry);
}

/* /sys, if there is a place for it, and not before somebody goes there. */
static void mount_sys(void)
{
    struct dentry *d;

    if (dentry_find(first_mount_ns.root->root, "sys", 3, &d) != 0)
        return;
    if (is_dir(d->inode))
        mount_later(d, "sysfs");
    dentry_put(d);
}

void fs_init(void)
{
    struct superblock *sb;

    mutex_init(&fs_tree, LOCK_fs_tree);
    anon_file_init();
    tmpfs_register();
    mem_dev_register();
    devfs_register();
    devpts_register();
    loop_register();
    mutex_lock(&fs_tree);
    if (tmpfs_new("tmpfs", 0755, &sb) != 0 ||
        mount_add(sb, sb->root, NULL, MS_RELATIME, "tmpfs") != 0)
        panic("no memory for the root file system");
    unpack_images(sb);
    sb->max_pages = sb->pages + tmpfs_share();
    mount_dev();
    mount_sys();
    mutex_unlock(&fs_tree);
    fs_layout_publish();
    boot_stage(BOOT_root_mounted);
}

int fs_builtin_open(const char *dir, const char *name, struct file **out)
{
    struct path p = { 0 };
    struct dentry *d = NULL;
    struct superblock *sb;
    int err;

    mutex_lock(&fs_tree);
    err = tmpfs_new("tmpfs", 0755, &sb);
    if (!err) {
        unpack_image(sb, virt_to_phys(rootimg_start), (uint64_t)(rootimg_end - rootimg_start));
        err = dentry_find(sb->root, dir, strlen(dir), &d);
    }
    if (!err) {
        err = dentry_find(d, name, strlen(name), &p.dentry);
        dentry_put(d);
    }
    mutex_unlock(&fs_tree);
    if (err)
        return err;
    err = file_new(&p, O_RDONLY, out);
    dentry_put(p.dentry);
    return err;
}
