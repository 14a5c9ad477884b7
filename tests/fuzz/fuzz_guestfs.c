/* links: vmm/root/guestfs_find.c vmm/root/guestfs_mem.c vmm/root/guestfs_file.c vmm/root/guestfs_dir.c vmm/root/guestfs_xattr.c vmm/gmem.c */
/* What `--save` reads of a guest's files, when the guest's memory holds anything: nothing outside of RAM
 * is looked at, a walk ends, and what it gives is names without a way out, links, and data within the file, no more
 * than memory can hold.  The machine is a small tree with one of everything; the input stores over it. */
#include "fuzz.h"

#include <linux/magic.h>
#include <sys/stat.h>

#include "shared/inspect.h"
#include "shared/root_index.h"
#include "vmm/gmem.h"
#include "vmm/root/guestfs_find.h"
#include "vmm/root/guestfs_xattr.h"

#define RAM    (256u << 10)
#define STRIDE 16u /* a field */
#define DIRECT 0xffffff8000000000ull
#define IMAGE  0xffffffff80000000ull

static const uint8_t struct_of[FS_FIELD_COUNT] = {
#define X(s, member, name, type) FS_##s,
    FS_FIELDS(X)
#undef X
};
static struct gmem *mem;
static struct fs_layout layout;

static uint8_t *ram(uint64_t at) { return gmem_span(mem, at, 1); }
static void set(uint64_t at, enum fs_field f, uint64_t value)
{
    memcpy(ram(at) + layout.field[f], &value, sizeof(value));
}
static void set_list(uint64_t at, uint64_t next, uint64_t prev)
{
    uint64_t pair[2] = { DIRECT + next, DIRECT + prev };
    memcpy(ram(at), pair, sizeof(pair));
}

static void make_layout(void)
{
    layout = (struct fs_layout){ .magic = FS_LAYOUT_MAGIC,
                                 .version = FS_LAYOUT_VERSION,
                                 .bytes = sizeof(layout),
                                 .kernel_base = IMAGE,
                                 .direct_map = DIRECT,
                                 .root_mount = DIRECT + 0x100,
                                 .mounts = DIRECT + 0x110,
                                 .image = DIRECT + 0x1000,
                                 .image_names = DIRECT + 0x120,
                                 .cpio_names = DIRECT + 0x128,
                                 .device_names = DIRECT + 0x130,
                                 .slot_bits = 6,
                                 .run_taken = 0x90,
                                 .xattr_name = 0x50,
                                 .part_byte = 0x10,
                                 .part_bytes = 100 };
    for (unsigned f = 0; f < FS_FIELD_COUNT; f++) {
        layout.field[f] = layout.size[struct_of[f]];
        layout.size[struct_of[f]] += STRIDE;
    }
    layout.field[FS_image_link_left] = 0; /* as in the kernel: a node is the first of its element */
    layout.field[FS_image_dir_first] = 8;
}

#define DENTRY(i) (0x2000ull + 0x200 * (i))
#define INODE(i)  (0x4000ull + 0x200 * (i))

static void add_dentry(unsigned i, unsigned parent, const char *name, uint32_t mode, uint64_t size)
{
    uint64_t d = DENTRY(i), in = INODE(i), text = 0x6000 + 0x40 * i;
    uint64_t sibling = layout.field[FS_dentry_sibling], order = layout.field[FS_dentry_by_order];
    strcpy((char *)ram(text), name);
    set(d, FS_dentry_inode, DIRECT + in);
    set(d, FS_dentry_parent, DIRECT + DENTRY(parent));
    set(d, FS_dentry_name, DIRECT + text);
    set(d, FS_dentry_name_len, strlen(name));
    set(in, FS_inode_mode, mode);
    set(in, FS_inode_nlink, 2);
    set(in, FS_inode_size, size);
    set_list(d + order, d + order, d + order);
    if (i == parent)
        return;
    uint64_t head = DENTRY(parent) + order, first;
    memcpy(&first, ram(head), sizeof(first));
    first -= DIRECT;
    set_list(d + sibling, first, head);
    uint64_t at = DIRECT + d + sibling;
    memcpy(ram(first) + 8, &at, sizeof(at)); /* its prev */
    memcpy(ram(head), &at, sizeof(at));
}

