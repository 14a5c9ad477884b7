/* mm.h - address spaces.
 * VMAs carry the truth about what may be done where; page-table entries only
 * cache it.  All changes happen under mm->lock.  A struct mm is shared by
 * reference count (users): threads, vfork children. */
#ifndef MM_MM_H
#define MM_MM_H

#include "lib/rbtree.h"
#include "lib/refcount.h"
#include "shared/trace_schema.h"
#include "sync/lock.h"

struct file;
struct inode;
struct regs;

enum vma_kind { VMA_ANON, VMA_FILE };
#define VM_READ       1u /* = PROT_READ and so on */
#define VM_WRITE      2u
#define VM_EXEC       4u
#define VM_SHARED     0x08u
#define VM_GROWSDOWN  0x10u
#define VM_STACK      0x20u /* [stack] in /proc/PID/maps */
#define VM_DONTFORK   0x40u
#define VM_WIPEONFORK 0x80u
#define VM_NORESERVE  0x100u
#define VM_LOCKED     0x200u
#define VM_DONTDUMP   0x800u  /* in no core file */
#define VM_HUGEPAGE   0x1000u /* MADV_HUGEPAGE, MADV_NOHUGEPAGE: fault.c maps ahead, or never does */
#define VM_NOHUGEPAGE 0x2000u
#define VM_READONLY \
    0x400u /* shared, never to be made writable: the file is sealed, or open for reading */
#define VM_SEALED     0x4000u /* mseal(2); exec and exit alone end it */
#define VM_POLICY     16u     /* from this bit on: mbind(2)'s, sys/mempolicy.c */
#define VM_POLICY_ALL 0xe0070000u
#define VM_SOFT_CLEAN 0x8000u /* entries tell whether a page was written since: refs.c */
#define VM_MARKED \
    0x80000u /* some entry may have PTE_MARK or PTE_WP (mm/mark.h), so no table is shared or huge */
/* userfaultfd(2): what it is asked about, and in these bits the number of the one that is. */
#define VM_ASK_MISSING 0x100000u
#define VM_ASK_WRITE   0x200000u
#define VM_ASK_MINOR   0x400000u
#define VM_ASKED       23u
#define VM_ASKED_MOST  31u
#define VM_DROPPABLE   0x10000000u /* MAP_DROPPABLE: never locked, forked or dumped */
#define VM_ASK_ALL     (VM_ASK_MISSING | VM_ASK_WRITE | VM_ASK_MINOR | VM_ASKED_MOST << VM_ASKED)

struct vma {             /* mm->lock, but for file_link */
    struct rb_node node; /* in mm->vmas, by address */
    uaddr_t start, end;
    uint32_t flags;    /* VM_* */
    struct file *file; /* NULL: anonymous.  Holds a reference */
    uint64_t pgoff;    /* page of the file at start */
    struct mm *mm;
    struct list file_link; /* in inode->mappings, under inode->pages_lock */
    bool has_anon;         /* private: some page was written, so fork copies the entries */
};

/* /proc/PID/coredump_filter: bits that mean something here, and those that are only kept. */
#define CORE_ANON_PRIVATE 0x01u
#define CORE_ANON_SHARED  0x02u
#define CORE_FILE_PRIVATE 0x04u
#define CORE_FILE_SHARED  0x08u
#define CORE_ELF_HEADERS  0x10u
#define CORE_FILTER_BITS  0x1ffu
#define CORE_FILTER       0x33u /* as Linux begins */

#define AUXV_BYTES 448u /* as Linux keeps them */

/* What exec finds out before anybody else sees the mm; fork copies it as it is.  PR_SET_MM may say something else. */
struct mm_image { /* [k], but: */
    /* [l], read without; as in struct prctl_mm_map */
    uaddr_t code_start, code_end, data_start, data_end, brk_start, brk, stack_start;
    uaddr_t arg_start, arg_end, env_start, env_end;
    uaddr_t mmap_base;
    uaddr_t vdso_due;     /* [l] where mm/vdso.h is to map it; 0: it has */
    uint16_t dumpable;    /* [a] */
    uint16_t core_filter; /* [a] CORE_*: what a core file has of it.  Kept by exec */
    uint16_t auxv_bytes;
    bool sealed;              /* [l] some VMA has VM_SEALED, or had it: look */
    bool key_asked;           /* [a] pkey_alloc(2) was called */
    uint8_t auxv[AUXV_BYTES]; /* [l], read without.  /proc/PID/auxv */
    struct file *exe;         /* [l] a reference; NULL: none.  /proc/PID/exe */
};

