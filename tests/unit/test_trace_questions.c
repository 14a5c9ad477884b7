/* links: tests/unit/trace_synth.c vmm/tracer.c vmm/say.c vmm/trace/lib/[a-z]*.c vmm/trace/cmd/common.c vmm/trace/cmd/moment.c vmm/trace/cmd/blocked.c vmm/trace/cmd/entries.c vmm/trace/cmd/call.c vmm/trace/cmd/who_wrote.c vmm/trace/cmd/machine.c vmm/trace/cmd/at.c vmm/trace/cmd/diff.c vmm/trace/cmd/print.c vmm/trace/cmd/live.c vmm/trace/cmd/space_option.c vmm/trace/cmd/waits.c */
/* The questions that one puts to a trace, with answers known beforehand: who waited, on
 * whom, and who ended it; what a call wrote; who changed an entry last. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <argp.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>
#include <asm/unistd_64.h>
#include <cmocka.h>

#include "trace_synth.h"
#include "vmm/trace/cmd/commands.h"
#include "vmm/trace/lib/status.h"

#define SHELL 5u /* pid, and its mm is 3 */
#define MS    2500000u

static char text[65536];

static void exec(struct synth *s, uint32_t old_mm, uint32_t mm, const char *comm)
{
    struct trace_ev_exec f = { .old_mm = old_mm };
    memcpy(f.comm, comm, strlen(comm));
    synth_event(s, TRACE_EV_exec, mm, &f, sizeof(f), NULL, 0);
}

static void child(struct synth *s, uint32_t pid, uint64_t flags)
{
    SYNTH(s, clone, 3, .child = pid, .child_tgid = pid, .child_mm = 3, .flags = flags);
}

static void leave(struct synth *s, bool says_so)
{
    if (says_so)
        synth_enter(s, 3, __NR_exit_group, 0, 0);
    synth_state(s, s->pid, TASK_running, TASK_zombie, 0, 0, 0);
}

/* Call 1: vfork, ended by the child's exec, call 2.  Call 3: wait for any of two children, of
 * which one is killed: call 4.  Call 5: wait, for ever. */
static void story(struct synth *s)
{
    s->pid = SHELL;
    exec(s, 0, 3, "sh");
    child(s, 7, 17);
    synth_enter(s, 3, __NR_vfork, 0, 0);
    child(s, 6, CLONE_VM | CLONE_VFORK);
    synth_block(s, BLOCK_vfork, 6);
    synth_switch(s, 6);
    s->tsc += 2 * MS;
    synth_enter(s, 3, __NR_execve, 0, 0);
    exec(s, 3, 4, "ls");
    SYNTH(s, vfork_release, 4, .parent = SHELL, .child = 6, .cause = RELEASE_exec);
    synth_wake(s, SHELL, BLOCK_vfork);
    synth_exit(s, 4, __NR_execve, 0);
    synth_switch(s, SHELL);
    synth_exit(s, 3, __NR_vfork, 6);
    synth_enter(s, 3, __NR_wait4, (uint64_t)-1, 0);
    synth_block(s, BLOCK_wait, 0);
    SYNTH(s, signal, 3, .to = SHELL, .signo = 17);
    synth_switch(s, 7);
    s->tsc += 3 * MS;
    leave(s, false);
    synth_wake(s, SHELL, BLOCK_wait);
    synth_switch(s, SHELL);
    synth_state(s, 7, TASK_zombie, TASK_dead, 0, 0, 0);
    synth_exit(s, 3, __NR_wait4, 7);
    synth_enter(s, 3, __NR_wait4, (uint64_t)-1, 0);
    synth_block(s, BLOCK_wait, 0);
    synth_switch(s, 0);
}

static const char *make(void (*tell)(struct synth *), uint64_t stop_after, struct synth *s)
{
    const char *dir = synth_dir();
    struct tracer *t = synth_tracer(dir, 1);
    assert_non_null(t);
    synth_start(s, t, 0, 1000000);
    tell(s);
    tracer_stopped(t, s->tsc + stop_after);
    synth_doorbell(s);
    assert_int_equal(tracer_finish(t), 0);
    tracer_destroy(t);
    return dir;
}

