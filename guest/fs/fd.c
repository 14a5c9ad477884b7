/* fd.c - descriptor tables.
 * Descriptors 0..63, which is all that most programs use, are in the table
 * itself; the others in blocks of 64 that two levels of directories lead to.
 * A bit in `used` means taken; the pointer follows later for a descriptor that
 * is reserved while its file is being opened.
 * Locking: all changes under lock.  A table with one user is changed by current
 * alone, so that current reads its own without the lock.  Others can become users only
 * by current's clone, or for a moment to look at it (/proc), and never change it.
 * Close, dup2 and a use at the same time: a look-up takes its reference under the lock
 * or is the only user, so a file that was found stays until its finder puts it; dup2
 * onto a descriptor that another thread is just opening gives EBUSY. */
#include "fs/fd.h"
#include "arch/preempt.h"
#include "fs/file.h"
#include "fs/file_lock.h"
#include "fs/fs_ctx.h"
#include "lib/refcount.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "sched/task.h"

#define BLOCK_FDS 64
#define DIR_SLOTS 128 /* 128 * 128 * 64 is FD_MAX */
uint32_t fd_nr_open = FD_MAX;

_Static_assert(DIR_SLOTS *DIR_SLOTS *BLOCK_FDS == FD_MAX, "the directories reach all descriptors");

struct fd_block {
    uint64_t used, cloexec;
    struct file *file[BLOCK_FDS];
};
struct fd_dir {
    void *slot[DIR_SLOTS];
};

struct files {
    struct refcount users; /* [a] */
    struct spinlock lock;
    uint32_t end;          /* [lock] blocks from this on are empty or missing */
    struct fd_block first; /* [lock], and what is in all blocks */
    struct fd_dir *top; /* [lock] of directories of blocks; NULL: only `first`.  They grow only */
};

/* --- blocks --- */

static struct fd_block *block_at(struct files *fs, uint32_t i)
{
    struct fd_dir *dir;

    if (i == 0)
        return &fs->first;
    dir = fs->top ? fs->top->slot[i / DIR_SLOTS] : NULL;
    return dir ? dir->slot[i % DIR_SLOTS] : NULL;
}

static void *slot_make(void **slot, size_t bytes)
{
    if (!*slot)
        *slot = kzalloc(bytes);
    return *slot;
}

static struct fd_block *block_make(struct files *fs, uint32_t i)
{
    struct fd_dir *dir;

    if (i == 0)
        return &fs->first;
    if (!slot_make((void **)&fs->top, sizeof(*fs->top)))
        return NULL;
    dir = slot_make(&fs->top->slot[i / DIR_SLOTS], sizeof(*dir));
    return dir ? slot_make(&dir->slot[i % DIR_SLOTS], sizeof(struct fd_block)) : NULL;
}

static struct file **slot_of(struct files *fs, int fd)
{
    struct fd_block *b;

    if ((unsigned)fd < BLOCK_FDS)
        return &fs->first.file[fd];
    if ((unsigned)fd >= FD_MAX)
        return NULL;
    b = block_at(fs, (uint32_t)fd / BLOCK_FDS);
    return b ? &b->file[fd % BLOCK_FDS] : NULL;
}

/* --- life of a table --- */

struct files *files_create(void)
{
    struct files *fs = kzalloc(sizeof(*fs));

    if (fs) {
        spin_class(&fs->lock, LOCK_fd_table);
        ref_init(&fs->users, 1);
        fs->end = 1;
    }
    return fs;
}

void files_get(struct files *fs) { ref_get(&fs->users); }

uint32_t files_users(struct files *fs)
{
    return ref_read(&fs->users); /* who left has left it as it is */
}

/* Instructions a descriptor or a block, about (arch/preempt.h). */
#define WORK_FD    40u
#define WORK_CLOSE 400u
#define WORK_BLOCK 20u