#define MM_KEPT_SMALL 1u /* no huge pages: PR_SET_THP_DISABLE */
#define MM_KEPT_NO_NEW_CODE \
    2u /* PR_SET_MDWE: nothing becomes a program that was not, or can be written */

/* The userfaultfds that ask about this memory: event/userfaultfd.c has the rest. */
struct mm_askers {
    void (*end)(struct mm *mm); /* the memory goes; it has no user */
};

/* [k] fixed at creation  [l] lock; the counts are also read without, as hints
 * [a] atomic */
struct mm {
    struct mutex lock;
    struct refcount users; /* [a] tasks and temporary holders */
    uint32_t id;           /* [k] never reused: names the mm in the trace; kernel: 0 */
    pfn_t root;            /* [k] */
    struct rb_root vmas;   /* [l] */
    uint32_t nvmas;        /* [l] */
    uaddr_t full_from;     /* [l] from here to mmap_base no free range is as long as */
    uint64_t full_size;    /*     this: where vma_gap() goes on.  0: nothing is known */
    uint64_t pages_mapped; /* [l] user leaf entries present: RSS */
    uint64_t pages_anon;   /* [l] of those, private anonymous */
    uint64_t tables;       /* [l] table pages, root included; the kernel's: [a] */
    uint64_t shared;       /* [l] of those, led to without W (mm/share.h), or a huge page's */
    uint64_t huge;         /* [l] huge pages, of which each has a table in reserve (mm/huge.h) */
    uint64_t total_vm, data_vm, stack_vm, exec_vm; /* [l] pages */
    uint64_t hiwater_vm, hiwater_rss; /* [l] the most there was of total_vm and pages_mapped */
    uint64_t minor_faults;            /* [l] */
    uint64_t cpus_active;     /* [a] CPUs whose CR3 holds root: each sets and clears its own bit */
    uint8_t lock_future;      /* [l] mlockall(MCL_FUTURE): its flags; else 0 */
    uint8_t kept;             /* [a] MM_KEPT_*, which fork and exec keep */
    uint8_t no_new_code;      /* [a] PR_SET_MDWE's bits, if they are for this memory only */
    struct mm_askers *askers; /* [l] NULL: there never was a userfaultfd */
    struct ldt *ldt;          /* ldt.c.  NULL: none */
    struct mm_image image;
};

static inline void mm_set_kept(struct mm *mm, uint8_t bit, bool on)
{
    if (on)
        __atomic_fetch_or(&mm->kept, bit, __ATOMIC_RELAXED);
    else
        __atomic_fetch_and(&mm->kept, (uint8_t)~bit, __ATOMIC_RELAXED);
}
/* PR_SET_MDWE: may what has the rights `had` get the rights `now`?  A new mapping has had them already. */
static inline bool mm_may_be_code(const struct mm *mm, uint32_t had, uint32_t now)
{
    return !(now & VM_EXEC) || (had & VM_EXEC && !(now & VM_WRITE)) ||
           !(mm->kept & MM_KEPT_NO_NEW_CODE || mm->no_new_code);
}

int mm_create(struct mm **out); /* empty user half; users = 1 */
/* A copy for fork: private pages shared read-only for COW.  from->lock is
 * taken inside.  -ENOMEM: nothing is left of it. */
int mm_fork(struct mm *from, struct mm **out);
void mm_get(struct mm *mm);
bool mm_get_unless_dead(struct mm *mm); /* for who found it in a list */
/* Some mm is being torn down: its frames will be free. */
bool mm_memory_is_coming(void);
/* Last put: all user memory and tables go, with that reason (exec or exit). */
void mm_put(struct mm *mm, enum pt_reason why);

#endif
