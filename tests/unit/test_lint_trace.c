/* links: tests/unit/lint_machine.c tests/unit/trace_synth.c vmm/tracer.c vmm/say.c vmm/trace/lib/[a-z]*.c vmm/trace/lint/[a-z]*.c */
/* The lint's checks of the trace itself: T1 to T8, and what a missing packet leaves open.
 * Each is seen to fail where its rule is broken, by that check and no other, and none fails where
 * the rules are kept. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lint_machine.h"

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

static void bad_T5_no_table(void) { write_at(0, 1, 99, 0, 1, PT_brk, 0, PAGE_W(0x600)); }

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

static void bad_T7_state(void)
{
    EV(0, task_state, 0, .task = 1, .prev = TASK_running, .next = TASK_runnable);
}

static void bad_T7_named(void)
{
    state(0, 1, TASK_running, TASK_runnable, 0, 0);
    state(0, 1, TASK_runnable, TASK_running, 0, 0);
    EV(0, switch, 0, .prev_pid = 1, .next_pid = 1, .next_mm = 1);
}

static void bad_T7_no_memory(void)
{
    state(0, 1, TASK_running, TASK_runnable, 0, 0);
    run(0, 1, 0);
}

static void bad_T7_idle(void)
{
    state(0, 1, TASK_running, TASK_runnable, 0, 0);
    run(0, 0, 1);
}

static void bad_T7_exit(void)
{
    EV(0, syscall_enter, 1, .nr = __NR_exit_group);
    EV(0, exit, 1, .tgid = 1);
}

static void bad_T7_reparent(void)
{
    make_mm(0, 3);
    clone_into(0, 5, 3);
    EV(0, reparent, 1, .child = 5, .parent = 1);
}

static void bad_T7_signal(void) { EV(0, signal, 0, .to = 1, .signo = SIGUSR1); }

static void bad_T7_fault(void)
{
    make_mm(0, 7);
    EV(0, page_fault, 7, .va = VA(7), .rip = VA(TEXT), .error = 6);
}

/* A clone that does not do what it was asked for. */
static void clones(unsigned nr, uint64_t a0, uint64_t flags, int exit_signal)
{
    EV(0, syscall_enter, 1, .nr = (uint16_t)nr, .a0 = a0);
    if (!(flags & CLONE_VM))
        copy_mm(0, 3, 1);
    if (!(flags & CLONE_VM))
        leaf_of(0, 3, 0, PT_brk, 0, PAGE_W(0x900));
    EV(0, clone, 1, .child = 5, .child_tgid = 5, .child_mm = flags & CLONE_VM ? 1 : 3,
       .flags = flags, .exit_signal = exit_signal);
    EV(0, syscall_exit, 1, .nr = (uint16_t)nr, .ret = 5);
}

static void good_clone(void) { clones(__NR_clone, CLONE_VM | SIGUSR1, CLONE_VM, SIGUSR1); }
static void bad_T9_signal(void) { clones(__NR_clone, CLONE_VM | SIGUSR1, CLONE_VM, SIGCHLD); }
static void bad_T9_flags(void)
{
    clones(__NR_clone, CLONE_VM | CLONE_FS | SIGCHLD, CLONE_VM, SIGCHLD);
}
static void bad_T9_fork_flags(void) { clones(__NR_fork, 0, CLONE_FS, SIGCHLD); }

/* Task 1 executes; and says so, or not, or once more. */
static void executes(const char *path, unsigned times)
{
    struct trace_ev_exec_args args = { .path = "" };
    memcpy(args.path, path, strlen(path));
    EV(0, syscall_enter, 1, .nr = __NR_execve);
    make_mm(0, 3);
    cr3(0, 3, 300);
    EV(0, exec, 3, .old_mm = 1, .comm = "prog");
    for (unsigned i = 0; i < times; i++) {
        cpu[0].tsc = now += 1000;
        synth_event(&cpu[0], TRACE_EV_exec_args, 3, &args, sizeof(args), NULL, 0);
    }
    EV(0, syscall_exit, 3, .nr = __NR_execve);
    fault(0, 3);
}