/* Lets others run for a moment, with the table's lock given up. */
static void breathe(struct files *fs, uint32_t work)
{
    if (likely(!PREEMPT_DUE(work)))
        return;
    spin_unlock(&fs->lock);
    preempt_point();
    spin_lock(&fs->lock);
}

/* Descriptors that are only reserved stay behind. */
static void block_copy(struct fd_block *to, const struct fd_block *from)
{
    to->used = to->cloexec = 0;
    for (uint64_t left = from->used; left; left &= left - 1) {
        unsigned i = (unsigned)__builtin_ctzll(left);

        if (!from->file[i])
            continue;
        to->file[i] = from->file[i];
        file_get(to->file[i]);
        to->used |= 1ull << i;
    }
    to->cloexec = from->cloexec & to->used;
}

/* What other threads change meanwhile is in the copy or not, each descriptor for itself. */
/* Would a copy of that block be beyond what descriptors may be by now?  The first never is. */
static bool block_beyond(uint32_t i)
{
    return (i + 1) * BLOCK_FDS > __atomic_load_n(&fd_nr_open, __ATOMIC_RELAXED);
}

SLOW_PATH int files_copy_error(struct files *from)
{
    int err = -ENOMEM;

    spin_lock(&from->lock);
    for (uint32_t i = 1; i < from->end; i++) {
        struct fd_block *b = block_at(from, i);

        if (b && b->used && block_beyond(i))
            err = -EMFILE;
        breathe(from, WORK_BLOCK);
    }
    spin_unlock(&from->lock);
    return err;
}

struct files *files_copy(struct files *from)
{
    struct files *to = files_create();

    if (!to)
        return NULL;
    spin_lock(&from->lock);
    for (uint32_t i = 0; i < from->end; i++) {
        struct fd_block *b = block_at(from, i), *copy;

        if (!b || !b->used) {
            breathe(from, WORK_BLOCK);
            continue;
        }
        copy = i != 0 && block_beyond(i) ? NULL : block_make(to, i);
        if (!copy) {
            spin_unlock(&from->lock);
            files_put(to);
            return NULL;
        }
        block_copy(copy, b);
        to->end = i + 1;
        breathe(from, BLOCK_FDS * WORK_FD);
    }
    spin_unlock(&from->lock);
    return to;
}

int files_unshare(void)
{
    struct files *old = current->files, *own;

    if (files_users(old) == 1)
        return 0;
    own = files_copy(old);
    if (!own)
        return files_copy_error(old);
    spin_lock(&current->lock);
    current->files = own;
    spin_unlock(&current->lock);
    files_put(old);
    return 0;
}

static SLOW_PATH void put_sent(const struct files *fs, struct file *f)
{
    if (f->async)
        file_closed_async(f, fs);
    if (f->ops->closed)
        f->ops->closed(f);
    file_put(f);
    file_closed_sent();
}

/* The file leaves the table: record locks of this table on it go, as POSIX has it. */
static void closed(struct files *fs, struct file *f)
{
    locks_drop_owner(f->inode, fs);
    if (unlikely(f->sent_once))
        put_sent(fs, f);
    else
        file_put(f);
}

void files_put(struct files *fs)
{
    if (!ref_put(&fs->users))
        return;
    for (uint32_t i = 0; i < fs->end; i++) {
        struct fd_block *b = block_at(fs, i);

        for (uint64_t left = b ? b->used : 0; left; left &= left - 1) {
            struct file *f = b->file[__builtin_ctzll(left)];

            if (f)
                closed(fs, f);
            preempt_work(WORK_CLOSE);
        }
        preempt_work(WORK_BLOCK);
    }
    for (unsigned i = 0; fs->top && i < DIR_SLOTS; i++) {
        struct fd_dir *dir = fs->top->slot[i];

        preempt_work(dir ? DIR_SLOTS * WORK_BLOCK : WORK_BLOCK);

        for (unsigned k = 0; dir && k < DIR_SLOTS; k++)
            kfree(dir->slot[k]);
        kfree(dir);
    }
    kfree(fs->top);
    kfree(fs);
}

