/* format.h - events as text for people and as JSON for programs. */
#ifndef VMM_TRACE_FORMAT_H
#define VMM_TRACE_FORMAT_H

#include <stdio.h>

#include "vmm/trace/lib/reader.h"

/* "pte_write va=0x400000 ...", without time, CPU and task.  Neighbouring entries of a range whose
 * frames are in order, or that are equal, are one; of many such groups, only the first are shown. */
void format_event(FILE *out, const struct trace_event *e);
void format_event_full(FILE *out, const struct trace_event *e); /* all groups */

bool has_field(const struct trace_event *e, const char *name);

/* The fields as ,"name":value pairs.  64-bit words are strings, since a JSON
 * number is only good for 53 bits. */
void format_event_json(FILE *out, const struct trace_event *e);

/* "P|W|U|A|D|NX pfn=0x1234", or "0". */
void format_pte(FILE *out, uint64_t entry);

/* A duration as "12.3us", "4.56ms"; in a buffer of at least 24 bytes. */
char *format_ns(char *buf, uint64_t ns);

/* "1.234567890": how all commands and the audit show when an event was, seconds after the first
 * one; in a buffer of at least 24 bytes. */
char *format_seconds(char *buf, uint64_t ns);

/* A field's value by name, whatever the event's kind; false: it has none. */
bool field_value(const struct trace_event *e, const char *name, uint64_t *value);

#endif