static void has(const char *what)
{
    if (strstr(text, what) == NULL)
        fail_msg("no '%s' in:\n%s", what, text);
}

static void test_blocked(void **state)
{
    (void)state;
    struct synth s;
    const char *dir = make(story, 4 * MS, &s);
    assert_int_equal(synth_run(command_blocked, text, sizeof(text), dir, NULL), STATUS_OK);
    has("2.00ms  sh[5]              1 vfork      vfork       sh[6]                    "
        "exec: ls[6] in call 2 execve\n");
    has("3.00ms  sh[5]              3 wait4      wait        any of ls[6], sh[7]      "
        "end of sh[7] in call 4 exit_group\n");
    has("4.00ms  sh[5]              5 wait4      wait        any of ls[6]             "
        "still blocked when the machine stopped\n");
    assert_int_equal(synth_run(command_blocked, text, sizeof(text), dir, "7", NULL), STATUS_OK);
    assert_string_equal(text, "no such wait\n");
    assert_int_equal(
        synth_run(command_blocked, text, sizeof(text), "--json", "--reason=wait", dir, "5", NULL),
        STATUS_OK);
    has("\"call\":5,\"call_name\":\"wait4\",\"children\":[6],\"on\":\"any of ls[6]\","
        "\"ended\":false}],\"events\":");
    has("\"stopped\":true}");
    synth_remove(dir);
}

/* Call 1: execve, 3 entries in two reasons.  Then an munmap that nobody recorded, call 2,
 * of entries 1 and 2; a fault for entry 1; another munmap, call 3, in another address space. */
static void writes(struct synth *s)
{
    static const uint64_t three[3] = { 0x1067, 0x2067, 0x3067 };
    s->pid = SHELL;
    synth_table(s, 3, 9, PT_LEVEL_PTE, PT_exec_map);
    synth_enter(s, 3, __NR_execve, 0, 0);
    synth_range_new(s, 3, 9, 0, PT_exec_map, three, 3);
    synth_write(s, 3, 8, 0, PT_LEVEL_PMD, PT_table_link, 0, 0x9067);
    exec(s, 0, 3, "sh");
    synth_exit(s, 3, __NR_execve, 0);
    synth_write(s, 3, 9, 1, PT_LEVEL_PTE, PT_munmap, 0x2067, 0);
    synth_write(s, 3, 9, 2, PT_LEVEL_PTE, PT_munmap, 0x3067, 0);
    SYNTH(s, tlb_flush, 3, .cpus = 1);
    SYNTH(s, page_fault, 3, .va = 0x1123, .error = 6);
    synth_write(s, 3, 9, 1, PT_LEVEL_PTE, PT_demand_zero, 0, 0x7067);
    synth_write(s, 4, 19, 1, PT_LEVEL_PTE, PT_munmap, 0x5067, 0);
}

static void test_call(void **state)
{
    (void)state;
    struct synth s;
    const char *dir = make(writes, 0, &s);
    assert_int_equal(synth_run(command_call, text, sizeof(text), dir, "1", NULL), STATUS_OK);
    has("call 1: execve(NULL, NULL, NULL) = 0\nby      sh[5], address space 3\n");
    has("entries 4 written: 3 exec_map, 1 table_link\n");
    has("        3      3 PTE    0                         3  exec_map       0 -> P|W|U|A|D "
        "pfn=0x1\n");
    assert_int_equal(synth_run(command_call, text, sizeof(text), dir, "2", NULL), STATUS_OK);
    has("call 2: munmap (inferred: that call was not recorded)\n");
    has("entries 2 written: 2 munmap\ntables  0 made, 0 freed; 0 page faults, 1 TLB flushes\n");
    has("        7      3 PTE    0x1000                    2  munmap ");
    assert_int_equal(synth_run(command_call, text, sizeof(text), dir, "4", NULL), STATUS_TROUBLE);
    assert_int_equal(synth_run(command_call, text, sizeof(text), "--json", dir, "3", NULL), 0);
    has("\"writes\":{\"munmap\":1},");
    synth_remove(dir);
}

