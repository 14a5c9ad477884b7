/* format.c - what an event looks like.
 *
 * The schema's tables say how to print a field; by name, a few get more: page
 * table entries become bits and a frame, clone flags and page-fault error codes
 * become names, arguments of system calls what their kind says. */
#include "vmm/trace/lib/format.h"

#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <string.h>

#include "shared/pte.h"
#include "vmm/trace/lib/syscalls.h"

struct bit_name {
    uint64_t bit;
    const char *name;
};

static const struct bit_name pte_bits[] = {
    { PTE_P, "P" },       { PTE_W, "W" },   { PTE_U, "U" },       { PTE_PWT, "PWT" },
    { PTE_PCD, "PCD" },   { PTE_A, "A" },   { PTE_D, "D" },       { PTE_PS, "PS" },
    { PTE_G, "G" },       { PTE_NX, "NX" }, { PTE_COW, "COW" },   { PTE_ANON, "ANON" },
    { PTE_MARK, "MARK" }, { PTE_WP, "WP" }, { PTE_LOST, "LOST" }, { 0, NULL },
};

static const struct bit_name fault_bits[] = {
    { 1, "present" }, { 2, "write" }, { 4, "user" }, { 8, "reserved" },
    { 16, "fetch" },  { 32, "pkey" }, { 0, NULL },
};

static const struct bit_name clone_bits[] = {
    { CLONE_VM, "VM" },
    { CLONE_FS, "FS" },
    { CLONE_FILES, "FILES" },
    { CLONE_SIGHAND, "SIGHAND" },
    { CLONE_PIDFD, "PIDFD" },
    { CLONE_PTRACE, "PTRACE" },
    { CLONE_VFORK, "VFORK" },
    { CLONE_PARENT, "PARENT" },
    { CLONE_THREAD, "THREAD" },
    { CLONE_NEWNS, "NEWNS" },
    { CLONE_SYSVSEM, "SYSVSEM" },
    { CLONE_SETTLS, "SETTLS" },
    { CLONE_PARENT_SETTID, "PARENT_SETTID" },
    { CLONE_CHILD_CLEARTID, "CHILD_CLEARTID" },
    { CLONE_DETACHED, "DETACHED" },
    { CLONE_UNTRACED, "UNTRACED" },
    { CLONE_CHILD_SETTID, "CHILD_SETTID" },
    { 0, NULL },
};

/* Set bits joined by "|"; what has no name is a number at the end. */
static void format_bits(FILE *out, uint64_t value, const struct bit_name *names)
{
    const char *bar = "";
    for (; names->name != NULL; names++) {
        if (value & names->bit) {
            fprintf(out, "%s%s", bar, names->name);
            bar = "|";
            value &= ~names->bit;
        }
    }
    if (value != 0 || *bar == '\0')
        fprintf(out, "%s%#" PRIx64, bar, value);
}

void format_pte(FILE *out, uint64_t entry)
{
    if (entry == 0) {
        fputc('0', out);
        return;
    }
    format_bits(out, entry & ~PTE_ADDR, pte_bits);
    fprintf(out, " pfn=%#" PRIx64, pte_frame(entry));
}

char *format_ns(char *buf, uint64_t ns)
{
    if (ns < 1000)
        sprintf(buf, "%" PRIu64 "ns", ns);
    else if (ns < 1000000)
        sprintf(buf, "%.2fus", (double)ns / 1e3);
    else if (ns < 1000000000)
        sprintf(buf, "%.2fms", (double)ns / 1e6);
    else
        sprintf(buf, "%.3fs", (double)ns / 1e9);
    return buf;
}

char *format_seconds(char *buf, uint64_t ns)
{
    sprintf(buf, "%" PRIu64 ".%09" PRIu64, ns / 1000000000, ns % 1000000000);
    return buf;
}

static uint64_t load_field(const struct trace_field *f, const uint8_t *at)
{
    uint64_t v = 0;
    memcpy(&v, at, f->size);
    if (f->kind == FIELD_SINT && f->size == 4)
        v = (uint64_t)(int64_t)(int32_t)v;
    return v;
}

