/* head.c - see head.h. */
#include "vmm/trace/report/head.h"

#include <stdlib.h>

#include "vmm/trace/cmd/verdicts.h"
#include "vmm/trace/lib/json.h"
#include "vmm/trace/lib/status.h"
#include "vmm/trace/lib/syscalls.h"

static void machine(struct json *j, const struct head *h)
{
    const struct trace_meta *m = trace_meta(h->trace);
    const struct story *s = h->story;
    uint64_t lost_events = 0, lost_packets = 0;
    for (unsigned i = 0; i < trace_stream_count(h->trace); i++) {
        lost_events += trace_stream(h->trace, i)->lost_events;
        lost_packets += trace_stream(h->trace, i)->lost_packets;
    }
    json_text(j, "dir", h->dir);
    json_count(j, "events", s->follow.event);
    json_count(j, "ns", s->now);
    json_count(j, "cpus", m->ncpus);
    json_text(j, "flavour", m->flavour);
    json_text(j, "kernel", m->kernel);
    json_text(j, "vmm", m->git_id);
    json_count(j, "kernel_ring", m->kernel_ring);
    json_count(j, "tsc_khz", m->tsc_khz);
    json_count(j, "lost_events", lost_events);
    json_count(j, "lost_packets", lost_packets);
    json_signed(j, "audit", m->audit);
    json_bool(j, "complete", !trace_has_gap(h->trace));
    json_bool(j, "stopped", m->stop_tsc != 0);
    json_text(j, "problem", trace_problem(h->trace) != NULL ? trace_problem(h->trace) : "");
}

static void schema(struct json *j)
{
    static const char *const kind[] = {
        [FIELD_UINT] = "uint", [FIELD_HEX] = "hex",     [FIELD_SINT] = "sint",
        [FIELD_ENUM] = "enum", [FIELD_CHARS] = "chars", [FIELD_SEQ] = "seq",
    };
    json_array(j, "classes");
    for (unsigned i = 0; i < trace_class_count; i++) {
        const struct trace_class *c = &trace_classes[i];
        json_row(j);
        json_count(j, "id", c->id);
        json_text(j, "name", c->name);
        json_array(j, "fields");
        for (const struct trace_field *f = c->fields; f->name != NULL; f++) {
            json_row(j);
            json_text(j, "name", f->name);
            json_text(j, "type", f->type);
            json_text(j, "kind", kind[f->kind]);
            json_count(j, "size", f->size);
            json_object_end(j);
        }
        json_array_end(j);
        json_object_end(j);
    }
    json_array_end(j);
    json_object(j, "lists");
    for (const struct trace_list *l = trace_lists; l->label != NULL; l++) {
        json_array(j, l->label);
        for (unsigned v = 0; v < l->count; v++)
            json_text(j, NULL, l->name[v] != NULL ? l->name[v] : "?");
        json_array_end(j);
    }
    json_array(j, "call_kind");
    for (unsigned k = 0; k < CALL_KINDS; k++)
        json_text(j, NULL, call_kind_names[k]);
    json_array_end(j);
    json_object_end(j);
}

static void syscalls(struct json *j, const struct story *s)
{
    char key[16];
    json_object(j, "syscalls");
    for (unsigned nr = 0; nr < sizeof(s->used_call); nr++) {
        if (!s->used_call[nr])
            continue;
        snprintf(key, sizeof(key), "%u", nr);
        json_array(j, key);
        json_text(j, NULL, syscall_name(nr) != NULL ? syscall_name(nr) : "");
        for (unsigned i = 0; i < syscall_args(nr); i++)
            json_text(j, NULL, syscall_arg_kind(nr, i));
        json_array_end(j);
    }
    json_object_end(j);
}

/* Nothing in it may end the element or open a comment, so '<' is written as an escape. */
void head_write(FILE *out, unsigned trace, const struct head *h)
{
    struct json j;
    char *text;
    size_t size;
    FILE *memory = need(open_memstream(&text, &size));
    json_begin(&j, memory);
    machine(&j, h);
    schema(&j);
    syscalls(&j, h->story);
    json_object(&j, "summary");
    summary_json(&j, h->calls, h->trace);
    json_object_end(&j);
    json_object(&j, "lint");
    lint_json(&j, h->lint, trace_meta(h->trace));
    json_object_end(&j);
    json_end(&j);
    if (fclose(memory) != 0)
        out_of_memory();
    fprintf(out, "<script type=\"application/json\" data-trace=\"%u\" data-table=\"head\">", trace);
    for (const char *c = text; *c != '\0'; c++)
        *c == '<' ? fputs("\\u003c", out) : fputc(*c, out);
    fputs("</script>\n", out);
    free(text);
}
