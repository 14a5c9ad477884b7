/* links: tests/unit/trace_synth.c vmm/tracer.c vmm/say.c vmm/trace/lib/[a-z]*.c vmm/trace/cmd/entries.c vmm/trace/cmd/json_option.c vmm/trace/cmd/moment.c vmm/trace/cmd/common.c vmm/trace/cmd/summary.c vmm/trace/cmd/print.c vmm/trace/cmd/info.c vmm/trace/cmd/recover.c */
/* A shell forks once and vforks twice: each call is charged with what was done
 * in its name, parent and child apart, and nothing else; the waits are measured
 * and say what ended them.  The commands print it; recover mends a torn trace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>
#include <asm/unistd_64.h>
#include <cmocka.h>

#include "trace_synth.h"
#include "vmm/trace/lib/calls.h"
#include "vmm/trace/cmd/commands.h"
#include "vmm/trace/lib/status.h"
#include "vmm/trace/lib/replay.h"

#define SHELL 5u /* pid, and its mm is 3 */

static void exec(struct synth *s, uint32_t old_mm, uint32_t mm, const char *comm)
{
    struct trace_ev_exec f = { .old_mm = old_mm };
    memcpy(f.comm, comm, strlen(comm));
    synth_enter(s, old_mm, __NR_execve, 0, 0);
    SYNTH(s, mm_create, mm, .root_pfn = 100 + mm);
    synth_table(s, mm, 100 + mm, PT_LEVEL_PGD, PT_none);
    synth_write(s, mm, 100 + mm, 1, PT_LEVEL_PGD, PT_exec_map, 0, 0x9067);
    synth_event(s, TRACE_EV_exec, mm, &f, sizeof(f), NULL, 0);
    synth_exit(s, mm, __NR_execve, 0);
}

static void leave(struct synth *s, uint32_t mm, uint32_t pid)
{
    synth_enter(s, mm, __NR_exit_group, 0, 0);
    SYNTH(s, exit, mm, .tgid = pid);
    synth_write(s, mm, 100 + mm, 1, PT_LEVEL_PGD, PT_exit_teardown, 0x9067, 0);
    SYNTH(s, table_free, mm, .table_pfn = 100 + mm, .level = PT_LEVEL_PGD,
          .reason = PT_exit_teardown);
    SYNTH(s, mm_free, mm);
    SYNTH(s, task_state, mm, .task = pid, .prev = TASK_running, .next = TASK_zombie);
}

/* Killed while it waits: the kernel tears down, makes it a zombie, then says exit. */
static void killed_in_wait(struct synth *s, uint32_t mm, uint32_t pid)
{
    synth_switch(s, pid);
    synth_enter(s, mm, __NR_wait4, 0, 0);
    synth_write(s, mm, 100 + mm, 1, PT_LEVEL_PGD, PT_exit_teardown, 0x9067, 0);
    SYNTH(s, task_state, mm, .task = pid, .prev = TASK_running, .next = TASK_zombie);
    SYNTH(s, exit, 0, .tgid = pid, .status = 9);
    synth_switch(s, SHELL);
}

/* fork by the clone call, as glibc does; 3 writes in the parent, 4 in the child. */
static void do_fork(struct synth *s, uint32_t child)
{
    uint64_t words[4] = { 0x1065, 0x2065, 0, 0x3065 };
    synth_enter(s, 3, __NR_clone, CLONE_CHILD_SETTID | 17, 0);
    SYNTH(s, mm_create, 4, .root_pfn = 104, .from_mm = 3);
    synth_table(s, 4, 104, PT_LEVEL_PGD, PT_fork_copy);
    synth_table(s, 4, 204, PT_LEVEL_PTE, PT_fork_copy);
    synth_write(s, 4, 104, 1, PT_LEVEL_PGD, PT_table_link, 0, 0x9067);
    synth_range_new(s, 4, 204, 0, PT_fork_copy, words, 4);
    for (unsigned i = 0; i < 3; i++)
        synth_write(s, 3, 203, i, PT_LEVEL_PTE, PT_fork_wrprotect, 0x67, 0x65);
    synth_write(s, 0, 9, 7, PT_LEVEL_PTE, PT_kernel_stack, 0, 0x8063);
    SYNTH(s, tlb_flush, 3, .cpus = 1);
    SYNTH(s, clone, 3, .child = child, .child_tgid = child, .child_mm = 4,
          .flags = CLONE_CHILD_SETTID, .exit_signal = 17);
    synth_exit(s, 3, __NR_clone, child);
    SYNTH(s, page_fault, 3, .va = 0x1000, .error = 7);
    synth_write(s, 3, 203, 0, PT_LEVEL_PTE, PT_cow_break, 0x65, 0xa067);
    synth_switch(s, child);
    SYNTH(s, page_fault, 4, .va = 0x1000, .error = 7);
    synth_write(s, 4, 204, 0, PT_LEVEL_PTE, PT_cow_break, 0x65, 0xb067);
    exec(s, 4, 6, "ls");
    SYNTH(s, page_fault, 6, .va = 0x1000, .error = 4); /* after the exec: not fork's */
    leave(s, 6, child);
    synth_switch(s, SHELL);
}