bool field_value(const struct trace_event *e, const char *name, uint64_t *value)
{
    const uint8_t *at = e->fields;
    for (const struct trace_field *f = trace_class_of(e->id)->fields; f->name != NULL;
         at += f->size, f++) {
        if (strcmp(f->name, name) == 0 && f->kind != FIELD_CHARS && f->kind != FIELD_SEQ) {
            *value = load_field(f, at);
            return true;
        }
    }
    return false;
}

bool has_field(const struct trace_event *e, const char *name)
{
    const struct trace_field *f = trace_class_of(e->id)->fields;
    while (f->name != NULL && strcmp(f->name, name) != 0)
        f++;
    return f->name != NULL;
}

/* Control characters, quotes and bytes that may not be UTF-8 become '?': the
 * guest chose them, and they go to a terminal or into a JSON string. */
static void format_chars(FILE *out, const uint8_t *s, unsigned size)
{
    for (unsigned i = 0; i < size && s[i] != '\0'; i++)
        fputc(s[i] < ' ' || s[i] > '~' || s[i] == '"' || s[i] == '\\' ? '?' : s[i], out);
}

/* --- text ------------------------------------------------------------------------------ */

#define GROUPS_SHOWN 8

/* The i-th of a group whose first is a: a itself, or with frames that count up. */
static bool goes_on(uint64_t a, uint64_t b, uint64_t i, bool counts)
{
    return b == (counts ? a + (i << 12) : a);
}

/* How many changes from the first on make a group; *counts: which of them have frames in order. */
static uint32_t group_length(const struct trace_event *e, uint32_t first, bool counts[2])
{
    struct trace_change a = trace_change(e, first), b;
    uint32_t n = trace_changes(e) - first, i;
    counts[0] = counts[1] = false;
    if (n < 2)
        return n;
    b = trace_change(e, first + 1);
    counts[0] = b.old != a.old;
    counts[1] = b.new != a.new;
    for (i = 1; i < n; i++) {
        b = trace_change(e, first + i);
        if (!goes_on(a.old, b.old, i, counts[0]) || !goes_on(a.new, b.new, i, counts[1]))
            break;
    }
    if (i == 1)
        counts[0] = counts[1] = false;
    return i;
}

static void format_group(FILE *out, uint64_t entry, uint32_t n, bool counts)
{
    format_pte(out, entry);
    if (counts)
        fprintf(out, "-%#" PRIx64, pte_frame(entry) + n - 1);
}

/* The entries of a range, or pairs "old -> new". */
static void format_seq(FILE *out, const struct trace_event *e, unsigned most)
{
    bool counts[2];
    uint32_t n = 0;
    fputs(" [", out);
    for (uint32_t i = 0; i < trace_changes(e); i += n) {
        if (most-- == 0) {
            fprintf(out, ", %u more", trace_changes(e) - i);
            break;
        }
        struct trace_change c = trace_change(e, i);
        n = group_length(e, i, counts);
        fputs(i > 0 ? ", " : "", out);
        if (n > 1)
            fprintf(out, "%u x ", n);
        if (e->id != TRACE_EV_pte_range_new)
            format_group(out, c.old, n, counts[0]);
        if (e->id == TRACE_EV_pte_range)
            fputs(" -> ", out);
        if (e->id != TRACE_EV_pte_range_old)
            format_group(out, c.new, n, counts[1]);
    }
    fputc(']', out);
}

/* One side of a stepped range: the first entry, and how the frames go on. */
static void format_stepped(FILE *out, uint64_t first, uint32_t step, unsigned n)
{
    format_pte(out, first);
    if (step == 0 || n == 1)
        return;
    if (step % (1u << 12) != 0) { /* no step of ours changes bits */
        fprintf(out, " step=%#" PRIx32, step);
        return;
    }
    fprintf(out, "-%#" PRIx64, pte_frame(first + (uint64_t)(n - 1) * step));
    if (step >> 12 != 1)
        fprintf(out, " by %#" PRIx32, step >> 12);
}

static void format_step(FILE *out, const struct trace_ev_pte_range_step *f)
{
    fprintf(out, " [%u x ", f->n);
    format_stepped(out, f->old, f->old_step, f->n);
    fputs(" -> ", out);
    format_stepped(out, f->new, f->new_step, f->n);
    fputc(']', out);
}

static bool is_entry(const struct trace_field *f)
{
    return strcmp(f->name, "old") == 0 || strcmp(f->name, "new") == 0;
}

