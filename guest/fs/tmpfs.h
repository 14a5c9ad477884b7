/* tmpfs.h - the file system in memory: names and nodes made, linked, removed.
 * Tree held (dentry.h); permission to write to dir is checked here. */
#ifndef FS_TMPFS_H
#define FS_TMPFS_H

#include "fs/inode.h"

struct dentry;
struct file_ops;
struct path;

struct new_node {
    uint32_t mode, rdev;
    const char *target;
    size_t target_len;
};
/* out NULL: no reference wanted */
int tmpfs_create(struct path *dir, const char *name, size_t len, const struct new_node *n,
                 struct dentry **out);
int tmpfs_link(struct path *dir, const char *name, size_t len, struct inode *in);
int tmpfs_unlink(struct path *dir, struct dentry *d, bool rmdir);
int tmpfs_rename(struct path *from, struct dentry *d, struct path *to, const char *name, size_t len,
                 struct dentry *victim, uint32_t flags);
int tmpfs_new(const char *type, uint32_t mode, struct superblock **out); /* sb->root stands */
struct inode *tmpfs_inode(struct superblock *sb, const struct new_node *n, struct inode *dir);
void tmpfs_set_ops(struct inode *in); /* by its mode */
/* Unlinked from the start: in a directory (O_TMPFILE), where it is called "#" and its number, or
 * with dir NULL nowhere, called `name`. */
int tmpfs_unnamed(struct superblock *sb, uint32_t mode, struct dentry *dir, const char *name,
                  struct dentry **out);
extern const struct inode_ops tmpfs_dir_ops, tmpfs_link_ops, tmpfs_node_ops;
extern const struct file_ops tmpfs_file_ops;
/* A file of whatever kind that is on a tmpfs. */
static inline bool of_tmpfs(const struct inode *in)
{
    return in->ops == &tmpfs_dir_ops || in->ops == &tmpfs_link_ops || in->ops == &tmpfs_node_ops;
}
static inline bool on_tmpfs(const struct inode *dir) { return dir->ops == &tmpfs_dir_ops; }
bool is_tmpfs(const struct superblock *sb); /* that of a mounted namespace has no root */

#endif
