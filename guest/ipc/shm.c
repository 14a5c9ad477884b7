/* shm.c - System V shared memory: shmget(2), shmat(2), shmdt(2).
 *
 * A segment is a file without a name; a shmat(2) opens it for that one mapping and maps it, so what
 * fork, exec, munmap, mremap and exit do to a mapping of a file they do to it, and the segment's pages
 * are shared as a file's are.  The file says when one mapping of it more or less is there
 * (file_ops.mapped), which is what shm_nattch counts.
 *
 * Life.  shmctl(IPC_RMID) marks a segment (SHM_DEST), and takes its key; it goes with the last mapping, or
 * at once if there is none.  Until then its identifier is good, for shmat(2), too, as on Linux.
 * A call that attaches counts as a mapping until it has made one.
 *
 * A mapping finds its segment by the identifier and its space's number, which are the two halves of its file's inode
 * number, and holds nothing: a mapping that outlives its segment, made by another way than shmat(2), finds none, and nothing happens.
 * mapped() is called with mm.lock held; the lock of the table is a spinlock, and what ends then ends without a mutex. */
#include "ipc/shm.h"
#include "arch/preempt.h"
#include "arch/syscall.h"
#include "fs/anon_file.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "lib/printf.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "mm/map.h"
#include "mm/mm.h"
#include "mm/unmap.h"
#include "mm/vma.h"
#include "sched/task.h"

#include <linux/capability.h>
#include <linux/mman.h>

#define PAGES_OF(bytes) (((bytes) + PAGE_SIZE - 1) >> PAGE_SHIFT)
#define SHMLBA          PAGE_SIZE

uint32_t shm_huge_group;

uint64_t shm_resident(const struct shm_segment *s) { return s->file->inode->npages; }

/* --- life ------------------------------------------------------------------------------- */

static bool is_unused(const struct ipc_object *o)
{
    return o->mode & SHM_DEST && container_of(o, const struct shm_segment, ipc)->attached == 0;
}

void shm_end_if_unused(struct shm_segment *s) { ipc_remove(&s->ipc, is_unused); }

/* s with a reference: one more or less has it. */
static void count(struct shm_segment *s, int by)
{
    spin_lock(&s->ipc.ids->lock);
    s->attached += (uint32_t)by;
    bool unused = is_unused(&s->ipc);
    spin_unlock(&s->ipc.ids->lock);
    if (unused)
        shm_end_if_unused(s);
}

static void mapped(struct file *f, int by)
{
    struct ipc_space *space = ipc_space_find((uint32_t)(f->inode->ino >> 32));

    if (space == NULL)
        return;
    spin_lock(&space->shm.lock);
    struct ipc_object *o = ipc_peek(&space->shm, (int32_t)f->inode->ino);
    if (o != NULL) {
        ref_get(&o->refs);
        shm_of(o)->last = ipc_pid();
        *(by > 0 ? &shm_of(o)->atime : &shm_of(o)->dtime) = ipc_time();
    }
    spin_unlock(&space->shm.lock);
    if (o != NULL) {
        count(shm_of(o), by);
        ipc_put(o);
    }
    ipc_space_put(space);
}

static const struct file_ops segment_ops = { .mapped = mapped };

void shm_free(struct ipc_object *o)
{
    struct shm_segment *s = shm_of(o);

    __atomic_sub_fetch(&o->ids->space->shm_all, PAGES_OF(s->size), __ATOMIC_RELAXED);
    file_put(s->file);
    kfree(s);
}

struct request {
    size_t size;
    int32_t key;
    int flags;
};

static int make_file(const struct request *rq, struct file **out)
{
    char name[16];

    if (rq->flags & SHM_HUGETLB) { /* there are no reserved huge pages */
        uint32_t size = (uint32_t)rq->flags & MAP_HUGE_MASK << MAP_HUGE_SHIFT;
        if ((!size || size == MAP_HUGE_2MB || size == MAP_HUGE_1GB) && !has_cap(CAP_IPC_LOCK) &&
            !in_group(__atomic_load_n(&shm_huge_group, __ATOMIC_RELAXED)))
            return -EPERM;
        return !size || size == MAP_HUGE_2MB || size == MAP_HUGE_1GB ? -ENOMEM : -EINVAL;
    }
    if (!(rq->flags & SHM_NORESERVE) && PAGES_OF(rq->size) > frames_total)
        return -ENOMEM; /* it could never be filled */
    ksnprintf(name, sizeof(name), "SYSV%08x", (unsigned)rq->key);
    int err = anon_file_create(name, 0777, rq->size, out);
    if (err == 0)
        (*out)->inode->fops = &segment_ops;
    return err;
}

