/* links: tests/unit/trace_synth.c vmm/tracer.c vmm/say.c vmm/trace/lib/schema.c vmm/trace/lib/metadata.c vmm/trace/lib/decode.c vmm/trace/lib/reader.c */
/* What goes in through a window comes out of the reader, in order of time and
 * complete: over many packets, several CPUs, an abrupt end, and hostile bytes.
 * babeltrace2, the judge of the format, reads the same number of events and
 * says nothing on stderr. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "trace_synth.h"
#include "vmm/trace/lib/decode.h"
#include "vmm/trace/lib/reader.h"

/* Reads all of a trace; checks the order; the number of events. */
static uint64_t read_all(const char *dir, char *problem)
{
    struct trace *t;
    char err[512];
    const struct trace_event *e;
    uint64_t n = 0, last = 0;
    if (trace_open(&t, dir, err, sizeof(err)) != 0)
        fail_msg("%s", err);
    for (; (e = trace_next(t)) != NULL; n++) {
        assert_true(e->tsc >= last);
        last = e->tsc;
    }
    problem[0] = '\0';
    if (trace_problem(t) != NULL)
        strcpy(problem, trace_problem(t));
    trace_close(t);
    return n;
}

/* Lines that babeltrace2 prints; it must succeed and not complain. */
static uint64_t babeltrace(const char *dir)
{
    char command[256], line[65536];
    snprintf(command, sizeof(command), "babeltrace2 %s 2>%s/.err", dir, dir);
    FILE *f = popen(command, "r");
    uint64_t n = 0;
    while (fgets(line, sizeof(line), f) != NULL)
        n++;
    assert_int_equal(pclose(f), 0);
    struct stat st;
    snprintf(command, sizeof(command), "%s/.err", dir);
    assert_int_equal(stat(command, &st), 0);
    assert_int_equal(st.st_size, 0);
    return n;
}

static void one_of_each(struct synth *s)
{
    uint64_t words[4] = { 0x1067, 0x2067, 0, 0x8000000000003025 };
    for (unsigned i = 0; i < trace_class_count; i++) {
        const struct trace_class *c = &trace_classes[i];
        uint8_t fields[256] = { 0 };
        if (is_pte_event(c->id))
            fields[offsetof(struct trace_ev_pte_write, level)] = PT_LEVEL_PTE;
        if (c->id == TRACE_EV_table_alloc || c->id == TRACE_EV_table_free)
            fields[offsetof(struct trace_ev_table_alloc, level)] = PT_LEVEL_PMD;
        if (c->has_seq)
            fields[c->size - 2] = 4;
        synth_event(s, c->id, 7, fields, c->size, words, c->has_seq ? 4 : 0);
    }
}

static void test_round_trip(void **state)
{
    (void)state;
    const char *dir = synth_dir();
    struct tracer *t = synth_tracer(dir, 3);
    struct synth s[2];
    char problem[256];
    assert_non_null(t);
    for (unsigned i = 0; i < 2; i++) {
        synth_start(&s[i], t, i, 5000 + i);
        s[i].pid = 10 + i;
    }
    for (unsigned round = 0; round < 20000; round++) {
        struct synth *x = &s[round % 3 == 0];
        x->tsc += round % 1000 == 0 ? 1ull << 28 : 100;
        if (round % 50 == 0)
            one_of_each(x);
        synth_write(x, 3, 77, round % 512, PT_LEVEL_PTE, PT_demand_zero, 0, 0x67);
        if (round % 777 == 0)
            synth_doorbell(x);
    }
    synth_doorbell(&s[0]);
    synth_doorbell(&s[1]);
    assert_int_equal(tracer_finish(t), 0);
    tracer_destroy(t);
    assert_int_equal(read_all(dir, problem), s[0].events + s[1].events);
    assert_string_equal(problem, "");
    assert_int_equal(babeltrace(dir), s[0].events + s[1].events);
    synth_remove(dir);
}

/* Without a last doorbell, finish finds the whole events; a torn one, whose
 * header is not there yet, is left out. */
