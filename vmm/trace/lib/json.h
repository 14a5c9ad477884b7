/* json.h - writes JSON as it goes: commas, quotes and escapes are put here.
 *
 * A key is NULL inside an array.  64-bit words that are patterns, not counts, are
 * strings of hex digits, since a JSON number is only good for 53 bits. */
#ifndef VMM_TRACE_JSON_H
#define VMM_TRACE_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json {
    FILE *out;
    bool more; /* a comma comes before the next value */
};

void json_begin(struct json *j, FILE *out); /* the outermost object */
void json_end(struct json *j);              /* and a newline */

void json_object(struct json *j, const char *key);
void json_array(struct json *j, const char *key);
void json_row(struct json *j); /* an object in an array, on a line of its own */
void json_object_end(struct json *j);
void json_array_end(struct json *j);

void json_count(struct json *j, const char *key, uint64_t v);
void json_signed(struct json *j, const char *key, int64_t v);
void json_hex(struct json *j, const char *key, uint64_t v);
void json_bool(struct json *j, const char *key, bool v);
/* Bytes that are no printable ASCII become '?': the guest may have chosen them. */
void json_text(struct json *j, const char *key, const char *s);

#endif