/* --- allocation --- */

int fd_alloc(int from, uint32_t flags)
{
    struct files *fs = current->files;
    uint64_t limit = MIN(current->proc->rlim[RLIMIT_NOFILE].rlim_cur, (uint64_t)FD_MAX);
    int fd = -EMFILE;

    spin_lock(&fs->lock);
    for (uint32_t i = (uint32_t)from / BLOCK_FDS; (uint64_t)i * BLOCK_FDS < limit; i++) {
        struct fd_block *b = block_make(fs, i);
        uint64_t taken;
        unsigned bit;

        if (!b) {
            fd = -ENOMEM;
            break;
        }
        taken = b->used;
        if (i == (uint32_t)from / BLOCK_FDS)
            taken |= (1ull << from % BLOCK_FDS) - 1;
        if (taken == UINT64_MAX) {
            breathe(fs, 2 * WORK_BLOCK);
            continue;
        }
        bit = (unsigned)__builtin_ctzll(~taken);
        if ((uint64_t)i * BLOCK_FDS + bit >= limit)
            break;
        b->used |= 1ull << bit;
        if (flags & O_CLOEXEC)
            b->cloexec |= 1ull << bit;
        else
            b->cloexec &= ~(1ull << bit);
        fs->end = MAX(fs->end, i + 1);
        fd = (int)(i * BLOCK_FDS + bit);
        break;
    }
    spin_unlock(&fs->lock);
    return fd;
}

void fd_install(int fd, struct file *f)
{
    struct files *fs = current->files;

    spin_lock(&fs->lock);
    *slot_of(fs, fd) = f;
    spin_unlock(&fs->lock);
}

/* Takes what is at fd out; the descriptor is free then. */
static struct file *take(struct files *fs, int fd)
{
    struct file **slot = slot_of(fs, fd), *f = slot ? *slot : NULL;

    if (f) {
        struct fd_block *b = block_at(fs, (uint32_t)fd / BLOCK_FDS);

        *slot = NULL;
        b->used &= ~(1ull << fd % BLOCK_FDS);
        b->cloexec &= ~(1ull << fd % BLOCK_FDS);
    }
    return f;
}

void fd_cancel(int fd)
{
    struct files *fs = current->files;

    spin_lock(&fs->lock);
    struct fd_block *b = block_at(fs, (uint32_t)fd / BLOCK_FDS);
    b->used &= ~(1ull << fd % BLOCK_FDS);
    b->cloexec &= ~(1ull << fd % BLOCK_FDS);
    spin_unlock(&fs->lock);
}

int fd_open_add(struct file *f, uint32_t flags)
{
    int fd = fd_alloc(0, flags);

    if (fd < 0)
        file_put(f);
    else
        fd_install(fd, f);
    return fd;
}

/* --- look-up --- */

struct file *fd_get(int fd)
{
    struct files *fs = current->files;

    if (unlikely(files_users(fs) != 1))
        return files_peek(fs, fd);
    struct file **slot = slot_of(fs, fd), *f = slot ? *slot : NULL;
    if (f)
        file_get(f);
    return f;
}

struct file *files_peek(struct files *fs, int fd)
{
    struct file **slot, *f;

    spin_lock(&fs->lock);
    slot = slot_of(fs, fd);
    f = slot ? *slot : NULL;
    if (f)
        file_get(f);
    spin_unlock(&fs->lock);
    return f;
}

