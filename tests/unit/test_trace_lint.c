/* links: tests/unit/trace_synth.c vmm/tracer.c vmm/say.c vmm/trace/lib/schema.c vmm/trace/lib/metadata.c vmm/trace/lib/reader.c vmm/trace/lib/replay.c vmm/trace/lib/idmap.c vmm/trace/lib/syscalls.c vmm/trace/lib/format.c vmm/trace/lib/status.c vmm/trace/lint/lint.c vmm/trace/lint/checks.c vmm/trace/lint/state.c vmm/trace/lint/trace.c vmm/trace/lint/tables.c vmm/trace/lint/reuse.c vmm/trace/lint/vfork.c vmm/trace/lint/frames.c vmm/trace/lint/pages.c vmm/trace/lint/fork.c vmm/trace/lint/faults.c vmm/trace/lint/exec.c vmm/trace/lint/exit.c */
/* Each check of the lint is seen to fail where its rule is broken, by that check and no
 * other, and none fails where the rules are kept: on two CPUs, lazy flushes included. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>
#include <asm/unistd_64.h>
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
#define KERNEL_SLOT 511
#define KERNEL_VA   (0xffffff8000000000ull)

static struct synth cpu[2];
static uint64_t now;

#define EV(c, name, mm, ...) \
    do { \
        cpu[c].tsc = now += 1000; \
        SYNTH(&cpu[c], name, mm, __VA_ARGS__); \
    } while (0)

/* The lowest tables stand for 2 MiB from BASE on, those above for all from 0 on. */
#define BASE          0x200000ull
#define VA(index)     (BASE + ((uint64_t)(index) << 12))
#define ROOT_OF(mm)   (100u * (mm))
#define LOWEST_OF(mm) (ROOT_OF(mm) + 3)

static void write_va(unsigned c, uint32_t mm, uint64_t va, uint32_t pfn, unsigned index,
                     unsigned level, unsigned reason, uint64_t old, uint64_t new)
{
    EV(c, pte_write, mm, .va = va, .table_pfn = pfn, .index = (uint16_t)index,
       .level = (uint8_t)level, .reason = (uint8_t)reason, .old = old, .new = new);
}

static void write_at(unsigned c, uint32_t mm, uint32_t table, unsigned index, unsigned level,
                     unsigned reason, uint64_t old, uint64_t new)
{
    uint64_t va =
        ((uint64_t)index << (3 + 9 * level)) + (level == PT_LEVEL_PTE && mm != 0 ? BASE : 0);
    if (level == PT_LEVEL_PGD && index > 255)
        va |= 0xffffull << 48;
    write_va(c, mm, va, table, index, level, reason, old, new);
}

static void leaf_of(unsigned c, uint32_t mm, unsigned index, unsigned reason, uint64_t old,
                    uint64_t new)
{
    write_at(c, mm, LOWEST_OF(mm), index, PT_LEVEL_PTE, reason, old, new);
}

static void fault_at(unsigned c, uint32_t mm, unsigned index, uint32_t error)
{
    EV(c, page_fault, mm, .va = VA(index), .rip = 0x400000 + now, .error = error);
}

/* In address space 1; entries that come on demand with the fault that they answer. */
static void leaf(unsigned c, unsigned index, unsigned reason, uint64_t old, uint64_t new)
{
    if (reason == PT_demand_zero || reason == PT_cow_break || reason == PT_mkwrite)
        fault_at(c, 1, index, 6);
    leaf_of(c, 1, index, reason, old, new);
}

static void table(unsigned c, uint32_t mm, uint32_t pfn, unsigned level)
{
    EV(c, table_alloc, mm, .va = level == PT_LEVEL_PTE && mm != 0 ? BASE : 0, .table_pfn = pfn,
       .level = (uint8_t)level, .reason = PT_demand_zero);
}

static void table_free(unsigned c, uint32_t pfn, unsigned level)
{
    EV(c, table_free, 1, .table_pfn = pfn, .level = (uint8_t)level, .reason = PT_munmap);
}

static uint8_t state_of[128]; /* by task */

static void state(unsigned c, uint32_t task, unsigned prev, unsigned next, unsigned reason,
                  uint32_t on_pid)
{
    EV(c, task_state, 1, .task = task, .prev = (uint8_t)prev, .next = (uint8_t)next,
       .reason = (uint8_t)reason, .on_pid = on_pid);
    state_of[task] = (uint8_t)next;
}

static void run(unsigned c, uint32_t pid, uint32_t mm)
{
    uint32_t prev = cpu[c].pid;
    if (prev != 0 && state_of[prev] == TASK_running)
        state(c, prev, TASK_running, TASK_runnable, 0, 0);
    if (state_of[pid] == TASK_runnable)
        state(c, pid, TASK_runnable, TASK_running, 0, 0);
    cpu[c].pid = pid;
    EV(c, switch, mm, .prev_pid = prev, .next_pid = pid, .next_mm = mm);
}

/* Shows that the task is in user mode, and is answered. */
static void fault(unsigned c, uint32_t mm)
{
    fault_at(c, mm, 9, 6);
    EV(c, tlb_flush, mm, .start = VA(9), .end = VA(10), .cpus = 1ull << c);
}

static void flush(unsigned c, uint64_t cpus) { EV(c, tlb_flush, 1, .cpus = cpus); }
static void cr3(unsigned c, uint32_t mm, uint32_t root) { EV(c, cr3_load, mm, .root_pfn = root); }

static void flush_page(unsigned c, unsigned index, uint64_t cpus)
{
    EV(c, tlb_flush, 1, .start = VA(index), .end = VA(index + 1), .cpus = cpus);
}

