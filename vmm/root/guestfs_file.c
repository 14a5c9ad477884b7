/* guestfs_file.c - one file: what it is, a symlink's text, a regular file's pages. */
#include "vmm/root/guestfs_file.h"

#include <string.h>
#include <sys/stat.h>

#define NODE_LEVELS 11 /* a file of 64-bit size has no more */

static bool is_a_kind(uint32_t mode)
{
    return S_ISREG(mode) || S_ISDIR(mode) || S_ISLNK(mode) || S_ISCHR(mode) || S_ISBLK(mode) ||
           S_ISFIFO(mode) || S_ISSOCK(mode);
}

bool guestfs_live(struct guestfs *fs, uint64_t inode, struct guest_file *out)
{
    struct view v;
    struct fs_time t;
    if (!guestfs_get(fs, &v, FS_inode, inode))
        return guestfs_bad(fs);
    memcpy(&t, v.byte + fs->layout.field[FS_inode_mtime], sizeof(t));
    *out = (struct guest_file){
        .kind = GUEST_LIVE,
        .at = inode,
        .mode = (uint32_t)guestfs_number(&v, FS_inode_mode) & (S_IFMT | 07777),
        .uid = (uint32_t)guestfs_number(&v, FS_inode_uid),
        .gid = (uint32_t)guestfs_number(&v, FS_inode_gid),
        .nlink = (uint32_t)guestfs_number(&v, FS_inode_nlink),
        .rdev = (uint32_t)guestfs_number(&v, FS_inode_rdev),
        .size = guestfs_number(&v, FS_inode_size),
        .mtime = t.sec,
        .mtime_ns = t.nsec >= 0 && t.nsec < 1000000000 ? (uint32_t)t.nsec : 0,
        .link_at = guestfs_number(&v, FS_inode_private),
        .xattrs = guestfs_number(&v, FS_inode_xattrs),
        .pages = guestfs_number(&v, FS_inode_pages),
        .borrowed = guestfs_number(&v, FS_inode_borrowed),
        .borrowed_pages = guestfs_number(&v, FS_inode_borrowed_pages),
    };
    return is_a_kind(out->mode) || guestfs_bad(fs);
}

/* The inode that the kernel has made of a file with several names, of which some are not made; 0: none. */
static uint64_t link_of(const struct guestfs *fs, uint64_t number)
{
    struct view v;
    uint64_t node = fs->links;
    for (unsigned n = 0; node != 0 && n < 64; n++) {
        if (!guestfs_get(fs, &v, FS_image_link, node)) /* the node is its first field */
            return 0;
        uint64_t its = guestfs_number(&v, FS_image_link_inode);
        if (its == number)
            return guestfs_number(&v, FS_image_link_in);
        node = guestfs_number(&v, number < its ? FS_image_link_left : FS_image_link_right);
    }
    return 0;
}

bool guestfs_indexed(struct guestfs *fs, uint64_t number, struct guest_file *out)
{
    struct root_inode r;
    if (number >= fs->inodes ||
        !guestfs_copy(fs, &r, fs->inode_at + number * sizeof(r), sizeof(r)) || !is_a_kind(r.mode))
        return guestfs_bad(fs);
    uint64_t live = r.nlink > 1 && !S_ISDIR(r.mode) ? link_of(fs, number) : 0;
    if (live != 0)
        return guestfs_live(fs, live, out);
    *out = (struct guest_file){
        .kind = GUEST_INDEXED,
        .at = number,
        .mode = r.mode & (S_IFMT | 07777),
        .uid = r.uid,
        .gid = r.gid,
        .nlink = r.nlink,
        .rdev = r.rdev,
        .size = r.size,
        .mtime = r.mtime,
        .mtime_ns = r.mtime_ns < 1000000000 ? r.mtime_ns : 0,
    };
    if (S_ISLNK(r.mode)) {
        if (r.at >= fs->text_bytes)
            return guestfs_bad(fs);
        out->link_at = fs->text_at + r.at;
    } else if (S_ISDIR(r.mode) && r.count > 0) {
        if (r.count > fs->entries || r.at > fs->entries - r.count)
            return guestfs_bad(fs);
        out->first = r.at;
        out->count = r.count;
    } else if (S_ISREG(r.mode)) {
        uint64_t n = r.size / GMEM_PAGE + (r.size % GMEM_PAGE != 0);
        if (n > fs->data_pages || r.at > fs->data_pages - n)
            return guestfs_bad(fs);
        out->borrowed = fs->data + r.at;
        out->borrowed_pages = n;
    }
    return true;
}

bool guestfs_link(struct guestfs *fs, const struct guest_file *f, char buf[4096])
{
    if (f->size == 0 || f->size > ROOT_LINK_MAX || !guestfs_copy(fs, buf, f->link_at, f->size))
        return guestfs_bad(fs);
    buf[f->size] = '\0';
    return strlen(buf) == f->size || guestfs_bad(fs);
}

/* --- an archive's symlinks --------------------------------------------------------------- */

#define CPIO_HEADER 110u
enum { CPIO_INO, CPIO_MODE, CPIO_UID, CPIO_GID, CPIO_NLINK, CPIO_MTIME, CPIO_SIZE, CPIO_NAME = 11 };

static uint32_t cpio_field(const char *header, unsigned which)
{
    uint32_t n = 0;
    for (unsigned i = 0; i < 8; i++) {
        char c = header[6 + 8 * which + i];
        unsigned digit = c >= '0' && c <= '9' ? (unsigned)(c - '0') : ((unsigned)c | 32) - 'a' + 10;
        if (digit > 15)
            return 0;
        n = n << 4 | digit;
    }
    return n;
}

