/* replay.h - the page tables as the trace's events say they are.
 *
 * Feed it every event in order.  It keeps a mirror of all live tables, and
 * reports each event that does not fit what came before: a write whose old
 * value is not what the slot held, a table used before table_alloc or after
 * table_free.  Accessed and Dirty are hardware's and never compared. */
#ifndef VMM_TRACE_REPLAY_H
#define VMM_TRACE_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/pte.h"
#include "vmm/trace/lib/reader.h"

#define PT_SLOTS 512u

struct replay_table {
    uint32_t pfn;
    uint32_t mm; /* that it was made for; 0: the kernel's */
    uint8_t level;
    uint16_t used; /* slots that are not 0 */
    uint64_t va;   /* that slot 0 stands for */
    uint64_t slot[PT_SLOTS];
};

enum replay_fault {
    REPLAY_OLD_DIFFERS, /* an event's old value is not the slot's */
    REPLAY_NO_TABLE,    /* event for a frame that is no live table */
    REPLAY_WRONG_LEVEL, /* the table is of another level */
    REPLAY_TABLE_TWICE, /* table_alloc of a live table */
    REPLAY_NO_MM,       /* mm_free of an address space that is not there */
    REPLAY_MM_TWICE,
    REPLAY_NO_ROOT,        /* an address space whose root is no live PGD */
    REPLAY_LOST_CHILD,     /* entry points to a frame that is no table one level down */
    REPLAY_MEMORY_DIFFERS, /* guest memory is not what was replayed */
    REPLAY_NOT_RAM,        /* a table where there is no memory */
};

struct replay_violation {
    enum replay_fault fault;
    const struct trace_event *event; /* NULL: found by comparing, at the end */
    uint32_t mm, table_pfn;
    unsigned level, index;
    uint64_t va, expected, found;
};
typedef void replay_report(void *arg, const struct replay_violation *v);

struct replay;                                               /* begins with its index */
struct replay *replay_new(replay_report *report, void *arg); /* NULL: no memory */
void replay_free(struct replay *r);

int replay_event(struct replay *r, const struct trace_event *e); /* 0 or -ENOMEM */

/* Is a slot's store under way, so that memory may still hold what it does? */
typedef bool replay_excuse(void *arg, uint32_t pfn, unsigned index, uint64_t found);

/* Compares every live table with memory; page(arg, pfn) gives the 4 KiB there
 * or NULL; excused, with the same arg, may be NULL.  Also: every root is a live PGD, and every entry that points to a
 * table points to a live one of the level below, so that no table the hardware
 * can reach is unknown. */
void replay_compare(struct replay *r, const void *(*page)(void *arg, uint32_t pfn),
                    replay_excuse *excused, void *arg);

/* The same for one table, while the machine runs.  False: there was a slot that was excused. */
bool replay_compare_table(struct replay *r, const struct replay_table *t, const void *memory,
                          replay_excuse *excused, void *arg);

/* Each live table, by frame. */
void replay_each(const struct replay *r, void (*visit)(void *arg, const struct replay_table *t),
                 void *arg);

uint64_t replay_violations(const struct replay *r);
unsigned replay_live_tables(const struct replay *r);

/* The live tables by frame number, in two steps. */
#define REPLAY_BLOCK_BITS 9
struct replay_index {
    struct replay_table ***block; /* NULL: none of its frames is a table */
    uint32_t blocks;
};

/* The live table in that frame, or NULL.  Whoever changes a slot keeps `used`, too. */
static inline struct replay_table *replay_table(const struct replay *r, uint32_t pfn)
{
    const struct replay_index *i = (const struct replay_index *)r;
    uint32_t n = pfn >> REPLAY_BLOCK_BITS;
    return n < i->blocks && i->block[n] != NULL ? i->block[n][pfn & ((1u << REPLAY_BLOCK_BITS) - 1)]
                                                : NULL;
}

/* The root of an address space; of 0, the kernel's, any root, since each has the kernel's
 * half.  False: there is none. */
bool replay_root(const struct replay *r, uint32_t mm, uint32_t *root_pfn);
/* The numbers of all address spaces, in order, and how many; to be freed.  NULL: no memory. */
size_t replay_roots(const struct replay *r, uint32_t **mm);

const char *replay_fault_text(enum replay_fault fault);

#endif