static void copy_mm(unsigned c, uint32_t mm, uint32_t from)
{
    uint32_t root = ROOT_OF(mm);
    EV(c, mm_create, mm, .root_pfn = root, .from_mm = from);
    table(c, mm, root, PT_LEVEL_PGD);
    write_at(c, mm, root, KERNEL_SLOT, PT_LEVEL_PGD, PT_kernel_half, 0, LINK(11ull));
    for (unsigned level = PT_LEVEL_PUD; level >= PT_LEVEL_PTE; level--) {
        uint32_t pfn = root + PT_LEVEL_PGD - level;
        table(c, mm, pfn, level);
        write_at(c, mm, pfn - 1, level == PT_LEVEL_PTE, level + 1, PT_table_link, 0, LINK(pfn));
    }
}

static void make_mm(unsigned c, uint32_t mm) { copy_mm(c, mm, 0); }

static void make_kernel(void)
{
    EV(0, mm_create, 0, .root_pfn = 10);
    table(0, 0, 10, PT_LEVEL_PGD);
    EV(0, table_alloc, 0, .va = KERNEL_VA, .table_pfn = 11, .level = PT_LEVEL_PUD);
    write_at(0, 0, 10, KERNEL_SLOT, PT_LEVEL_PGD, PT_checkpoint, 0, LINK(11ull));
}

static void boot(struct tracer *t)
{
    now = 0;
    memset(state_of, 0, sizeof(state_of));
    for (unsigned c = 0; c < 2; c++)
        synth_start(&cpu[c], t, c, 1000);
    EV(0, checkpoint, 0, .begin = 1);
    make_kernel();
    EV(0, checkpoint, 0, .begin = 0);
    state(0, 1, TASK_new, TASK_runnable, 0, 0);
    run(0, 1, 0);
    make_mm(0, 1);
    cr3(0, 1, 100);
    EV(0, exec, 1, .comm = "init");
    leaf(0, 0, PT_demand_zero, 0, PAGE_W(0x500));
    EV(0, clone, 1, .child = 2, .child_tgid = 1, .child_mm = 1, .flags = CLONE_VM | CLONE_THREAD);
    state(0, 2, TASK_new, TASK_runnable, 0, 0);
    run(1, 2, 1);
    cr3(1, 1, 100);
}

/* --- vfork, step by step ---------------------------------------------------------------- */

static void vfork_begins(uint32_t child, uint32_t child_mm)
{
    EV(0, syscall_enter, 1, .nr = __NR_vfork);
    EV(0, clone, 1, .child = child, .child_tgid = child, .child_mm = child_mm,
       .flags = CLONE_VM | CLONE_VFORK, .exit_signal = 17);
    state(0, child, TASK_new, TASK_runnable, 0, 0);
}

static void parent_sleeps(uint32_t child)
{
    state(0, 1, TASK_running, TASK_blocked, BLOCK_vfork, child);
    run(0, child, 1);
    fault(0, 1);
}

static void child_execs(uint32_t mm)
{
    make_mm(0, mm);
    cr3(0, mm, 100 * mm);
    EV(0, exec, mm, .old_mm = 1, .comm = "prog");
}

static void release(uint32_t child, unsigned cause)
{
    EV(0, vfork_release, 1, .parent = 1, .child = child, .cause = (uint8_t)cause);
    state(0, 1, TASK_blocked, TASK_runnable, 0, 0);
}

static void parent_returns(uint32_t child)
{
    run(0, 1, 1);
    cr3(0, 1, 100);
    EV(0, syscall_exit, 1, .nr = __NR_vfork, .ret = child);
}

static void child_ends(uint32_t child) { state(0, child, TASK_running, TASK_zombie, 0, 0); }

static void whole_vfork(uint32_t child, bool exec, uint32_t mm)
{
    vfork_begins(child, 1);
    parent_sleeps(child);
    if (exec)
        child_execs(mm);
    release(child, exec ? RELEASE_exec : RELEASE_exit);
    if (exec)
        fault(0, mm);
    child_ends(child);
    parent_returns(child);
}

/* --- good traces -------------------------------------------------------------------------- */

static void good_vforks(void)
{
    whole_vfork(5, true, 7);
    whole_vfork(6, false, 0);
}

static void good_parent_killed(void)
{
    vfork_begins(5, 1);
    parent_sleeps(5);
    state(0, 1, TASK_blocked, TASK_runnable, 0, 0);
    run(0, 1, 1);
    EV(0, vfork_release, 1, .parent = 1, .child = 5, .cause = RELEASE_killed);
    state(0, 1, TASK_running, TASK_zombie, 0, 0);
    run(0, 5, 1);
    fault(0, 1);
}

/* The child is done on the other CPU before its parent sleeps. */
static void good_fast_child(void)
{
    vfork_begins(5, 1);
    run(1, 5, 1);
    fault(1, 1);
    EV(1, vfork_release, 1, .parent = 1, .child = 5, .cause = RELEASE_exit);
    state(1, 5, TASK_running, TASK_zombie, 0, 0);
    EV(0, syscall_exit, 1, .nr = __NR_vfork, .ret = 5);
}

static void good_unmap(void)
{
    tracer_cpu_online(cpu[0].tracer, 1, -500, 4000);
    fault(1, 1);
    leaf(0, 0, PT_munmap, PAGE_W(0x500), 0);
    flush_page(0, 0, 3);
    leaf(0, 1, PT_demand_zero, 0, PAGE_W(0x500));
    fault(1, 1);
}

/* CPU 1 is idle with the root loaded, is skipped, and flushes by itself. */
static void good_lazy(void)
{
    run(1, 0, 0);
    leaf(0, 0, PT_munmap, PAGE_W(0x500), 0);
    flush_page(0, 0, 1);
    leaf(0, 1, PT_demand_zero, 0, PAGE_W(0x500));
    run(1, 2, 1);
    EV(1, tlb_flush, 1, .cpus = 2);
    fault(1, 1);
}

