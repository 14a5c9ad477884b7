/* there.c - see there.h.
 *
 * A tree's index may have been made by vmm-root of an archive that nobody vouches for, so
 * every number in it is compared with the sizes of the tables before it is used. */
#include "vmm/there.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "shared/root_index.h"

#define SYMLINKS_MAX 40 /* as Linux */

struct added {
    char *guest, *host, *text;
    mode_t mode;
};

struct there {
    void *added; /* tsearch() tree of struct added */
    const uint8_t *index;
    struct root_header head; /* of the index; without one: zeros */
};

/* --- the tree's index ----------------------------------------------------------- */

static bool table_fits(uint64_t at, uint64_t n, uint64_t size, uint64_t bytes)
{
    return at <= bytes && n <= (bytes - at) / size;
}

static void open_index(struct there *t, const struct root_image *root)
{
    uint64_t bytes = root->bytes - root->data;
    struct root_header h;
    if (root->data > root->bytes || bytes < sizeof(h))
        return;
    memcpy(&h, root->at + root->data, sizeof(h));
    if (h.magic != ROOT_INDEX_MAGIC || h.version != ROOT_INDEX_VERSION ||
        !table_fits(h.inodes_at, h.inodes, sizeof(struct root_inode), bytes) ||
        !table_fits(h.entries_at, h.entries, sizeof(struct root_entry), bytes) ||
        !table_fits(h.text_at, h.text_bytes, 1, bytes))
        return;
    t->index = root->at + root->data;
    t->head = h;
}

static bool inode_at(const struct there *t, uint32_t n, struct root_inode *in)
{
    if (n >= t->head.inodes)
        return false;
    memcpy(in, t->index + t->head.inodes_at + (uint64_t)n * sizeof(*in), sizeof(*in));
    return true;
}

static const char *text_at(const struct there *t, uint64_t at, uint64_t len)
{
    if (!table_fits(at, len, 1, t->head.text_bytes))
        return NULL;
    return (const char *)t->index + t->head.text_at + at;
}

static int compare_names(const char *a, size_t na, const char *b, size_t nb)
{
    int d = memcmp(a, b, na < nb ? na : nb);
    return d != 0 ? d : (na > nb) - (na < nb);
}

