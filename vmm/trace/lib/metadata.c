/* metadata.c - the text that tells CTF readers how a stream is laid out.
 *
 * The types and events come from the schema's tables, so that the text cannot
 * disagree with the structures.  What stands here by hand is the frame: packet
 * header and context (struct trace_packet), event header and context, clock,
 * environment.  babeltrace2 insists on the first bytes, on types before use
 * and on quotes around enumerators such as "new" only by habit: all are quoted.
 *
 * Reading back is not a TSDL parser.  It finds `name = value;` lines that the
 * writer made, which is all that vmm-trace needs: the rest it has compiled in,
 * and env.schema says whether that is the same. */
#include "vmm/trace/lib/metadata.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "shared/hypercall.h"
#include "vmm/trace/lib/schema.h"

void trace_meta_set_wall(struct trace_meta *m, uint64_t wall_ns, uint64_t tsc)
{
    unsigned __int128 uptime = (unsigned __int128)tsc * 1000000 / m->tsc_khz;
    uint64_t zero_ns = wall_ns > uptime ? wall_ns - (uint64_t)uptime : 0;
    m->offset_s = zero_ns / 1000000000;
    m->offset = (uint64_t)((unsigned __int128)(zero_ns % 1000000000) * m->tsc_khz / 1000000);
}