static void test_who_wrote(void **state)
{
    (void)state;
    struct synth s;
    const char *dir = make(writes, 0, &s);
    assert_int_equal(synth_run(command_who_wrote, text, sizeof(text), dir, "0x1fff", NULL), 0);
    has(" 11  sh[5]              fault #10               3 PTE   demand_zero    0 -> P|W|U|A|D "
        "pfn=0x7\n");
    has(" 12  sh[5]              call 3 munmap           4 PTE   munmap         P|W|U|A|D pfn=0x5 "
        "-> 0\n");
    has(" 4  [5]                call 1 execve           3 PMD   table_link     0 -> P|W|U|A|D "
        "pfn=0x9\n");
    /* At an event: in a range, too.  The address space that the task had then. */
    assert_int_equal(
        synth_run(command_who_wrote, text, sizeof(text), dir, "0x2000", "--mm=3", "--at=#6", NULL),
        0);
    has(" 3  [5]                call 1 execve           3 PTE   exec_map       0 -> P|W|U|A|D "
        "pfn=0x3\n");
    assert_int_equal(synth_run(command_who_wrote, text, sizeof(text), dir, "0x1000", "--mm=3",
                               "--all", "--json", NULL),
                     0);
    has("\"reason\":\"exec_map\"");
    has("\"reason\":\"munmap\"");
    has("\"reason\":\"demand_zero\"");
    assert_int_equal(synth_run(command_who_wrote, text, sizeof(text), dir, "0x40000000", NULL), 0);
    assert_string_equal(text, "0x40000000: no entry for it was written\n");
    synth_remove(dir);
}

/* A table of 3's, in which 3 writes entry 7; fork gives it to 4, whose own tables lead to it.  Then 3 gets a copy
 * for itself and changes the entry there. */
static void shares(struct synth *s)
{
    s->pid = SHELL;
    for (uint32_t mm = 3; mm <= 4; mm++) {
        uint32_t root = 100 * mm;
        SYNTH(s, mm_create, mm, .root_pfn = root, .from_mm = mm == 4 ? 3 : 0);
        for (unsigned level = PT_LEVEL_PGD; level >= PT_LEVEL_PMD; level--)
            synth_table(s, mm, root + 4 - level, level, PT_none);
        if (mm == 3) {
            synth_table(s, 3, 9, PT_LEVEL_PTE, PT_brk);
            synth_write(s, 3, 9, 7, PT_LEVEL_PTE, PT_brk, 0, 0x7067);
        }
        for (unsigned level = PT_LEVEL_PGD; level > PT_LEVEL_PMD; level--)
            synth_write(s, mm, root + 4 - level, 0, level, PT_table_link, 0,
                        (uint64_t)(root + 5 - level) << 12 | 7);
        synth_write(s, mm, root + 2, 0, PT_LEVEL_PMD, PT_table_share, 0, 0x9005);
    }
    synth_table(s, 3, 10, PT_LEVEL_PTE, PT_table_unshare);
    synth_write(s, 3, 10, 7, PT_LEVEL_PTE, PT_table_unshare, 0, 0x7067);
    synth_write(s, 3, 302, 0, PT_LEVEL_PMD, PT_table_unshare, 0x9005, 0xa007);
    synth_write(s, 3, 10, 7, PT_LEVEL_PTE, PT_brk, 0x7067, 0x8067);
}

/* A child's entry may have been written in its parent's name, and before there was a child. */
static void test_who_wrote_shared(void **state)
{
    (void)state;
    struct synth s;
    const char *dir = make(shares, 0, &s);
    assert_int_equal(
        synth_run(command_who_wrote, text, sizeof(text), dir, "0x7000", "--mm=4", NULL), 0);
    has(" 6  [5]                call 1 brk              4 PTE   brk            0 -> P|W|U|A|D "
        "pfn=0x7 (a table shared with mm 3)\n");
    assert_int_equal(synth_run(command_who_wrote, text, sizeof(text), dir, "0x7000", "--mm=4",
                               "--all", "--json", NULL),
                     0);
    has("\"mm\":4,\"written_in_mm\":3,\"level\":\"PTE\",\"table_pfn\":\"0x9\",");
    assert_null(strstr(text, "0x8067"));
    /* Who has gone over to a copy has the copy's entry. */
    assert_int_equal(
        synth_run(command_who_wrote, text, sizeof(text), dir, "0x7000", "--mm=3", NULL), 0);
    has("P|W|U|A|D pfn=0x7 -> P|W|U|A|D pfn=0x8\n");
    assert_null(strstr(text, "shared with"));
    synth_remove(dir);
}