/* The child faults once in the shared memory, then execs or exits. */
static void do_vfork(struct synth *s, uint32_t child, bool by_exec, uint64_t ticks)
{
    synth_enter(s, 3, __NR_vfork, 0, 0);
    SYNTH(s, clone, 3, .child = child, .child_tgid = child, .child_mm = 3,
          .flags = CLONE_VM | CLONE_VFORK, .exit_signal = 17);
    SYNTH(s, task_state, 3, .task = SHELL, .prev = TASK_running, .next = TASK_blocked,
          .reason = BLOCK_vfork, .on_pid = child);
    uint64_t blocked = s->tsc;
    synth_switch(s, child);
    SYNTH(s, page_fault, 3, .va = 0x1000, .error = 4);
    if (by_exec)
        exec(s, 3, 7, "true");
    SYNTH(s, vfork_release, 3, .parent = SHELL, .child = child,
          .cause = by_exec ? RELEASE_exec : RELEASE_exit);
    s->tsc = blocked + ticks - 1;
    SYNTH(s, task_state, 3, .task = SHELL, .prev = TASK_blocked, .next = TASK_runnable,
          .by_pid = child);
    synth_switch(s, SHELL);
    synth_exit(s, 3, __NR_vfork, child);
}

static void make(const char *dir, struct synth *s)
{
    struct tracer *t = synth_tracer(dir, 2);
    assert_non_null(t);
    synth_start(s, t, 0, 100000);
    SYNTH(s, checkpoint, 0, .begin = 1);
    synth_table(s, 0, 9, PT_LEVEL_PTE, PT_checkpoint);
    synth_write(s, 0, 9, 0, PT_LEVEL_PTE, PT_checkpoint, 0, 0x1063);
    SYNTH(s, checkpoint, 0, .begin = 0);
    synth_switch(s, SHELL);
    do_fork(s, 6);
    do_vfork(s, 7, true, 2500000); /* 1 ms */
    do_vfork(s, 8, false, 5000000);
    killed_in_wait(s, 7, 7);
    synth_enter(s, 3, __NR_vfork, 0, 0);
    synth_exit(s, 3, __NR_vfork, -11);
}

static void test_numbers(void **state)
{
    (void)state;
    const char *dir = synth_dir();
    struct synth s;
    struct trace *t;
    struct calls c;
    char err[256];
    const struct trace_event *e;
    make(dir, &s);
    synth_doorbell(&s);
    assert_int_equal(tracer_finish(s.tracer), 0);
    tracer_destroy(s.tracer);
    assert_int_equal(trace_open(&t, dir, err, sizeof(err)), 0);
    calls_init(&c);
    while ((e = trace_next(t)) != NULL)
        calls_event(&c, e);
    calls_end(&c);

    struct call_row *fork = &c.row[CALL_fork], *vfork = &c.row[CALL_vfork];
    assert_int_equal(fork->calls, 1);
    assert_int_equal(fork->cost.writes[SIDE_CALLER][PT_fork_wrprotect], 3);
    assert_int_equal(fork->cost.writes[SIDE_OTHER][PT_fork_copy], 3); /* the 0 is none */
    assert_int_equal(fork->cost.writes[SIDE_OTHER][PT_table_link], 1);
    assert_int_equal(cost_writes(&fork->cost, SIDE_CALLER), 3);
    assert_int_equal(cost_writes(&fork->cost, SIDE_OTHER), 4);
    assert_int_equal(cost_writes(&fork->cost, SIDE_KERNEL), 1);
    assert_int_equal(fork->cost.allocated, 2);
    assert_int_equal(fork->cost.tlb_flushes, 1);
    assert_int_equal(fork->cost.faults, 0);
    assert_int_equal(fork->child_faults, 1);
    assert_int_equal(fork->child_cow, 1);
    assert_int_equal(fork->parent_faults, 1);
    assert_int_equal(fork->parent_cow, 1);

    assert_int_equal(vfork->calls, 3);
    assert_int_equal(vfork->failed, 1);
    for (unsigned side = 0; side < SIDES; side++)
        assert_int_equal(cost_writes(&vfork->cost, side), 0);
    assert_int_equal(vfork->cost.allocated, 0);
    assert_int_equal(vfork->blocked.n, 2);
    assert_int_equal(vfork->blocked.at[0], 2500000);
    assert_int_equal(vfork->blocked.at[1], 5000000);
    assert_int_equal(vfork->ended_by[RELEASE_exec], 1);
    assert_int_equal(vfork->ended_by[RELEASE_exit], 1);
    assert_int_equal(vfork->child_faults, 2);

    assert_int_equal(c.row[CALL_exec].calls, 2);
    assert_int_equal(c.row[CALL_exec].cost.writes[SIDE_OTHER][PT_exec_map], 2);
    assert_int_equal(c.row[CALL_exit].calls, 2);
    assert_int_equal(c.row[CALL_exit].cost.writes[SIDE_CALLER][PT_exit_teardown], 2);
    assert_int_equal(c.row[CALL_wait].calls, 1);
    assert_int_equal(c.row[CALL_wait].failed, 1);
    assert_int_equal(cost_writes(&c.row[CALL_wait].cost, SIDE_CALLER), 0);
    assert_int_equal(c.row[CALL_exit].cost.freed, 1);
    assert_int_equal(c.checkpoint_tables, 1);
    assert_int_equal(c.checkpoint_entries, 1);
    calls_free(&c);
    trace_close(t);
    synth_remove(dir);
}