static void write_uuid(FILE *out, const uint8_t *u)
{
    for (unsigned i = 0; i < 16; i++)
        fprintf(out, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", u[i]);
}

/* A file name may hold anything; in the text it is printable and has no quote. */
static void write_string(FILE *out, const char *s)
{
    fputc('"', out);
    for (; *s != '\0'; s++)
        fputc(*s < ' ' || *s == '"' || *s == '\\' || *s == 0x7f ? '?' : *s, out);
    fputc('"', out);
}

static const char types_text[] =
    "typealias integer { size = 5;  align = 1; signed = false; } := uint5_t;\n"
    "typealias integer { size = 8;  align = 8; signed = false; } := u8_t;\n"
    "typealias integer { size = 16; align = 8; signed = false; } := u16_t;\n"
    "typealias integer { size = 32; align = 8; signed = false; } := u32_t;\n"
    "typealias integer { size = 64; align = 8; signed = false; } := u64_t;\n"
    "typealias integer { size = 32; align = 8; signed = true;  } := s32_t;\n"
    "typealias integer { size = 64; align = 8; signed = true;  } := s64_t;\n"
    "typealias integer { size = 32; align = 8; signed = false; base = hex; } := hex32_t;\n"
    "typealias integer { size = 64; align = 8; signed = false; base = hex; } := hex64_t;\n"
    "typealias integer { size = 8;  align = 8; signed = false; encoding = UTF8; } := char_t;\n\n";

static const char trace_text[] = "\tbyte_order = le;\n"
                                 "\tpacket.header := struct {\n"
                                 "\t\tu32_t magic;\n\t\tu8_t uuid[16];\n\t\tu32_t stream_id;\n"
                                 "\t\tu64_t stream_instance_id;\n\t};\n};\n\n";

static const char stream_text[] =
    "typealias integer { size = 27; align = 1; signed = false; map = clock.guest_tsc.value; }"
    " := tsc27_t;\n"
    "typealias integer { size = 64; align = 8; signed = false; map = clock.guest_tsc.value; }"
    " := tsc64_t;\n\n"
    "struct event_header {\n"
    "\tenum : uint5_t { compact = 0 ... 30, extended = 31 } id;\n"
    "\tvariant <id> {\n"
    "\t\tstruct { tsc27_t timestamp; } compact;\n"
    "\t\tstruct { u32_t id; tsc64_t timestamp; } extended;\n"
    "\t} v;\n} align(8);\n\n"
    "stream {\n\tid = 0;\n"
    "\tpacket.context := struct {\n"
    "\t\ttsc64_t timestamp_begin;\n\t\ttsc64_t timestamp_end;\n\t\tu64_t content_size;\n"
    "\t\tu64_t packet_size;\n\t\tu64_t packet_seq_num;\n\t\tu64_t events_discarded;\n"
    "\t\tu32_t cpu_id;\n\t};\n"
    "\tevent.header := struct event_header;\n"
    "\tevent.context := struct { u32_t pid; u32_t mm; };\n};\n\n";

size_t trace_meta_cpu(const struct trace_meta *m, unsigned cpu, char text[TRACE_META_CPU_BYTES])
{
    return (size_t)snprintf(text, TRACE_META_CPU_BYTES,
                            "\tcpu%u_tsc_found = %20" PRId64 ";\n"
                            "\tcpu%u_tsc_error = %20" PRId64 ";\n",
                            cpu, m->cpu[cpu].tsc_found, cpu, m->cpu[cpu].tsc_error);
}

size_t trace_meta_stop(const struct trace_meta *m, char text[TRACE_META_CPU_BYTES])
{
    return (size_t)snprintf(text, TRACE_META_CPU_BYTES,
                            "\tstop_tsc = %20" PRIu64 ";\n\taudit_violations = %20" PRId64 ";\n",
                            m->stop_tsc, m->audit);
}

size_t trace_meta_audit(const struct trace_meta *m, char text[TRACE_META_CPU_BYTES])
{
    return (size_t)snprintf(text, TRACE_META_CPU_BYTES, "\taudit = \"%-*s\";\n",
                            (int)sizeof(m->verdict) - 1, m->verdict);
}

static void write_audit(FILE *out, struct trace_meta *m)
{
    char text[TRACE_META_CPU_BYTES];
    long at = ftell(out);
    m->audit_at = at > 0 ? (uint64_t)at : 0;
    fwrite(text, 1, trace_meta_audit(m, text), out);
}

static void write_stop(FILE *out, struct trace_meta *m)
{
    char text[TRACE_META_CPU_BYTES];
    long at = ftell(out);
    m->stop_at = at > 0 ? (uint64_t)at : 0;
    fwrite(text, 1, trace_meta_stop(m, text), out);
}

static void write_cpus(FILE *out, struct trace_meta *m)
{
    char text[TRACE_META_CPU_BYTES];
    for (unsigned cpu = 0; cpu < m->ncpus; cpu++) {
        fprintf(out, "\tcpu%u_tsc_offset = %" PRId64 ";\n", cpu, m->cpu[cpu].tsc_offset);
        long at = ftell(out);
        m->cpu[cpu].at = at > 0 ? (uint64_t)at : 0;
        fwrite(text, 1, trace_meta_cpu(m, cpu, text), out);
    }
}

static void write_env(FILE *out, struct trace_meta *m)
{
    fprintf(out,
            "env {\n\thostname = \"guest\";\n\tdomain = \"guest-kernel\";\n"
            "\ttracer_name = \"vmm\";\n\ttracer_major = 1;\n\ttracer_minor = 0;\n"
            "\tabi_version = %u;\n\tncpus = %" PRIu64 ";\n\ttsc_khz = %" PRIu64 ";\n"
            "\tpt_levels = %u;\n\tpage_shift = 12;\n\tschema = \"%016" PRIx64 "\";\n",
            HC_ABI_VERSION, m->ncpus, m->tsc_khz, (unsigned)PT_LEVEL_PGD, m->schema);
    fputs("\tkvm_flavour = ", out);
    write_string(out, m->flavour);
    fprintf(out, ";\n\tkernel_ring = %" PRIu64, m->kernel_ring);
    fputs(";\n\tgit_id = ", out);
    write_string(out, m->git_id);
    fputs(";\n\tkernel = ", out);
    write_string(out, m->kernel);
    fprintf(out, ";\n\tram_end = %" PRIu64 ";\n", m->ram_end);
    write_stop(out, m);
    write_audit(out, m);
    write_cpus(out, m);
    fputs("};\n\n", out);
}

static void write_clock(FILE *out, const struct trace_meta *m)
{
    fprintf(out,
            "clock {\n\tname = guest_tsc;\n"
            "\tdescription = \"guest TSC, one clock for all vCPUs\";\n"
            "\tfreq = %" PRIu64 ";\n\tprecision = 0;\n\toffset_s = %" PRIu64 ";\n"
            "\toffset = %" PRIu64 ";\n\tabsolute = FALSE;\n};\n\n",
            m->tsc_khz * 1000, m->offset_s, m->offset);
}

static void write_lists(FILE *out)
{
    for (const struct trace_list *l = trace_lists; l->label != NULL; l++) {
        fputs("typealias enum : u8_t {", out);
        const char *comma = "";
        for (unsigned v = 0; v < l->count; v++) {
            if (l->name[v] == NULL)
                continue;
            fprintf(out, "%s \"%s\" = %u", comma, l->name[v], v);
            comma = ",";
        }
        fprintf(out, " } := %s_t;\n", l->label);
    }
    fputc('\n', out);
}

static void write_class(FILE *out, const struct trace_class *c)
{
    fprintf(out, "event { id = %u; stream_id = 0; name = \"%s\";\n\tfields := struct {\n", c->id,
            c->name);
    for (const struct trace_field *f = c->fields; f->name != NULL; f++) {
        if (f->kind == FIELD_CHARS)
            fprintf(out, "\t\tchar_t %s[%u];\n", f->name, f->size);
        else
            fprintf(out, "\t\t%s_t %s%s;\n", f->type, f->name, f->kind == FIELD_SEQ ? "[len]" : "");
    }
    fputs("\t};\n};\n", out);
}

void trace_meta_write(FILE *out, struct trace_meta *m)
{
    fputs("/* CTF 1.8 */\n\n", out);
    fputs(types_text, out);
    fputs("trace {\n\tmajor = 1;\n\tminor = 8;\n\tuuid = \"", out);
    write_uuid(out, m->uuid);
    fputs("\";\n", out);
    fputs(trace_text, out);
    write_env(out, m);
    write_clock(out, m);
    write_lists(out);
    fputs(stream_text, out);
    for (unsigned i = 0; i < trace_class_count; i++)
        write_class(out, &trace_classes[i]);
}

/* --- reading back ----------------------------------------------------------------- */

/* The text after "\tname = ", or NULL. */
static const char *value_of(const char *text, const char *name)
{
    char key[40];
    snprintf(key, sizeof(key), "\n\t%s = ", name);
    const char *at = strstr(text, key);
    return at != NULL ? at + strlen(key) : NULL;
}

static int read_number(const char *text, const char *name, uint64_t *value)
{
    const char *at = value_of(text, name);
    if (at == NULL || *at < '0' || *at > '9')
        return -1;
    char *end;
    *value = strtoull(at, &end, 10);
    return *end == ';' ? 0 : -1;
}

static int read_signed(const char *text, const char *name, int64_t *value)
{
    const char *at = value_of(text, name);
    if (at == NULL)
        return -1;
    char *end;
    *value = strtoll(at, &end, 10); /* past the blanks before the number */
    return end != at && *end == ';' ? 0 : -1;
}

static int read_cpus(const char *text, struct trace_meta *m)
{
    int bad = m->ncpus > TRACE_CPUS_MAX;
    for (unsigned cpu = 0; !bad && cpu < m->ncpus; cpu++) {
        char name[32];
        snprintf(name, sizeof(name), "cpu%u_tsc_offset", cpu);
        const char *own = value_of(text, name);
        if (own == NULL)
            return -1;
        own -= strlen(name) + 5; /* its lines stand together */
        bad |= read_signed(own, name, &m->cpu[cpu].tsc_offset);
        snprintf(name, sizeof(name), "cpu%u_tsc_found", cpu);
        bad |= read_signed(own, name, &m->cpu[cpu].tsc_found);
        snprintf(name, sizeof(name), "cpu%u_tsc_error", cpu);
        bad |= read_signed(own, name, &m->cpu[cpu].tsc_error);
    }
    return bad ? -1 : 0;
}

static int read_string(const char *text, const char *name, char *to, size_t size)
{
    const char *at = value_of(text, name);
    if (at == NULL || *at++ != '"')
        return -1;
    const char *end = strchr(at, '"');
    if (end == NULL)
        return -1;
    size_t n = (size_t)(end - at) < size - 1 ? (size_t)(end - at) : size - 1;
    memcpy(to, at, n);
    to[n] = '\0';
    return 0;
}

static int read_uuid(const char *text, uint8_t *uuid)
{
    char s[64];
    if (read_string(text, "uuid", s, sizeof(s)) != 0)
        return -1;
    unsigned digits = 0;
    for (const char *p = s; *p != '\0'; p++) {
        const char *hex = "0123456789abcdef";
        const char *at = strchr(hex, *p);
        if (*p == '-')
            continue;
        if (at == NULL || digits == 32)
            return -1;
        unsigned v = (unsigned)(at - hex);
        uuid[digits / 2] = (uint8_t)(digits % 2 == 0 ? v << 4 : uuid[digits / 2] | v);
        digits++;
    }
    return digits == 32 ? 0 : -1;
}

/* --- is it a trace that we can read? ------------------------------------------------- */

/* All that a list of the trace has, ours must have with the same value: line has ours. */
static bool same_values(const char *list, const char *end, const char *line)
{
    const char *at = strchr(list, '"');
    while (at != NULL && at < end) {
        char item[64];
        const char *stop = at + strcspn(at, ",}");
        size_t n = (size_t)(stop - at);
        if (n + 1 >= sizeof(item))
            return false;
        memcpy(item, at, n);
        while (n > 0 && item[n - 1] == ' ')
            n--;
        item[n] = '\0';
        const char *found = strstr(line, item);
        if (found == NULL || found > strchr(line, '\n') || (found[n] != ',' && found[n] != ' '))
            return false;
        at = strchr(stop, '"');
    }
    return true;
}

/* The line of `text` that ends in what the line from list to end ends in. */
static const char *same_list(const char *text, const char *list, const char *end)
{
    char name[64];
    const char *close = strstr(list, "} := ");
    if (close == NULL || close > end || (size_t)(end - close) >= sizeof(name))
        return NULL;
    snprintf(name, sizeof(name), "%.*s", (int)(end - close + 1), close);
    const char *at = strstr(text, name);
    while (at != NULL && at > text && at[-1] != '\n')
        at--;
    return at;
}

static bool events_known(const char *text, const char *ours)
{
    const char *at = text, *end;
    while ((at = strstr(at, "\ntypealias enum : u8_t {")) != NULL) {
        end = strchr(++at, '\n');
        const char *line = end != NULL ? same_list(ours, at, end) : NULL;
        if (line == NULL || !same_values(at, end, line))
            return false;
    }
    for (at = text; (at = strstr(at, "\nevent { id = ")) != NULL;) {
        end = strstr(++at, "\n};\n");
        char *event = end != NULL ? strndup(at, (size_t)(end - at) + 5) : NULL;
        bool known = event != NULL && strstr(ours, event) != NULL;
        free(event);
        if (!known)
            return false;
    }
    return true;
}

/* Ours is what we would write. */
static bool is_known(const struct trace_meta *m, const char *text)
{
    char *ours = NULL;
    size_t size;
    FILE *out = m->schema != trace_schema_hash() ? open_memstream(&ours, &size) : NULL;
    if (out == NULL)
        return m->schema == trace_schema_hash();
    write_lists(out);
    for (unsigned i = 0; i < trace_class_count; i++)
        write_class(out, &trace_classes[i]);
    bool known = fclose(out) == 0 && events_known(text, ours);
    free(ours);
    return known;
}

int trace_meta_parse(struct trace_meta *m, const char *text)
{
    char schema[32];
    memset(m, 0, sizeof(*m));
    if (strncmp(text, "/* CTF 1.8", 10) != 0 || read_uuid(text, m->uuid) != 0 ||
        read_number(text, "tsc_khz", &m->tsc_khz) != 0 || m->tsc_khz == 0 ||
        m->tsc_khz > 100000000 || read_number(text, "offset_s", &m->offset_s) != 0 ||
        read_number(text, "offset", &m->offset) != 0 ||
        read_number(text, "ncpus", &m->ncpus) != 0 ||
        read_number(text, "ram_end", &m->ram_end) != 0 || read_cpus(text, m) != 0 ||
        read_string(text, "schema", schema, sizeof(schema)) != 0 ||
        read_string(text, "kvm_flavour", m->flavour, sizeof(m->flavour)) != 0 ||
        read_string(text, "git_id", m->git_id, sizeof(m->git_id)) != 0 ||
        read_string(text, "kernel", m->kernel, sizeof(m->kernel)) != 0)
        return -1;
    if (read_number(text, "kernel_ring", &m->kernel_ring) != 0)
        m->kernel_ring = 0; /* as it was before it was said */
    int64_t stop = 0;       /* traces of earlier versions have none */
    if (read_signed(text, "stop_tsc", &stop) == 0 && stop > 0)
        m->stop_tsc = (uint64_t)stop;
    if (read_signed(text, "audit_violations", &m->audit) != 0)
        m->audit = -1;
    if (read_string(text, "audit", m->verdict, sizeof(m->verdict)) != 0)
        m->verdict[0] = '\0';
    for (size_t n = strlen(m->verdict); n > 0 && m->verdict[n - 1] == ' '; n--)
        m->verdict[n - 1] = '\0';
    m->schema = strtoull(schema, NULL, 16);
    m->known = is_known(m, text);
    return 0;
}