/* An address space whose two lowest tables are written at random; memory is dumped at some
 * moments. */
#define DUMPS 3
struct dump {
    uint64_t event, slot[2][512];
};
static struct dump dumps[DUMPS];

static void change_at_random(struct synth *s)
{
    static uint64_t slot[2][512];
    unsigned x = 1;
    s->pid = SHELL;
    SYNTH(s, switch, 0, .next_pid = SHELL, .next_mm = 3);
    SYNTH(s, mm_create, 3, .root_pfn = 10);
    for (unsigned level = PT_LEVEL_PGD; level >= PT_LEVEL_PTE; level--)
        synth_table(s, 3, 14 - level, level, PT_none);
    synth_table(s, 3, 14, PT_LEVEL_PTE, PT_none);
    synth_write(s, 3, 10, 0, PT_LEVEL_PGD, PT_table_link, 0, 0xb007);
    synth_write(s, 3, 11, 0, PT_LEVEL_PUD, PT_table_link, 0, 0xc007);
    synth_write(s, 3, 12, 0, PT_LEVEL_PMD, PT_table_link, 0, 0xd007);
    synth_write(s, 3, 12, 1, PT_LEVEL_PMD, PT_table_link, 0, 0xe007);
    for (unsigned d = 0; d < DUMPS; d++) {
        for (unsigned i = 0; i < 300; i++) {
            x = x * 1103515245 + 12345;
            unsigned table = x >> 8 & 1, index = x >> 16 & 511;
            uint64_t new = x & 0x600 ? ((uint64_t)(x >> 4) << 12) | (x & 7) : 0;
            synth_write(s, 3, 13 + table, index, PT_LEVEL_PTE, PT_brk, slot[table][index], new);
            slot[table][index] = new;
        }
        memcpy(dumps[d].slot, slot, sizeof(slot));
        dumps[d].event = s->events;
    }
}

/* As `at --json` shows it. */
static void expect_dump(const struct dump *d, char *out)
{
    const char *comma = "";
    for (unsigned t = 0; t < 2; t++)
        for (unsigned i = 0; i < 512; i++)
            if (d->slot[t][i] != 0) {
                out += sprintf(out, "%s\n{\"va\":\"%#x\",\"level\":\"PTE\",\"entry\":\"%#lx\"}",
                               comma, t << 21 | i << 12, (unsigned long)d->slot[t][i]);
                comma = ",";
            }
}

static void test_at(void **state)
{
    (void)state;
    static char want[131072], have[131072];
    struct synth s;
    char moment[32];
    const char *dir = make(change_at_random, 0, &s);
    for (unsigned d = 0; d < DUMPS; d++) {
        snprintf(moment, sizeof(moment), "#%lu", (unsigned long)dumps[d].event);
        assert_int_equal(
            synth_run(command_at, have, sizeof(have), dir, moment, "--pid=5", "--json", NULL),
            STATUS_OK);
        expect_dump(&dumps[d], want);
        if (strstr(have, want) == NULL)
            fail_msg("dump %u differs", d);
    }
    /* What differs between two of them, entry by entry. */
    unsigned differ = 0;
    for (unsigned i = 0; i < 1024; i++)
        differ +=
            ((dumps[0].slot[i / 512][i % 512] ^ dumps[1].slot[i / 512][i % 512]) & ~0x60ul) != 0;
    char at[2][32];
    for (unsigned d = 0; d < 2; d++)
        snprintf(at[d], sizeof(at[d]), "--at=#%lu", (unsigned long)dumps[d].event);
    assert_int_equal(synth_run(command_diff, have, sizeof(have), dir, "--mm=3", at[0], at[1], NULL),
                     0);
    snprintf(want, sizeof(want), "\n%u entries differ\n", differ);
    assert_non_null(strstr(have, want));
    assert_int_equal(
        synth_run(command_diff, have, sizeof(have), dir, "--mm=3", "--mm=3", at[1], NULL), 0);
    assert_non_null(strstr(have, "\n0 entries differ\n"));
    assert_int_equal(synth_run(command_at, text, sizeof(text), dir, "--mm=77", NULL),
                     STATUS_TROUBLE);
    assert_int_equal(synth_run(command_at, text, sizeof(text), dir, NULL), STATUS_OK);
    has("     3        5 ");
    has(" [5]\n");
    synth_remove(dir);
}

