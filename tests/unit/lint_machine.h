/* lint_machine.h - a machine of two CPUs that exists as its trace only, for the tests of the lint:
 * what they do to it step by step becomes events, and a case says which check that breaks. */
#ifndef TESTS_LINT_MACHINE_H
#define TESTS_LINT_MACHINE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <asm/unistd_64.h>
#include <sched.h>
#include <signal.h>
#include <cmocka.h>

#include "trace_synth.h"
#include "vmm/trace/lint/lint.h"

/* PID 1 has address space 1: root 100, tables 101, 102, 103, and one page.  CPU 0
 * runs it, CPU 1 runs task 2, a thread of it. */
#define LINK(pfn)   ((pfn) << 12 | 0x67ull)
#define PAGE_W(pfn) ((uint64_t)(pfn) << 12 | 0x467ull | 1ull << 63) /* anonymous, writable */
#define PAGE_R(pfn) (PAGE_W(pfn) & ~2ull)
#define PAGE_C(pfn) (PAGE_R(pfn) | 0x200)                          /* shared by fork */
#define PAGE_F(pfn) ((uint64_t)(pfn) << 12 | 0x25ull | 1ull << 63) /* of a file */
#define PAGE_X      (0x91025ull) /* where each program's instructions are, at its last page */
#define TEXT        511
#define KERNEL_SLOT 511
#define KERNEL_VA   (0xffffff8000000000ull)

extern struct synth cpu[2];
extern uint64_t now; /* of the event made last, in ticks */

#define EV(c, name, mm, ...) \
    do { \
        struct trace_ev_##name fields_ = { __VA_ARGS__ }; \
        cpu[c].tsc = now += 1000; \
        saw(c, TRACE_EV_##name, mm, &fields_); \
        SYNTH(&cpu[c], name, mm, __VA_ARGS__); \
    } while (0)
/* What follows from it for a task's memory. */
void saw(unsigned c, uint32_t id, uint32_t mm, const void *fields);
uint32_t memory_of(uint32_t task);
void is_now(uint32_t task, unsigned state, unsigned reason); /* by an event of the case's own */

/* The lowest tables stand for 2 MiB from BASE on, those above for all from 0 on. */
#define BASE          0x200000ull
#define VA(index)     (BASE + ((uint64_t)(index) << 12))
#define ROOT_OF(mm)   (100u * (mm))
#define LOWEST_OF(mm) (ROOT_OF(mm) + 3)

void write_va(unsigned c, uint32_t mm, uint64_t va, uint32_t pfn, unsigned index, unsigned level,
              unsigned reason, uint64_t old, uint64_t new);
void write_at(unsigned c, uint32_t mm, uint32_t table, unsigned index, unsigned level,
              unsigned reason, uint64_t old, uint64_t new);
void leaf_of(unsigned c, uint32_t mm, unsigned index, unsigned reason, uint64_t old, uint64_t new);
void fault_at(unsigned c, uint32_t mm, unsigned index, uint32_t error);
/* In address space 1; entries that come on demand with the fault that they answer. */
void leaf(unsigned c, unsigned index, unsigned reason, uint64_t old, uint64_t new);
void table(unsigned c, uint32_t mm, uint32_t pfn, unsigned level);
void table_free(unsigned c, uint32_t pfn, unsigned level);
void state(unsigned c, uint32_t task, unsigned prev, unsigned next, unsigned reason,
           uint32_t on_pid);
void run(unsigned c, uint32_t pid, uint32_t mm);
/* Shows that the task is in user mode, and is answered. */
void fault(unsigned c, uint32_t mm);
void flush(unsigned c, uint64_t cpus);
void cr3(unsigned c, uint32_t mm, uint32_t root);
void flush_page(unsigned c, unsigned index, uint64_t cpus);
void copy_mm(unsigned c, uint32_t mm, uint32_t from);
void make_mm(unsigned c, uint32_t mm);
void vfork_begins(uint32_t child, uint32_t child_mm);
void parent_sleeps(uint32_t child);
void child_execs(uint32_t mm);
void release(uint32_t child, unsigned cause);
void parent_returns(uint32_t child);
void child_ends(uint32_t child);
void whole_vfork(uint32_t child, bool exec, uint32_t mm);
void clone_into(unsigned c, uint32_t child, uint32_t mm);
/* Task 1 gets a copy of its memory, address space 3; entry 0 of both becomes this. */
void fork_copies(uint64_t parents, uint64_t childs);
void whole_fork(uint32_t child);
/* A child with memory of its own from elsewhere, for what is about lives and not pages. */
void child_of_1(uint32_t child, uint32_t mm);
void process_ends(uint32_t pid, int status);
void parent_waits(uint32_t pid, uint32_t child);
void parent_reaps(uint32_t pid, uint32_t child, int status);
void read_only(void);

struct lint_case {
    const char *name;
    void (*run)(void);
    uint64_t fails; /* a bit for each check that has to */
};
/* clang-format off */
#define GOOD(name)       { #name, name, 0 }
#define BAD(name, check) { #name, name, 1ull << LINT_##check }
/* clang-format on */

/* Boots, runs each case and sees that these checks fail and no others; and that there is a
 * case for each check whose name begins with one of the letters. */
void lint_cases(const struct lint_case *cases, size_t n, const char *letters);
/* The verdicts on the trace in dir. */
void lint_read(const char *dir, struct lint_result *r);
void boot(struct tracer *t);

#endif
