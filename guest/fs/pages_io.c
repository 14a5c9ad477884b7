/* pages_io.c - the contents of regular files: read, write, size, holes, and
 * pages for mappings.
 *
 * A file's page is in the index (pages.c); or, for a file of the root image
 * that has not been touched there, it lies in the image (in->borrowed); or it
 * is a hole.  The image's memory belongs to this machine alone, so a page of it
 * is also written in place: borrowing ends only when the file shrinks.
 *
 * Writers and changes of size hold in->lock.  Readers and page faults take
 * pages_lock for the look-up only, with a reference to the frame to copy from.
 * So a reader may see half of a write, page by page, as on Linux.
 *
 * A hole is punched by taking its pages out of all mappings, and freeing them.  Who touches
 * one in between maps it again: such a frame, and one that a reader copies from, is zeroed
 * where it is. */
#include "arch/preempt.h"
#include "fs/pages_io.h"
#include "fs/seal.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/pages.h"
#include "fs/uio.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/mm.h"
#include "mm/vma.h"
#include "proc/signal.h"
#include "sched/sched.h"
#include "shared/root_index.h"
#include <linux/falloc.h>
#include <linux/fs.h>

#define WORK_DROP 4500u /* instructions a node of the index, about */
#define WORK_LOOK 60u   /* ... a page that is only looked for, */
#define WORK_PAGE 700u  /* instructions a page, about, most of them to copy it (arch/preempt.h) */

#define PAGES_OF(bytes) (((bytes) + PAGE_SIZE - 1) >> PAGE_SHIFT)

pfn_t inode_page(struct inode *in, uint64_t i)
{
    pfn_t pfn = pages_get(in->pages, i);

    if (!pfn && i < in->borrowed_pages)
        pfn = in->borrowed + (pfn_t)i;
    return pfn;
}

/* Has the host lost page i of the image?  Its memory reads as zeros then.  pages_lock held, or whoever asks
 * may get the answer of a moment ago. */
static bool is_lost(const struct inode *in, uint64_t i)
{
    const struct root_inode *r = in->private;

    if (likely(!r) || i >= in->borrowed_pages)
        return false;
    uint32_t lost = __atomic_load_n(&r->lost, __ATOMIC_ACQUIRE);

    return lost && i >= lost - 1;
}

/* A reference to page i; 0: a hole. */
static pfn_t page_look(struct inode *in, uint64_t i)
{
    pfn_t pfn;

    spin_lock(&in->pages_lock);
    pfn = inode_page(in, i);
    if (pfn)
        frame_get(pfn);
    spin_unlock(&in->pages_lock);
    return pfn;
}

/* One page more of the file system's share: other inodes' count at the same time. */
static bool charge_page(struct superblock *sb)
{
    uint64_t now = sb_count_pages(sb, 1);

    if (!sb->max_pages || now <= sb->max_pages)
        return true;
    sb_count_pages(sb, -1);
    return false;
}

/* Page i, which is a hole, is that frame, whose reference goes to the index; one more for the caller.  pages_lock
 * held. */
static int page_enter(struct inode *in, uint64_t i, pfn_t pfn)
{
    int err = charge_page(in->sb) ? 0 : -ENOSPC;

    if (err)
        return err;
    err = pages_set(&in->pages, i, pfn);
    if (err) {
        sb_count_pages(in->sb, -1);
        return err;
    }
    in->npages++;
    frame_get(pfn);
    return 0;
}

/* Page i, which is a hole, with a reference for the caller.  pages_lock held. */
static int page_make(struct inode *in, uint64_t i, pfn_t *out)
{
    pfn_t pfn = frame_alloc_zeroed();
    int err = pfn ? page_enter(in, i, pfn) : -ENOMEM;

    if (err && pfn)
        frame_put(pfn);
    *out = err ? 0 : pfn;
    return err;
}

enum reach { WITHIN_FILE, BEYOND_TOO };

/* A reference to page i, which is made if it is a hole: 0, -ENOSPC, -ENOMEM.
 * WITHIN_FILE: -ENXIO unless the file reaches to the page. */