static void test_finish_finds_tail(void **state)
{
    (void)state;
    const char *dir = synth_dir();
    struct tracer *t = synth_tracer(dir, 1);
    struct synth s;
    char problem[256];
    synth_start(&s, t, 0, 1ull << 40);
    for (unsigned i = 0; i < 100; i++)
        synth_write(&s, 3, 77, i, PT_LEVEL_PTE, PT_demand_zero, 0, 0x67);
    memset(s.window + s.at + 4, 0x11, 40);
    assert_int_equal(tracer_finish(t), 0);
    assert_int_equal(tracer_doorbell(t, 0, 200, 0, 0), -EINVAL);
    tracer_destroy(t);
    assert_int_equal(read_all(dir, problem), 100);
    assert_int_equal(babeltrace(dir), 100);
    synth_remove(dir);
}

/* A tracer that is never finished, as when the VMM is killed: what was closed
 * reads cleanly in any reader, and ours finds what is in the open packet, too. */
static void test_killed(void **state)
{
    (void)state;
    const char *dir = synth_dir();
    struct tracer *t = synth_tracer(dir, 2);
    struct synth s;
    char problem[256];
    synth_start(&s, t, 0, 1000);
    for (unsigned i = 0; i < 9000; i++)
        synth_write(&s, 3, 77, i % 512, PT_LEVEL_PTE, PT_demand_zero, 0, 0x67);
    synth_doorbell(&s);
    synth_write(&s, 3, 77, 5, PT_LEVEL_PTE, PT_demand_zero, 0, 0x67);
    assert_int_equal(read_all(dir, problem), 9001);
    assert_string_equal(problem, "");
    assert_int_equal(babeltrace(dir), 9000);
    tracer_destroy(t);
    synth_remove(dir);
}

/* The guest may lie at the doorbell and write over the header. */
static void test_lying_guest(void **state)
{
    (void)state;
    const char *dir = synth_dir();
    struct tracer *t = synth_tracer(dir, 1);
    struct synth s;
    char problem[256];
    synth_start(&s, t, 0, 1000);
    assert_int_equal(tracer_doorbell(t, 1, 200, 0, 0), -EINVAL);
    assert_int_equal(tracer_doorbell(t, 0, 83, 0, 0), -EINVAL);
    assert_int_equal(tracer_doorbell(t, 0, TRACE_WINDOW_BYTES + 1, 0, 0), -EINVAL);
    assert_int_equal(tracer_doorbell(t, 0, UINT64_MAX, 0, 0), -EINVAL);
    for (unsigned i = 0; i < 2; i++) {
        synth_write(&s, 3, 77, 5, PT_LEVEL_PTE, PT_demand_zero, 0, 0x67);
        memset(s.window, 0xff, sizeof(struct trace_packet));
        synth_doorbell(&s);
    }
    s.tsc = 10; /* back in time: the packet is refused by the reader */
    synth_write(&s, 3, 77, 5, PT_LEVEL_PTE, PT_demand_zero, 0, 0x67);
    synth_doorbell(&s);
    assert_int_equal(tracer_finish(t), 0);
    tracer_destroy(t);
    assert_int_equal(read_all(dir, problem), 2);
    assert_non_null(strstr(problem, "no valid event"));
    synth_remove(dir);
}

/* Events that name slots or levels that no table has: each ends its stream, since
 * whoever gets an event relies on them. */