static void good_lazy_other_root(void)
{
    leaf(0, 0, PT_munmap, PAGE_W(0x500), 0);
    flush_page(0, 0, 1);
    cr3(1, 0, 10);
    leaf(0, 1, PT_demand_zero, 0, PAGE_W(0x500));
    cr3(1, 1, 100);
    fault(1, 1);
}

static void good_table(void)
{
    leaf(0, 0, PT_munmap, PAGE_W(0x500), 0);
    write_at(0, 1, 102, 1, PT_LEVEL_PMD, PT_table_unlink, LINK(103), 0);
    flush(0, 3);
    table_free(0, 103, PT_LEVEL_PTE);
}

static void good_rights(void)
{
    leaf(0, 0, PT_mprotect, PAGE_W(0x500), PAGE_R(0x500));
    flush_page(0, 0, 3);
    fault(0, 1);
    fault(1, 1);
    leaf(0, 0, PT_mkwrite, PAGE_R(0x500), PAGE_W(0x500));
    fault(0, 1);
}

/* --- fork, step by step ------------------------------------------------------------------- */

static void clone_into(unsigned c, uint32_t child, uint32_t mm)
{
    EV(c, clone, 1, .child = child, .child_tgid = child, .child_mm = mm, .exit_signal = 17);
    state(c, child, TASK_new, TASK_runnable, 0, 0);
}

/* Task 1 gets a copy of its memory, address space 3; entry 0 of both becomes this. */
static void fork_copies(uint64_t parents, uint64_t childs)
{
    EV(0, syscall_enter, 1, .nr = __NR_fork);
    if (parents != PAGE_W(0x500))
        leaf_of(0, 1, 0, PT_fork_wrprotect, PAGE_W(0x500), parents);
    copy_mm(0, 3, 1);
    leaf_of(0, 3, 0, PT_fork_copy, 0, childs);
    flush(0, 3);
}

static void whole_fork(uint32_t child)
{
    fork_copies(PAGE_C(0x500), PAGE_C(0x500));
    clone_into(0, child, 3);
    EV(0, syscall_exit, 1, .nr = __NR_fork, .ret = child);
}

/* A child with memory of its own from elsewhere, for what is about lives and not pages. */
static void child_of_1(uint32_t child, uint32_t mm)
{
    make_mm(0, mm);
    clone_into(0, child, mm);
}

static void process_ends(uint32_t pid, int status)
{
    state(0, pid, TASK_running, TASK_zombie, 0, 0);
    EV(0, exit, 0, .tgid = pid, .status = status);
}

static void parent_waits(uint32_t pid, uint32_t child)
{
    EV(0, syscall_enter, 1, .nr = __NR_wait4);
    state(0, pid, TASK_running, TASK_blocked, BLOCK_wait, child);
}

static void parent_reaps(uint32_t pid, uint32_t child, int status)
{
    run(0, pid, 1);
    EV(0, reap, 1, .child = child, .status = status);
    state(0, child, TASK_zombie, TASK_dead, 0, 0);
}

static void read_only(void)
{
    leaf_of(0, 1, 0, PT_mprotect, PAGE_W(0x500), PAGE_R(0x500));
    flush_page(0, 0, 3);
}

static void good_fork(void)
{
    whole_fork(5);
    run(0, 5, 3);
    cr3(0, 3, 300);
    fault_at(0, 3, 0, 7);
    leaf_of(0, 3, 0, PT_cow_break, PAGE_C(0x500), PAGE_W(0x501));
    EV(0, tlb_flush, 3, .start = VA(0), .end = VA(1), .cpus = 1);
    fault(0, 3);
    fault_at(1, 1, 0, 7);
    leaf_of(1, 1, 0, PT_cow_break, PAGE_C(0x500), PAGE_W(0x500)); /* the last one keeps it */
    flush_page(1, 0, 3);
    fault(1, 1);
}
static void good_life(void)
{
    child_of_1(5, 3);
    parent_waits(1, 5);
    run(0, 5, 3);
    cr3(0, 3, 300);
    EV(0, clone, 3, .child = 6, .child_tgid = 6, .child_mm = 3, .flags = CLONE_VM);
    EV(0, reparent, 0, .child = 6, .parent = 1);
    process_ends(5, 256);
    state(0, 1, TASK_blocked, TASK_runnable, 0, 0);
    parent_reaps(1, 5, 256);
}
static void good_faults(void)
{
    EV(0, vma_special, 1, .start = VA(4), .end = VA(6), .flags = 6);
    leaf(0, 4, PT_demand_zero, 0, PAGE_W(0x600) & ~(1ull << 63));
    fault_at(0, 1, 7, 6);
    EV(0, signal, 1, .to = 1, .signo = SIGSEGV, .code = SEGV_MAPERR);
    fault(0, 1);
    /* calls with a bad address, made again and again: the kernel looks, and says -EFAULT */
    for (unsigned i = 0; i < 5; i++)
        EV(0, page_fault, 1, .va = VA(9), .rip = 0, .error = 2);
}

/* --- bad ones -------------------------------------------------------------------------------- */

