/* links: tests/unit/trace_synth.c vmm/tracer.c vmm/say.c vmm/trace/lib/[a-z]*.c vmm/trace/export/lives.c vmm/trace/cmd/common.c vmm/trace/cmd/moment.c vmm/trace/cmd/blocked.c vmm/trace/cmd/entries.c vmm/trace/cmd/call.c vmm/trace/cmd/who_wrote.c vmm/trace/cmd/live.c vmm/trace/cmd/tree.c vmm/trace/cmd/json_option.c vmm/trace/cmd/space_option.c vmm/trace/cmd/waits.c */
/* Who is whose, and what a task is in, where that is not plain: a thread that execs and takes its
 * leader's number; orphans that go to a subreaper; calls that nobody recorded; signals that wake nobody. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sched.h>
#include <signal.h>
#include <asm/unistd_64.h>
#include <cmocka.h>

#include "trace_synth.h"
#include "vmm/trace/cmd/commands.h"
#include "vmm/trace/export/lives.h"
#include "vmm/trace/lib/status.h"

#define PARENT 5u /* pids, in address space 3 */
#define LEADER 6u
#define THREAD 7u

static char text[65536];

static void child(struct synth *s, uint32_t pid, uint32_t tgid, uint64_t flags)
{
    SYNTH(s, clone, 3, .child = pid, .child_tgid = tgid, .child_mm = 3, .flags = flags);
}

/* Call 1: the parent waits.  Call 2: the thread execs, and waits until the leader has ended, call 3;
 * of the call's two entries the second is written under the leader's number.  Call 4: the process ends. */
static void thread_execs(struct synth *s)
{
    struct trace_ev_exec f = { .old_mm = 3, .comm = "new" };
    synth_switch(s, PARENT);
    child(s, LEADER, LEADER, SIGCHLD);
    synth_enter(s, 3, __NR_wait4, LEADER, 0);
    synth_block(s, BLOCK_wait, LEADER);
    synth_switch(s, LEADER);
    child(s, THREAD, LEADER, CLONE_VM | CLONE_THREAD);
    synth_switch(s, THREAD);
    synth_enter(s, 3, __NR_execve, 0, 0);
    synth_write(s, 4, 9, 1, PT_LEVEL_PTE, PT_exec_map, 0, 0x1067);
    synth_block(s, BLOCK_exec_threads, 0);
    synth_switch(s, LEADER);
    synth_state(s, LEADER, TASK_running, TASK_zombie, 0, 0, 0);
    synth_wake(s, THREAD, BLOCK_exec_threads);
    synth_switch(s, THREAD);
    s->pid = LEADER;
    synth_event(s, TRACE_EV_exec, 4, &f, sizeof(f), NULL, 0);
    synth_write(s, 3, 8, 2, PT_LEVEL_PTE, PT_exec_teardown, 0x2067, 0);
    synth_exit(s, 4, __NR_execve, 0);
}

static void and_ends(struct synth *s)
{
    thread_execs(s);
    synth_enter(s, 4, __NR_exit_group, 0, 0);
    SYNTH(s, exit, 4, .tgid = LEADER, .status = 3 << 8);
    synth_state(s, LEADER, TASK_running, TASK_zombie, 0, 0, 0);
    synth_wake(s, PARENT, BLOCK_wait);
}

static const char *make(void (*tell)(struct synth *), struct synth *s)
{
    const char *dir = synth_dir();
    struct tracer *t = synth_tracer(dir, 1);
    assert_non_null(t);
    synth_start(s, t, 0, 1000000);
    tell(s);
    tracer_stopped(t, s->tsc);
    synth_doorbell(s);
    assert_int_equal(tracer_finish(t), 0);
    tracer_destroy(t);
    return dir;
}

