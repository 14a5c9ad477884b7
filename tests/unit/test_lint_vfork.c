/* links: tests/unit/lint_machine.c tests/unit/trace_synth.c vmm/tracer.c vmm/say.c vmm/trace/lib/[a-z]*.c vmm/trace/lint/[a-z]*.c */
/* The lint's checks of vfork: V1 to V12.
 * Each is seen to fail where its rule is broken, by that check and no other, and none fails where
 * the rules are kept. */
#include "lint_machine.h"

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
    EV(0, clone, 1, .child = 5, .child_tgid = 5, .child_mm = 1, .flags = CLONE_VM | CLONE_VFORK,
       .exit_signal = 17);
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
    leaf(0, 0, PT_exit_teardown, PAGE_W(0x500), 0);
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

static const struct lint_case cases[] = {
    GOOD(good_vforks),
    GOOD(good_parent_killed),
    GOOD(good_fast_child),
    BAD(bad_V6, V6),
    BAD(bad_V8, V8),
    BAD(bad_V10, V10),
    BAD(bad_V11, V11),
    BAD(bad_V11_fork, V11),
    BAD(bad_V12, V12),
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
};

static void test_cases(void **state_)
{
    (void)state_;
    lint_cases(cases, sizeof(cases) / sizeof(cases[0]), "V");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_cases) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
