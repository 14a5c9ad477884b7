/* lint_machine.c - see lint_machine.h. */
#include "lint_machine.h"

#include <string.h>

struct synth cpu[2];
uint64_t now;

static uint8_t state_of[8192], reason_of[8192]; /* by task */
static uint32_t mm_of[8192];
static bool is_there[64][512]; /* an entry of the lowest table */

void write_va(unsigned c, uint32_t mm, uint64_t va, uint32_t pfn, unsigned index, unsigned level,
              unsigned reason, uint64_t old, uint64_t new)
{
    EV(c, pte_write, mm, .va = va, .table_pfn = pfn, .index = (uint16_t)index,
       .level = (uint8_t)level, .reason = (uint8_t)reason, .old = old, .new = new);
}

void write_at(unsigned c, uint32_t mm, uint32_t table, unsigned index, unsigned level,
              unsigned reason, uint64_t old, uint64_t new)
{
    uint64_t va =
        ((uint64_t)index << (3 + 9 * level)) + (level == PT_LEVEL_PTE && mm != 0 ? BASE : 0);
    if (level == PT_LEVEL_PGD && index > 255)
        va |= 0xffffull << 48;
    write_va(c, mm, va, table, index, level, reason, old, new);
}

void leaf_of(unsigned c, uint32_t mm, unsigned index, unsigned reason, uint64_t old, uint64_t new)
{
    write_at(c, mm, LOWEST_OF(mm), index, PT_LEVEL_PTE, reason, old, new);
}

void fault_at(unsigned c, uint32_t mm, unsigned index, uint32_t error)
{
    if (mm < 64 && is_there[mm][index])
        error |= 1;
    EV(c, page_fault, mm, .va = VA(index), .rip = VA(TEXT) + now / 1000 % 4096, .error = error);
}

/* In address space 1; entries that come on demand with the fault that they answer. */
void leaf(unsigned c, unsigned index, unsigned reason, uint64_t old, uint64_t new)
{
    if (reason == PT_demand_zero || reason == PT_cow_break || reason == PT_mkwrite)
        fault_at(c, 1, index, 6);
    leaf_of(c, 1, index, reason, old, new);
}

void table(unsigned c, uint32_t mm, uint32_t pfn, unsigned level)
{
    EV(c, table_alloc, mm, .va = level == PT_LEVEL_PTE && mm != 0 ? BASE : 0, .table_pfn = pfn,
       .level = (uint8_t)level,
       .reason = level == PT_LEVEL_PGD && mm != 0 ? PT_kernel_half : PT_demand_zero);
}

void table_free(unsigned c, uint32_t pfn, unsigned level)
{
    EV(c, table_free, 1, .va = level == PT_LEVEL_PTE ? BASE : 0, .table_pfn = pfn,
       .level = (uint8_t)level, .reason = PT_munmap);
}

uint32_t memory_of(uint32_t task) { return mm_of[task]; }

void is_now(uint32_t task, unsigned state, unsigned reason)
{
    state_of[task] = (uint8_t)state;
    reason_of[task] = (uint8_t)reason;
}

void saw(unsigned c, uint32_t id, uint32_t mm, const void *fields)
{
    const struct trace_ev_clone *clone = fields;
    const struct trace_ev_switch *sw = fields;
    const struct trace_ev_pte_write *write = fields;
    if (id == TRACE_EV_clone)
        mm_of[clone->child] = clone->child_mm;
    else if (id == TRACE_EV_exec)
        mm_of[cpu[c].pid] = mm;
    else if (id == TRACE_EV_pte_write && write->level == PT_LEVEL_PTE && mm > 0 && mm < 64 &&
             write->index < 512)
        is_there[mm][write->index] = write->new & 1;
    else if (id == TRACE_EV_mm_create && mm < 64)
        memset(is_there[mm], 0, sizeof(is_there[mm]));
    else if (id == TRACE_EV_switch && mm_of[sw->next_pid] == 0)
        mm_of[sw->next_pid] = sw->next_mm;
}

