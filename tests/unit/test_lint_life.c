/* links: tests/unit/lint_machine.c tests/unit/trace_synth.c vmm/tracer.c vmm/say.c vmm/trace/lib/[a-z]*.c vmm/trace/lint/[a-z]*.c */
/* The lint's checks of ends: X1 to X4.
 * Each is seen to fail where its rule is broken, by that check and no other, and none fails where
 * the rules are kept. */
#include <errno.h>
#include <linux/ptrace.h>

#include "lint_machine.h"

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
    run(0, 6, 4);
    EV(0, reap, 4, .child = 5, .status = 0);
    state(0, 5, TASK_zombie, TASK_dead, 0, 0);
}

static void bad_X2_no_zombie(void)
{
    child_of_1(5, 3);
    run(0, 5, 3);
    EV(0, exit, 0, .tgid = 5, .status = 0);
    EV(0, signal, memory_of(1), .to = 1, .signo = SIGCHLD, .code = CLD_EXITED);
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

/* Its last table goes, and it does not end. */
static void bad_X1_dropped(void)
{
    EV(0, mm_create, 7, .root_pfn = 700);
    table(0, 7, 700, PT_LEVEL_PGD);
    EV(0, table_free, 7, .table_pfn = 700, .level = PT_LEVEL_PGD);
    fault(0, 1);
}

static void bad_X2_twice(void)
{
    child_of_1(5, 3);
    run(0, 5, 3);
    process_ends(5, 0);
    EV(0, exit, 0, .tgid = 5);
}

static void bad_X2_told(void)
{
    child_of_1(5, 3);
    run(0, 5, 3);
    process_ends(5, 0);
    run(0, 1, 1);
    EV(0, syscall_enter, 1, .nr = __NR_wait4);
    parent_reaps(1, 5, 0);
    EV(0, syscall_exit, 1, .nr = __NR_wait4, .ret = 6);
}

/* Child 6 of process 5 ends and is reaped, and tells `to` by a signal, if not 0. */
static void tells(uint32_t to, uint32_t signo)
{
    make_mm(0, 4);
    run(0, 5, 3);
    cr3(0, 3, 300);
    EV(0, clone, 3, .child = 6, .child_tgid = 6, .child_mm = 4, .exit_signal = SIGCHLD);
    state(0, 6, TASK_new, TASK_runnable, 0, 0);
    run(0, 6, 4);
    state(0, 6, TASK_running, TASK_zombie, 0, 0);
    EV(0, exit, 0, .tgid = 6, .status = 0);
    if (to != 0)
        EV(0, signal, memory_of(to), .to = to, .signo = signo, .code = CLD_EXITED);
    run(0, 5, 3);
    EV(0, reap, 3, .child = 6, .status = 0);
    state(0, 6, TASK_zombie, TASK_dead, 0, 0);
}

static void good_signal(void)
{
    child_of_1(5, 3);
    tells(5, SIGCHLD);
}

static void bad_X3_no_signal(void)
{
    child_of_1(5, 3);
    tells(0, 0);
}

static void bad_X3_other_signal(void)
{
    child_of_1(5, 3);
    tells(5, SIGUSR1);
}

/* Another thread may be ending it, and then it is sent nothing. */
static void good_threads(void)
{
    child_of_1(5, 3);
    run(0, 5, 3);
    cr3(0, 3, 300);
    EV(0, clone, 3, .child = 9, .child_tgid = 5, .child_mm = 3, .flags = CLONE_VM | CLONE_THREAD);
    tells(0, 0);
}

static void bad_X3_reason(void)
{
    parent_waits(1, 0);
    state(0, 1, TASK_blocked, TASK_runnable, BLOCK_futex, 0);
}

static void bad_X3_stranger(void) { parent_waits(1, 2); }

static void bad_X3_waker(void)
{
    parent_waits(1, 0);
    EV(0, task_state, 1, .task = 1, .prev = TASK_blocked, .next = TASK_runnable,
       .reason = BLOCK_wait, .by_pid = 2);
}

/* Task 1 asks to trace task 6, a child of its child 5. */
static void attaches(long request, int64_t ret)
{
    child_of_1(5, 3);
    run(0, 5, 3);
    cr3(0, 3, 300);
    EV(0, clone, 3, .child = 6, .child_tgid = 6, .child_mm = 3, .flags = CLONE_VM);
    run(0, 1, 1);
    cr3(0, 1, 100);
    EV(0, syscall_enter, 1, .nr = __NR_ptrace, .a0 = (uint64_t)request, .a1 = 6);
    EV(0, syscall_exit, 1, .nr = __NR_ptrace, .ret = ret);
}

static void good_attach(void)
{
    attaches(PTRACE_ATTACH, 0);
    parent_waits(1, 6);
}

/* Its tracer hears of its end, and its parent when that has. */
static void good_seize(void)
{
    attaches(PTRACE_SEIZE, 0);
    run(0, 5, 3);
    state(0, 5, TASK_running, TASK_blocked, BLOCK_wait, 6);
    state(0, 6, TASK_new, TASK_runnable, 0, 0);
    run(0, 6, 3);
    EV(0, exit, 0, .tgid = 6, .status = 0);
    state(0, 6, TASK_running, TASK_zombie, 0, 0);
    run(0, 1, 1);
}

/* A change of state of task 1, by whoever runs. */
static void change(unsigned prev, unsigned next, unsigned reason, uint32_t on, uint32_t by)
{
    EV(0, task_state, 1, .task = 1, .prev = (uint8_t)prev, .next = (uint8_t)next,
       .reason = (uint8_t)reason, .on_pid = on, .by_pid = by);
    is_now(1, next, reason);
}

static void sleeps_for(unsigned reason)
{
    change(TASK_running, TASK_blocked, reason, 0, 0);
    run(0, 0, 0);
}

static void bad_X3_nobody_woke(void)
{
    sleeps_for(BLOCK_pipe_read);
    change(TASK_blocked, TASK_runnable, BLOCK_pipe_read, 0, 1);
}

static void bad_X3_woken_on(void)
{
    sleeps_for(BLOCK_pipe_read);
    change(TASK_blocked, TASK_runnable, BLOCK_pipe_read, 2, 0);
}

static void bad_X3_at_once(void)
{
    sleeps_for(BLOCK_pipe_read);
    change(TASK_blocked, TASK_running, BLOCK_pipe_read, 0, 0);
}

static void bad_X3_own_waker(void) { change(TASK_running, TASK_runnable, BLOCK_none, 0, 1); }

static void bad_X3_awake_on(void) { change(TASK_running, TASK_runnable, BLOCK_none, 2, 0); }

static void bad_X3_awake_for(void) { change(TASK_running, TASK_runnable, BLOCK_wait, 0, 0); }

static void bad_X3_put_to_sleep(void)
{
    EV(1, task_state, 1, .task = 1, .prev = TASK_running, .next = TASK_blocked,
       .reason = BLOCK_futex);
}

static void bad_X3_no_reason(void) { sleeps_for(BLOCK_none); }

static void bad_X3_stop(void) { sleeps_for(BLOCK_stop); }

/* Another thread has died of a signal whose code could be that of an end. */
static void good_killed(void)
{
    EV(0, signal, 1, .to = 1, .signo = SIGFPE, .code = FPE_INTDIV);
    EV(1, task_state, 0, .task = 2, .prev = TASK_running, .next = TASK_runnable);
}

static void good_stop(void)
{
    change(TASK_running, TASK_stopped, BLOCK_stop, 0, 0);
    run(0, 0, 0);
    change(TASK_stopped, TASK_runnable, BLOCK_stop, 0, 0);
}

static void bad_X3_new_again(void) { change(TASK_new, TASK_runnable, BLOCK_none, 0, 1); }

static void asks_wait4(uint64_t whom, uint64_t options, uint32_t on)
{
    child_of_1(5, 3);
    EV(0, syscall_enter, 1, .nr = __NR_wait4, .a0 = whom, .a2 = options);
    change(TASK_running, TASK_blocked, BLOCK_wait, on, 0);
}

static void bad_X3_wait_any(void) { asks_wait4(5, 0, 0); }
static void bad_X3_wait_one(void) { asks_wait4((uint64_t)-1, 0, 5); }
static void bad_X3_no_hang(void) { asks_wait4(5, 1, 5); }

static void bad_X2_whose(void)
{
    child_of_1(5, 3);
    child_of_1(6, 4);
    run(0, 5, 3);
    state(0, 6, TASK_runnable, TASK_running, 0, 0);
    state(1, 2, TASK_running, TASK_runnable, 0, 0);
    cpu[1].pid = 6;
    EV(1, switch, 4, .prev_pid = 2, .next_pid = 6, .next_mm = 4);
    EV(1, exit, 0, .tgid = 5);
}

/* A thread of process 5 asks to be traced, and its tracer, the parent, is the last to wait for it: with that
 * the process ends. */
static void thread_ends(long request)
{
    child_of_1(5, 3);
    run(0, 5, 3);
    cr3(0, 3, 300);
    EV(0, clone, 3, .child = 6, .child_tgid = 5, .child_mm = 3, .flags = CLONE_VM | CLONE_THREAD);
    state(0, 6, TASK_new, TASK_runnable, 0, 0);
    run(0, 6, 3);
    EV(0, syscall_enter, 3, .nr = __NR_ptrace, .a0 = (uint64_t)request);
    EV(0, syscall_exit, 3, .nr = __NR_ptrace, .ret = 0);
    run(0, 1, 1);
    cr3(0, 1, 100);
    EV(0, exit, 0, .tgid = 5);
}

static void good_traceme(void) { thread_ends(PTRACE_TRACEME); }
static void bad_X2_no_traceme(void) { thread_ends(PTRACE_PEEKDATA); }

static void bad_X3_attach_failed(void)
{
    attaches(PTRACE_SEIZE, -EPERM);
    parent_waits(1, 6);
}

static void bad_X3_no_attach(void)
{
    attaches(PTRACE_PEEKDATA, 0);
    parent_waits(1, 6);
}

static const struct lint_case cases[] = {
    GOOD(good_life),
    BAD(bad_X1, X1),
    BAD(bad_X1_never, X1),
    BAD(bad_X2_status, X2),
    BAD(bad_X2_stranger, X2),
    BAD(bad_X2_no_zombie, X2),
    BAD(bad_X2_no_reap, X2),
    BAD(bad_X3_lost, X3),
    BAD(bad_X3_dropped, X3),
    BAD(bad_X1_dropped, X1),
    BAD(bad_X2_twice, X2),
    BAD(bad_X2_told, X2),
    GOOD(good_signal),
    GOOD(good_threads),
    BAD(bad_X3_no_signal, X3),
    BAD(bad_X3_other_signal, X3),
    BAD(bad_X3_reason, X3),
    BAD(bad_X3_stranger, X3),
    BAD(bad_X3_waker, X3),
    BAD(bad_X3_nobody_woke, X3),
    BAD(bad_X3_woken_on, X3),
    BAD(bad_X3_at_once, X3),
    BAD(bad_X3_own_waker, X3),
    BAD(bad_X3_awake_on, X3),
    BAD(bad_X3_awake_for, X3),
    BAD(bad_X3_put_to_sleep, X3),
    BAD(bad_X3_no_reason, X3),
    BAD(bad_X3_stop, X3),
    GOOD(good_stop),
    GOOD(good_killed),
    BAD(bad_X3_new_again, X3),
    BAD(bad_X3_wait_any, X3),
    BAD(bad_X3_wait_one, X3),
    BAD(bad_X3_no_hang, X3),
    BAD(bad_X2_whose, X2),
    BAD(bad_X4, X4),
    GOOD(good_traceme),
    GOOD(good_attach),
    GOOD(good_seize),
    BAD(bad_X2_no_traceme, X2),
    BAD(bad_X3_attach_failed, X3),
    BAD(bad_X3_no_attach, X3),
};

static void test_cases(void **state_)
{
    (void)state_;
    lint_cases(cases, sizeof(cases) / sizeof(cases[0]), "X");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_cases) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