static int run(int (*command)(int, char **), char *text, size_t size, const char *option,
               const char *value, const char *dir)
{
    const char *second = option == NULL ? value : option;
    const char *third = option == NULL ? NULL : value;
    return synth_run(command, text, size, dir, second, third, NULL);
}

static unsigned lines(const char *text)
{
    unsigned n = 0;
    for (; *text != '\0'; text++)
        n += *text == '\n';
    return n;
}

static void test_commands(void **state)
{
    (void)state;
    const char *dir = synth_dir();
    static char text[65536];
    char path[128];
    struct synth s;
    make(dir, &s);

    /* Before the doorbell.  While vmm runs recover keeps away; all can be read. */
    assert_int_equal(run(command_recover, text, sizeof(text), NULL, NULL, dir), STATUS_TROUBLE);
    assert_int_equal(run(command_print, text, sizeof(text), NULL, NULL, dir), STATUS_OK);
    assert_int_equal(lines(text), s.events);
    /* Killed. */
    tracer_destroy(s.tracer);
    assert_int_equal(run(command_print, text, sizeof(text), NULL, NULL, dir), STATUS_OK);
    assert_int_equal(lines(text), s.events);
    assert_int_equal(run(command_info, text, sizeof(text), NULL, NULL, dir), STATUS_OK);
    assert_non_null(strstr(text, "ends in an open packet"));
    assert_int_equal(run(command_recover, text, sizeof(text), NULL, NULL, dir), STATUS_OK);
    assert_non_null(strstr(text, "events of the open packet"));
    assert_int_equal(run(command_recover, text, sizeof(text), NULL, NULL, dir), STATUS_OK);
    assert_non_null(strstr(text, "cpu0: whole already"));

    assert_int_equal(run(command_print, text, sizeof(text), NULL, NULL, dir), STATUS_OK);
    assert_int_equal(lines(text), s.events);
    assert_int_equal(run(command_print, text, sizeof(text), "--reason", "cow_break", dir), 0);
    assert_int_equal(lines(text), 2);
    assert_non_null(strstr(text, "reason=cow_break old=P|U|A|D pfn=0 new=P|W|U|A|D pfn=0xa"));
    assert_int_equal(run(command_print, text, sizeof(text), "--event=exec", NULL, dir), 0);
    assert_int_equal(lines(text), 2);
    assert_non_null(strstr(text, "ls[6]"));
    assert_int_equal(run(command_print, text, sizeof(text), "--pid=8", "--json", dir), 0);
    assert_non_null(strstr(text, "\"event\":\"vfork_release\",\"parent\":5,\"child\":8,"
                                 "\"cause\":\"exit\"}\n"));
    assert_int_equal(run(command_print, text, sizeof(text), "--head=3", "--mm=3", dir), 0);
    assert_int_equal(lines(text), 3);
    assert_int_equal(run(command_summary, text, sizeof(text), NULL, NULL, dir), STATUS_OK);
    assert_non_null(strstr(text, "lost 0"));
    assert_non_null(strstr(text, "vfork             2     1.00ms     1.00ms     2.00ms   "
                                 "exec 1, exit 1"));

    /* Junk behind the last packet: what is before it is shown, then a message. */
    snprintf(path, sizeof(path), "%s/cpu0", dir);
    int fd = open(path, O_WRONLY | O_APPEND);
    assert_int_equal(write(fd, dir, 20), 20);
    close(fd);
    assert_int_equal(run(command_print, text, sizeof(text), NULL, NULL, dir), STATUS_TROUBLE);
    assert_int_equal(lines(text), s.events);
    /* ... and recover keeps its hands off. */
    struct stat before, after;
    stat(path, &before);
    assert_int_equal(run(command_recover, text, sizeof(text), NULL, NULL, dir), STATUS_TROUBLE);
    stat(path, &after);
    assert_int_equal(after.st_size, before.st_size);
    synth_remove(dir);
}

