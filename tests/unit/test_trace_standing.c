/* links: tests/unit/trace_synth.c vmm/tracer.c vmm/say.c vmm/trace/lib/[a-z]*.c */
/* A checkpoint says what stands (vmm/trace/lib/standing.h).  Wherever in a story it is told, who has heard
 * nothing else has the same tables, entry by entry, and knows of the same tasks, what each is amid, and who runs
 * where: asked for a checkpoint in turn, it tells the same one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <asm/unistd_64.h>
#include <sched.h>
#include <cmocka.h>

#include "trace_synth.h"
#include "vmm/trace/lib/decode.h"
#include "vmm/trace/lib/standing.h"
#include "vmm/trace/lib/standing_state.h"

#define CPUS 2u
#define TSC  5000000ull

/* --- a story --------------------------------------------------------------------------------- */

#define LINK(pfn) ((uint64_t)(pfn) << 12 | 0x67)
#define PAGE(pfn) ((uint64_t)(pfn) << 12 | 0x467)

static struct synth cpu[CPUS];

static void state(struct synth *s, uint32_t task, unsigned prev, unsigned next, unsigned reason,
                  uint32_t on)
{
    SYNTH(s, task_state, 0, .task = task, .prev = (uint8_t)prev, .next = (uint8_t)next,
          .reason = (uint8_t)reason, .on_pid = on);
}

static void run_as(struct synth *s, uint32_t pid, uint32_t mm)
{
    SYNTH(s, switch, mm, .prev_pid = s->pid, .next_pid = pid, .next_mm = mm);
    s->pid = pid;
    SYNTH(s, cr3_load, mm, .root_pfn = 100 * mm);
}

/* Tables 100 * mm and the three behind it; pages in rows, in steps, and alone. */
static void memory(struct synth *s, uint32_t mm, uint32_t from)
{
    uint64_t apart[3] = { PAGE(0x900), PAGE(0x800), PAGE(0x777) };
    SYNTH(s, mm_create, mm, .root_pfn = 100 * mm, .from_mm = from);
    for (unsigned level = PT_LEVEL_PGD; level >= PT_LEVEL_PTE; level--)
        synth_table(s, mm, 100 * mm + PT_LEVEL_PGD - level, level, PT_none);
    for (unsigned level = PT_LEVEL_PGD; level > PT_LEVEL_PTE; level--)
        synth_write(s, mm, 100 * mm + PT_LEVEL_PGD - level, 0, level, PT_table_link, 0,
                    LINK(100 * mm + PT_LEVEL_PGD - level + 1));
    synth_range_new(s, mm, 100 * mm + 3, 4, PT_exec_map, apart, 3);
    SYNTH(s, pte_range_step, mm, .va = 0x10000, .table_pfn = 100 * mm + 3, .first = 16,
          .level = PT_LEVEL_PTE, .reason = PT_fork_copy, .n = 9, .new = PAGE(0x500),
          .new_step = 1 << 12);
    synth_write(s, mm, 100 * mm + 3, 5, PT_LEVEL_PTE, PT_munmap, apart[1], 0);
    SYNTH(s, vma_special, mm, .start = 0x4000, .end = 0x6000, .flags = 8);
}

static void exec(struct synth *s, uint32_t old_mm, uint32_t mm, const char *comm)
{
    struct trace_ev_exec f = { .old_mm = old_mm };
    memcpy(f.comm, comm, strlen(comm));
    synth_event(s, TRACE_EV_exec, mm, &f, sizeof(f), NULL, 0);
    SYNTH(s, exec_args, mm, .args = "args");
}

static void child_of(struct synth *s, uint32_t mm, uint32_t pid, uint32_t tgid, uint64_t flags)
{
    SYNTH(s, clone, mm, .child = pid, .child_tgid = tgid,
          .child_mm = flags & CLONE_VM ? mm : mm + 1, .flags = flags, .exit_signal = 17);
}

static void end(struct synth *s, uint32_t mm)
{
    SYNTH(s, exit, mm, .tgid = s->pid, .status = 7 << 8);
    state(s, s->pid, TASK_running, TASK_zombie, 0, 0);
}