/* The inode that `name` has in the directory. */
static bool in_directory(const struct there *t, const struct root_inode *dir, const char *name,
                         size_t len, struct root_inode *in)
{
    if (!S_ISDIR(dir->mode) || !table_fits(dir->at, dir->count, 1, t->head.entries))
        return false;
    for (uint64_t low = dir->at, high = dir->at + dir->count; low < high;) {
        uint64_t middle = low + (high - low) / 2;
        struct root_entry e;
        memcpy(&e, t->index + t->head.entries_at + middle * sizeof(e), sizeof(e));
        const char *text = text_at(t, e.name, e.len);
        int d = text != NULL ? compare_names(name, len, text, e.len) : 0;
        if (d == 0)
            return text != NULL && inode_at(t, e.inode, in);
        if (d < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}

/* path: without symlinks.  text: room for ROOT_LINK_MAX and a NUL. */
static enum there_kind look_in_tree(const struct there *t, const char *path, char *text)
{
    struct root_inode in;
    if (t->index == NULL || !inode_at(t, ROOT_TOP, &in))
        return THERE_NOTHING;
    while (*path != '\0') {
        size_t len = strcspn(++path, "/");
        if (len > 0 && !in_directory(t, &in, path, len, &in))
            return THERE_NOTHING;
        path += len;
    }
    if (S_ISDIR(in.mode))
        return THERE_DIRECTORY;
    if (!S_ISLNK(in.mode))
        return THERE_OTHER;
    const char *target = in.size <= ROOT_LINK_MAX ? text_at(t, in.at, in.size) : NULL;
    if (target == NULL)
        return THERE_NOTHING;
    memcpy(text, target, in.size);
    text[in.size] = '\0';
    return THERE_SYMLINK;
}

/* --- what was added --------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct added *)a)->guest, ((const struct added *)b)->guest);
}

static void free_added(void *at)
{
    struct added *a = at;
    free(a->guest);
    free(a->host);
    free(a->text);
    free(a);
}

static const struct added *find_added(const struct there *t, const char *guest)
{
    struct added key = { .guest = (char *)guest };
    struct added **found = tfind(&key, (void *const *)&t->added, compare);
    return found != NULL ? *found : NULL;
}

bool there_was_added(const struct there *t, const char *guest)
{
    return find_added(t, guest) != NULL;
}

bool there_add(struct there *t, const char *guest, mode_t mode, const char *host, const char *text)
{
    struct added *a = calloc(1, sizeof(*a));
    if (a == NULL)
        return false;
    *a = (struct added){ .guest = strdup(guest),
                         .host = host != NULL ? strdup(host) : NULL,
                         .text = text != NULL ? strdup(text) : NULL,
                         .mode = mode };
    if (a->guest == NULL || (host != NULL && a->host == NULL) ||
        (text != NULL && a->text == NULL) || tsearch(a, &t->added, compare) == NULL) {
        free_added(a);
        return false;
    }
    return true;
}

struct there *there_new(const struct root_image *root)
{
    struct there *t = calloc(1, sizeof(*t));
    if (t != NULL && root != NULL && root->at != NULL)
        open_index(t, root);
    return t;
}

void there_free(struct there *t)
{
    if (t != NULL)
        tdestroy(t->added, free_added);
    free(t);
}

/* --- paths -------------------------------------------------------------------------- */

struct node {
    enum there_kind kind;
    const char *host;
    char text[ROOT_LINK_MAX + 1];
};

static void look(const struct there *t, const char *path, struct node *n)
{
    const struct added *a = find_added(t, path);
    n->host = a != NULL ? a->host : NULL;
    if (a == NULL) {
        n->kind = *path == '\0' ? THERE_DIRECTORY : look_in_tree(t, path, n->text);
    } else if (a->text != NULL) {
        n->kind = THERE_SYMLINK;
        strncpy(n->text, a->text, sizeof(n->text) - 1);
        n->text[sizeof(n->text) - 1] = '\0';
    } else {
        n->kind = S_ISDIR(a->mode) ? THERE_DIRECTORY : THERE_OTHER;
    }
}

/* Puts a symlink's text before what is left of the path. */
static bool splice(char left[2 * PATH_MAX], const char *text, const char *rest)
{
    char joined[2 * PATH_MAX];
    if (snprintf(joined, sizeof(joined), "%s%s", text, rest) >= (int)sizeof(joined))
        return false;
    strcpy(left, joined);
    return true;
}

bool there_find(const struct there *t, const char *path, enum there_last last,
                struct there_found *f)
{
    char left[2 * PATH_MAX];
    struct node n;
    size_t used = 0;
    unsigned symlinks = 0;
    if (!splice(left, path, ""))
        return false;
    f->path[0] = '\0';
    look(t, "", &n);
    for (const char *at = left; *(at += strspn(at, "/")) != '\0';) {
        size_t len = strcspn(at, "/");
        const char *rest = at + len;
        if (len == 2 && memcmp(at, "..", 2) == 0) {
            while (used > 0 && f->path[--used] != '/')
                ;
            f->path[used] = '\0';
            look(t, f->path, &n);
        } else if (!(len == 1 && *at == '.')) {
            if (used + len + 2 > sizeof(f->path))
                return false;
            f->path[used] = '/';
            memcpy(f->path + used + 1, at, len);
            f->path[used + 1 + len] = '\0';
            look(t, f->path, &n);
            bool is_last = rest[strspn(rest, "/")] == '\0';
            if (n.kind == THERE_SYMLINK && !(is_last && last == THERE_NOFOLLOW)) {
                if (++symlinks > SYMLINKS_MAX || !splice(left, n.text, rest))
                    return false;
                used = n.text[0] == '/' ? 0 : used;
                f->path[used] = '\0';
                look(t, f->path, &n);
                rest = left;
            } else {
                used += 1 + len;
            }
        }
        at = rest;
    }
    f->kind = n.kind;
    f->host = n.host;
    if (used == 0)
        strcpy(f->path, "/");
    return true;
}