static void make_index(void)
{
    struct root_inode inode[4] = { { .mode = S_IFDIR | 0755, .nlink = 2, .count = 2 },
                                   { .mode = S_IFREG | 0644, .nlink = 2, .size = 5000, .at = 1 },
                                   { .mode = S_IFDIR | 0755, .nlink = 2, .at = 2, .count = 1 },
                                   { .mode = S_IFLNK | 0777, .nlink = 1, .size = 3, .at = 12 } };
    struct root_xattrs xattrs = { 1, 16, 17 };
    struct root_xattr one = { 3, 6, { 0 } };
    struct root_entry entry[3] = { { 1, 0, 4, 0 }, { 2, 4, 4, 0 }, { 3, 8, 3, 0 } };
    memcpy(ram(0x8000), inode, sizeof(inode));
    memcpy(ram(0x8800), entry, sizeof(entry));
    memcpy(ram(0x8c00), "fileadirlnk\0abc", 16);
    memcpy(ram(0x8a00), &xattrs, sizeof(xattrs));
    memcpy(ram(0x8c10), &one, sizeof(one));
    memcpy(ram(0x8c18), "user.iabc", 9);
    set(0x1000, FS_image_tree_xattrs, DIRECT + 0x8a00);
    set(0x1000, FS_image_tree_nxattrs, 1);
    set(0x1000, FS_image_tree_inodes, 4);
    set(0x1000, FS_image_tree_entries, 3);
    set(0x1000, FS_image_tree_text_bytes, 33);
    set(0x1000, FS_image_tree_inode, DIRECT + 0x8000);
    set(0x1000, FS_image_tree_entry, DIRECT + 0x8800);
    set(0x1000, FS_image_tree_text, DIRECT + 0x8c00);
    set(0x1000, FS_image_tree_data, 16);
    set(0x1000, FS_image_tree_data_pages, 4);
}

static void make_machine(void)
{
    struct inspect_root root = { .magic = INSPECT_MAGIC, .fs_layout = 0x800 };
    uint64_t mount = DIRECT + 0x200, sb = 0x700, link = 0x200 + layout.field[FS_mount_link];
    memset(ram(0), 0, RAM);
    memcpy(ram(0xc00), &root, sizeof(root));
    memcpy(ram(0x800), &layout, sizeof(layout));
    memcpy(ram(0x100), &mount, sizeof(mount));
    set_list(0x110, link, link);
    set_list(link, 0x110, 0x110);
    set(0x200, FS_mount_sb, DIRECT + sb);
    set(0x200, FS_mount_root, DIRECT + DENTRY(0));
    set(sb, FS_superblock_magic, TMPFS_MAGIC);
    add_dentry(0, 0, "", S_IFDIR | 0755, 0);
    add_dentry(1, 0, "dir", S_IFDIR | 0755, 0);
    add_dentry(2, 1, "large", S_IFREG | 0644, 3 * 4096 + 7);
    add_dentry(3, 1, "link", S_IFLNK | 0777, 5);
    add_dentry(4, 0, "small", S_IFREG | 0644, 10);
    add_dentry(5, 0, "stored", S_IFDIR | 0755, 0);
    set(INODE(3), FS_inode_private, DIRECT + 0x7000);
    strcpy((char *)ram(0x7000), "large");
    set(INODE(2), FS_inode_pages, DIRECT + 0x7100); /* pages 0 and 3 */
    set(0x7100, FS_page_index_height, 1);
    set(0x7100, FS_page_index_node, DIRECT + 0x7200);
    ((uint32_t *)ram(0x7200))[0] = 20;
    ((uint32_t *)ram(0x7200))[3] = 21;
    set(INODE(4), FS_inode_pages, DIRECT + 0x7400);
    set(0x7400, FS_page_index_node, 22);
    make_index();
    set(INODE(4), FS_inode_xattrs, DIRECT + 0x9800);
    set(0x9800, FS_xattr_size, 150);
    set(0x9800, FS_xattr_name_len, 6);
    set(0x9800, FS_xattr_parts, DIRECT + 0x9900);
    strcpy((char *)ram(0x9800) + layout.xattr_name, "user.a");
    set(0x9900, FS_xattr_part_next, DIRECT + 0x9a00);
    uint64_t ops[2] = { layout.image_names, layout.cpio_names };
    memcpy(ram(0x9000), &ops[0], 8);
    set(0x9000, FS_image_dir_count, 2);
    set(DENTRY(5), FS_dentry_stored, DIRECT + 0x9000);
}