static void impossible(struct synth *s, unsigned kind)
{
    static const uint64_t words[4] = { 0, 0x67, 0, 0x67 };
    struct trace_ev_pte_range r = { .first = 510, .level = PT_LEVEL_PTE };
    struct trace_ev_pte_range_step step = { .first = 500, .level = PT_LEVEL_PTE, .n = 13 };
    struct trace_ev_table_alloc a = { .level = 5 };
    switch (kind) {
    case 0: synth_write(s, 3, 77, 512, PT_LEVEL_PTE, PT_demand_zero, 0, 0x67); break;
    case 1: synth_write(s, 3, 77, 5, 0, PT_demand_zero, 0, 0x67); break;
    case 2:
        r.first = 511;
        r.len = 4;
        synth_event(s, TRACE_EV_pte_range, 3, &r, sizeof(r), words, 4);
        break;
    case 3:
        r.len = 3;
        synth_event(s, TRACE_EV_pte_range_new, 3, &r, sizeof(r), words, 3);
        break;
    case 4:
        r.len = 3;
        synth_event(s, TRACE_EV_pte_range_old, 3, &r, sizeof(r), words, 3);
        break;
    case 5: synth_event(s, TRACE_EV_pte_range_step, 3, &step, sizeof(step), NULL, 0); break;
    case 6: synth_event(s, TRACE_EV_table_alloc, 3, &a, sizeof(a), NULL, 0); break;
    case 7: synth_event(s, TRACE_EV_table_free, 3, &a, sizeof(a), NULL, 0); break;
    }
}

static void test_impossible_slots(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 8; kind++) {
        const char *dir = synth_dir();
        struct tracer *t = synth_tracer(dir, 1);
        struct synth s;
        char problem[256];
        synth_start(&s, t, 0, 1000);
        synth_write(&s, 3, 77, 5, PT_LEVEL_PTE, PT_demand_zero, 0, 0x67);
        impossible(&s, kind);
        synth_write(&s, 3, 77, 5, PT_LEVEL_PTE, PT_demand_zero, 0, 0x67);
        synth_doorbell(&s);
        assert_int_equal(tracer_finish(t), 0);
        tracer_destroy(t);
        assert_int_equal(read_all(dir, problem), 1);
        assert_non_null(strstr(problem, "no valid event"));
        synth_remove(dir);
    }
}

/* No room for the next packet: the doorbell fails, the guest must stop; what it
 * had written is all in the trace.  The limit on file size plays the full disk. */
static void test_disk_full(void **state)
{
    (void)state;
    const char *dir = synth_dir();
    struct tracer *t = synth_tracer(dir, 1);
    struct synth s;
    char problem[256];
    struct rlimit old, small = { 2 * TRACE_WINDOW_BYTES, RLIM_INFINITY };
    synth_start(&s, t, 0, 1000);
    getrlimit(RLIMIT_FSIZE, &old);
    small.rlim_max = old.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    for (unsigned i = 0; i < 5000; i++)
        synth_write(&s, 3, 77, i % 512, PT_LEVEL_PTE, PT_demand_zero, 0, 0x67);
    synth_doorbell(&s);
    for (unsigned i = 0; i < 5000; i++)
        synth_write(&s, 3, 77, i % 512, PT_LEVEL_PTE, PT_demand_zero, 0, 0x67);
    assert_int_equal(tracer_doorbell(t, 0, s.at, s.first, s.last), -EFBIG);
    assert_int_equal(tracer_finish(t), 0);
    setrlimit(RLIMIT_FSIZE, &old);
    tracer_destroy(t);
    assert_int_equal(read_all(dir, problem), 10000);
    assert_string_equal(problem, "");
    assert_int_equal(babeltrace(dir), 10000);
    synth_remove(dir);
}

/* Something else in the directory: refused before anything is written. */
static void test_stray_file(void **state)
{
    (void)state;
    const char *dir = synth_dir();
    char path[128];
    snprintf(path, sizeof(path), "%s/notes", dir);
    close(open(path, O_CREAT | O_WRONLY, 0600));
    assert_null(synth_tracer(dir, 1));
    unlink(path);
    snprintf(path, sizeof(path), "%s/.hidden", dir);
    close(open(path, O_CREAT | O_WRONLY, 0600));
    struct tracer *t = synth_tracer(dir, 1);
    assert_non_null(t);
    assert_null(synth_tracer(dir, 1)); /* it holds a trace now */
    tracer_destroy(t);
    synth_remove(dir);
}

