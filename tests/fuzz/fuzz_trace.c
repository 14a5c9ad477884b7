/* links: vmm/trace/lib/*.c vmm/trace/lint/*.c vmm/trace/cmd/common.c */
/* Two streams of anything: events come in order of time, as text and as JSON, into the replay, the
 * costs of calls and the lint; and what an open packet holds is inside it. */
#include "fuzz.h"

#include "vmm/trace/lib/calls.h"
#include "vmm/trace/lib/decode.h"
#include "vmm/trace/lib/format.h"
#include "vmm/trace/lib/replay.h"
#include "vmm/trace/lint/lint.h"

static void on_violation(void *arg, const struct replay_violation *v)
{
    (void)arg;
    fprintf(nowhere(), "%s %#lx", replay_fault_text(v->fault), (unsigned long)v->va);
}

static const void *page(void *arg, uint32_t pfn)
{
    static uint64_t zeros[PT_SLOTS];
    (void)arg;
    return pfn % 4 != 0 ? zeros : NULL;
}

static void read_events(struct trace *t)
{
    static struct calls calls;
    struct replay *r = replay_new(on_violation, NULL);
    const struct trace_event *e;
    uint64_t last = 0;
    if (r == NULL)
        abort();
    calls_init(&calls);
    while ((e = trace_next(t)) != NULL) {
        MUST(e->tsc >= last);
        last = e->tsc;
        format_event(nowhere(), e);
        format_event_json(nowhere(), e);
        if (replay_event(r, e) != 0)
            abort();
        calls_event(&calls, e);
    }
    replay_compare(r, page, NULL, NULL);
    calls_end(&calls);
    calls_free(&calls);
    replay_free(r);
}

static void run(const struct trace_slice *slice, bool lints)
{
    static struct lint_result result;
    struct trace *t;
    if (trace_open_slices(&t, slice, 2, true) != 0)
        abort();
    if (lints)
        MUST(lint_run(t, &result) == 0);
    else
        read_events(t);
    trace_close(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct trace_tail tail;
    size_t first = size > 2 ? (size_t)(data[size - 1] << 8 | data[size - 2]) : size;
    if (first > size)
        first = size;
    uint8_t *a = copy_of(data, first), *b = copy_of(data + first, size - first);
    struct trace_slice slice[2] = {
        { .at = a, .size = first, .cpu = 0 },
        { .at = b, .size = size - first, .cpu = 1 },
    };
    run(slice, false);
    run(slice, true);
    if (first >= sizeof(struct trace_packet)) {
        trace_find_tail(a, first, 0, &tail);
        MUST(tail.content <= first);
    }
    free(a);
    free(b);
    return 0;
}