static void bad_T6(void)
{
    fault_at(0, 1, 3, 6);
    write_va(0, 1, VA(3), 103, 2, PT_LEVEL_PTE, PT_demand_zero, 0, PAGE_W(0x600));
}
static void bad_T6_link(void)
{
    table(0, 1, 120, PT_LEVEL_PTE);
    write_at(0, 1, 102, 2, PT_LEVEL_PMD, PT_table_link, 0, LINK(120ull));
}
static void bad_V6(void)
{
    vfork_begins(5, 1);
    parent_sleeps(5);
    EV(0, syscall_enter, 1, .nr = __NR_execve);
    child_execs(7);
    release(5, RELEASE_exec);
    EV(0, syscall_exit, 7, .nr = __NR_execve, .ret = -2);
}
static void bad_V8(void)
{
    vfork_begins(5, 1);
    parent_sleeps(5);
    leaf_of(0, 1, 8, PT_exec_map, 0, PAGE_W(0x710));
}
static void bad_V10(void)
{
    vfork_begins(5, 1);
    parent_sleeps(5);
    vfork_begins(6, 1);
    release(5, RELEASE_exit);
}
static void bad_V11(void)
{
    vfork_begins(5, 1);
    parent_sleeps(5);
    release(5, RELEASE_exit);
    child_ends(5);
    parent_returns(6);
}
static void bad_V11_fork(void)
{
    fork_copies(PAGE_C(0x500), PAGE_C(0x500));
    clone_into(0, 5, 3);
    EV(0, syscall_exit, 1, .nr = __NR_fork, .ret = 0);
}
static void bad_V12(void)
{
    vfork_begins(5, 1);
    parent_sleeps(5);
    state(0, 1, TASK_blocked, TASK_runnable, 0, 0);
    run(0, 1, 1);
    state(0, 1, TASK_running, TASK_blocked, BLOCK_vfork, 5);
}
static void bad_F1_frame(void) { fork_copies(PAGE_C(0x500), PAGE_C(0x501)); }
static void bad_F1_mark(void) { fork_copies(PAGE_C(0x500), PAGE_R(0x500)); }
static void bad_F2(void) { fork_copies(PAGE_W(0x500), PAGE_W(0x500)); }
static void bad_F2_later(void)
{
    whole_fork(5);
    fault_at(1, 1, 0, 7);
    leaf_of(1, 1, 0, PT_mkwrite, PAGE_C(0x500), PAGE_W(0x500));
    flush_page(1, 0, 3);
}
static void bad_F3_page(void)
{
    leaf(0, 1, PT_demand_zero, 0, PAGE_W(0x600));
    whole_fork(5);
}
static void bad_F3_table(void)
{
    fork_copies(PAGE_C(0x500), PAGE_C(0x500));
    EV(0, table_alloc, 3, .va = 2 * BASE, .table_pfn = 120, .level = PT_LEVEL_PTE);
    write_at(0, 3, 302, 2, PT_LEVEL_PMD, PT_table_link, 0, LINK(120ull));
    clone_into(0, 5, 3);
}
static void bad_F5(void) { leaf(0, 1, PT_demand_zero, 0, PAGE_W(0x500)); }
static void bad_F5_stack(void)
{
    table(0, 0, 90, PT_LEVEL_PTE);
    write_at(0, 0, 90, 0, PT_LEVEL_PTE, PT_kernel_stack, 0, 0x500163 | 1ull << 63);
}
static void bad_F6(void)
{
    fork_copies(PAGE_C(0x500), PAGE_C(0x500));
    EV(0, syscall_exit, 1, .nr = __NR_fork, .ret = -12);
}
static void bad_F7(void)
{
    fault_at(0, 1, 1, 4);
    leaf_of(0, 1, 1, PT_demand_file, 0, PAGE_F(0x800));
    whole_fork(5);
    leaf_of(0, 3, 1, PT_fork_copy, 0, PAGE_F(0x800));
}
static void bad_C1(void)
{
    read_only();
    leaf_of(0, 1, 0, PT_cow_break, PAGE_R(0x500), PAGE_W(0x501));
    flush_page(0, 0, 3);
}
static void bad_C1_read(void)
{
    read_only();
    fault_at(0, 1, 0, 5);
    leaf_of(0, 1, 0, PT_cow_break, PAGE_R(0x500), PAGE_W(0x501));
    flush_page(0, 0, 3);
}
static void bad_C2(void)
{
    whole_fork(5);
    leaf(0, 0, PT_cow_break, PAGE_C(0x500), PAGE_R(0x500));
}
static void bad_C3(void)
{
    read_only();
    leaf(0, 0, PT_cow_break, PAGE_R(0x500), PAGE_W(0x501));
    fault(0, 1);
}
static void bad_C3_other_cpu(void)
{
    read_only();
    leaf(0, 0, PT_cow_break, PAGE_R(0x500), PAGE_W(0x501));
    flush_page(0, 0, 1);
    fault(0, 1);
    fault(1, 1);
}
static void bad_C4(void) { leaf_of(0, 1, 3, PT_demand_zero, 0, PAGE_W(0x600)); }
static void bad_C4_full(void)
{
    leaf(0, 0, PT_demand_zero, PAGE_W(0x500), PAGE_W(0x600));
    flush_page(0, 0, 3);
}
static void bad_C5(void)
{
    for (unsigned i = 0; i < 3; i++) {
        EV(0, page_fault, 1, .va = VA(9), .rip = 0x400000, .error = 6);
        flush_page(0, 9, 1);
    }
}
static void bad_C6(void)
{
    fault_at(0, 1, 9, 6);
    EV(0, syscall_enter, 1, .nr = __NR_wait4);
}
static void bad_C6_signal(void)
{
    leaf(0, 3, PT_demand_zero, 0, PAGE_W(0x600));
    EV(0, signal, 1, .to = 1, .signo = SIGSEGV, .code = SEGV_ACCERR);
}
static void bad_E1(void)
{
    EV(0, syscall_enter, 1, .nr = __NR_execve);
    leaf(0, 0, PT_munmap, PAGE_W(0x500), 0);
    flush(0, 3);
}
static void bad_E2(void)
{
    read_only();
    make_mm(0, 7);
    leaf_of(0, 7, 1, PT_exec_map, 0, PAGE_R(0x500));
}
static void bad_E3(void)
{
    make_mm(0, 7);
    EV(0, exec, 7, .old_mm = 1, .comm = "prog");
}
static void bad_E4(void) { leaf(0, 3, PT_demand_zero, 0, PAGE_W(0x600) & ~(1ull << 63)); }
static void bad_E5(void)
{
    EV(0, table_alloc, 1, .va = 0, .table_pfn = 120, .level = PT_LEVEL_PTE);
    write_at(0, 1, 102, 0, PT_LEVEL_PMD, PT_table_link, 0, LINK(120ull));
    EV(0, page_fault, 1, .va = 0x3008, .rip = 0x400000, .error = 6);
    write_va(0, 1, 0x3000, 120, 3, PT_LEVEL_PTE, PT_demand_zero, 0, PAGE_W(0x600));
}
static void bad_X1(void)
{
    make_mm(0, 7);
    EV(0, mm_free, 7);
}
static void bad_X1_never(void)
{
    child_of_1(5, 3);
    run(0, 5, 3);
    process_ends(5, 0);
    parent_reaps(1, 5, 0);
    now += 5000000000;
    fault(0, 1);
}
static void bad_X2_status(void)
{
    child_of_1(5, 3);
    run(0, 5, 3);
    process_ends(5, 0);
    parent_reaps(1, 5, 256);
}
static void bad_X2_stranger(void)
{
    child_of_1(5, 3);
    child_of_1(6, 4);
    run(0, 5, 3);
    process_ends(5, 0);
    parent_reaps(6, 5, 0);
}
static void bad_X2_no_zombie(void)
{
    child_of_1(5, 3);
    run(0, 5, 3);
    EV(0, exit, 0, .tgid = 5, .status = 0);
    parent_reaps(1, 5, 0);
}
static void bad_X2_no_reap(void)
{
    child_of_1(5, 3);
    run(0, 5, 3);
    process_ends(5, 0);
    state(0, 5, TASK_zombie, TASK_dead, 0, 0);
}
static void bad_X3_lost(void)
{
    child_of_1(5, 3);
    parent_waits(1, 5);
    run(0, 5, 3);
    process_ends(5, 0);
    run(0, 0, 0);
}
static void bad_X3_dropped(void)
{
    state(0, 1, TASK_running, TASK_blocked, BLOCK_pipe_read, 0);
    run(0, 0, 0);
    run(0, 1, 1);
}
static void bad_X4(void)
{
    child_of_1(5, 3);
    run(0, 5, 3);
    EV(0, clone, 3, .child = 6, .child_tgid = 6, .child_mm = 3, .flags = CLONE_VM);
    process_ends(5, 0);
    parent_reaps(1, 5, 0);
}
static void bad_M1(void) { leaf(0, 0, PT_munmap, PAGE_W(0x500), PAGE_W(0x500) & ~1ull); }
static void bad_M1_range(void)
{
    EV(0, syscall_enter, 1, .nr = __NR_munmap, .a0 = VA(5), .a1 = 4096);
    leaf(0, 0, PT_munmap, PAGE_W(0x500), 0);
    flush(0, 3);
}
static void bad_M1_left(void)
{
    run(1, 0, 0);
    state(1, 2, TASK_runnable, TASK_zombie, 0, 0);
    EV(0, syscall_enter, 1, .nr = __NR_munmap, .a0 = VA(0), .a1 = 4096);
    EV(0, syscall_exit, 1, .nr = __NR_munmap);
}
static void bad_M6_table(void) { leaf(0, 3, PT_demand_zero, 0, PAGE_W(103)); }
static void bad_M6_mapped(void) { table(0, 1, 0x500, PT_LEVEL_PTE); }
static void bad_M6_text(void)
{
    table(0, 0, 90, PT_LEVEL_PTE);
    write_at(0, 0, 90, 0, PT_LEVEL_PTE, PT_checkpoint, 0, 0x900121);
    leaf(0, 3, PT_mmap, 0, PAGE_F(0x900));
}
static void bad_M6_parents(void)
{
    make_mm(0, 7);
    write_at(0, 7, 702, 1, PT_LEVEL_PMD, PT_table_link, LINK(703ull), LINK(103ull));
}
static void bad_M7(void)
{
    make_mm(0, 7);
    write_at(0, 7, 700, KERNEL_SLOT, PT_LEVEL_PGD, PT_kernel_half, LINK(11ull), 0);
    cr3(0, 7, 700);
}
static void bad_M8(void)
{
    leaf(0, 0, PT_munmap, PAGE_W(0x500) & ~0x20ull, 0);
    flush(0, 3);
}

