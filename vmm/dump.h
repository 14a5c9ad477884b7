/* dump.h - the page tables as guest memory has them at chosen moments, as text:
 *
 *   vmm --audit=dirty --dump-tables=FILE [--dump-at=WHEN]...
 *
 *     moment 461                            event 461 of the trace was the last one
 *     space 3 0x384                         an address space and the frame of its root
 *     0x222a000 PTE 0x8000000002428067      an entry that leads to a page, or would but for its P
 *
 * Of an address space it is the program's half, of space 0 the kernel's, in the order of addresses.
 * From the events comes only which address spaces there are; the rest is a walk through memory.
 * `vmm-trace at DIR '#461' --mm 3 --json` has the same entries, Accessed and Dirty aside.
 *
 * A moment is the first TLB flush from WHEN on at which no other vCPU is inside the kernel, so that no
 * store is under way; without any WHEN, when the machine has stopped.  Text is kept until the end. */
#ifndef VMM_DUMP_H
#define VMM_DUMP_H

#include <stdint.h>

struct dump;
struct gmem;
struct replay;
struct trace_event;
struct trigger;
struct vcpu;

/* NULL, and errno. */
struct dump *dump_new(const char *file, const struct trigger *at, unsigned n);
void dump_free(struct dump *d);

/* Every event, in order: its number, and ns since the first. */
void dump_event(struct dump *d, const struct trace_event *e, uint64_t number, uint64_t ns);
/* Each TLB flush, with no vCPU in the guest and all events seen. */
void dump_flush(struct dump *d, const struct vcpu *v, const struct replay *r);
/* The machine has stopped: what is still due, and all of it into the file.  0 or -errno. */
int dump_finish(struct dump *d, const struct gmem *m, const struct replay *r);

#endif