static int page_get_or_make(struct inode *in, uint64_t i, enum reach reach, pfn_t *out)
{
    int err = 0;

    spin_lock(&in->pages_lock);
    pfn_t pfn = inode_page(in, i);
    if (reach == WITHIN_FILE && (i >= PAGES_OF(in->size) || is_lost(in, i))) {
        err = -ENXIO;
    } else if (is_lost(in, i)) {
        err = -EIO;
    } else if (pfn) {
        frame_get(pfn);
    } else {
        err = page_make(in, i, &pfn);
    }
    spin_unlock(&in->pages_lock);
    *out = pfn;
    return err;
}

static void account_dropped(struct inode *in, uint64_t n)
{
    in->npages -= n;
    sb_count_pages(in->sb, -(int64_t)n);
}

/* The image's pages from `keep` on: their frames stay with it, out of use.  What lies above RAM is not
 * the file system's share of it.  pages_lock held. */
static void return_borrowed(struct inode *in, uint32_t keep)
{
    uint32_t gone = in->borrowed_pages > keep ? in->borrowed_pages - keep : 0;

    in->npages -= gone;
    in->borrowed_pages -= gone;
    if (in->borrowed < nframes)
        sb_count_pages(in->sb, -(int64_t)gone);
}

/* The pages from `keep` on, which nobody can reach any more. */
static void drop_from(struct inode *in, uint64_t keep)
{
    bool more = true;

    while (more) {
        uint64_t gone = 0;

        spin_lock(&in->pages_lock);
        more = pages_drop_some(&in->pages, keep, UINT64_MAX, &gone);
        account_dropped(in, gone);
        spin_unlock(&in->pages_lock);
        preempt_work(WORK_DROP + (uint32_t)gone * 30);
    }
}

void inode_drop_pages(struct inode *in)
{
    drop_from(in, 0);
    pages_drop(&in->pages, 0, UINT64_MAX); /* nodes that never got a page */
    return_borrowed(in, 0);
    account_dropped(in, in->npages);
}

/* --- read and write --- */

long file_regular_read(struct file *f, struct uio *u, uint64_t *pos)
{
    struct inode *in = f->inode;
    uint64_t size = __atomic_load_n(&in->size, __ATOMIC_RELAXED), at = *pos;
    long done = 0;

    while (u->left && at < size) {
        size_t off = at & (PAGE_SIZE - 1);
        size_t in_page = MIN(PAGE_SIZE - off, size - at), n = MIN(in_page, u->left);
        pfn_t pfn = page_look(in, at >> PAGE_SHIFT);
        long moved = pfn ? uio_put(u, (char *)frame_va(pfn) + off, n) : uio_put_zero(u, n);

        if (pfn)
            frame_put(pfn);
        if (is_lost(in, at >> PAGE_SHIFT)) { /* found, maybe, by this very copy */
            if (!done)
                return -EIO;
            break;
        }
        if (moved < 0 && !done)
            return moved;
        if (moved > 0) {
            at += (uint64_t)moved;
            done += moved;
        }
        if (moved < (long)n)
            break;
        if (u->left && at < size && preempt_ends(WORK_PAGE))
            break;
    }
    *pos = at;
    inode_accessed(in, f->path.mnt, f->flags);
    return done;
}

long file_write_limit(uint64_t at, size_t n)
{
    uint64_t limit = current->proc->rlim[RLIMIT_FSIZE].rlim_cur;

    if (at >= limit) {
        signal_send_task(current, SIGXFSZ, NULL);
        return -EFBIG;
    }
    limit = MIN(limit, (uint64_t)FILE_SIZE_MAX);
    if (at >= limit)
        return -EFBIG;
    return (long)MIN((uint64_t)n, limit - at);
}