/* `bytes` from its header on are the entry's; the name's last part begins at name_at. */
bool guestfs_stored(struct guestfs *fs, uint64_t header, uint64_t bytes, uint64_t name_at,
                    struct guest_file *out, char name[ROOT_NAME_MAX + 1])
{
    char head[CPIO_HEADER];
    if (bytes < CPIO_HEADER || !guestfs_copy(fs, head, header, sizeof(head)))
        return guestfs_bad(fs);
    /* A name may have several NULs behind it (images/cpio.c). */
    uint64_t end = CPIO_HEADER + (uint64_t)cpio_field(head, CPIO_NAME),
             size = cpio_field(head, CPIO_SIZE);
    uint64_t data = (end + 3) & ~3ull, room = ROOT_NAME_MAX + 1;
    if (name_at < CPIO_HEADER || name_at >= end || data > bytes || size > bytes - data ||
        !S_ISLNK(cpio_field(head, CPIO_MODE)))
        return guestfs_bad(fs);
    room = end - name_at < room ? end - name_at : room;
    if (!guestfs_copy(fs, name, header + name_at, room) || memchr(name, '\0', room) == NULL)
        return guestfs_bad(fs);
    *out = (struct guest_file){
        .kind = GUEST_STORED,
        .at = header,
        .mode = S_IFLNK | 0777,
        .uid = cpio_field(head, CPIO_UID),
        .gid = cpio_field(head, CPIO_GID),
        .nlink = 1,
        .size = size,
        .mtime = cpio_field(head, CPIO_MTIME),
        .link_at = header + data,
    };
    return true;
}

/* --- pages ------------------------------------------------------------------------------- */

struct reading {
    struct guestfs *fs;
    const struct guest_file *f;
    guestfs_data *data;
    void *arg;
    uint64_t next; /* pages before it are done */
};

static bool give(struct reading *r, uint64_t page, uint64_t frame, uint64_t n)
{
    while (n > 0) {
        uint64_t offset = page * GMEM_PAGE, run = n < 64 ? n : 64;
        if (page > UINT64_MAX / GMEM_PAGE || offset >= r->f->size)
            return true;
        const uint8_t *at = gmem_span(r->fs->mem, frame * GMEM_PAGE, run * GMEM_PAGE);
        if (at == NULL || r->fs->pages_left < run) {
            guestfs_bad(r->fs);
            return true; /* a hole then, and the file is said to be damaged */
        }
        r->fs->pages_left -= run;
        uint64_t left = r->f->size - offset, bytes = run * GMEM_PAGE;
        if (!r->data(r->arg, offset, at, bytes < left ? bytes : left))
            return false;
        page += run;
        frame += run;
        n -= run;
    }
    return true;
}

/* Pages of the image up to `to`. */
static bool give_borrowed(struct reading *r, uint64_t to)
{
    uint64_t from = r->next;
    if (to > r->f->borrowed_pages)
        to = r->f->borrowed_pages;
    return from >= to || give(r, from, r->f->borrowed + from, to - from);
}

static bool give_page(struct reading *r, uint64_t page, uint64_t frame)
{
    if (!give_borrowed(r, page) || !give(r, page, frame, 1))
        return false;
    r->next = page + 1;
    return true;
}

/* The pages below a node of the index, whose first page is `base`. */
static bool give_node(struct reading *r, uint64_t node, unsigned level, uint64_t base)
{
    unsigned bits = r->fs->layout.slot_bits, slots = 1u << bits;
    uint64_t span_bits = (uint64_t)(level - 1) * bits;
    uint64_t each = level == 1 ? sizeof(uint32_t) : sizeof(uint64_t);
    uint8_t slot[512 * sizeof(uint64_t)];
    if (r->fs->nodes_left == 0 || !guestfs_copy(r->fs, slot, node, slots * each)) {
        guestfs_bad(r->fs);
        return true;
    }
    r->fs->nodes_left--;
    for (unsigned i = 0; i < slots; i++) {
        uint64_t value = 0, page = base;
        memcpy(&value, slot + i * each, each);
        if (value == 0)
            continue;
        if (i > 0 && (span_bits >= 64 || (uint64_t)i > (UINT64_MAX - base) >> span_bits))
            return true; /* beyond all files */
        page += i > 0 ? (uint64_t)i << span_bits : 0;
        if (!(level == 1 ? give_page(r, page, value) : give_node(r, value, level - 1, page)))
            return false;
    }
    return true;
}

bool guestfs_read(struct guestfs *fs, const struct guest_file *f, guestfs_data *data, void *arg)
{
    struct reading r = { .fs = fs, .f = f, .data = data, .arg = arg };
    struct view v;
    if (f->pages != 0) {
        if (!guestfs_get(fs, &v, FS_page_index, f->pages)) {
            guestfs_bad(fs);
        } else {
            uint64_t height = guestfs_number(&v, FS_page_index_height);
            uint64_t node = guestfs_number(&v, FS_page_index_node);
            bool ok = true;
            if (height > NODE_LEVELS)
                guestfs_bad(fs);
            else if (height == 0)
                ok = (uint32_t)node == 0 || give_page(&r, 0, (uint32_t)node);
            else
                ok = node == 0 || give_node(&r, node, (unsigned)height, 0);
            if (!ok)
                return false;
        }
    }
    return give_borrowed(&r, f->borrowed_pages);
}