/* Any bytes at all: the reader ends, and stays inside its buffers. */
static void test_mutations(void **state)
{
    (void)state;
    const char *dir = synth_dir();
    struct tracer *t = synth_tracer(dir, 1);
    struct synth s;
    synth_start(&s, t, 0, 1000);
    for (unsigned i = 0; i < 20; i++) {
        one_of_each(&s);
        synth_doorbell(&s);
    }
    assert_int_equal(tracer_finish(t), 0);
    tracer_destroy(t);
    char path[128];
    snprintf(path, sizeof(path), "%s/cpu0", dir);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    size_t size = (size_t)st.st_size;
    uint8_t *good = malloc(size);
    int fd = open(path, O_RDONLY);
    assert_int_equal(read(fd, good, size), (ssize_t)size);
    close(fd);

    srand(7);
    for (unsigned round = 0; round < 3000; round++) {
        size_t cut = round % 3 == 0 ? (size_t)rand() % size : size;
        uint8_t *bad = malloc(cut); /* exact: the sanitizer sees the end */
        memcpy(bad, good, cut);
        for (unsigned i = (unsigned)rand() % 8; i > 0 && cut > 0; i--) {
            size_t packet = (size_t)rand() % (cut / 4096 + 1) * 4096;
            size_t at = packet + (size_t)rand() % 1200;
            if (at < cut)
                bad[at] = (uint8_t)(rand() % 3 == 0 ? 0xff : rand());
        }
        struct trace_slice slice = { bad, cut, 0 };
        struct trace *r;
        const struct trace_event *e;
        assert_int_equal(trace_open_slices(&r, &slice, 1, round % 2 == 0), 0);
        while ((e = trace_next(r)) != NULL)
            for (uint32_t i = 0; i < e->count; i++)
                (void)*(volatile const uint8_t *)(e->seq + 8 * i);
        trace_close(r);
        struct trace_tail tail;
        trace_find_tail(bad, cut < TRACE_WINDOW_BYTES ? cut : TRACE_WINDOW_BYTES, 0, &tail);
        free(bad);
    }
    free(good);
    synth_remove(dir);
}

/* A stray file, no metadata, another schema: a message, no trace. */
static void test_refused(void **state)
{
    (void)state;
    struct trace *t;
    char err[512];
    assert_int_equal(trace_open(&t, "/nonexistent", err, sizeof(err)), -1);
    const char *dir = synth_dir();
    assert_int_equal(trace_open(&t, dir, err, sizeof(err)), -1);
    assert_non_null(strstr(err, "holds no trace"));
    synth_remove(dir);
}

/* The order of vCPUs and PIDs in what a command prints. */
static unsigned read_order(const char *command, const char *format, uint32_t *order, unsigned max)
{
    char line[1024];
    unsigned cpu, pid, n = 0;
    FILE *f = popen(command, "r");
    while (fgets(line, sizeof(line), f) != NULL)
        if (n < max && sscanf(strstr(line, "cpu_id"), format, &cpu, &pid) == 2)
            order[n++] = cpu << 16 | pid;
    assert_int_equal(pclose(f), 0);
    return n;
}

/* Three vCPUs whose events come in the same nanosecond, or nearly: always the same
 * order, each vCPU's own kept, and babeltrace2's. */
static void test_merge(void **state)
{
    (void)state;
    enum { EVENTS = 3000 };
    static uint32_t theirs[EVENTS];
    const char *dir = synth_dir();
    struct tracer *tracer = synth_tracer(dir, 3);
    struct synth s[3];
    char command[128], err[512];
    struct trace *t;

    srand(7);
    for (unsigned cpu = 0; cpu < 3; cpu++)
        synth_start(&s[cpu], tracer, cpu, 1000);
    for (uint32_t n = 0; n < EVENTS; n++) {
        struct synth *to = &s[rand() % 3];
        if (to->tsc < 1000 + 2 * n)
            to->tsc = 1000 + 2 * n + (uint64_t)(rand() % 3);
        to->pid = n;
        if (n % 100 == 0)
            synth_doorbell(to);
        SYNTH(to, switch, 0, .next_pid = n);
    }
    assert_int_equal(tracer_finish(tracer), 0);
    tracer_destroy(tracer);

    snprintf(command, sizeof(command), "babeltrace2 %s", dir);
    assert_int_equal(read_order(command, "cpu_id = %u }, { pid = %u", theirs, EVENTS), EVENTS);
    assert_int_equal(trace_open(&t, dir, err, sizeof(err)), 0);
    for (unsigned i = 0; i < EVENTS; i++) {
        const struct trace_event *e = trace_next(t);
        assert_int_equal(e->cpu << 16 | e->pid, theirs[i]);
    }
    assert_null(trace_next(t));
    assert_false(trace_has_gap(t));
    trace_close(t);
    synth_remove(dir);
}