static long write_locked(struct inode *in, struct uio *u, uint64_t *pos)
{
    uint64_t at = *pos;
    long left = file_write_limit(at, u->left), done = 0, err = 0;

    if (left < 0)
        return left;
    if (inode_sealed(in, SEALS_AGAINST_WRITING))
        return -EPERM;
    while (left) {
        size_t off = at & (PAGE_SIZE - 1), n = MIN(PAGE_SIZE - off, (size_t)left);
        pfn_t pfn;

        err = at + n > in->size && inode_sealed(in, F_SEAL_GROW) ? -EPERM : 0;
        if (err)
            break;
        err = page_get_or_make(in, at >> PAGE_SHIFT, BEYOND_TOO, &pfn);
        if (err)
            break;
        long moved = uio_get(u, (char *)frame_va(pfn) + off, n);
        frame_put(pfn);
        if (moved <= 0) {
            err = moved;
            break;
        }
        at += (uint64_t)moved;
        done += moved;
        left -= moved;
        if (at > in->size)
            __atomic_store_n(&in->size, at, __ATOMIC_RELAXED);
        if (moved < (long)n)
            break;
        if (left && preempt_ends(WORK_PAGE))
            break;
    }
    if (done) {
        inode_strip_suid(in);
        inode_modified(in);
    }
    *pos = at;
    return done ? done : err;
}

static inline long write_to(struct inode *in, struct uio *u, uint64_t *pos, bool at_end)
{
    uint64_t at;
    long n;

    if (!u->left)
        return 0;
    mutex_lock(&in->lock);
    at = at_end ? in->size : *pos;
    n = write_locked(in, u, &at);
    if (n > 0)
        *pos = at;
    mutex_unlock(&in->lock);
    return n;
}

long file_regular_write(struct file *f, struct uio *u, uint64_t *pos)
{
    return write_to(f->inode, u, pos, f->flags & O_APPEND);
}

SLOW_PATH long file_regular_write_told(struct file *f, struct uio *u, uint64_t *pos, bool at_end)
{
    return write_to(f->inode, u, pos, at_end);
}

/* --- size --- */

/* Zeroes part of a page that is there. */
static void page_zero_part(struct inode *in, uint64_t i, size_t from, size_t to)
{
    pfn_t pfn = page_look(in, i);

    if (!pfn)
        return;
    memset((char *)frame_va(pfn) + from, 0, to - from);
    frame_put(pfn);
}

int inode_truncate(struct inode *in, uint64_t size)
{
    uint64_t old = in->size, keep = PAGES_OF(size);

    ASSERT_HELD(&in->lock);
    if (size > old) {
        long err = file_write_limit(size - 1, 1);

        if (err < 0)
            return (int)err;
    }
    if (size != old && inode_sealed(in, size < old ? F_SEAL_SHRINK : F_SEAL_GROW))
        return -EPERM;
    spin_lock(&in->pages_lock);
    in->size = size;
    spin_unlock(&in->pages_lock);
    if (size < old) { /* from now on faults beyond the size fail; then the mapped ones go */
        if (!list_empty(&in->mappings))
            mm_file_unmap(in, keep, MM_FILE_END);
        spin_lock(&in->pages_lock);
        return_borrowed(in, (uint32_t)MIN(keep, (uint64_t)UINT32_MAX));
        spin_unlock(&in->pages_lock);
        drop_from(in, keep);
        if (size & (PAGE_SIZE - 1))
            page_zero_part(in, size >> PAGE_SHIFT, size & (PAGE_SIZE - 1), PAGE_SIZE);
    }
    return 0;
}

/* --- holes --- */

/* Page i becomes zero; it is freed if only the index holds it. */
static void page_punch(struct inode *in, uint64_t i)
{
    pfn_t pfn;

    spin_lock(&in->pages_lock);
    pfn = inode_page(in, i);
    if (pfn && frame_refs(pfn) == 1)
        account_dropped(in, pages_drop(&in->pages, i, i));
    else if (pfn)
        frame_clear(pfn);
    spin_unlock(&in->pages_lock);
}

/* The next page from *i on that is there: false if there is none. */
static bool next_data(struct inode *in, uint64_t *i)
{
    bool there = true;

    spin_lock(&in->pages_lock);
    if (*i >= in->borrowed_pages)
        there = pages_next(in->pages, i) != 0;
    spin_unlock(&in->pages_lock);
    return there;
}