/* How many events recover keeps of these bytes of a stream, by which time nothing is wrong with it. */
static unsigned kept(const char *dir, const char *path, const uint8_t *bytes, size_t n, int want)
{
    static char text[65536];
    int fd = open(path, O_RDWR | O_TRUNC);
    assert_int_equal(write(fd, bytes, n), n);
    close(fd);
    assert_int_equal(run(command_recover, text, sizeof(text), NULL, NULL, dir), want);
    if (want == STATUS_OK) {
        assert_int_equal(run(command_recover, text, sizeof(text), NULL, NULL, dir), STATUS_OK);
        assert_non_null(strstr(text, "cpu0: whole already"));
        assert_int_equal(run(command_print, text, sizeof(text), NULL, NULL, dir), STATUS_OK);
    } else {
        run(command_print, text, sizeof(text), NULL, NULL, dir);
    }
    return lines(text);
}

static void test_recover_keeps_what_is_whole(void **state)
{
    (void)state;
    const char *dir = synth_dir();
    static uint8_t whole[65536], bad[65536], open_one[TRACE_WINDOW_BYTES];
    char path[128];
    struct synth s;
    make(dir, &s);
    snprintf(path, sizeof(path), "%s/cpu0", dir);
    int fd = open(path, O_RDONLY);
    assert_int_equal(read(fd, open_one, sizeof(open_one)), sizeof(open_one));
    close(fd);
    synth_doorbell(&s);
    assert_int_equal(tracer_finish(s.tracer), 0);
    tracer_destroy(s.tracer);
    fd = open(path, O_RDONLY);
    ssize_t n = read(fd, whole, sizeof(whole));
    close(fd);
    struct trace_packet h;
    memcpy(&h, whole, sizeof(h));
    size_t content = h.content_size / 8;
    assert_int_equal(n, h.packet_size / 8);

    /* Cut anywhere behind the first event: what is whole stays, the more the later the cut. */
    unsigned last = 0;
    for (size_t cut = content - 300; cut <= (size_t)n; cut += cut < content ? 1 : 97) {
        unsigned events = kept(dir, path, whole, cut, STATUS_OK);
        assert_true(events >= last);
        last = events;
        if (cut >= content)
            assert_int_equal(events, s.events);
        else
            assert_true(events < s.events && events > 0);
    }
    assert_int_equal(kept(dir, path, whole, (size_t)n - 1, STATUS_OK), s.events);

    /* Open, half an event behind the last one: that is not whole.  Its file becomes small. */
    memset(open_one + content + 4, 0x55, 40);
    assert_int_equal(kept(dir, path, open_one, sizeof(open_one), STATUS_OK), s.events);
    struct stat st;
    stat(path, &st);
    assert_int_equal(st.st_size, n);
    /* Open, and killed while it was closed: the next one is there, and empty. */
    memset(open_one + content, 0, 44);
    static uint8_t two[2 * TRACE_WINDOW_BYTES];
    memcpy(two, open_one, sizeof(open_one));
    memcpy(&h, open_one, sizeof(h));
    h.packet_seq_num++;
    memcpy(two + n, &h, sizeof(h));
    assert_int_equal(kept(dir, path, two, (size_t)n + TRACE_WINDOW_BYTES, STATUS_OK), s.events);
    stat(path, &st);
    assert_int_equal(st.st_size, n);
    /* Damaged: the bytes behind the damage stay in the file. */
    memcpy(bad, open_one, sizeof(bad));
    memset(bad + content - 60, 0xff, 8);
    memcpy(open_one, bad, sizeof(bad));
    assert_true(kept(dir, path, open_one, sizeof(open_one), STATUS_TROUBLE) < s.events);
    stat(path, &st);
    assert_int_equal(st.st_size, sizeof(open_one));
    synth_remove(dir);
}

