/* tree.h - a root file system while it is put together: names, inodes, layers; and its index.
 *
 * The last entry of a name counts, but a directory stays one when another comes.  Who adds names has
 * checked nothing: names with '/', NUL, "." and ".." are refused here.  When memory or a limit is
 * out, root_tree_wrong() says so, and nothing more is added. */
#ifndef VMM_ROOT_TREE_H
#define VMM_ROOT_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROOT_NODES_MAX  (4u << 20)
#define ROOT_XATTRS_MAX (256u << 10) /* bytes of a file */
#define ROOT_NODE_NONE  UINT32_MAX
#define ROOT_NODE_TOP   0u

struct root_tree;

struct root_attributes {
    uint32_t mode, uid, gid;
    uint32_t rdev; /* as struct root_inode has it */
    int64_t mtime;
    uint32_t mtime_ns;
};

/* tree.c */
struct root_tree *root_tree_new(void); /* / with mode 0755; NULL: no memory */
void root_tree_free(struct root_tree *t);
const char *root_tree_wrong(const struct root_tree *t); /* NULL: nothing */
uint32_t root_tree_count(const struct root_tree *t);    /* names that were added */

/* What is added from now on is a layer of its own, above the others. */
void root_tree_next_layer(struct root_tree *t);

uint32_t root_tree_find(const struct root_tree *t, uint32_t dir, const char *name, size_t len);
uint32_t root_tree_parent(const struct root_tree *t, uint32_t node);
bool root_tree_is_dir(const struct root_tree *t, uint32_t node);
uint32_t root_tree_mode(const struct root_tree *t, uint32_t node);
/* Of a symlink. */
const char *root_tree_text(const struct root_tree *t, uint32_t node);

/* The name's node, or ROOT_NODE_NONE: see root_tree_wrong(), or the name cannot be. */
uint32_t root_tree_add(struct root_tree *t, uint32_t dir, const char *name, size_t len,
                       const struct root_attributes *a);
/* One more name of what is no directory. */
uint32_t root_tree_link(struct root_tree *t, uint32_t dir, const char *name, size_t len,
                        uint32_t node);
void root_tree_set(struct root_tree *t, uint32_t node, const struct root_attributes *a);
void root_tree_set_data(struct root_tree *t, uint32_t node, uint64_t first_page, uint64_t bytes);
/* False: too long. */
bool root_tree_set_text(struct root_tree *t, uint32_t node, const char *text, size_t len);
/* Where a file's data lies. */
void root_tree_data(const struct root_tree *t, uint32_t node, uint64_t *first_page,
                    uint64_t *bytes);

void root_tree_remove(struct root_tree *t, uint32_t node); /* with all below it */
/* Only what an earlier layer has. */
void root_tree_remove_lower(struct root_tree *t, uint32_t dir, const char *name, size_t len);
void root_tree_clear_lower(struct root_tree *t, uint32_t dir); /* what earlier layers have in it */

/* Of what is no name: one struct root_xattr after the other, with name and value; none: n is 0.  False: they are
 * damaged or too many, or see root_tree_wrong(). */
bool root_tree_set_xattrs(struct root_tree *t, uint32_t node, const void *at, size_t n);

/* tree_index.c */
/* The index.  Sizes first: nothing is added between the two.  0: no memory. */
size_t root_tree_index_bytes(struct root_tree *t);
void root_tree_index_write(struct root_tree *t, uint64_t data_pages, void *to);
/* Of a node that can be reached, after root_tree_index_bytes(). */
uint32_t root_tree_number(const struct root_tree *t, uint32_t node);

#endif