static void punch(struct inode *in, uint64_t off, uint64_t end)
{
    uint64_t i = off >> PAGE_SHIFT, last = (end - 1) >> PAGE_SHIFT;
    uint64_t whole = PAGES_OF(off), behind = end >> PAGE_SHIFT;

    if (whole < behind && !list_empty(&in->mappings))
        mm_file_unmap(in, whole, behind);
    while (i <= last && next_data(in, &i) && i <= last) {
        uint64_t start = i << PAGE_SHIFT;
        size_t from = off > start ? off - start : 0;
        size_t to = end - start < PAGE_SIZE ? end - start : PAGE_SIZE;

        if (from == 0 && to == PAGE_SIZE)
            page_punch(in, i);
        else
            page_zero_part(in, i, from, to);
        i++;
        preempt_work(WORK_PAGE);
    }
}

uint64_t inode_count_pages(struct inode *in, uint64_t first, uint64_t last)
{
    uint64_t n = 0;

    for (uint64_t i = first; i <= last && next_data(in, &i) && i <= last; i++) {
        n++;
        preempt_work(WORK_LOOK);
    }
    return n;
}

/* Has the file system's share room for all of them? */
static bool share_has_room(struct inode *in, uint64_t first, uint64_t last)
{
    uint64_t max = in->sb->max_pages, used = __atomic_load_n(&in->sb->pages, __ATOMIC_RELAXED);
    uint64_t wanted = last - first + 1;

    if (!max || wanted <= (max > used ? max - used : 0))
        return true;
    if (wanted > max) /* Linux does not ask how many of them are there already, either */
        return false;
    return wanted - inode_count_pages(in, first, last) <= (max > used ? max - used : 0);
}

/* Where it fails, the pages beyond the file's end are as they were; holes within it may have been filled. */
static int reserve(struct inode *in, uint64_t off, uint64_t end)
{
    uint64_t first = off >> PAGE_SHIFT, last = (end - 1) >> PAGE_SHIFT, i;
    int err = share_has_room(in, first, last) ? 0 : -ENOSPC;

    for (i = first; !err && i <= last; i++) {
        pfn_t pfn;

        err = page_get_or_make(in, i, BEYOND_TOO, &pfn);
        if (err)
            break;
        frame_put(pfn);
        if (preempt_ends(WORK_PAGE))
            err = -EINTR;
    }
    first = MAX(first, PAGES_OF(in->size));
    if (err && i > first)
        punch(in, first << PAGE_SHIFT, i << PAGE_SHIFT);
    return err;
}

/* in->lock held. */
static int may_allocate(const struct inode *in, int mode, uint64_t end)
{
    uint32_t against =
        mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE) ? SEALS_AGAINST_WRITING : 0;

    if (!(mode & FALLOC_FL_PUNCH_HOLE) && end > in->size)
        against |= F_SEAL_GROW;
    return inode_sealed(in, against) ? -EPERM : 0;
}

int inode_allocate(struct inode *in, int mode, uint64_t off, uint64_t len)
{
    uint64_t end = off + len;
    int err = 0;

    mutex_lock(&in->lock);
    err = may_allocate(in, mode, end);
    if (!err && mode & FALLOC_FL_PUNCH_HOLE) {
        punch(in, off, end);
    } else if (!err) {
        if (end > in->size && !(mode & FALLOC_FL_KEEP_SIZE)) {
            long room = file_write_limit(end - 1, 1);

            err = room < 0 ? (int)room : 0;
        }
        if (!err && mode & FALLOC_FL_ZERO_RANGE)
            punch(in, off, end);
        if (!err)
            err = reserve(in, off, end);
        if (!err && end > in->size && !(mode & FALLOC_FL_KEEP_SIZE))
            __atomic_store_n(&in->size, end, __ATOMIC_RELAXED);
    }
    if (!err) {
        inode_strip_suid(in);
        inode_modified(in);
    }
    mutex_unlock(&in->lock);
    return err;
}

#define LOOK_AT 64u /* pages at once */