static void bad_T1(void)
{
    leaf(0, 0, PT_munmap, PAGE_W(0x501), 0);
    flush(0, 3);
}
static void bad_T2(void)
{
    fault(1, 1);
    cpu[1].last -= 10;
    synth_doorbell(&cpu[1]);
    fault(1, 1);
}
static void bad_T2_clocks(void) { tracer_cpu_online(cpu[0].tracer, 1, -5000, 400); }
static void bad_T5_no_table(void) { write_at(0, 1, 99, 0, 1, PT_mmap, 0, PAGE_W(0x600)); }
static void bad_T5_link(void)
{
    write_at(0, 1, 102, 2, PT_LEVEL_PMD, PT_table_link, 0, LINK(99ull));
}
static void bad_T5_level(void)
{
    table(0, 1, 120, PT_LEVEL_PTE);
    write_at(0, 1, 101, 1, PT_LEVEL_PUD, PT_table_link, 0, LINK(120ull));
}
static void bad_T7(void)
{
    cpu[1].pid = 1;
    fault(1, 1);
    cpu[1].pid = 2;
}
static void bad_T7_switch(void)
{
    cpu[1].pid = 1;
    run(1, 2, 1);
}
static void bad_T8_task(void) { run(1, 77, 1); }
static void bad_T8_dead(void)
{
    state(0, 2, TASK_running, TASK_dead, 0, 0);
    run(1, 0, 0);
    run(1, 2, 1);
}
static void bad_T8_twice(void) { EV(0, clone, 1, .child = 2, .child_mm = 1, .flags = CLONE_VM); }
static void bad_T8_mm(void) { EV(0, page_fault, 9, .va = VA(1), .error = 4); }
static void bad_T8_table(void) { table(0, 1, 102, PT_LEVEL_PMD); }
static void bad_T8_root(void) { cr3(0, 1, 101); }