/* --- what must hold ---------------------------------------------------------------------- */

struct checking {
    struct guestfs fs;
    uint64_t names, bytes, next, xattrs;
    const struct guest_file *file;
};

static bool check_data(void *arg, uint64_t offset, const uint8_t *at, uint64_t bytes)
{
    struct checking *c = arg;
    volatile uint8_t seen = 0;
    MUST(bytes > 0 && offset >= c->next && offset + bytes <= c->file->size);
    for (uint64_t i = 0; i < bytes; i += 64)
        seen = at[i];
    (void)seen;
    c->next = offset + bytes;
    c->bytes += bytes;
    return true;
}

static bool check_xattr(void *arg, const char *name, const uint8_t *value, uint32_t bytes)
{
    struct checking *c = arg;
    volatile uint8_t seen = 0;
    MUST(strlen(name) > 0 && strlen(name) <= 255 && bytes <= 65536);
    for (uint32_t i = 0; i < bytes; i++)
        seen = value[i];
    (void)seen;
    c->xattrs += bytes;
    return true;
}

static bool check_entry(void *arg, const char *path, const struct guest_file *f)
{
    struct checking *c = arg;
    char text[4096];
    MUST(strlen(path) < GUESTFS_PATH_MAX && path[0] != '/' && ++c->names < 5u << 20);
    for (const char *at = path; *at != '\0';) {
        size_t n = strcspn(at, "/");
        MUST(n > 0 && n <= 255 && strncmp(at, ".", n) != 0 &&
             (n != 2 || strncmp(at, "..", 2) != 0));
        at += n + (at[n] == '/');
    }
    if (S_ISLNK(f->mode) && guestfs_link(&c->fs, f, text))
        MUST(strlen(text) == f->size && f->size > 0);
    guestfs_xattrs(&c->fs, f, check_xattr, c);
    c->file = f;
    c->next = 0;
    if (S_ISREG(f->mode))
        guestfs_read(&c->fs, f, check_data, c);
    return c->names < 20000; /* it would end, but later than libFuzzer waits */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { data, size };
    struct checking c = { .names = 0 };
    struct guest_file top;
    char path[64];
    const char *why;
    if (mem == NULL && gmem_create(&mem, RAM) != 0)
        abort();
    if (layout.magic == 0)
        make_layout();
    make_machine();
    take(&in, path, sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    while (in.left > 0) { /* a place, how much, and what; or another place's address */
        uint64_t at = take_number(&in, 2) * 8 % (RAM - 8), what = take_number(&in, 1);
        uint64_t value = take_number(&in, what & 1 ? 8 : 2);
        if (what & 2)
            value = DIRECT + value * 8;
        memcpy(ram(at), &value, what & 4 ? 4 : 8);
    }
    if (!guestfs_open(&c.fs, mem, 0xc00))
        return 0;
    if (guestfs_find(&c.fs, "/", &top, &why))
        guestfs_walk(&c.fs, &top, check_entry, &c);
    if (size == 0)
        MUST(c.names == 9 && c.fs.damaged == 0 && c.bytes == 4096 + 7 + 10 + 5000 &&
             c.xattrs == 153);
    MUST(c.bytes <= 2 * RAM);
    guestfs_find(&c.fs, path, &top, &why);
    return 0;
}
