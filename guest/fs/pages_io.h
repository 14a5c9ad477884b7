/* pages_io.h - contents of regular files: for read and write, for mappings, for the kernel. */
#ifndef FS_PAGES_IO_H
#define FS_PAGES_IO_H

#include "lib/base.h"

struct file;
struct inode;
struct uio;

#define FILE_SIZE_MAX INT64_MAX

pfn_t inode_page(struct inode *in, uint64_t i);      /* pages_lock held: index or image; 0: hole */
int inode_truncate(struct inode *in, uint64_t size); /* in->lock held */
int inode_allocate(struct inode *in, int mode, uint64_t off, uint64_t len);  /* fallocate(2) */
uint64_t inode_count_pages(struct inode *in, uint64_t first, uint64_t last); /* that are there */
void inode_drop_pages(struct inode *in);                                     /* evict */
long file_regular_read(struct file *f, struct uio *u, uint64_t *pos);
long file_regular_write(struct file *f, struct uio *u, uint64_t *pos);
/* The same, at the end of the file or not, whatever O_APPEND says. */
long file_regular_write_told(struct file *f, struct uio *u, uint64_t *pos, bool at_end);
/* How many of n bytes may be written at `at`: some, -EFBIG, or that and SIGXFSZ. */
long file_write_limit(uint64_t at, size_t n);
long file_regular_seek(struct file *f, int64_t off, int whence);
long file_read_kernel(struct file *f, void *buf, size_t n, uint64_t pos);
/* The frame of page `index` of a regular file with a reference: 0; -EIO... beyond
 * the end of the file -ENXIO (SIGBUS); a hole is filled if `fill`, else *pfn = 0. */
int file_get_page(struct file *f, uint64_t index, bool fill, pfn_t *pfn);
/* Page `index`, which is a hole, is that frame from now on, whose reference goes to the file and which gets one for the
 * caller: 0, -EEXIST: it is no hole, -EFAULT: the file has ended there, -ENOSPC, -ENOMEM. */
int file_put_page(struct file *f, uint64_t index, pfn_t pfn);
/* How many of n pages from index on lie untouched in the root image, frame after
 * frame from *first on; such frames need no reference. */
unsigned file_image_run(struct file *f, uint64_t index, unsigned n, pfn_t *first);
/* For fault-around: frames of [index, index+n) that are there already, into
 * pfns[] (0: absent), each with a reference.  One lock for all. */
void file_get_pages_present(struct file *f, uint64_t index, unsigned n, pfn_t *pfns);

#endif
