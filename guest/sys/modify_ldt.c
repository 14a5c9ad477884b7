/* modify_ldt.c - modify_ldt(2): a program's own segments (mm/ldt.h). */
#include "arch/hypercall.h"
#include "arch/preempt.h"
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "mm/ldt.h"
#include "mm/mm.h"
#include "mm/tlb.h"
#include "proc/process.h"
#include "proc/watched.h"

#include <asm/ldt.h>

#define TABLE_BYTES     (LDT_ENTRIES * 8ul)
#define DEFAULT_BYTES   128ul /* of a table that Linux no longer has */
#define CODE            2     /* user_desc.contents, and: */
#define CODE_CONFORMING 3

static long read_table(uaddr_t to, size_t n)
{
    struct mm *mm = current->mm;
    uint64_t some[32];

    n = MIN(n, TABLE_BYTES);
    for (size_t at = 0; at < n; at += sizeof some) {
        mutex_lock(&mm->lock);
        bool none = ldt_count(mm) == 0;
        ldt_get(mm, (unsigned)(at / 8), ARRAY_SIZE(some), some);
        mutex_unlock(&mm->lock);
        if (none)
            return 0;
        if (copy_to_user(to + at, some, MIN(n - at, sizeof some)) != 0)
            return -EFAULT;
        preempt_work(400);
    }
    return (long)n;
}

static long read_default(uaddr_t to, size_t n)
{
    static const uint64_t zeros[DEFAULT_BYTES / 8];

    n = MIN(n, DEFAULT_BYTES);
    return copy_to_user(to, zeros, n) != 0 ? -EFAULT : (long)n;
}

/* What it says when an entry is to be empty. */
static bool is_empty(const struct user_desc *u)
{
    return !u->base_addr && !u->limit && !u->contents && u->read_exec_only && !u->seg_32bit &&
           !u->limit_in_pages && u->seg_not_present && !u->useable && !u->lm;
}

static uint64_t descriptor_of(const struct user_desc *u)
{
    uint64_t base = u->base_addr, limit = u->limit;
    uint64_t type = 1u | (u->read_exec_only ? 0u : 2u) | (unsigned)u->contents << 2;

    return (limit & 0xffff) | (base & 0xffffff) << 16 | type << 40 | 0x70ull << 40 | /* S, DPL 3 */
           (uint64_t)!u->seg_not_present << 47 | (limit >> 16 & 0xf) << 48 |
           (uint64_t)u->useable << 52 | (uint64_t)u->seg_32bit << 54 |
           (uint64_t)u->limit_in_pages << 55 | (base >> 24) << 56;
}

/* The tasks that share current's memory have an LDT from now on. */
static void tell(struct task *t, void *unused)
{
    (void)unused;
    if (t->mm != current->mm || t->segments)
        return;
    t->segments = true;
    __atomic_fetch_or(&t->rseq_event, RETURN_LDT, __ATOMIC_SEQ_CST);
    task_watch(t);
}

static long set_entry(uaddr_t from, size_t n, bool old_way)
{
    struct mm *mm = current->mm;
    struct user_desc u;

    if (n != sizeof u)
        return -EINVAL;
    if (copy_from_user(&u, from, sizeof u) != 0)
        return -EFAULT;
    if (u.entry_number >= LDT_ENTRIES ||
        (u.contents == CODE_CONFORMING && (old_way || !u.seg_not_present)))
        return -EINVAL;
    bool empty = is_empty(&u) || (old_way && !u.base_addr && !u.limit);
    if (!empty && !u.seg_32bit)
        return -EINVAL; /* mm/ldt.c */
    if (!empty && u.contents >= CODE && iret_interpreted())
        return -EINVAL; /* IRET would not go back to it */
    if (old_way)
        u.useable = 0;
    mutex_lock(&mm->lock);
    int err = ldt_set(mm, u.entry_number, empty ? 0 : descriptor_of(&u));
    mutex_unlock(&mm->lock);
    if (err)
        return err;
    family_each_task(tell, NULL, 60);
    tlb_flush(mm, (uintptr_t)current,
              (uintptr_t)current + PAGE_SIZE); /* all come by ldt_return() */
    return 0;
}

/* As on Linux an error is one of 32 bits. */
SYSCALL3(modify_ldt, int, what, uaddr_t, at, size_t, n)
{
    long ret = -ENOSYS;

    switch (what) {
    case 0: ret = read_table(at, n); break;
    case 1: ret = set_entry(at, n, true); break;
    case 2: ret = read_default(at, n); break;
    case 0x11: ret = set_entry(at, n, false); break;
    }
    return (long)(uint32_t)ret;
}