void state(unsigned c, uint32_t task, unsigned prev, unsigned next, unsigned reason,
           uint32_t on_pid)
{
    if (prev == TASK_blocked && reason == 0) /* a wake-up says why it was */
        reason = reason_of[task];
    reason_of[task] = (uint8_t)reason;
    if (next == TASK_zombie || next == TASK_dead)
        mm_of[task] = 0;
    bool is_woken = next == TASK_runnable && prev != TASK_running;
    EV(c, task_state, mm_of[task], .by_pid = is_woken ? cpu[c].pid : 0, .task = task,
       .prev = (uint8_t)prev, .next = (uint8_t)next, .reason = (uint8_t)reason, .on_pid = on_pid);
    state_of[task] = (uint8_t)next;
}

void run(unsigned c, uint32_t pid, uint32_t mm)
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
void fault(unsigned c, uint32_t mm)
{
    fault_at(c, mm, 9, 6);
    EV(c, tlb_flush, mm, .start = VA(9), .end = VA(10), .cpus = 1ull << c);
}

void flush(unsigned c, uint64_t cpus) { EV(c, tlb_flush, 1, .cpus = cpus); }

void cr3(unsigned c, uint32_t mm, uint32_t root) { EV(c, cr3_load, mm, .root_pfn = root); }

void flush_page(unsigned c, unsigned index, uint64_t cpus)
{
    EV(c, tlb_flush, 1, .start = VA(index), .end = VA(index + 1), .cpus = cpus);
}

void copy_mm(unsigned c, uint32_t mm, uint32_t from)
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
    leaf_of(c, mm, TEXT, PT_brk, 0, PAGE_X);
}

void make_mm(unsigned c, uint32_t mm) { copy_mm(c, mm, 0); }

static void make_kernel(void)
{
    EV(0, mm_create, 0, .root_pfn = 10);
    table(0, 0, 10, PT_LEVEL_PGD);
    EV(0, table_alloc, 0, .va = KERNEL_VA, .table_pfn = 11, .level = PT_LEVEL_PUD);
    write_at(0, 0, 10, KERNEL_SLOT, PT_LEVEL_PGD, PT_checkpoint, 0, LINK(11ull));
}