#define ASK(command, ...) \
    assert_int_equal(synth_run(command, text, sizeof(text), dir, ##__VA_ARGS__, NULL), STATUS_OK)

static void has(const char *what)
{
    if (strstr(text, what) == NULL)
        fail_msg("no '%s' in:\n%s", what, text);
}

static void lacks(const char *what)
{
    if (strstr(text, what) != NULL)
        fail_msg("'%s' in:\n%s", what, text);
}

/* --- a thread that execs ----------------------------------------------------------------- */

static void test_thread_exec(void **unused)
{
    (void)unused;
    struct synth s;
    const char *dir = make(and_ends, &s);
    ASK(command_call, "2");
    has(") = 0\nby      [7], address space 3\n");
    has("entries 2 written: 1 exec_map, 1 exec_teardown\n");
    ASK(command_who_wrote, "0x2000");
    has("new[6]             call 2 execve           3 PTE   exec_teardown");
    ASK(command_blocked);
    has("end of new[6] in call 4 exit_group\n");
    /* An exit goes on behind the zombie's event. */
    char to_event[40];
    snprintf(to_event, sizeof(to_event), "\"to_event\":%lu,", (unsigned long)s.events);
    ASK(command_call, "4", "--json");
    has(to_event);
    ASK(command_tree);
    has("  new[6]                                     fork                  1 ");
    has("exit 3\n");
    has("    [7]                                      thread                1 ");
    has("exec, as [6]\n");
    synth_remove(dir);
}

static void test_thread_exec_runs(void **unused)
{
    (void)unused;
    struct synth s;
    const char *dir = make(thread_execs, &s);
    ASK(command_tree, "--json");
    has("\"became_pid\":6}");
    has("\"pid\":6,\"names\":\"new\",\"made_by\":\"fork\",\"writes\":1,");
    has("\"ended\":false}");
    ASK(command_blocked);
    has("still blocked when the machine stopped\n");
    lacks("zombie");
    ASK(command_live);
    has("new[6]                     4 ");
    lacks("[7]");
    synth_remove(dir);
}

/* A summary: one exec, with all that it wrote; the leader's end and the process's. */
static void test_thread_exec_costs(void **unused)
{
    (void)unused;
    struct synth s;
    char err[256];
    struct trace *t;
    const struct trace_event *e;
    static struct calls c;
    const char *dir = make(and_ends, &s);
    assert_int_equal(trace_open(&t, dir, err, sizeof(err)), 0);
    calls_init(&c);
    while ((e = trace_next(t)) != NULL)
        calls_event(&c, e);
    calls_end(&c);
    assert_int_equal(c.row[CALL_exec].calls, 1);
    assert_int_equal(c.row[CALL_exec].cost.writes[SIDE_CALLER][PT_exec_teardown], 1);
    assert_int_equal(c.row[CALL_exec].cost.writes[SIDE_OTHER][PT_exec_map], 1);
    assert_int_equal(c.row[CALL_exit].calls, 2);
    calls_free(&c);
    trace_close(t);
    synth_remove(dir);
}

struct told {
    unsigned execs, deaths;
    uint64_t writes;
    uint32_t pid;
    int32_t status;
};

static void call_ends(void *arg, struct task *t, const struct call *c, const int64_t *ret)
{
    struct told *told = arg;
    if (c->nr != __NR_execve)
        return;
    assert_non_null(ret);
    told->execs++;
    told->writes = t->cost.writes;
    told->pid = t->life.pid;
}

static void death(void *arg, struct task *t)
{
    struct told *told = arg;
    told->deaths++;
    if (t->life.pid == LEADER) {
        assert_true(t->life.ended);
        told->status = t->life.status;
    }
}

/* What other tools get. */
static void test_thread_exec_exported(void **unused)
{
    (void)unused;
    static const struct lives_listener tell = { .call_ends = call_ends, .death = death };
    struct synth s;
    char err[256];
    struct trace *t;
    struct lives l;
    struct told told = { 0 };
    const struct trace_event *e;
    const char *dir = make(and_ends, &s);
    assert_int_equal(trace_open(&t, dir, err, sizeof(err)), 0);
    lives_init(&l, sizeof(struct task), &tell, &told);
    while ((e = trace_next(t)) != NULL)
        lives_event(&l, e);
    assert_int_equal(told.deaths, 1); /* the thread's, at once */
    lives_end(&l, 0);
    assert_int_equal(told.execs, 1);
    assert_int_equal(told.writes, 2);
    assert_int_equal(told.pid, LEADER);
    assert_int_equal(told.status, 3 << 8);
    lives_free(&l);
    trace_close(t);
    synth_remove(dir);
}

/* --- orphans ------------------------------------------------------------------------------ */

/* PARENT, a subreaper, waits for any child: for 8, which has a child 9 that becomes its own. */
static void orphan(struct synth *s)
{
    synth_switch(s, PARENT);
    child(s, 8, 8, SIGCHLD);
    synth_switch(s, 8);
    child(s, 9, 9, SIGCHLD);
    SYNTH(s, reparent, 0, .child = 9, .parent = PARENT);
    SYNTH(s, exit, 3, .tgid = 8);
    synth_state(s, 8, TASK_running, TASK_zombie, 0, 0, 0);
    synth_switch(s, PARENT);
    synth_state(s, 8, TASK_zombie, TASK_dead, 0, 0, 0);
    synth_block(s, BLOCK_wait, 0);
}

static void test_subreaper(void **unused)
{
    (void)unused;
    struct synth s;
    const char *dir = make(orphan, &s);
    ASK(command_blocked);
    has(" any of [9] ");
    synth_remove(dir);
}

/* --- what is not known, and what is not so -------------------------------------------------- */

/* Call 1, inferred: mprotect.  Then a futex, which is none of it; its waker is in call 2, inferred too. */
static void futexes(struct synth *s)
{
    synth_switch(s, LEADER);
    synth_write(s, 3, 9, 1, PT_LEVEL_PTE, PT_mprotect, 0x1067, 0x1065);
    synth_block(s, BLOCK_futex, 0);
    synth_switch(s, THREAD);
    synth_write(s, 3, 9, 2, PT_LEVEL_PTE, PT_munmap, 0x2067, 0);
    synth_block(s, BLOCK_mutex, LEADER);
    synth_switch(s, 9);
    synth_write(s, 3, 9, 3, PT_LEVEL_PTE, PT_munmap, 0x3067, 0);
    synth_wake(s, LEADER, BLOCK_futex);
    synth_wake(s, THREAD, BLOCK_mutex);
}

static void test_inferred_calls(void **unused)
{
    (void)unused;
    struct synth s;
    const char *dir = make(futexes, &s);
    ASK(command_blocked);
    has(" [6]                -            futex       -                        [9]\n");
    has(" [7]                2 munmap     mutex       [6]                      [9] in call 3 "
        "munmap\n");
    synth_remove(dir);
}

/* SIGCHLD is ignored: the sleep goes on.  Then one that is not. */
static void signals(struct synth *s)
{
    synth_switch(s, LEADER);
    synth_block(s, BLOCK_nanosleep, 0);
    synth_switch(s, THREAD);
    SYNTH(s, signal, 3, .to = LEADER, .signo = 17);
    synth_switch(s, 0);
    synth_wake(s, LEADER, BLOCK_nanosleep);
    synth_switch(s, LEADER);
    synth_block(s, BLOCK_nanosleep, 0);
    synth_switch(s, THREAD);
    SYNTH(s, signal, 3, .to = LEADER, .signo = 10);
    synth_wake(s, LEADER, BLOCK_nanosleep);
}

static void test_signals(void **unused)
{
    (void)unused;
    struct synth s;
    const char *dir = make(signals, &s);
    ASK(command_blocked);
    has("its time was up\n");
    lacks("signal 17");
    has("signal 10: [7]\n");
    ASK(command_blocked, "--json");
    lacks("\"signal\":17");
    has("\"signal\":10");
    synth_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_thread_exec),       cmocka_unit_test(test_thread_exec_runs),
        cmocka_unit_test(test_thread_exec_costs), cmocka_unit_test(test_thread_exec_exported),
        cmocka_unit_test(test_subreaper),         cmocka_unit_test(test_inferred_calls),
        cmocka_unit_test(test_signals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
