/* links: vmm/trigger.c vmm/trace/lib/schema.c vmm/trace/lib/syscalls.c */
/* What --trace-start and --trace-stop take, and at which event each comes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <asm/unistd_64.h>

#include "vmm/trace/lib/reader.h"
#include "vmm/trigger.h"

static struct trigger t;

static void takes(const char *text, enum trigger_kind kind, uint64_t value, uint64_t left)
{
    assert_true(trigger_parse(&t, text));
    assert_int_equal(t.kind, kind);
    assert_int_equal(t.value, value);
    assert_int_equal(t.left, left);
}

static void spelled(void **state)
{
    (void)state;
    takes("1.5", TRIGGER_TIME, 1500000000, 1);
    takes("0", TRIGGER_TIME, 0, 1);
    takes("250ms", TRIGGER_TIME, 250000000, 1);
    takes("7us", TRIGGER_TIME, 7000, 1);
    takes("#461", TRIGGER_NUMBER, 461, 1);
    takes("event=exec", TRIGGER_EVENT, TRACE_EV_exec, 1);
    takes("event=pte_write:12", TRIGGER_EVENT, TRACE_EV_pte_write, 12);
    takes("call=vfork:3", TRIGGER_CALL, __NR_vfork, 3);
    takes("pid=7", TRIGGER_PID, 7, 1);
}

static void refused(void **state)
{
    static const char *const bad[] = {
        "",
        "x",
        "#",
        "#0",
        "#1x",
        "1.2.3",
        "1e3",
        "-1",
        "inf",
        "nan",
        "1 s",
        ".",
        "event=",
        "event=x",
        "event=exec:",
        "event=exec:0",
        "call=exec:1x",
        "call=",
        "call=no",
        "pid=0",
        "pid=",
        "pid=4294967296",
        "99999999999s",
        "event=a_name_that_is_longer_than_any_kind_of_event_has",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(trigger_parse(&t, bad[i]));
}

static struct trace_event event(uint32_t id, const void *fields)
{
    return (struct trace_event){ .id = id, .fields = fields };
}

static void comes(void **state)
{
    (void)state;
    struct trace_ev_syscall_enter vfork = { .nr = __NR_vfork }, other = { .nr = __NR_exit };
    struct trace_ev_clone clone = { .child = 7 };
    struct trace_ev_task_state dead = { .task = 7, .prev = TASK_zombie, .next = TASK_dead };
    struct trace_event e = event(TRACE_EV_syscall_enter, &vfork);
    struct trace_event o = event(TRACE_EV_syscall_enter, &other);
    assert_true(trigger_parse(&t, "call=vfork:2"));
    assert_false(trigger_starts(&t, &e, 1, 0));
    assert_false(trigger_starts(&t, &o, 2, 0));
    assert_true(trigger_starts(&t, &e, 3, 0));
    assert_true(trigger_parse(&t, "#3"));
    assert_false(trigger_stops(&t, &e, 2, 0));
    assert_true(trigger_stops(&t, &e, 3, 0));
    assert_true(trigger_parse(&t, "2us"));
    assert_false(trigger_stops(&t, &e, 9, 1999));
    assert_true(trigger_stops(&t, &e, 9, 2001));
    struct trace_event made = event(TRACE_EV_clone, &clone);
    struct trace_event ended = event(TRACE_EV_task_state, &dead);
    assert_true(trigger_parse(&t, "pid=7"));
    assert_false(trigger_stops(&t, &made, 1, 0));
    assert_true(trigger_starts(&t, &made, 1, 0));
    assert_true(trigger_parse(&t, "pid=7"));
    assert_true(trigger_stops(&t, &ended, 2, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spelled),
        cmocka_unit_test(refused),
        cmocka_unit_test(comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