static int make_segment(uint64_t arg, struct ipc_object **out)
{
    const struct request *rq = (const struct request *)arg;
    uint64_t pages = PAGES_OF(rq->size);
    struct ipc_space *space = ipc_here();

    if (rq->size < SHMMIN || rq->size > space->shm_max_size || rq->size > INT64_MAX)
        return rq->size < SHMMIN || rq->size > space->shm_max_size ? -EINVAL : -ENOSPC;
    if (__atomic_add_fetch(&space->shm_all, pages, __ATOMIC_RELAXED) > space->shm_max_pages) {
        __atomic_sub_fetch(&space->shm_all, pages, __ATOMIC_RELAXED);
        return -ENOSPC;
    }
    struct shm_segment *s = kzalloc(sizeof(*s));
    int err = s != NULL ? make_file(rq, &s->file) : -ENOMEM;
    if (err != 0) {
        kfree(s);
        __atomic_sub_fetch(&space->shm_all, pages, __ATOMIC_RELAXED);
        return err;
    }
    s->size = rq->size;
    s->creator = ipc_pid();
    s->ctime = ipc_time();
    *out = &s->ipc;
    return 0;
}

static int big_enough(const struct ipc_object *o, uint64_t arg)
{
    const struct request *rq = (const struct request *)arg;

    return rq->size <= container_of(o, const struct shm_segment, ipc)->size ? 0 : -EINVAL;
}

static void born(struct ipc_object *o)
{
    shm_of(o)->file->inode->ino = (uint64_t)o->ids->space->number << 32 | (uint32_t)o->id;
}

SYSCALL3(shmget, int32_t, key, size_t, size, int, flags)
{
    const struct ipc_get get = {
        .ids = &ipc_here()->shm, .make = make_segment, .check = big_enough, .born = born
    };
    struct request rq = { size, key, flags };

    return ipc_get(&get, key, flags, (uintptr_t)&rq);
}

/* --- attaching -------------------------------------------------------------------------- */

/* Where to: mmap's flags, or -EINVAL. */
static int placing(uaddr_t *at, int flags)
{
    if (*at == 0)
        return flags & SHM_REMAP ? -EINVAL : MAP_SHARED;
    if (*at % SHMLBA != 0) {
        if (!(flags & SHM_RND))
            return -EINVAL;
        *at -= *at % SHMLBA;
        if (*at == 0 && flags & SHM_REMAP)
            return -EINVAL;
    }
    return MAP_SHARED | (flags & SHM_REMAP ? MAP_FIXED : MAP_FIXED_NOREPLACE);
}

static long map(struct shm_segment *s, uaddr_t at, int prot, int map_flags)
{
    struct file *f;
    long ret = file_new(&s->file->path, prot & PROT_WRITE ? O_RDWR : O_RDONLY, &f);

    if (ret != 0)
        return ret;
    ret = mm_map(current->mm, at, s->size, prot, map_flags, f, 0);
    file_put(f);
    return ret == -EEXIST ? -EINVAL : ret;
}

static bool begin(struct shm_segment *s)
{
    spin_lock(&s->ipc.ids->lock);
    bool there = !s->ipc.gone;
    s->attached += there;
    spin_unlock(&s->ipc.ids->lock);
    return there;
}

SYSCALL3(shmat, int, id, uaddr_t, at, int, flags)
{
    int prot = flags & SHM_RDONLY ? PROT_READ : PROT_READ | PROT_WRITE;
    uint32_t rights = flags & SHM_RDONLY ? 0444 : 0666;
    struct ipc_object *o;

    if (flags & SHM_EXEC) {
        prot |= PROT_EXEC;
        rights |= 0111;
    }
    if (id < 0)
        return -EINVAL;
    int map_flags = placing(&at, flags);
    long ret = map_flags < 0 ? map_flags : ipc_find(&ipc_here()->shm, id, &o);
    if (ret != 0)
        return ret;
    ret = ipc_permission(o, rights);
    if (ret == 0 && !begin(shm_of(o)))
        ret = -EIDRM;
    if (ret == 0) {
        ret = map(shm_of(o), at, prot, map_flags);
        count(shm_of(o), -1);
    }
    ipc_put(o);
    return ret;
}

/* Is v the part of a segment attached at `at` that belongs where it is? */
static bool is_attached(const struct vma *v, uaddr_t at)
{
    return v->file != NULL && v->file->ops == &segment_ops && v->start >= at &&
           v->start - at == v->pgoff << PAGE_SHIFT;
}

/* All of it that is still there: 0, -EINVAL, -ENOMEM.  mm->lock held. */
static long detach(struct mm *mm, uaddr_t at)
{
    struct vma *v = vma_find(mm, at);

    for (; v != NULL && !is_attached(v, at); v = vma_next(v))
        preempt_work(WORK_VMA / 8);
    if (v == NULL)
        return -EINVAL;
    struct file *f = v->file;
    uaddr_t end = at + page_up(f->inode->size);
    long err = 0;
    file_get(f);
    while (err == 0 && v != NULL && v->end <= end) {
        uaddr_t start = v->start, stop = v->end;

        if (v->file == f && is_attached(v, at)) {
            err = mm_cut(mm, start, stop);
            if (err == 0)
                mm_drop(mm, start, stop, PT_munmap);
            else if (err == -EPERM)
                err = 0; /* it is sealed, and stays */
        }
        v = vma_find(mm, stop);
    }
    file_put(f);
    return err;
}

SYSCALL1(shmdt, uaddr_t, at)
{
    struct mm *mm = current->mm;

    if (at % PAGE_SIZE != 0)
        return -EINVAL;
    mutex_lock(&mm->lock);
    long ret = detach(mm, at);
    mutex_unlock(&mm->lock);
    return ret;
}