static void memory_and_story(struct synth *s)
{
    s->pid = SHELL;
    SYNTH(s, mm_create, 3, .root_pfn = 300);
    synth_table(s, 3, 300, PT_LEVEL_PGD, PT_none);
    story(s);
}

/* Who has ended has no address space, whatever he ended in. */
static void test_at_ended(void **state)
{
    (void)state;
    struct synth s;
    const char *dir = make(memory_and_story, 0, &s);
    assert_int_equal(synth_run(command_at, text, sizeof(text), dir, NULL), STATUS_OK);
    has("     3        1          0  sh[5]\n");
    assert_null(strstr(text, "[7]"));
    synth_remove(dir);
}

static void test_diff(void **state)
{
    (void)state;
    struct synth s;
    static char other[64];
    strcpy(other, make(writes, 0, &s));
    const char *dir = make(story, 0, &s);
    assert_int_equal(synth_run(command_diff, text, sizeof(text), dir, other, NULL), STATUS_OK);
    has("vfork        calls                         1            0           -1\n");
    has("exec         exec_map                      0            3           +3\n");
    assert_int_equal(
        synth_run(command_diff, text, sizeof(text), other, "--call=1", "--call=2", NULL), 0);
    has("entries      exec_map                      3            0           -3\n");
    has("entries      munmap                        0            2           +2\n");
    assert_int_equal(
        synth_run(command_diff, text, sizeof(text), other, "--call=1", "--call=9", NULL),
        STATUS_TROUBLE);
    synth_remove(dir);
    synth_remove(other);
}

/* Ranges of many shapes. */
static void ranges(struct synth *s)
{
    static const uint64_t mixed[8] = { 0x1067, 0x2067, 0x3067, 0x9065, 0x9065, 0, 0, 0x7067 };
    uint64_t odd[40];
    for (unsigned i = 0; i < 40; i++)
        odd[i] = (0x1000ull << (i % 7)) * (i + 1) | 0x67;
    s->pid = SHELL;
    synth_table(s, 3, 9, PT_LEVEL_PTE, PT_exec_map);
    synth_range_new(s, 3, 9, 0, PT_demand_file, mixed, 8);
    synth_range_new(s, 3, 9, 100, PT_demand_file, odd, 40);
    struct trace_ev_pte_range f = { .table_pfn = 9, .level = PT_LEVEL_PTE, .len = 6 };
    static const uint64_t pairs[6] = { 0x1067, 0x1065, 0x2067, 0x2065, 0x3067, 0x3065 };
    synth_event(s, TRACE_EV_pte_range, 3, &f, sizeof(f), pairs, 6);
    SYNTH(s, page_fault, 3, .va = 0x64123);
    SYNTH(s, vma_special, 3, .start = 0x64000, .end = 0x65000, .flags = 6);
}

static unsigned lines(void)
{
    unsigned n = 0;
    for (const char *p = text; *p != '\0'; p++)
        n += *p == '\n';
    return n;
}

