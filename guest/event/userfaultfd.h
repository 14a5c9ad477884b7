/* userfaultfd.h - memory whose faults a program decides itself: userfaultfd(2). */
#ifndef EVENT_USERFAULTFD_H
#define EVENT_USERFAULTFD_H

#include "lib/base.h"
#include "lib/list.h"
#include "lib/refcount.h"
#include "mm/mm.h"
#include "sched/block.h"

struct file;

/* [k] fixed at creation  [l] lock */
struct userfault {
    struct spinlock lock;
    struct refcount refs; /* the file's, and of who waits */
    struct mm *mm;        /* [l] whose memory it is about; NULL: that is gone */
    uint32_t number;      /* [k] in mm's VMAs' flags */
    bool user_only;       /* [k] not about accesses of the kernel */
    bool ready;           /* [l] UFFDIO_API has been said */
    uint64_t features;    /* [l] */
    struct list unread,
        read;         /* [l] struct question.link: who waits, and whether a read has told of it */
    uint32_t waiting; /* [l] in both */
    struct waitq readers, askers;
};

void userfaultfd_init(void);              /* before fs_init() */
extern uint32_t userfaultfd_unprivileged; /* [a] vm.unprivileged_userfaultfd */

/* mm_fault() has said FAULT_ASK: waits until somebody has decided.  0: try again.  A signal and *code, or -EINTR. */
int userfaultfd_ask(struct mm *mm, uaddr_t at, uint32_t error, bool user, int *code);

/* For userfaultfd_range.c: */
struct mm *userfault_mm(struct userfault *u); /* with a reference, or NULL */
void userfault_wake(struct userfault *u, uaddr_t start, uaddr_t end);
static inline bool userfault_has(const struct userfault *u, const struct vma *v)
{
    return (v->flags & VM_ASK_ALL) >> VM_ASKED == u->number;
}
/* userfaultfd_range.c */
long userfaultfd_ioctl(struct file *f, uint32_t cmd, uaddr_t arg);
/* All of u's mappings are like others again.  mm->lock held. */
void userfault_forget(struct userfault *u, struct mm *mm);

#endif
