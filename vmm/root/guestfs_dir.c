/* guestfs_dir.c - the names in a directory: those that the kernel has made, and those that stand in an
 * index or an archive until somebody looks for them.  And walks. */
#include "vmm/root/guestfs_dir.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DEPTH_MAX 1000

static bool name_is_good(const char *name, size_t len)
{
    return len > 0 && len <= ROOT_NAME_MAX && memchr(name, '\0', len) == NULL &&
           memchr(name, '/', len) == NULL &&
           !(name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')));
}

static bool one_more(struct guestfs *fs)
{
    if (fs->names_left == 0)
        return guestfs_bad(fs);
    fs->names_left--;
    return true;
}

bool guestfs_dentry(struct guestfs *fs, uint64_t at, struct view *d, struct guest_file *out)
{
    if (!guestfs_get(fs, d, FS_dentry, at))
        return guestfs_bad(fs);
    if (!guestfs_live(fs, guestfs_number(d, FS_dentry_inode), out))
        return false;
    out->dentry = at;
    out->mounted = guestfs_number(d, FS_dentry_mounted);
    return true;
}

/* --- of an index ------------------------------------------------------------------------- */

static bool indexed_names(struct guestfs *fs, uint64_t first, uint64_t count, guestfs_name *name,
                          void *arg)
{
    char text[ROOT_NAME_MAX + 1];
    struct guest_file f;
    if (count > fs->entries || first > fs->entries - count || fs->inodes == 0)
        return guestfs_bad(fs) || true;
    for (uint64_t i = first; i < first + count; i++) {
        struct root_entry e;
        if (!guestfs_copy(fs, &e, fs->entry_at + i * sizeof(e), sizeof(e)) || !one_more(fs))
            return true;
        if (e.taken != 0)
            continue;
        if (e.len > ROOT_NAME_MAX || !guestfs_copy(fs, text, fs->text_at + e.name, e.len) ||
            !name_is_good(text, e.len)) {
            guestfs_bad(fs);
            continue;
        }
        text[e.len] = '\0';
        if (guestfs_indexed(fs, e.inode, &f) && !name(arg, text, &f))
            return false;
    }
    return true;
}

/* --- of an archive ----------------------------------------------------------------------- */

static bool archive_names(struct guestfs *fs, uint64_t run, guestfs_name *name, void *arg)
{
    char text[ROOT_NAME_MAX + 1];
    struct guest_file f;
    struct view v;
    if (!guestfs_get(fs, &v, FS_stored_run, run))
        return guestfs_bad(fs) || true;
    uint64_t first = guestfs_number(&v, FS_stored_run_first),
             n = guestfs_number(&v, FS_stored_run_n),
             bytes = guestfs_number(&v, FS_stored_run_bytes),
             name_at = guestfs_number(&v, FS_stored_run_name_at);
    for (uint64_t i = 0; i < n; i++) {
        uint8_t taken;
        if (!guestfs_copy(fs, &taken, run + fs->layout.run_taken + i / 8, 1) || !one_more(fs))
            return guestfs_bad(fs) || true;
        if (taken >> i % 8 & 1)
            continue;
        if (!guestfs_stored(fs, first + i * bytes, bytes, name_at, &f, text))
            continue;
        if (!name_is_good(text, strlen(text)))
            guestfs_bad(fs);
        else if (!name(arg, text, &f))
            return false;
    }
    return true;
}

/* --- made by the kernel ------------------------------------------------------------------ */

/* A list that agrees with its back pointers leads back to its head, and a name that has this directory as
 * its parent is in no other. */
static bool live_names(struct guestfs *fs, uint64_t dir, const struct view *d, guestfs_name *name,
                       void *arg)
{
    uint64_t head = dir + fs->layout.field[FS_dentry_by_order], before = head;
    uint64_t link_at = fs->layout.field[FS_dentry_sibling];
    struct fs_list link = guestfs_list(d, FS_dentry_by_order);
    char text[ROOT_NAME_MAX + 1];
    struct guest_file f;
    struct view v;
    while (link.next != head) {
        uint64_t node = link.next, at = node - link_at;
        if (!one_more(fs) || !guestfs_get(fs, &v, FS_dentry, at))
            return guestfs_bad(fs) || true;
        link = guestfs_list(&v, FS_dentry_sibling);
        if (link.prev != before || guestfs_number(&v, FS_dentry_parent) != dir)
            return guestfs_bad(fs) || true;
        before = node;
        uint64_t len = guestfs_number(&v, FS_dentry_name_len);
        if (len > ROOT_NAME_MAX ||
            !guestfs_copy(fs, text, guestfs_number(&v, FS_dentry_name), len) ||
            !name_is_good(text, len)) {
            guestfs_bad(fs);
            continue;
        }
        text[len] = '\0';
        if (!guestfs_live(fs, guestfs_number(&v, FS_dentry_inode), &f))
            continue;
        f.dentry = at;
        f.mounted = guestfs_number(&v, FS_dentry_mounted);
        if (!name(arg, text, &f))
            return false;
    }
    return true;
}

bool guestfs_names(struct guestfs *fs, const struct guest_file *dir, guestfs_name *name, void *arg)
{
    struct view d, s;
    uint64_t ops;
    if (dir->kind == GUEST_INDEXED)
        return dir->count == 0 || indexed_names(fs, dir->first, dir->count, name, arg);
    if (dir->dentry == 0 || !guestfs_get(fs, &d, FS_dentry, dir->dentry))
        return guestfs_bad(fs) || true;
    if (!live_names(fs, dir->dentry, &d, name, arg))
        return false;
    uint64_t stored = guestfs_number(&d, FS_dentry_stored);
    if (stored == 0)
        return true;
    if (!guestfs_copy(fs, &ops, stored, sizeof(ops)))
        return guestfs_bad(fs) || true;
    if (ops == fs->layout.device_names)
        return true;
    if (ops == fs->layout.cpio_names)
        return archive_names(fs, stored, name, arg);
    if (ops != fs->layout.image_names || !guestfs_get(fs, &s, FS_image_dir, stored))
        return guestfs_bad(fs) || true;
    return indexed_names(fs, guestfs_number(&s, FS_image_dir_first),
                         guestfs_number(&s, FS_image_dir_count), name, arg);
}

/* --- walks ------------------------------------------------------------------------------- */

struct walk {
    struct guestfs *fs;
    guestfs_visit *visit;
    void *arg;
    size_t len;
    unsigned depth;
    char path[GUESTFS_PATH_MAX];
};

static bool walk_name(void *arg, const char *name, const struct guest_file *f)
{
    struct walk *w = arg;
    size_t old = w->len, n = strlen(name);
    if (w->depth == DEPTH_MAX || old + n + 2 > sizeof(w->path)) {
        w->fs->deep++;
        return true;
    }
    if (old > 0)
        w->path[w->len++] = '/';
    memcpy(w->path + w->len, name, n + 1);
    w->len += n;
    w->depth++;
    bool ok = w->visit(w->arg, w->path, f) &&
              (!S_ISDIR(f->mode) || guestfs_names(w->fs, f, walk_name, w));
    w->depth--;
    w->len = old;
    w->path[old] = '\0';
    return ok;
}

bool guestfs_walk(struct guestfs *fs, const struct guest_file *top, guestfs_visit *visit, void *arg)
{
    struct walk *w = malloc(sizeof(*w));
    if (w == NULL)
        return false;
    *w = (struct walk){ .fs = fs, .visit = visit, .arg = arg };
    bool ok = visit(arg, "", top) && (!S_ISDIR(top->mode) || guestfs_names(fs, top, walk_name, w));
    free(w);
    return ok;
}