static void good_exec(void) { executes("/bin/prog", 1); }
static void bad_T9_name(void) { executes("/bin/frog", 1); }
static void bad_T9_args_twice(void) { executes("/bin/prog", 2); }

static void bad_T9_no_args(void)
{
    executes("/bin/prog", 1);
    EV(0, syscall_enter, 3, .nr = __NR_execve);
    make_mm(0, 4);
    cr3(0, 4, 400);
    EV(0, exec, 4, .old_mm = 3, .comm = "prog");
    EV(0, syscall_exit, 4, .nr = __NR_execve);
    fault(0, 4);
}

static void bad_T9_exit_in_exec(void)
{
    EV(0, syscall_enter, 1, .nr = __NR_execve);
    make_mm(0, 3);
    cr3(0, 3, 300);
    cr3(1, 0, 10);
    EV(0, exec, 3, .old_mm = 1, .comm = "prog");
    leaf_of(0, 1, 0, PT_exit_teardown, PAGE_W(0x500), 0);
}

static void bad_T7_stage(void) { EV(0, boot_stage, 1, .stage = 1); }

static void bad_T7_release(void)
{
    vfork_begins(5, 1);
    parent_sleeps(5);
    child_execs(3);
    EV(0, vfork_release, 3, .parent = 1, .child = 5, .cause = RELEASE_exec);
    state(0, 1, TASK_blocked, TASK_runnable, 0, 0);
}

static void bad_T8_dead(void)
{
    state(1, 2, TASK_running, TASK_zombie, 0, 0);
    run(1, 0, 0);
    state(0, 2, TASK_zombie, TASK_dead, 0, 0);
    run(1, 2, 1);
}

static void bad_T8_twice(void)
{
    EV(0, clone, 1, .child = 2, .child_tgid = 2, .child_mm = 1, .flags = CLONE_VM);
}

static void bad_T8_mm(void) { EV(0, tlb_flush, 9, .cpus = 1); }

static void bad_T8_table(void) { table(0, 1, 102, PT_LEVEL_PMD); }

static void bad_T8_root(void) { cr3(0, 1, 101); }

static void bad_T6_freed(void)
{
    leaf(0, 0, PT_munmap, PAGE_W(0x500), 0);
    leaf(0, TEXT, PT_munmap, PAGE_X, 0);
    write_at(0, 1, 102, 1, PT_LEVEL_PMD, PT_table_unlink, LINK(103ull), 0);
    flush(0, 3);
    EV(0, table_free, 1, .va = 2 * BASE, .table_pfn = 103, .level = PT_LEVEL_PTE);
}

static void bad_T7_mm(void)
{
    make_mm(0, 7);
    EV(0, syscall_enter, 7, .nr = __NR_wait4);
}

static void bad_T7_root(void)
{
    make_mm(0, 7);
    cr3(0, 7, 700);
    fault(0, 1);
}

static void bad_T7_switch_mm(void) { run(0, 2, 1), make_mm(0, 7), run(0, 1, 7); }

static void bad_T9_twice(void)
{
    EV(0, syscall_enter, 1, .nr = __NR_wait4);
    EV(0, syscall_enter, 1, .nr = __NR_wait4);
}

static void bad_T9_end(void) { EV(0, syscall_exit, 1, .nr = __NR_wait4, .ret = -10); }

static void bad_T9_exec(void)
{
    EV(0, syscall_enter, 1, .nr = __NR_wait4);
    child_execs(7);
}

static void bad_T9_copy(void)
{
    EV(0, syscall_enter, 1, .nr = __NR_wait4);
    leaf_of(0, 1, 0, PT_fork_wrprotect, PAGE_W(0x500), PAGE_C(0x500));
    flush(0, 3);
}

static void bad_T9_unmaps(void)
{
    EV(0, syscall_enter, 1, .nr = __NR_exit_group);
    leaf_of(0, 1, 0, PT_munmap, PAGE_W(0x500), 0);
    flush(0, 3);
}