void boot(struct tracer *t)
{
    now = 0;
    memset(state_of, 0, sizeof(state_of));
    memset(mm_of, 0, sizeof(mm_of));
    memset(is_there, 0, sizeof(is_there));
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

void vfork_begins(uint32_t child, uint32_t child_mm)
{
    EV(0, syscall_enter, 1, .nr = __NR_vfork);
    EV(0, clone, 1, .child = child, .child_tgid = child, .child_mm = child_mm,
       .flags = CLONE_VM | CLONE_VFORK, .exit_signal = 17);
    state(0, child, TASK_new, TASK_runnable, 0, 0);
}

void parent_sleeps(uint32_t child)
{
    state(0, 1, TASK_running, TASK_blocked, BLOCK_vfork, child);
    run(0, child, 1);
    fault(0, 1);
}

void child_execs(uint32_t mm)
{
    make_mm(0, mm);
    cr3(0, mm, 100 * mm);
    EV(0, exec, mm, .old_mm = 1, .comm = "prog");
}

void release(uint32_t child, unsigned cause)
{
    EV(0, vfork_release, 1, .parent = 1, .child = child, .cause = (uint8_t)cause);
    state(0, 1, TASK_blocked, TASK_runnable, 0, 0);
}

void parent_returns(uint32_t child)
{
    run(0, 1, 1);
    cr3(0, 1, 100);
    EV(0, syscall_exit, 1, .nr = __NR_vfork, .ret = child);
}

void child_ends(uint32_t child) { state(0, child, TASK_running, TASK_zombie, 0, 0); }

void whole_vfork(uint32_t child, bool exec, uint32_t mm)
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

/* --- fork, step by step ------------------------------------------------------------------- */

void clone_into(unsigned c, uint32_t child, uint32_t mm)
{
    EV(c, clone, 1, .child = child, .child_tgid = child, .child_mm = mm, .exit_signal = 17);
    state(c, child, TASK_new, TASK_runnable, 0, 0);
}

/* Task 1 gets a copy of its memory, address space 3; entry 0 of both becomes this. */
void fork_copies(uint64_t parents, uint64_t childs)
{
    EV(0, syscall_enter, 1, .nr = __NR_fork);
    if (parents != PAGE_W(0x500))
        leaf_of(0, 1, 0, PT_fork_wrprotect, PAGE_W(0x500), parents);
    copy_mm(0, 3, 1);
    leaf_of(0, 3, 0, PT_fork_copy, 0, childs);
    flush(0, 3);
}

void whole_fork(uint32_t child)
{
    fork_copies(PAGE_C(0x500), PAGE_C(0x500));
    clone_into(0, child, 3);
    EV(0, syscall_exit, 1, .nr = __NR_fork, .ret = child);
}

/* A child with memory of its own from elsewhere, for what is about lives and not pages. */
void child_of_1(uint32_t child, uint32_t mm)
{
    make_mm(0, mm);
    clone_into(0, child, mm);
}

void process_ends(uint32_t pid, int status)
{
    state(0, pid, TASK_running, TASK_zombie, 0, 0);
    EV(0, exit, 0, .tgid = pid, .status = status);
    EV(0, signal, memory_of(1), .to = 1, .signo = SIGCHLD, .code = CLD_EXITED);
}

void parent_waits(uint32_t pid, uint32_t child)
{
    EV(0, syscall_enter, 1, .nr = __NR_wait4, .a0 = child);
    state(0, pid, TASK_running, TASK_blocked, BLOCK_wait, child);
}

void parent_reaps(uint32_t pid, uint32_t child, int status)
{
    run(0, pid, 1);
    EV(0, reap, 1, .child = child, .status = status);
    state(0, child, TASK_zombie, TASK_dead, 0, 0);
}

void read_only(void)
{
    leaf_of(0, 1, 0, PT_mprotect, PAGE_W(0x500), PAGE_R(0x500));
    flush_page(0, 0, 3);
}

/* --- cases ---------------------------------------------------------------------------------- */

void lint_read(const char *dir, struct lint_result *r)
{
    struct trace *t;
    char err[512];
    assert_int_equal(trace_open(&t, dir, err, sizeof(err)), 0);
    assert_int_equal(lint_run(t, r), 0);
    trace_close(t);
}

/* What fails in a machine to which this happens. */
static uint64_t failures(const struct lint_case *c)
{
    static struct lint_result r;
    const char *dir = synth_dir();
    struct tracer *t = synth_tracer(dir, 2);
    boot(t);
    c->run();
    assert_int_equal(tracer_finish(t), 0);
    tracer_destroy(t);
    lint_read(dir, &r);
    synth_remove(dir);
    uint64_t failed = 0;
    for (unsigned check = 0; check < LINT_COUNT; check++) {
        failed |= (uint64_t)(lint_verdict(&r, check) == LINT_FAIL) << check;
        for (unsigned k = 0; k < r.check[check].kept; k++)
            if (!(c->fails >> check & 1))
                print_error("%s: %s: %s\n", c->name, lint_names[check],
                            r.check[check].finding[k].text);
    }
    return failed;
}

void lint_cases(const struct lint_case *cases, size_t n, const char *letters)
{
    uint64_t seen = 0;
    unsigned wrong = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t failed = failures(&cases[i]);
        if (failed != cases[i].fails) {
            print_error("%s: fails %#lx, not %#lx\n", cases[i].name, failed, cases[i].fails);
            wrong++;
        }
        seen |= failed;
    }
    assert_int_equal(wrong, 0);
    for (unsigned c = 0; c < LINT_COUNT; c++)
        if (strchr(letters, lint_names[c][0]) != NULL && !(seen >> c & 1) &&
            c != LINT_M9) /* that one counts */
            fail_msg("no case breaks %s", lint_names[c]);
}
