/* audit_trap.h - the audit that traps each store to a page table (vmm --audit=trap).  For audit.c, which
 * stops the world before it calls any of this, and follows the events. */
#ifndef VMM_AUDIT_TRAP_H
#define VMM_AUDIT_TRAP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct audit_report;
struct replay;
struct trace_event;
struct trap;
struct vcpu;
struct vm;

/* mirror: the tables as the events say, always as of the last trap_event().  NULL: no memory. */
struct trap *trap_new(const struct vm *vm, const struct replay *mirror,
                      const struct audit_report *told);
void trap_free(struct trap *t); /* NULL is fine */

/* The tables that the mirror has, and those that will be made of frames [first, end), are read-only from
 * here on.  0, or -errno after a line. */
int trap_tables(struct trap *t, uint64_t first, uint64_t end);
/* Is a store to this guest address one to a table? */
bool trap_is_about(const struct trap *t, uint64_t gpa);

/* An event; the mirror has it. */
void trap_event(struct trap *t, const struct trace_event *e);
/* The store that v's exit is: it is looked at, and made.  0 or -errno. */
int trap_store(struct trap *t, const struct vcpu *v);
/* The first frame of a table among those bytes, or 0; and the VMM writes to it at v's wish. */
uint64_t trap_first_table(const struct trap *t, uint64_t gpa, uint64_t bytes);
void trap_written(struct trap *t, const struct vcpu *v, uint32_t pfn);
/* A vCPU has flushed translations, or loaded a root.  0 or -errno. */
int trap_flush(struct trap *t);
/* All vCPUs have stopped. */
void trap_stop(struct trap *t);

/* What was found, on out; how much. */
uint64_t trap_finish(const struct trap *t, FILE *out);
uint64_t trap_stores(const struct trap *t);

#endif