static void bad_V1_copy(void)
{
    vfork_begins(5, 1);
    leaf(0, 9, PT_fork_copy, 0, PAGE_R(0x700));
}
static void bad_V1_before(void)
{
    EV(0, syscall_enter, 1, .nr = __NR_vfork);
    table(0, 1, 140, PT_LEVEL_PTE); /* a fault's: no copy */
    EV(0, table_alloc, 1, .table_pfn = 141, .level = PT_LEVEL_PTE, .reason = PT_fork_copy);
    EV(0, clone, 1, .child = 5, .child_mm = 1, .flags = CLONE_VM | CLONE_VFORK);
}
static void bad_V1_mm(void)
{
    make_mm(0, 3);
    vfork_begins(5, 3);
}
static void bad_V2(void)
{
    vfork_begins(5, 1);
    parent_sleeps(5);
    child_execs(7);
    release(5, RELEASE_exec);
    child_ends(5);
    run(0, 1, 1);
    EV(0, syscall_exit, 1, .nr = __NR_vfork, .ret = 5); /* with the child's root */
}
static void bad_V3_fault(void)
{
    vfork_begins(5, 1);
    fault(0, 1);
}
static void bad_V3_returns(void)
{
    vfork_begins(5, 1);
    EV(0, syscall_exit, 1, .nr = __NR_vfork, .ret = 5);
}
static void bad_V4_twice(void)
{
    whole_vfork(5, false, 0);
    EV(0, vfork_release, 1, .parent = 1, .child = 5, .cause = RELEASE_exit);
}
static void bad_V4_early(void)
{
    vfork_begins(5, 1);
    parent_sleeps(5);
    cr3(0, 0, 10);
    release(5, RELEASE_exec);
}
static void bad_V4_never(void)
{
    vfork_begins(5, 1);
    run(0, 5, 1);
    child_ends(5);
}
static void bad_V4_not_at_exec(void)
{
    vfork_begins(5, 1);
    parent_sleeps(5);
    child_execs(7);
    fault(0, 7);
}
static void bad_V5_root(void)
{
    vfork_begins(5, 1);
    parent_sleeps(5);
    EV(0, exec, 1, .old_mm = 1);
    release(5, RELEASE_exec);
}
static void bad_V5_use(void)
{
    vfork_begins(5, 1);
    parent_sleeps(5);
    release(5, RELEASE_exit);
    leaf(0, 8, PT_demand_zero, 0, PAGE_W(0x710));
}
static void bad_V7(void)
{
    vfork_begins(5, 1);
    parent_sleeps(5);
    child_execs(7);
    cr3(1, 0, 10);
    leaf(0, 0, PT_exec_teardown, PAGE_W(0x500), 0);
}
static void bad_V7_used(void)
{
    cr3(0, 0, 10);
    leaf(0, 0, PT_exit_teardown, PAGE_W(0x500), 0);
    cr3(0, 1, 100);
}
static void bad_V9_stranger(void) { state(0, 1, TASK_running, TASK_blocked, BLOCK_vfork, 2); }
static void bad_V9_no_wake(void)
{
    vfork_begins(5, 1);
    parent_sleeps(5);
    EV(0, vfork_release, 1, .parent = 1, .child = 5, .cause = RELEASE_exit);
    run(0, 0, 0);
    run(0, 5, 1);
}
static void bad_F4(void)
{
    EV(0, syscall_enter, 1, .nr = __NR_fork);
    leaf(0, 0, PT_fork_wrprotect, PAGE_W(0x500), PAGE_R(0x500));
    EV(0, syscall_exit, 1, .nr = __NR_fork, .ret = -12);
}
static void bad_F4_other_cpu(void)
{
    EV(0, syscall_enter, 1, .nr = __NR_fork);
    leaf(0, 0, PT_fork_wrprotect, PAGE_W(0x500), PAGE_R(0x500));
    flush(0, 1);
    EV(0, syscall_exit, 1, .nr = __NR_fork, .ret = -12);
    fault(1, 1);
}
static void bad_M2_frame(void)
{
    leaf(0, 0, PT_mprotect, PAGE_W(0x500), PAGE_W(0x501));
    flush(0, 3);
}
static void bad_M2_flush(void)
{
    leaf(0, 0, PT_mprotect, PAGE_W(0x500), PAGE_R(0x500));
    flush_page(0, 1, 3); /* the wrong page */
    fault(0, 1);
}
static void bad_M2_other_cpu(void)
{
    leaf(0, 0, PT_mprotect, PAGE_W(0x500), PAGE_R(0x500));
    flush_page(0, 0, 1);
    fault(0, 1);
    fault(1, 1);
}
static void bad_M3_full(void)
{
    write_at(0, 1, 102, 1, PT_LEVEL_PMD, PT_table_unlink, LINK(103), 0);
    flush(0, 3);
    table_free(0, 103, PT_LEVEL_PTE);
}
static void bad_M3_linked(void)
{
    leaf(0, 0, PT_munmap, PAGE_W(0x500), 0);
    flush(0, 3);
    table_free(0, 103, PT_LEVEL_PTE);
}
static void bad_M3_flush(uint64_t cpus)
{
    leaf(0, 0, PT_munmap, PAGE_W(0x500), 0);
    write_at(0, 1, 102, 1, PT_LEVEL_PMD, PT_table_unlink, LINK(103), 0);
    if (cpus != 0)
        flush(0, cpus);
    table_free(0, 103, PT_LEVEL_PTE);
}
static void bad_M3_no_flush(void) { bad_M3_flush(0); }
static void bad_M3_lazy_cpu(void)
{
    run(1, 0, 0);
    bad_M3_flush(1);
}
static void bad_M3_root(void)
{
    cr3(0, 0, 10); /* but CPU 1 has it still */
    make_mm(0, 3);
    cr3(1, 3, 300);
    write_at(0, 3, 300, 0, PT_LEVEL_PGD, PT_table_unlink, LINK(301), 0);
    write_at(0, 3, 300, KERNEL_SLOT, PT_LEVEL_PGD, PT_munmap, LINK(11ull), 0);
    EV(0, tlb_flush, 3, .cpus = 2);
    EV(0, table_free, 3, .table_pfn = 300, .level = PT_LEVEL_PGD, .reason = PT_munmap);
}
static void bad_M4_own(void)
{
    leaf(0, 0, PT_munmap, PAGE_W(0x500), 0);
    leaf(0, 1, PT_demand_zero, 0, PAGE_W(0x500));
}
static void bad_M4_other_cpu(void)
{
    leaf(0, 0, PT_munmap, PAGE_W(0x500), 0);
    flush_page(0, 0, 1);
    leaf(0, 1, PT_demand_zero, 0, PAGE_W(0x500));
    fault(1, 1);
}
static void bad_M4_cow(void)
{
    leaf(0, 0, PT_cow_break, PAGE_W(0x500), PAGE_W(0x501));
    EV(0, table_alloc, 1, .table_pfn = 0x500, .level = PT_LEVEL_PTE, .reason = PT_demand_zero);
}
static void bad_M4_kernel_stack(void)
{
    table(0, 0, 90, PT_LEVEL_PTE);
    leaf(0, 0, PT_munmap, PAGE_W(0x500), 0);
    write_at(0, 0, 90, 0, PT_LEVEL_PTE, PT_kernel_stack, 0, 0x500163);
}
static void bad_M5_bits(void) { leaf(0, 3, PT_demand_zero, 0, PAGE_W(0x600) | 1ull << 55); }
static void bad_M5_ram(void) { leaf(0, 3, PT_demand_zero, 0, PAGE_W(0x200000)); }
static void bad_M5_hole(void) { leaf(0, 3, PT_demand_zero, 0, PAGE_W(0xfee00)); }
static void bad_M5_pgd(void)
{
    EV(0, table_alloc, 1, .va = 3ull << 39, .table_pfn = 150, .level = PT_LEVEL_PUD);
    write_at(0, 1, 100, 3, PT_LEVEL_PGD, PT_mmap, 0, LINK(150ull) | 0x80);
}
static void bad_M5_large(void)
{
    write_at(0, 1, 102, 3, PT_LEVEL_PMD, PT_mmap, 0, 0x6040e7 | 1ull << 63);
}