int files_next(struct files *fs, int fd)
{
    int found = -1;

    if (fd < 0 || fd >= FD_MAX)
        return -1;
    spin_lock(&fs->lock);
    for (uint32_t i = (uint32_t)fd / BLOCK_FDS; i < fs->end && found < 0; i++) {
        struct fd_block *b = block_at(fs, i);
        uint64_t left = b ? b->used : 0;

        if (i == (uint32_t)fd / BLOCK_FDS)
            left &= UINT64_MAX << fd % BLOCK_FDS;
        for (; left && found < 0; left &= left - 1)
            if (b->file[__builtin_ctzll(left)])
                found = (int)(i * BLOCK_FDS) + __builtin_ctzll(left);
        if (found < 0)
            breathe(fs, WORK_BLOCK);
    }
    spin_unlock(&fs->lock);
    return found;
}

/* --- what the calls need beyond that --- */

int fd_close(int fd)
{
    struct files *fs = current->files;
    struct file *f;

    spin_lock(&fs->lock);
    f = take(fs, fd);
    spin_unlock(&fs->lock);
    if (!f)
        return -EBADF;
    closed(fs, f);
    return 0;
}

int fd_replace(int fd, struct file *f, uint32_t flags)
{
    struct files *fs = current->files;
    struct fd_block *b;
    struct file *old = NULL;
    uint64_t bit;
    int err = 0;

    if ((uint64_t)(unsigned)fd >=
        MIN(current->proc->rlim[RLIMIT_NOFILE].rlim_cur, (uint64_t)FD_MAX))
        return -EBADF;
    bit = 1ull << fd % BLOCK_FDS;
    spin_lock(&fs->lock);
    b = block_make(fs, (uint32_t)fd / BLOCK_FDS);
    if (!b) {
        err = -ENOMEM;
    } else if (b->used & bit && !b->file[fd % BLOCK_FDS]) {
        err = -EBUSY; /* somebody is opening a file into it right now */
    } else {
        old = b->file[fd % BLOCK_FDS];
        b->file[fd % BLOCK_FDS] = f;
        b->used |= bit;
        b->cloexec = flags & O_CLOEXEC ? b->cloexec | bit : b->cloexec & ~bit;
        fs->end = MAX(fs->end, (uint32_t)fd / BLOCK_FDS + 1);
        file_get(f);
    }
    spin_unlock(&fs->lock);
    if (old)
        closed(fs, old);
    return err;
}

/* lock held; NULL: fd is not open. */
static struct fd_block *open_block(struct files *fs, int fd)
{
    struct file **slot = slot_of(fs, fd);

    return slot && *slot ? block_at(fs, (uint32_t)fd / BLOCK_FDS) : NULL;
}

static int flags_in(struct files *fs, int fd)
{
    int ret = -EBADF;

    spin_lock(&fs->lock);
    struct fd_block *b = open_block(fs, fd);
    if (b)
        ret = b->cloexec >> fd % BLOCK_FDS & 1 ? FD_CLOEXEC : 0;
    spin_unlock(&fs->lock);
    return ret;
}

int fd_flags(int fd) { return flags_in(current->files, fd); }

bool files_peek_cloexec(struct files *fs, int fd) { return flags_in(fs, fd) > 0; }

int fd_set_flags(int fd, int flags)
{
    struct files *fs = current->files;
    uint64_t bit = 1ull << (unsigned)fd % BLOCK_FDS;

    spin_lock(&fs->lock);
    struct fd_block *b = open_block(fs, fd);
    if (b)
        b->cloexec = flags & FD_CLOEXEC ? b->cloexec | bit : b->cloexec & ~bit;
    spin_unlock(&fs->lock);
    return b ? 0 : -EBADF;
}

void files_close_on_exec(struct files *fs)
{
    for (uint32_t i = 0; i < fs->end; i++) {
        struct fd_block *b = block_at(fs, i);

        while (b && b->cloexec) {
            struct file *f;

            spin_lock(&fs->lock);
            f = take(fs, (int)(i * BLOCK_FDS) + __builtin_ctzll(b->cloexec));
            spin_unlock(&fs->lock);
            if (!f)
                break; /* only reserved: by a thread that is gone */
            closed(fs, f);
            preempt_work(WORK_CLOSE);
        }
        preempt_work(WORK_BLOCK);
    }
}