static void bad_T9_family(void)
{
    EV(0, syscall_enter, 1, .nr = __NR_clone);
    EV(0, clone, 1, .child = 5, .child_tgid = 5, .child_mm = 1, .flags = CLONE_VM | CLONE_THREAD);
}

static void bad_T10_copy(void)
{
    EV(0, syscall_enter, 1, .nr = __NR_fork);
    leaf_of(0, 1, 0, PT_fork_wrprotect, PAGE_W(0x500), PAGE_W(0x500));
}

static void bad_T10_teardown(void)
{
    leaf_of(0, 1, 0, PT_exit_teardown, PAGE_W(0x500), PAGE_R(0x500));
}

static const struct lint_case cases[] = {
    BAD(bad_T6, T6),           BAD(bad_T6_link, T6),         BAD(bad_T1, T1),
    BAD(bad_T2, T2),           BAD(bad_T2_clocks, T2),       BAD(bad_T5_no_table, T5),
    BAD(bad_T5_link, T5),      BAD(bad_T5_level, T5),        BAD(bad_T7, T7),
    BAD(bad_T7_switch, T7),    BAD(bad_T7_state, T7),        BAD(bad_T7_named, T7),
    BAD(bad_T7_no_memory, T7), BAD(bad_T7_idle, T7),         BAD(bad_T7_exit, T7),
    BAD(bad_T7_reparent, T7),  BAD(bad_T7_signal, T7),       GOOD(good_clone),
    BAD(bad_T9_signal, T9),    BAD(bad_T9_flags, T9),        BAD(bad_T9_fork_flags, T9),
    GOOD(good_exec),           BAD(bad_T9_name, T9),         BAD(bad_T9_args_twice, T9),
    BAD(bad_T9_no_args, T9),   BAD(bad_T9_exit_in_exec, T9), BAD(bad_T7_stage, T7),
    BAD(bad_T7_fault, T7),     BAD(bad_T7_release, T7),      BAD(bad_T8_task, T8),
    BAD(bad_T8_dead, T8),      BAD(bad_T8_twice, T8),        BAD(bad_T8_mm, T8),
    BAD(bad_T8_table, T8),     BAD(bad_T8_root, T8),         BAD(bad_T6_freed, T6),
    BAD(bad_T7_mm, T7),        BAD(bad_T7_root, T7),         BAD(bad_T7_switch_mm, T7),
    BAD(bad_T9_twice, T9),     BAD(bad_T9_end, T9),          BAD(bad_T9_exec, T9),
    BAD(bad_T9_copy, T9),      BAD(bad_T9_family, T9),       BAD(bad_T9_unmaps, T9),
    BAD(bad_T10_copy, T10),    BAD(bad_T10_teardown, T10),
};

static void test_cases(void **state_)
{
    (void)state_;
    lint_cases(cases, sizeof(cases) / sizeof(cases[0]), "T");
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
    leaf(0, 3, PT_demand_zero, 0, PAGE_W(0x600) | 1ull << 55); /* breaks M5 */
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

    lint_read(dir, &r);
    synth_remove(dir);
    assert_int_equal(lint_verdict(&r, LINT_T2), LINT_FAIL);
    assert_int_equal(lint_verdict(&r, LINT_M5), LINT_FAIL);
    assert_int_equal(lint_verdict(&r, LINT_T1), LINT_INCONCLUSIVE);
    assert_int_equal(r.check[LINT_T1].unknown, 1);
    assert_int_equal(lint_verdict(&r, LINT_V1), LINT_INCONCLUSIVE);
}

/* The files test_lint_*.c have cases for all checks. */
static void test_all_checks(void **state_)
{
    (void)state_;
    for (unsigned c = 0; c < LINT_COUNT; c++)
        assert_non_null(strchr("TVFCEXSMH", lint_names[c][0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_cases), cmocka_unit_test(test_gap),
                                        cmocka_unit_test(test_all_checks) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