#define BIT(check) (1ull << LINT_##check)
static const struct {
    const char *name;
    void (*run)(void);
    uint64_t fails;
} cases[] = {
#define GOOD(name) \
    { \
#name, name, 0 \
    }
    GOOD(good_vforks),
    GOOD(good_parent_killed),
    GOOD(good_fast_child),
    GOOD(good_unmap),
    GOOD(good_lazy),
    GOOD(good_lazy_other_root),
    GOOD(good_table),
    GOOD(good_rights),
    GOOD(good_fork),
    GOOD(good_life),
    GOOD(good_faults),
#define BAD(name, check) \
    { \
#name, name, BIT(check) \
    }
    BAD(bad_T6, T6),
    BAD(bad_T6_link, T6),
    BAD(bad_V6, V6),
    BAD(bad_V8, V8),
    BAD(bad_V10, V10),
    BAD(bad_V11, V11),
    BAD(bad_V11_fork, V11),
    BAD(bad_V12, V12),
    BAD(bad_F1_frame, F1),
    BAD(bad_F1_mark, F1),
    BAD(bad_F2, F2),
    BAD(bad_F2_later, F2),
    BAD(bad_F3_page, F3),
    BAD(bad_F3_table, F3),
    BAD(bad_F5, F5),
    BAD(bad_F5_stack, F5),
    BAD(bad_F6, F6),
    BAD(bad_F7, F7),
    BAD(bad_C1, C1),
    BAD(bad_C1_read, C1),
    BAD(bad_C2, C2),
    BAD(bad_C3, C3),
    BAD(bad_C3_other_cpu, C3),
    BAD(bad_C4, C4),
    BAD(bad_C4_full, C4),
    BAD(bad_C5, C5),
    BAD(bad_C6, C6),
    BAD(bad_C6_signal, C6),
    BAD(bad_E1, E1),
    BAD(bad_E2, E2),
    BAD(bad_E3, E3),
    BAD(bad_E4, E4),
    BAD(bad_E5, E5),
    BAD(bad_X1, X1),
    BAD(bad_X1_never, X1),
    BAD(bad_X2_status, X2),
    BAD(bad_X2_stranger, X2),
    BAD(bad_X2_no_zombie, X2),
    BAD(bad_X2_no_reap, X2),
    BAD(bad_X3_lost, X3),
    BAD(bad_X3_dropped, X3),
    BAD(bad_X4, X4),
    BAD(bad_M1, M1),
    BAD(bad_M1_range, M1),
    BAD(bad_M1_left, M1),
    BAD(bad_M6_table, M6),
    BAD(bad_M6_mapped, M6),
    BAD(bad_M6_text, M6),
    BAD(bad_M6_parents, M6),
    BAD(bad_M7, M7),
    BAD(bad_M8, M8),
    BAD(bad_T1, T1),
    BAD(bad_T2, T2),
    BAD(bad_T2_clocks, T2),
    BAD(bad_T5_no_table, T5),
    BAD(bad_T5_link, T5),
    BAD(bad_T5_level, T5),
    BAD(bad_T7, T7),
    BAD(bad_T7_switch, T7),
    BAD(bad_T8_task, T8),
    BAD(bad_T8_dead, T8),
    BAD(bad_T8_twice, T8),
    BAD(bad_T8_mm, T8),
    BAD(bad_T8_table, T8),
    BAD(bad_T8_root, T8),
    BAD(bad_V1_copy, V1),
    BAD(bad_V1_before, V1),
    BAD(bad_V1_mm, V1),
    BAD(bad_V2, V2),
    BAD(bad_V3_fault, V3),
    BAD(bad_V3_returns, V3),
    BAD(bad_V4_twice, V4),
    BAD(bad_V4_early, V4),
    BAD(bad_V4_never, V4),
    BAD(bad_V4_not_at_exec, V4),
    BAD(bad_V5_root, V5),
    BAD(bad_V5_use, V5),
    BAD(bad_V7, V7),
    BAD(bad_V7_used, V7),
    BAD(bad_V9_stranger, V9),
    BAD(bad_V9_no_wake, V9),
    BAD(bad_F4, F4),
    BAD(bad_F4_other_cpu, F4),
    BAD(bad_M2_frame, M2),
    BAD(bad_M2_flush, M2),
    BAD(bad_M2_other_cpu, M2),
    BAD(bad_M3_full, M3),
    BAD(bad_M3_linked, M3),
    BAD(bad_M3_no_flush, M3),
    BAD(bad_M3_lazy_cpu, M3),
    BAD(bad_M3_root, M3),
    BAD(bad_M4_own, M4),
    BAD(bad_M4_other_cpu, M4),
    BAD(bad_M4_cow, M4),
    BAD(bad_M4_kernel_stack, M4),
    BAD(bad_M5_bits, M5),
    BAD(bad_M5_ram, M5),
    BAD(bad_M5_hole, M5),
    BAD(bad_M5_pgd, M5),
    BAD(bad_M5_large, M5),
};
#define CASES (sizeof(cases) / sizeof(cases[0]))

