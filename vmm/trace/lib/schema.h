/* schema.h - shared/trace_schema.h as tables, for whoever handles events
 * without knowing their kind: the decoder, the printer, the metadata writer.
 *
 * The tables are made from the X-macro lists by the compiler; nothing here
 * repeats a number or a name. */
#ifndef VMM_TRACE_SCHEMA_H
#define VMM_TRACE_SCHEMA_H

#include <stddef.h>
#include <stdint.h>

#include "shared/trace_schema.h"

/* One of the lists that an E() field names.  name[v] is NULL for a gap. */
struct trace_list {
    const char *label;
    const char *const *name;
    unsigned count; /* values are below this */
};
extern const struct trace_list trace_lists[]; /* ends with label NULL */

enum trace_field_kind { FIELD_UINT, FIELD_HEX, FIELD_SINT, FIELD_ENUM, FIELD_CHARS, FIELD_SEQ };

/* A field.  Fields lie in the stream one after the other, so an offset is the
 * sum of the sizes before it.  A FIELD_SEQ has size 0: it follows the fixed
 * part, and its length in words is the u16 that ends the fixed part. */
struct trace_field {
    const char *name; /* NULL ends the fields of an event */
    const char *type; /* as in the schema: "hex64", or the label of a list */
    uint8_t kind;     /* enum trace_field_kind */
    uint8_t size;     /* bytes */
};

struct trace_class {
    uint32_t id;
    const char *name;
    uint16_t size; /* bytes of the fixed fields */
    uint8_t has_seq;
    const struct trace_field *fields;
};
extern const struct trace_class trace_classes[];
extern const unsigned trace_class_count;

#define TRACE_ID_LIMIT 64u /* every id is below this */

const struct trace_class *trace_class_of(uint32_t id);         /* NULL: unknown */
const struct trace_class *trace_class_named(const char *name); /* NULL: unknown */

/* The name of a value in a list, by the list's label; "?" if it has none. */
const char *trace_value_name(const char *label, unsigned value);
/* The value with that name, or -1. */
int trace_value_named(const char *label, const char *name);

/* A hash of all kinds of events and their fields.  A trace carries it, so that
 * a tool built from another schema says so instead of misreading. */
uint64_t trace_schema_hash(void);

#endif
