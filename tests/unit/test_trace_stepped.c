/* links: tests/unit/trace_synth.c vmm/tracer.c vmm/say.c vmm/trace/lib/[a-z]*.c vmm/trace/cmd/common.c vmm/trace/cmd/json_option.c vmm/trace/cmd/moment.c vmm/trace/cmd/entries.c vmm/trace/cmd/call.c vmm/trace/cmd/who_wrote.c vmm/trace/cmd/machine.c vmm/trace/cmd/at.c vmm/trace/cmd/print.c vmm/trace/cmd/summary.c vmm/trace/cmd/space_option.c */
/* A stepped range says what a range of old and new entries says: each question has the same
 * answer, whichever of the two a trace has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <asm/unistd_64.h>
#include <cmocka.h>

#include "trace_synth.h"
#include "vmm/trace/cmd/commands.h"
#include "vmm/trace/lib/reader.h"
#include "vmm/trace/lib/status.h"

enum { MM = 3, ROOT = 8, PUD = 9, PMD = 10, PTE = 11, SPARE = 12 };
#define TABLE(pfn) ((pfn) << 12 | 0x67ull)

static bool stepped;
static char text[2][65536];

/* n entries from index `first` on, the old and the new ones each with frames in order. */
static void range(struct synth *s, unsigned table, unsigned level, unsigned first, unsigned n,
                  unsigned reason, struct trace_change from, struct trace_change step)
{
    const uint64_t va = (uint64_t)first << (3 + 9 * level);
    if (stepped) {
        SYNTH(s, pte_range_step, MM, .va = va, .table_pfn = table, .first = (uint16_t)first,
              .level = (uint8_t)level, .reason = (uint8_t)reason, .n = (uint16_t)n, .old = from.old,
              .new = from.new, .old_step = (uint32_t)step.old, .new_step = (uint32_t)step.new);
        return;
    }
    uint64_t words[2 * 512];
    for (unsigned i = 0; i < n; i++) {
        words[2 * i] = from.old + i * step.old;
        words[2 * i + 1] = from.new + i *step.new;
    }
    struct trace_ev_pte_range f = { .va = va,
                                    .table_pfn = table,
                                    .first = (uint16_t)first,
                                    .level = (uint8_t)level,
                                    .reason = (uint8_t)reason,
                                    .len = (uint16_t)(2 * n) };
    synth_event(s, TRACE_EV_pte_range, MM, &f, sizeof(f), words, 2 * n);
}

/* Four kinds of change: made, with less rights, moved to other frames, gone.  One range ends at
 * the table's last slot, one is of large pages, one has frames that count down. */
static void story(struct synth *s)
{
    s->pid = 5;
    SYNTH(s, mm_create, MM, .root_pfn = ROOT);
    synth_table(s, MM, ROOT, PT_LEVEL_PGD, PT_kernel_half);
    synth_table(s, MM, PUD, PT_LEVEL_PUD, PT_exec_map);
    synth_write(s, MM, ROOT, 0, PT_LEVEL_PGD, PT_table_link, 0, TABLE(PUD));
    synth_table(s, MM, PMD, PT_LEVEL_PMD, PT_exec_map);
    synth_write(s, MM, PUD, 0, PT_LEVEL_PUD, PT_table_link, 0, TABLE(PMD));
    synth_table(s, MM, PTE, PT_LEVEL_PTE, PT_exec_map);
    synth_write(s, MM, PMD, 0, PT_LEVEL_PMD, PT_table_link, 0, TABLE(PTE));
    synth_enter(s, MM, __NR_execve, 0, 0);
    range(s, PTE, 1, 500, 12, PT_exec_map, (struct trace_change){ 0, 0x100067 },
          (struct trace_change){ 0, 0x1000 });
    range(s, PMD, 2, 4, 3, PT_exec_map, (struct trace_change){ 0, 0x4000e7 },
          (struct trace_change){ 0, 0x200000 });
    range(s, PTE, 1, 501, 2, PT_mprotect, (struct trace_change){ 0x101067, 0x101065 },
          (struct trace_change){ 0x1000, 0x1000 });
    range(s, PTE, 1, 503, 4, PT_cow_break, (struct trace_change){ 0x103067, 0x209067 },
          (struct trace_change){ 0x1000, 0x3000 });
    range(s, PTE, 1, 501, 2, PT_munmap, (struct trace_change){ 0x101065, 0 },
          (struct trace_change){ 0x1000, 0 });
    range(s, PTE, 1, 511, 1, PT_munmap, (struct trace_change){ 0x10b067, 0 },
          (struct trace_change){ 0x1000, 0 });
    synth_exit(s, MM, __NR_execve, 0);
}

static const char *make(bool in_steps)
{
    struct synth s;
    const char *dir = synth_dir();
    struct tracer *t = synth_tracer(dir, 1);
    assert_non_null(t);
    stepped = in_steps;
    synth_start(&s, t, 0, 1000000);
    story(&s);
    synth_doorbell(&s);
    assert_int_equal(tracer_finish(t), 0);
    tracer_destroy(t);
    return dir;
}

static const struct question {
    int (*command)(int, char **);
    const char *words[4];
} questions[] = {
    { command_at, { "1s", "--mm=3" } },
    { command_at, { "#12", "--mm=3" } },
    { command_who_wrote, { "0x1f5000", "--all" } },
    { command_who_wrote, { "0x1f7000", "--all" } },
    { command_who_wrote, { "0x1fa123", "--all" } },
    { command_who_wrote, { "0x1ff000", "--all" } },
    { command_who_wrote, { "0xc00000", "--all", "--json" } },
    { command_call, { "1" } },
    { command_summary, { NULL } },
};

/* Without the directory's name. */
static const char *answer(const char *said)
{
    return strncmp(said, "/tmp/", 5) == 0 ? strchr(said, ':') : said;
}

static void test_same_answers(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
        const struct question *q = &questions[i];
        for (unsigned k = 0; k < 2; k++) {
            const char *dir = make(k == 1);
            assert_int_equal(synth_run(q->command, text[k], sizeof(text[k]), dir, q->words[0],
                                       q->words[1], q->words[2], NULL),
                             STATUS_OK);
            synth_remove(dir);
            char *sizes = strstr(text[k], "\nall PTE writes ");
            if (sizes != NULL) /* events may differ in those */
                *sizes = '\0';
        }
        assert_true(strlen(text[0]) > 80);
        assert_string_equal(answer(text[0]), answer(text[1]));
    }
}

static void test_print(void **state)
{
    (void)state;
    const char *dir = make(true);
    assert_int_equal(synth_run(command_print, text[0], sizeof(text[0]), dir, NULL), STATUS_OK);
    assert_non_null(strstr(text[0], " first=500 level=PTE reason=exec_map "
                                    "[12 x 0 -> P|W|U|A|D pfn=0x100-0x10b]\n"));
    assert_non_null(strstr(text[0], "[3 x 0 -> P|W|U|A|D|PS pfn=0x400-0x800 by 0x200]\n"));
    assert_non_null(strstr(text[0], "[2 x P|W|U|A|D pfn=0x101-0x102 -> P|U|A|D "));
    assert_non_null(strstr(text[0], "[1 x P|W|U|A|D pfn=0x10b -> 0]\n"));
    synth_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_answers),
        cmocka_unit_test(test_print),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
