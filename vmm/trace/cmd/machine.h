/* machine.h - the address spaces of a trace at a moment: page tables by replay, and which task
 * has which. */
#ifndef VMM_TRACE_MACHINE_H
#define VMM_TRACE_MACHINE_H

#include "vmm/trace/cmd/moment.h"
#include "vmm/trace/lib/follow.h"
#include "vmm/trace/lib/json.h"
#include "vmm/trace/lib/replay.h"

struct machine {
    struct trace *trace;
    struct replay *replay;
    struct follow follow; /* tasks and address spaces only: no calls, no event numbers */
    const struct trace_event *pending; /* later than the moment */
    uint64_t event, tsc, first_tsc;    /* of the last event that counts */
};

void machine_start(struct machine *m, struct trace *t);
void machine_free(struct machine *m);
/* Goes on to just before the first event later than `to`; MOMENT_NONE: to the end.  False, and a line
 * on stderr: nothing had happened by then. */
bool machine_go(struct machine *m, const struct moment *to);

/* The address space that a pid has; 0: none known. */
uint32_t machine_mm_of(struct machine *m, uint32_t pid);

/* The entries that lead to pages, or would but for their present bit, by address.  Of
 * address space 0 the kernel's half as any root has it; of others the users' half. */
struct leaf {
    uint64_t va, entry;
    uint32_t level;
};
struct leaves {
    struct leaf *at;
    size_t n, capacity;
    uint64_t tables, pages; /* pages: of 4 KiB, that are present */
};
bool machine_leaves(struct machine *m, uint32_t mm, struct leaves *out); /* false: no such one */
void leaves_free(struct leaves *l);

/* Neighbours of equal rights as rows: "0x400000-0x402000  2 x 4K  r-x  COW  pfn 0x165". */
void leaves_print(const struct leaves *l, uint64_t va, uint64_t end);
void leaves_json(const struct leaves *l, struct json *j, uint64_t va, uint64_t end);

/* "r-x U COW", without frame, Accessed and Dirty; at least 48 bytes. */
#define RIGHTS_BYTES 48
char *rights_text(char buf[RIGHTS_BYTES], uint64_t entry);

#endif
