/* vma.h - the tree of an address space's VMAs.  All: mm->lock held. A VMA's neighbours never overlap it; two that
 * could be one are merged when a call is done (vma_merge), so /proc/PID/maps reads as on Linux. */
#ifndef MM_VMA_H
#define MM_VMA_H

#include "mm/mm.h"

#define MMAP_MIN_ADDR 65536ull
#define STACK_GAP     (256 * PAGE_SIZE) /* below a stack nothing else may come so near */
/* About how many instructions a loop over them takes for each (preempt.h). */
#define WORK_VMA 350u

/* Not in the tree yet; NULL: no memory. */
struct vma *vma_alloc(struct mm *mm, uaddr_t start, uaddr_t end, uint32_t flags);
/* Into the tree, and into the file's list if it has one; counted. */
void vma_insert(struct mm *mm, struct vma *v);
/* Out of both, uncounted, freed, its file put.  Its pages are gone already. */
void vma_remove(struct mm *mm, struct vma *v);
/* First VMA that ends above at, or NULL.  mm->lock held. */
struct vma *vma_find(struct mm *mm, uaddr_t at);
struct vma *vma_next(struct vma *v);
struct vma *vma_prev(struct vma *v); /* NULL: it is the first */
/* Splits the VMA that has `at` inside, if there is one.  0 or -ENOMEM. */
int vma_split(struct mm *mm, uaddr_t at);
/* Splits at both ends of a range: then it is made of whole VMAs. */
int vma_split_ends(struct mm *mm, uaddr_t start, uaddr_t end);
/* Joins what can be joined in and at the ends of [start, end). */
void vma_merge(struct mm *mm, uaddr_t start, uaddr_t end);
/* The same memory with other rights; keeps the accounts. */
void vma_set_flags(struct vma *v, uint32_t flags);
/* Moves an end of v; no neighbour is in the way. */
void vma_resize(struct vma *v, uaddr_t start, uaddr_t end);
/* Highest free range of n bytes below `top`, or the lowest above it if there is
 * none; 0: no room. */
uaddr_t vma_gap(struct mm *mm, size_t n, uaddr_t top);
bool vma_covers(struct mm *mm, uaddr_t start, uaddr_t end); /* every page of it is mapped */
/* Has a VMA with a part of the range one of these flags? */
bool vma_any(struct mm *mm, uaddr_t start, uaddr_t end, uint32_t flags);
bool vma_range_free(struct mm *mm, uaddr_t start, uaddr_t end);
static inline uint64_t vma_pages(const struct vma *v) { return (v->end - v->start) >> PAGE_SHIFT; }
/* Page of the file that va shows. */
static inline uint64_t vma_file_page(const struct vma *v, uaddr_t va)
{
    return v->pgoff + ((va - v->start) >> PAGE_SHIFT);
}

/* vma_file.c: a file's list of who maps it. */
bool vma_secret(const struct vma *v); /* fs/secret.h */
/* Takes a reference to v->file.  sibling: the VMA that v is a copy of, or NULL. */
void vma_file_link(struct vma *v, struct vma *sibling);
void vma_file_unlink(struct vma *v); /* puts the file */
/* Every mapping of the file loses its pages [from, to).  To MM_FILE_END, as the file has shrunk,
 * private copies go, too.  Caller holds inode->lock, and no mm's. */
#define MM_FILE_END UINT64_MAX
void mm_file_unmap(struct inode *inode, uint64_t from, uint64_t to);

#endif