static void check(const char *dir, struct lint_result *r)
{
    struct trace *t;
    char err[512];
    assert_int_equal(trace_open(&t, dir, err, sizeof(err)), 0);
    assert_int_equal(lint_run(t, r), 0);
    trace_close(t);
}

static void test_cases(void **state_)
{
    (void)state_;
    static struct lint_result r;
    uint64_t seen = 0;
    unsigned wrong = 0;
    for (size_t i = 0; i < CASES; i++) {
        const char *dir = synth_dir();
        struct tracer *t = synth_tracer(dir, 2);
        boot(t);
        cases[i].run();
        assert_int_equal(tracer_finish(t), 0);
        tracer_destroy(t);
        check(dir, &r);
        synth_remove(dir);
        uint64_t failed = 0;
        for (unsigned c = 0; c < LINT_COUNT; c++) {
            failed |= (uint64_t)(lint_verdict(&r, c) == LINT_FAIL) << c;
            for (unsigned k = 0; k < r.check[c].kept; k++)
                if (!(cases[i].fails >> c & 1))
                    print_error("%s: %s: %s\n", cases[i].name, lint_names[c],
                                r.check[c].finding[k].text);
        }
        if (failed != cases[i].fails) {
            print_error("%s: fails %#lx, not %#lx\n", cases[i].name, failed, cases[i].fails);
            wrong++;
        }
        seen |= failed;
    }
    assert_int_equal(wrong, 0);
    for (unsigned c = 0; c < LINT_COUNT; c++)
        if (!(seen >> c & 1) && c != LINT_M9) /* that one counts */
            fail_msg("no case breaks %s", lint_names[c]);
}

/* A packet is missing: what then looks wrong is not known to be. */
static void test_gap(void **state_)
{
    (void)state_;
    static struct lint_result r;
    const char *dir = synth_dir();
    char path[128];
    struct trace_packet h;
    struct tracer *t = synth_tracer(dir, 2);
    boot(t);
    bad_M5_bits();
    synth_doorbell(&cpu[0]);
    bad_T1();
    assert_int_equal(tracer_finish(t), 0);
    tracer_destroy(t);

    snprintf(path, sizeof(path), "%s/cpu0", dir);
    int fd = open(path, O_RDWR);
    assert_int_equal(pread(fd, &h, sizeof(h), 0), sizeof(h));
    off_t second = (off_t)(h.packet_size / 8);
    assert_int_equal(pread(fd, &h, sizeof(h), second), sizeof(h));
    h.packet_seq_num++;
    assert_int_equal(pwrite(fd, &h, sizeof(h), second), sizeof(h));
    close(fd);

    check(dir, &r);
    synth_remove(dir);
    assert_int_equal(lint_verdict(&r, LINT_T2), LINT_FAIL);
    assert_int_equal(lint_verdict(&r, LINT_M5), LINT_FAIL);
    assert_int_equal(lint_verdict(&r, LINT_T1), LINT_INCONCLUSIVE);
    assert_int_equal(r.check[LINT_T1].unknown, 1);
    assert_int_equal(lint_verdict(&r, LINT_V1), LINT_INCONCLUSIVE);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_cases), cmocka_unit_test(test_gap) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
