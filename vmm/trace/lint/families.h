/* families.h - the families of checks about processes and their memory.
 *
 * A family has up to three entries: _write() for each entry that changes and _before()
 * for each event, called before it is applied to the state and the replayed tables;
 * _after() for each event, after that; _end() at the end of the trace.  Each .c file
 * says what its checks mean. */
#ifndef VMM_TRACE_LINT_FAMILIES_H
#define VMM_TRACE_LINT_FAMILIES_H

#include "vmm/trace/lint/state.h"

/* pages.c: F2, F5, C2, E2, E4, E5, M6; counts what each address space holds. */
void lint_pages_write(struct lint *l, const struct lint_write *w);
void lint_pages_table(struct lint *l, const struct trace_event *e); /* comes or goes */
void lint_pages_special(struct lint *l, const struct trace_event *e);
void lint_pages_forget(struct lint_mm *mm); /* it has ended */
void lint_pages_end(struct lint *l);        /* frees, too */

/* fork.c: F1, F3, F6, F7, V11. */
void lint_fork_range(struct lint *l, const struct trace_event *e); /* before its writes */
void lint_fork_write(struct lint *l, const struct lint_write *w);
void lint_fork_begins(struct lint *l, const struct trace_event *e); /* mm_create */
void lint_fork_after(struct lint *l, const struct trace_event *e);

/* calls.c: T9; T7's address spaces, what exec (E1) and wait4 (X2) return. */
void lint_calls_enter(struct lint *l, const struct trace_event *e);
void lint_calls_exit(struct lint *l, const struct trace_event *e);
void lint_calls_clone(struct lint *l, const struct trace_event *e);
void lint_calls_exec(struct lint *l, const struct trace_event *e);
void lint_calls_table(struct lint *l, const struct trace_event *e);
void lint_calls_args(struct lint *l, const struct trace_event *e);
void lint_calls_use(struct lint *l, const struct trace_event *e);
void lint_calls_write(struct lint *l, const struct trace_event *e, unsigned reason);

/* faults.c: C1, C4, C5, C6. */
void lint_faults_write(struct lint *l, const struct lint_write *w);
/* The same for n neighbours, fresh or of a file, in slots that held 0; false: nothing was done, since
 * something is wrong. */
bool lint_faults_range(struct lint *l, unsigned reason, uint64_t va, uint64_t n);
void lint_faults_contents(struct lint *l, const struct trace_event *e);
void lint_faults_fault(struct lint *l, const struct trace_event *e);
void lint_faults_signal(struct lint *l, const struct trace_event *e);
void lint_faults_call(struct lint *l); /* the task at hand calls the kernel */
static inline void lint_faults_flush(struct lint *l)
{
    if (l->task != NULL)
        l->task->fault.unanswered = false;
}
void lint_faults_switch(struct lint *l); /* to another */

/* errors.c: C7, C6's answers. */
void lint_errors_fault(struct lint *l, const struct trace_event *e);
void lint_errors_answer(struct lint *l, const struct lint_task *t, const struct lint_write *w);
void lint_errors_answered(struct lint *l, struct lint_task *t);

/* exec.c: E1, E3. */
void lint_exec_write(struct lint *l, const struct lint_write *w);
void lint_exec_after(struct lint *l, const struct trace_event *e);

/* states.c: X3's fields, T7's address spaces in events about tasks. */
void lint_states_before(struct lint *l, const struct trace_event *e);

/* exit.c: X1 to X4. */
struct lint_task *lint_process(struct lint *l, uint32_t pid); /* the task's, by its leader */
void lint_exit_call(struct lint *l, const struct lint_task *t, unsigned nr, bool begins);
void lint_exit_signal(struct lint *l, const struct trace_event *e);
void lint_exit_before(struct lint *l, const struct trace_event *e);
void lint_exit_after(struct lint *l, const struct trace_event *e);
void lint_exit_ptrace(struct lint *l, bool done); /* the task at hand begins that, or has done it */
void lint_exit_end(struct lint *l);

#endif