/* vfork and exec; a thread on the other CPU; a fork, a wait, an end, and who goes on. */
static void story(void)
{
    struct synth *s = &cpu[0], *other = &cpu[1];
    memory(s, 2, 0);
    state(s, 1, TASK_new, TASK_runnable, 0, 0);
    run_as(s, 1, 2);
    exec(s, 0, 2, "init");
    synth_enter(s, 2, __NR_vfork, 0, 0);
    child_of(s, 2, 5, 5, CLONE_VM | CLONE_VFORK);
    state(s, 1, TASK_running, TASK_blocked, BLOCK_vfork, 5);
    run_as(s, 5, 2);
    SYNTH(s, page_fault, 2, .va = 0x5000, .rip = 0x400000, .error = 6);
    synth_enter(s, 2, __NR_execve, 1, 2);
    memory(s, 3, 0);
    exec(s, 2, 3, "sh");
    SYNTH(s, vfork_release, 3, .parent = 1, .child = 5, .cause = RELEASE_exec);
    state(s, 1, TASK_blocked, TASK_runnable, BLOCK_vfork, 0);
    synth_exit(s, 3, __NR_execve, 0);
    child_of(s, 3, 6, 5, CLONE_VM | CLONE_THREAD);
    other->tsc = s->tsc + 10;
    run_as(other, 6, 3);
    synth_enter(other, 3, __NR_pause, 0, 0);
    s->tsc = other->tsc + 10;
    synth_enter(s, 3, __NR_fork, 0, 0);
    memory(s, 4, 3);
    child_of(s, 3, 7, 7, 0);
    synth_exit(s, 3, __NR_fork, 7);
    synth_enter(s, 3, __NR_wait4, 7, 0);
    state(s, 5, TASK_running, TASK_blocked, BLOCK_wait, 7);
    run_as(s, 7, 4);
    synth_write(s, 4, 403, 6, PT_LEVEL_PTE, PT_cow_break, PAGE(0x777), PAGE(0x123));
    end(s, 4);
    state(s, 5, TASK_blocked, TASK_runnable, BLOCK_wait, 0);
    run_as(s, 5, 3);
    SYNTH(s, reap, 3, .child = 7, .status = 7 << 8);
    state(s, 7, TASK_zombie, TASK_dead, 0, 0);
    SYNTH(s, reparent, 3, .child = 5, .parent = 1);
    synth_exit(s, 3, __NR_wait4, 7);
}

/* --- what is told ---------------------------------------------------------------------------- */

struct told {
    struct standing_text all, of[CPUS], end;
};

static struct told tell(const struct standing *s)
{
    struct told t = { 0 };
    standing_tell(s, TSC, &t.all);
    for (unsigned c = 0; c < CPUS; c++) {
        standing_tell_cpu(s, c, TSC, &t.of[c]);
        assert_false(t.of[c].failed);
    }
    standing_tell_end(TSC, &t.end);
    assert_false(t.all.failed || t.end.failed);
    return t;
}

static void hear(struct standing *s, const struct standing_text *text, unsigned on)
{
    struct trace_event e;
    for (size_t at = 0, n; at < text->size; at += n) {
        n = trace_decode(text->at + at, text->size - at, 0, &e);
        assert_int_not_equal(n, 0);
        assert_int_equal(e.tsc, TSC);
        e.cpu = on;
        assert_int_equal(standing_event(s, &e), 0);
    }
}

static void same_text(const struct standing_text *a, const struct standing_text *b, uint64_t event)
{
    if (a->size != b->size || (a->size > 0 && memcmp(a->at, b->at, a->size) != 0))
        fail_msg("after event %lu: %zu bytes are told again as %zu others", (unsigned long)event,
                 a->size, b->size);
}

static void same_table(void *arg, const struct replay_table *t)
{
    const struct standing *other = arg;
    const struct replay_table *o = replay_table(other->replay, t->pfn);
    assert_non_null(o);
    assert_int_equal(o->level, t->level);
    assert_int_equal(o->va, t->va);
    assert_memory_equal(o->slot, t->slot, sizeof(t->slot));
}

static void same_after(struct standing *s, uint64_t event)
{
    struct standing *heard = standing_new();
    assert_non_null(heard);
    struct told first = tell(s);
    hear(heard, &first.all, 0);
    for (unsigned c = 0; c < CPUS; c++)
        hear(heard, &first.of[c], c);
    hear(heard, &first.end, 0);
    replay_each(s->replay, same_table, heard);
    assert_int_equal(replay_live_tables(heard->replay), replay_live_tables(s->replay));
    assert_int_equal(replay_violations(heard->replay), 0);
    assert_int_equal(idmap_count(heard->tasks), idmap_count(s->tasks));
    struct told again = tell(heard);
    same_text(&first.all, &again.all, event);
    for (unsigned c = 0; c < CPUS; c++) {
        same_text(&first.of[c], &again.of[c], event);
        free(first.of[c].at);
        free(again.of[c].at);
    }
    free(first.end.at);
    free(again.end.at);
    free(first.all.at);
    free(again.all.at);
    standing_free(heard);
}

static void test_each_moment(void **arg)
{
    (void)arg;
    char err[200];
    struct trace *trace;
    const struct trace_event *e;
    const char *dir = synth_dir();
    struct tracer *t = synth_tracer(dir, CPUS);
    for (unsigned c = 0; c < CPUS; c++)
        synth_start(&cpu[c], t, c, 1000000);
    story();
    for (unsigned c = 0; c < CPUS; c++)
        synth_doorbell(&cpu[c]);
    assert_int_equal(tracer_finish(t), 0);
    tracer_destroy(t);
    assert_int_equal(trace_open(&trace, dir, err, sizeof(err)), 0);
    struct standing *s = standing_new();
    uint64_t events = 0;
    while ((e = trace_next(trace)) != NULL) {
        assert_int_equal(standing_event(s, e), 0);
        same_after(s, ++events);
    }
    assert_int_equal(events, cpu[0].events + cpu[1].events);
    /* The one story that can be told of its end. */
    assert_int_equal(idmap_count(s->tasks), 3);
    struct standing_task *shell = idmap_find(s->tasks, 5);
    assert_int_equal(shell->mm, 3);
    assert_int_equal(shell->parent, 1);
    assert_false(shell->in_call);
    assert_string_equal(shell->comm, "sh");
    assert_int_equal(s->cpu[1].pid, 6);
    standing_free(s);
    trace_close(trace);
    synth_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_each_moment) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