/* Steps over the pages from *i on that are there.  True: there may be more of them. */
static bool next_hole(struct inode *in, uint64_t *i)
{
    uint64_t stop = *i + LOOK_AT;

    spin_lock(&in->pages_lock);
    while (*i < stop && *i << PAGE_SHIFT < in->size && inode_page(in, *i))
        ++*i;
    spin_unlock(&in->pages_lock);
    return *i == stop;
}

static long seek_data_or_hole(struct inode *in, uint64_t off, bool data)
{
    uint64_t i = off >> PAGE_SHIFT, at;

    if (off >= in->size)
        return -ENXIO;
    if (data) {
        if (!next_data(in, &i))
            return -ENXIO;
    } else {
        while (next_hole(in, &i))
            preempt_work(LOOK_AT * WORK_LOOK);
    }
    at = MAX(off, i << PAGE_SHIFT);
    if (at >= in->size)
        return data ? -ENXIO : (long)in->size;
    return (long)at;
}

long file_regular_seek(struct file *f, int64_t off, int whence)
{
    int64_t base = 0;

    switch (whence) {
    case SEEK_SET: break;
    case SEEK_CUR: base = (int64_t)f->pos; break;
    case SEEK_END: base = (int64_t)f->inode->size; break;
    case SEEK_DATA:
    case SEEK_HOLE:
        if (off < 0)
            return -ENXIO;
        off = seek_data_or_hole(f->inode, (uint64_t)off, whence == SEEK_DATA);
        if (off < 0)
            return off;
        break;
    default: return -EINVAL;
    }
    if (__builtin_add_overflow(base, off, &off) || off < 0)
        return -EINVAL;
    f->pos = (uint64_t)off;
    return off;
}

/* --- for mappings and the kernel --- */

int file_get_page(struct file *f, uint64_t index, bool fill, pfn_t *pfn)
{
    struct inode *in = f->inode;

    if (fill)
        return page_get_or_make(in, index, WITHIN_FILE, pfn);
    if (index >= PAGES_OF(__atomic_load_n(&in->size, __ATOMIC_RELAXED)))
        return -ENXIO;
    *pfn = page_look(in, index);
    return 0;
}

int file_put_page(struct file *f, uint64_t index, pfn_t pfn)
{
    struct inode *in = f->inode;
    int err = 0;

    spin_lock(&in->pages_lock);
    if (index >= PAGES_OF(in->size))
        err = -EFAULT;
    else if (inode_page(in, index))
        err = -EEXIST;
    else
        err = page_enter(in, index, pfn);
    spin_unlock(&in->pages_lock);
    return err;
}

unsigned file_image_run(struct file *f, uint64_t index, unsigned n, pfn_t *first)
{
    struct inode *in = f->inode;
    uint64_t end = 0;

    spin_lock(&in->pages_lock);
    if (!in->pages) /* then nothing has been written over */
        end = MIN((uint64_t)in->borrowed_pages, PAGES_OF(in->size));
    if (unlikely(in->private))
        n = is_lost(in, index + n - 1) ? 0 : n; /* then one by one */
    *first = in->borrowed + (pfn_t)index;
    spin_unlock(&in->pages_lock);
    return index < end ? (unsigned)MIN((uint64_t)n, end - index) : 0;
}

void file_get_pages_present(struct file *f, uint64_t index, unsigned n, pfn_t *pfns)
{
    struct inode *in = f->inode;
    uint64_t end;

    spin_lock(&in->pages_lock);
    end = PAGES_OF(in->size);
    for (unsigned k = 0; k < n; k++) {
        pfns[k] = index + k < end && !is_lost(in, index + k) ? inode_page(in, index + k) : 0;
        if (pfns[k])
            frame_get(pfns[k]);
    }
    spin_unlock(&in->pages_lock);
}

long file_read_kernel(struct file *f, void *buf, size_t n, uint64_t pos)
{
    struct uio u;

    if (!f->ops->read)
        return -EINVAL;
    uio_kernel(&u, buf, n);
    return f->ops->read(f, &u, &pos);
}
