/* init.c - the tree at boot: / is a tmpfs with what the root images hold, /dev a devtmpfs. */
#include "fs/init.h"
#include "arch/layout.h"
#include "arch/machine.h"
#include "arch/pvh.h"
#include "fs/anon_file.h"
#include "fs/cpio_tree.h"
#include "fs/dentry.h"
#include "fs/devfs.h"
#include "fs/fs_type.h"
#include "fs/inode.h"
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

static void unpack_images(struct superblock *sb)
{
    bool replaced = false;

    for (unsigned i = 0; i < boot_info.nmodules; i++)
        replaced |= boot_info.module[i].replaces_root;
    if (!replaced)
        unpack_image(sb, virt_to_phys(rootimg_start), (uint64_t)(rootimg_end - rootimg_start));
    for (int add = 0; add <= 1; add++) /* the root first, then what is added to it */
        for (unsigned i = 0; i < boot_info.nmodules; i++)
            if (boot_info.module[i].replaces_root == !add)
                unpack_image(sb, boot_info.module[i].start, boot_info.module[i].bytes);
}

static void mount_dev(void)
{
    struct path top = { root_mount, root_mount->root }, dev = { root_mount, NULL };
    struct new_node n = { .mode = S_IFDIR | 0755 };
    struct superblock *sb;
    int err = dentry_find(top.dentry, "dev", 3, &dev.dentry);

    if (err == -ENOENT)
        err = tmpfs_create(&top, "dev", 3, &n, &dev.dentry);
    if (!err)
        err = fs_type_get("devtmpfs", NULL, &sb);
    if (!err)
        err = mount_add(sb, sb->root, &dev, 0, "devtmpfs");
    if (err)
        panic("/dev: error %d", -err);
    dentry_put(dev.dentry);
}

void fs_init(void)
{
    struct superblock *sb;

    mutex_init(&fs_tree, LOCK_fs_tree);
    anon_file_init();
    tmpfs_register();
    mem_dev_register();
    devfs_register();
    mutex_lock(&fs_tree);
    if (tmpfs_new("tmpfs", 0755, &sb) != 0 || mount_add(sb, sb->root, NULL, 0, "tmpfs") != 0)
        panic("no memory for the root file system");
    unpack_images(sb);
    sb->max_pages = sb->pages + tmpfs_share();
    mount_dev();
    mutex_unlock(&fs_tree);
    boot_stage(BOOT_root_mounted);
}
