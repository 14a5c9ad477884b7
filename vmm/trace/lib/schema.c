/* schema.c - the tables of schema.h, expanded from the lists in shared/. */
#include "vmm/trace/lib/schema.h"

#include <string.h>

#include "shared/boot_stages.h"

/* --- lists of names ----------------------------------------------------------- */

#define N2(name, value)                [value] = #name,
#define N2R(value, name)               [value] = #name,
#define N4(name, value, wchan, letter) [value] = #name,
static const char *const pt_level_names[] = { TRACE_PT_LEVELS(N2) };
static const char *const pt_reason_names[] = { TRACE_PT_REASONS(N2) };
static const char *const task_state_names[] = { TRACE_TASK_STATES(N2) };
static const char *const block_reason_names[] = { TRACE_BLOCK_REASONS(N4) };
static const char *const release_cause_names[] = { TRACE_RELEASE_CAUSES(N2) };
static const char *const boot_stage_names[] = { BOOT_STAGES(N2R) };

#define LIST(label) \
    { \
#label, label##_names, sizeof(label##_names) / sizeof(label##_names[0]) \
    }
const struct trace_list trace_lists[] = {
    LIST(pt_level),      LIST(pt_reason),  LIST(task_state),  LIST(block_reason),
    LIST(release_cause), LIST(boot_stage), { NULL, NULL, 0 },
};

/* --- fields and events ---------------------------------------------------------- */

#define KIND(type) \
    (#type[0] == 'h'   ? FIELD_HEX \
     : #type[0] == 's' ? FIELD_SINT \
     : #type[0] == 'c' ? FIELD_CHARS \
                       : FIELD_UINT)
#define F(type, field) { #field, #type, KIND(type), sizeof(trace_##type) },
#define E(list, field) { #field, #list, FIELD_ENUM, 1 },
#define C(field)       { #field, "char16", FIELD_CHARS, 16 },
#define S(type, field) { #field, #type, FIELD_SEQ, 0 },
#define X(id, name, fields) \
    static const struct trace_field name##_fields[] = { fields(F, E, S, C){ NULL, NULL, 0, 0 } };
TRACE_EVENTS(X)
#undef X
#undef F
#undef E
#undef C
#undef S

/* Only has_seq needs another look at the fields: it is 1 where S() occurs. */
#define NOT_F(type, field)
#define NOT_E(list, field)
#define NOT_C(field)
#define IS_S(type, field) +1
#define X(id, name, fields) \
    { id, #name, sizeof(struct trace_ev_##name), 0 fields(NOT_F, NOT_E, IS_S, NOT_C), \
      name##_fields },
const struct trace_class trace_classes[] = { TRACE_EVENTS(X) };
#undef X
const unsigned trace_class_count = sizeof(trace_classes) / sizeof(trace_classes[0]);

/* Place in trace_classes plus one, by id; the decoder asks for every event. */
#define X(id, name, fields) CLASS_##name,
enum { CLASS_none, TRACE_EVENTS(X) };
#undef X
#define X(id, name, fields) [id] = CLASS_##name,
static const uint8_t class_of_id[TRACE_ID_LIMIT] = { TRACE_EVENTS(X) };
#undef X

const struct trace_class *trace_class_of(uint32_t id)
{
    if (id >= TRACE_ID_LIMIT || class_of_id[id] == CLASS_none)
        return NULL;
    return &trace_classes[class_of_id[id] - 1];
}

const struct trace_class *trace_class_named(const char *name)
{
    for (unsigned i = 0; i < trace_class_count; i++)
        if (strcmp(trace_classes[i].name, name) == 0)
            return &trace_classes[i];
    return NULL;
}

static const struct trace_list *list_named(const char *label)
{
    const struct trace_list *l = trace_lists;
    while (l->label != NULL && strcmp(l->label, label) != 0)
        l++;
    return l;
}

const char *trace_value_name(const char *label, unsigned value)
{
    const struct trace_list *l = list_named(label);
    return value < l->count && l->name[value] != NULL ? l->name[value] : "?";
}

int trace_value_named(const char *label, const char *name)
{
    const struct trace_list *l = list_named(label);
    for (unsigned v = 0; v < l->count; v++)
        if (l->name[v] != NULL && strcmp(l->name[v], name) == 0)
            return (int)v;
    return -1;
}

/* FNV-1a, with the terminating NUL so that "ab" "c" differs from "a" "bc". */
static uint64_t hash_string(uint64_t h, const char *s)
{
    do {
        h = (h ^ (uint8_t)*s) * 0x100000001b3ull;
    } while (*s++ != '\0');
    return h;
}

uint64_t trace_schema_hash(void)
{
    uint64_t h = 0xcbf29ce484222325ull;
    for (unsigned i = 0; i < trace_class_count; i++) {
        h = hash_string(h ^ trace_classes[i].id, trace_classes[i].name);
        for (const struct trace_field *f = trace_classes[i].fields; f->name != NULL; f++)
            h = hash_string(hash_string(h, f->name), f->type);
    }
    return h;
}