static void format_value(FILE *out, const struct trace_event *e, const struct trace_field *f,
                         const uint8_t *at)
{
    uint64_t v = load_field(f, at);
    const char *call;

    if (is_entry(f))
        format_pte(out, v);
    else if (f->kind == FIELD_ENUM)
        fputs(trace_value_name(f->type, (unsigned)v), out);
    else if (e->id == TRACE_EV_page_fault && strcmp(f->name, "error") == 0)
        format_bits(out, v, fault_bits);
    else if (e->id == TRACE_EV_clone && strcmp(f->name, "flags") == 0)
        format_bits(out, v & ~0xffull, clone_bits);
    else if (strcmp(f->name, "nr") == 0 && (call = syscall_name((unsigned)v)) != NULL)
        fputs(call, out);
    else if (f->kind == FIELD_HEX)
        fprintf(out, "%#" PRIx64, v);
    else if (f->kind == FIELD_SINT)
        fprintf(out, "%" PRId64, (int64_t)v);
    else
        fprintf(out, "%" PRIu64, v);
}

/* The call's arguments, as many as it takes and the event has. */
static void format_syscall(FILE *out, const struct trace_event *e)
{
    const struct trace_ev_syscall_enter *f = e->fields;
    const uint64_t arg[] = { f->a0, f->a1, f->a2 };
    const char *name = syscall_name(f->nr);
    if (name != NULL)
        fprintf(out, " nr=%s", name);
    else
        fprintf(out, " nr=%u", f->nr);
    for (unsigned i = 0; i < sizeof(arg) / sizeof(arg[0]) && i < syscall_args(f->nr); i++) {
        fprintf(out, " a%u=", i);
        syscall_format_arg(out, f->nr, i, arg[i]);
    }
}

static void format_groups(FILE *out, const struct trace_event *e, unsigned most)
{
    const uint8_t *at = e->fields;
    fputs(trace_class_of(e->id)->name, out);
    if (e->id == TRACE_EV_syscall_enter) {
        format_syscall(out, e);
        return;
    }
    for (const struct trace_field *f = trace_class_of(e->id)->fields; f->name != NULL;
         at += f->size, f++) {
        if (f->kind == FIELD_SEQ) {
            format_seq(out, e, most);
            continue;
        }
        if (e->id == TRACE_EV_pte_range_step && strcmp(f->name, "n") == 0) {
            format_step(out, e->fields);
            return;
        }
        fprintf(out, " %s=", f->name);
        if (f->kind == FIELD_CHARS)
            format_chars(out, at, f->size);
        else
            format_value(out, e, f, at);
    }
}

void format_event(FILE *out, const struct trace_event *e) { format_groups(out, e, GROUPS_SHOWN); }
void format_event_full(FILE *out, const struct trace_event *e) { format_groups(out, e, UINT_MAX); }

/* --- JSON ------------------------------------------------------------------------------- */

static void json_seq(FILE *out, const struct trace_event *e, const struct trace_field *f)
{
    fprintf(out, ",\"%s\":[", f->name);
    for (uint32_t i = 0; i < e->count; i++)
        fprintf(out, "%s\"%#" PRIx64 "\"", i > 0 ? "," : "", trace_word(e, i));
    fputc(']', out);
}

void format_event_json(FILE *out, const struct trace_event *e)
{
    const uint8_t *at = e->fields;
    for (const struct trace_field *f = trace_class_of(e->id)->fields; f->name != NULL;
         at += f->size, f++) {
        if (f->kind == FIELD_SEQ) {
            json_seq(out, e, f);
            continue;
        }
        fprintf(out, ",\"%s\":", f->name);
        if (f->kind == FIELD_CHARS) {
            fputc('"', out);
            format_chars(out, at, f->size);
            fputc('"', out);
            continue;
        }
        uint64_t v = load_field(f, at);
        if (f->kind == FIELD_ENUM)
            fprintf(out, "\"%s\"", trace_value_name(f->type, (unsigned)v));
        else if (f->kind == FIELD_HEX || f->size == 8)
            fprintf(out, f->kind == FIELD_HEX ? "\"%#" PRIx64 "\"" : "\"%" PRId64 "\"", v);
        else
            fprintf(out, "%" PRId64, (int64_t)v);
    }
}