/* A guest's bytes may be anything: the commands and the replay get through. */
static void test_hostile(void **state)
{
    (void)state;
    const char *dir = synth_dir();
    static char text[65536];
    static uint8_t good[65536], bad[65536];
    char path[128];
    struct synth s;
    make(dir, &s);
    synth_doorbell(&s);
    assert_int_equal(tracer_finish(s.tracer), 0);
    tracer_destroy(s.tracer);
    snprintf(path, sizeof(path), "%s/cpu0", dir);
    int fd = open(path, O_RDWR);
    ssize_t n = read(fd, good, sizeof(good));
    assert_true(n > 4000);
    srand(5);
    for (unsigned round = 0; round < 400; round++) {
        memcpy(bad, good, (size_t)n);
        for (unsigned i = (unsigned)rand() % 6; i > 0; i--)
            bad[88 + rand() % 3900] = (uint8_t)(rand() % 2 == 0 ? 0xff : rand());
        assert_int_equal(pwrite(fd, bad, (size_t)n, 0), n);
        static int (*const commands[])(int, char **) = {
            command_summary,
            command_print,
            command_info,
        };
        run(commands[round % 3], text, sizeof(text), NULL, NULL, dir);
        run(command_print, text, sizeof(text), "--json", NULL, dir);

        struct trace *t;
        char err[256];
        const struct trace_event *e;
        struct replay *r = replay_new(NULL, NULL);
        assert_int_equal(trace_open(&t, dir, err, sizeof(err)), 0);
        while ((e = trace_next(t)) != NULL)
            assert_int_equal(replay_event(r, e), 0);
        replay_free(r);
        trace_close(t);
    }
    close(fd);
    synth_remove(dir);
}

/* --- replay: each rule, broken once ------------------------------------------------------- */

struct seen {
    unsigned n;
    enum replay_fault fault[32];
};

static void note(void *arg, const struct replay_violation *v)
{
    struct seen *seen = arg;
    assert_true(seen->n < 32);
    seen->fault[seen->n++] = v->fault;
}

static void test_replay(void **state)
{
    (void)state;
    const char *dir = synth_dir();
    struct synth s;
    struct trace *t;
    struct seen seen = { .n = 0 };
    char err[256];
    const struct trace_event *e;
    uint64_t words[3] = { 0x1067, 0, 0x3067 };

    synth_start(&s, synth_tracer(dir, 1), 0, 1000);
    for (unsigned i = 0; i < 1000; i++) /* the hash grows and shrinks */
        synth_table(&s, 1, 4096 * (i % 7) + i, PT_LEVEL_PTE, PT_none);
    for (unsigned i = 1; i < 1000; i++)
        SYNTH(&s, table_free, 1, .table_pfn = 4096 * (i % 7) + i, .level = PT_LEVEL_PTE);
    synth_range_new(&s, 1, 0, 10, PT_exec_map, words, 3);
    synth_write(&s, 1, 0, 10, PT_LEVEL_PTE, PT_mprotect, 0x1007, 0x1005); /* A, D aside: fits */
    synth_write(&s, 1, 0, 12, PT_LEVEL_PTE, PT_mprotect, 0x4067, 0x3065); /* old differs */
    synth_write(&s, 1, 1, 12, PT_LEVEL_PTE, PT_mprotect, 0, 0x3065);      /* no table */
    synth_write(&s, 1, 0, 9, PT_LEVEL_PMD, PT_mprotect, 0, 0x3065);       /* wrong level */
    synth_table(&s, 1, 0, PT_LEVEL_PTE, PT_none);                         /* twice */
    SYNTH(&s, mm_free, 9);
    SYNTH(&s, mm_create, 9, .root_pfn = 0);
    SYNTH(&s, mm_create, 9, .root_pfn = 0);
    synth_doorbell(&s);
    assert_int_equal(tracer_finish(s.tracer), 0);
    tracer_destroy(s.tracer);

    struct replay *r = replay_new(note, &seen);
    assert_int_equal(trace_open(&t, dir, err, sizeof(err)), 0);
    while ((e = trace_next(t)) != NULL)
        assert_int_equal(replay_event(r, e), 0);
    static const enum replay_fault expected[] = {
        REPLAY_OLD_DIFFERS, REPLAY_NO_TABLE, REPLAY_WRONG_LEVEL,
        REPLAY_TABLE_TWICE, REPLAY_NO_MM,    REPLAY_MM_TWICE,
    };
    assert_int_equal(seen.n, 6);
    assert_memory_equal(seen.fault, expected, sizeof(expected));
    assert_int_equal(replay_live_tables(r), 1);
    replay_free(r);
    trace_close(t);
    synth_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_recover_keeps_what_is_whole),
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_replay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