static void test_metadata(void **state)
{
    (void)state;
    struct trace_meta m = { .tsc_khz = 2500000, .ncpus = 4, .schema = trace_schema_hash() }, back;
    m.cpu[2].tsc_found = INT64_MIN;
    m.cpu[3].tsc_error = -1;
    m.stop_tsc = INT64_MAX;
    char text[32768] = "";
    trace_meta_set_wall(&m, 1700000001500000000ull, 2500000000ull);
    assert_int_equal(m.offset_s, 1700000000);
    assert_int_equal(m.offset, 1250000000);
    strcpy(m.flavour, "svm, NPT");
    strcpy(m.kernel, "a \"quoted\" name");
    m.uuid[3] = 0xab;
    FILE *f = fmemopen(text, sizeof(text), "w");
    trace_meta_write(f, &m);
    fclose(f);
    assert_int_equal(trace_meta_parse(&back, text), 0);
    assert_string_equal(back.kernel, "a ?quoted? name");
    strcpy(back.kernel, m.kernel);
    for (unsigned cpu = 0; cpu < 4; cpu++)
        back.cpu[cpu].at = m.cpu[cpu].at; /* the writer's alone */
    back.stop_at = m.stop_at;
    back.audit_at = m.audit_at;
    assert_true(back.known);
    back.known = m.known;
    assert_memory_equal(&m, &back, sizeof(m));
    assert_int_equal(trace_meta_parse(&back, "/* CTF 1.8 */ trace {}"), -1);
}

/* The metadata of a trace that another version made: one word of it replaced, and the hash. */
static bool is_known_with(const char *from, const char *to)
{
    static char text[32768], other[32768];
    struct trace_meta m = { .tsc_khz = 1000, .ncpus = 1, .schema = 1 }, back;
    FILE *f = fmemopen(text, sizeof(text), "w");
    trace_meta_write(f, &m);
    fclose(f);
    const char *at = strstr(text, from);
    assert_non_null(at);
    snprintf(other, sizeof(other), "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    assert_int_equal(trace_meta_parse(&back, other), 0);
    return back.known;
}

/* Less than today is known; what is other than today is not. */
static void test_versions(void **state)
{
    (void)state;
    assert_true(is_known_with("ncpus", "ncpus"));
    assert_true(is_known_with(", \"mkwrite\" = 19", ""));
    assert_true(
        is_known_with("event { id = 17; stream_id = 0; name = \"reap\";\n"
                      "\tfields := struct {\n\t\tu32_t child;\n\t\ts32_t status;\n\t};\n};\n",
                      ""));
    assert_false(is_known_with("\"mkwrite\" = 19", "\"mkwrite\" = 29"));
    assert_false(is_known_with("\"mkwrite\" = 19", "\"mkwrote\" = 19"));
    assert_false(is_known_with("} := pt_reason_t", "} := pt_excuse_t"));
    assert_false(is_known_with("id = 17", "id = 57"));
    assert_false(is_known_with("u32_t child;", "u64_t child;"));
    assert_false(is_known_with("u32_t child;", "u32_t child;\n\t\tu32_t more;"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),       cmocka_unit_test(test_finish_finds_tail),
        cmocka_unit_test(test_killed),           cmocka_unit_test(test_lying_guest),
        cmocka_unit_test(test_impossible_slots), cmocka_unit_test(test_disk_full),
        cmocka_unit_test(test_stray_file),       cmocka_unit_test(test_mutations),
        cmocka_unit_test(test_refused),          cmocka_unit_test(test_metadata),
        cmocka_unit_test(test_versions),         cmocka_unit_test(test_merge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
