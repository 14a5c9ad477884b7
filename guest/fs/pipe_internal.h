/* pipe_internal.h - what pipe.c, pipe_packet.c, pipe_size.c and pipe_splice.c share: the ring. */
#ifndef FS_PIPE_INTERNAL_H
#define FS_PIPE_INTERNAL_H

#include "fs/file.h"
#include "fs/inode.h"
#include "fs/pipe.h"
#include "fs/uio.h"
#include "mm/frame.h"
#include "sched/block.h"

#define PIPE_PAGES_MAX 256u /* 1 MiB: as pipe_max_size begins, and what root has at most */

struct pipe {
    struct mutex lock;
    struct waitq read_wait, write_wait, open_wait;
    uint32_t readers, writers;            /* [a] open ends */
    uint32_t reads_opened, writes_opened; /* [a] ever */
    size_t start, used;                   /* [lock] the bytes [start, start + used) of the ring */
    size_t claimed;           /* [lock] bytes of room that are promised: pipe_splice.c */
    uint32_t npages;          /* [lock] size of the ring */
    uint32_t owner;           /* [k] the user whose pages they are; 0: not counted */
    pfn_t *page;              /* [lock] 0: not allocated yet; all 0 if there are slots */
    struct pipe_slots *slots; /* [lock] not NULL, then for ever: pipe_packet.c */
};

static inline struct pipe *pipe_of(struct file *f) { return f->inode->private; }

static inline uint32_t pipe_load(const uint32_t *p) { return __atomic_load_n(p, __ATOMIC_ACQUIRE); }
static inline size_t pipe_used(const struct pipe *p)
{
    return __atomic_load_n(&p->used, __ATOMIC_ACQUIRE);
}
static inline size_t pipe_room(const struct pipe *p)
{
    return p->npages * PAGE_SIZE - pipe_used(p) - __atomic_load_n(&p->claimed, __ATOMIC_ACQUIRE);
}

/* After p->lock was given back: waitq_idle(). */
static inline void pipe_wake(struct waitq *q)
{
    if (!waitq_idle(q))
        waitq_wake(q);
}

/* pipe.c: bytes from the ring's begin to u, and from u to its end; as many as there are, or fit.  Lock
 * held.  Bytes moved, or -errno. */
long pipe_take_bytes(struct pipe *p, struct uio *u);
long pipe_put_bytes(struct pipe *p, struct uio *u);
/* At most n bytes, within a page, at offset `at` of the ring, which may be behind its end by less than its
 * size; they stay, or what is there is overwritten. */
enum pipe_direction { OUT_OF_RING, INTO_RING };
long pipe_move_piece(struct pipe *p, size_t at, size_t n, struct uio *u, enum pipe_direction dir);
long pipe_broken(void); /* SIGPIPE for current, and -EPIPE */

/* pipe.c's, with packets written. */
extern const struct file_ops packet_fops;
static inline bool file_is_pipe(const struct file *f)
{
    return f->ops == &fifo_fops || f->ops == &packet_fops;
}
static inline bool pipe_in_slots(const struct pipe *p)
{
    return __atomic_load_n(&p->slots, __ATOMIC_ACQUIRE) != NULL;
}

/* pipe_user.c.  A new pipe, whose pages may become less: 0, -ENFILE, -ENOMEM. */
int pipe_user_new(struct pipe *p);
int pipe_user_resize(struct pipe *p, uint32_t npages); /* 0 or -EPERM */
void pipe_user_resized_not(struct pipe *p, uint32_t npages);
void pipe_user_end(struct pipe *p);

/* pipe_packet.c */
long pipe_write_packets(struct file *f, struct uio *u, uint64_t *pos);
/* pipe_move_piece() where there are slots: the first one's bytes, or some more of the last. */
long pipe_slot_move(struct pipe *p, size_t n, struct uio *u, enum pipe_direction dir);
void pipe_slots_empty(struct pipe *p); /* nobody has it open, or it goes */
void pipe_slots_free(struct pipe *p);
int pipe_slots_resize(struct pipe *p, uint32_t npages);

#endif