static void test_print(void **state)
{
    (void)state;
    struct synth s;
    const char *dir = make(ranges, 0, &s);
    assert_int_equal(synth_run(command_print, text, sizeof(text), dir, NULL), STATUS_OK);
    has("       2    0.000000000 cpu0 [5]          mm 3   pte_range_new va=0 ");
    has(" [3 x P|W|U|A|D pfn=0x1-0x3, 2 x P|U|A|D pfn=0x9, 2 x 0, P|W|U|A|D pfn=0x7]\n");
    has(", 32 more]\n");
    has(" [3 x P|W|U|A|D pfn=0x1-0x3 -> P|U|A|D pfn=0x1-0x3]\n");
    assert_int_equal(synth_run(command_print, text, sizeof(text), dir, "--full", NULL), STATUS_OK);
    assert_null(strstr(text, " more]"));
    /* Address 0x64000 is in the second range, the table, the fault and the mapping; not in the others. */
    assert_int_equal(
        synth_run(command_print, text, sizeof(text), dir, "--va=0x64000-0x65000", NULL), 0);
    assert_int_equal(lines(), 4);
    assert_int_equal(synth_run(command_print, text, sizeof(text), dir, "-e", "pte_range", "-e",
                               "page_fault", NULL),
                     0);
    assert_int_equal(lines(), 2);
    assert_int_equal(
        synth_run(command_print, text, sizeof(text), dir, "--from=#2", "--to=#3", NULL), 0);
    assert_int_equal(lines(), 2);
    synth_remove(dir);
    dir = make(story, 0, &s);
    assert_int_equal(synth_run(command_print, text, sizeof(text), dir, "--call=2", NULL), 0);
    assert_int_equal(lines(), 5);
    has(" call 2 exec old_mm=3 comm=ls\n");
    /* 1 ms has passed when 2.5 million ticks have: the vfork's wait ends at 2 ms. */
    assert_int_equal(synth_run(command_print, text, sizeof(text), dir, "--to=1.9ms", NULL), 0);
    assert_int_equal(lines(), 6);
    synth_remove(dir);
}

/* What cannot be meant is an error, and a line. */
static void test_refused(void **state)
{
    (void)state;
    struct synth s;
    const char *dir = make(story, 0, &s);
    const struct {
        int (*command)(int, char **);
        const char *arg[5];
    } ask[] = {
        { command_call, { "0" } },
        { command_at, { "#0" } },
        { command_at, { "1000000000" } }, /* seconds since 1970: long before */
        { command_at, { "--pid=5", "--mm=3" } },
        { command_who_wrote, { "0x1000", "--pid=5", "--mm=3" } },
        { command_who_wrote, { "0x1000", "--pid=99" } },
        { command_diff, { "--pid=5", "--at=#5", "--at=#2" } },
        { command_diff, { "--call=1", "--call=2", "--at=#2" } },
        { command_diff, { dir, "--at=#2" } },
        { command_diff, { "--mm=3", "--at=1000000000", "--at=#2" } },
    };
    for (size_t i = 0; i < sizeof(ask) / sizeof(ask[0]); i++) {
        const char *const *a = ask[i].arg;
        pid_t child = fork(); /* a bad option ends the process */
        if (child == 0)
            _exit(synth_run(ask[i].command, text, sizeof(text), dir, a[0], a[1], a[2], a[3], NULL));
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        if (WEXITSTATUS(status) != STATUS_TROUBLE)
            fail_msg("question %zu: status %d", i, WEXITSTATUS(status));
    }
    synth_remove(dir);
}

/* Of a machine that has stopped there is one picture. */
static void test_live(void **state)
{
    (void)state;
    struct synth s;
    const char *dir = make(story, 0, &s);
    assert_int_equal(synth_run(command_live, text, sizeof(text), dir, NULL), STATUS_OK);
    has(": has stopped, 0.005");
    has("5 wait4          wait for ");
    assert_null(strstr(text, "sh[7]")); /* which was reaped */
    synth_remove(dir);
}

int main(void)
{
    argp_err_exit_status = STATUS_TROUBLE; /* as main.c has it */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocked),   cmocka_unit_test(test_call),
        cmocka_unit_test(test_who_wrote), cmocka_unit_test(test_who_wrote_shared),
        cmocka_unit_test(test_at),        cmocka_unit_test(test_diff),
        cmocka_unit_test(test_print),     cmocka_unit_test(test_live),
        cmocka_unit_test(test_refused),   cmocka_unit_test(test_at_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
