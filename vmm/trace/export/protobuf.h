/* protobuf.h - writes protobuf's wire format: numbers, texts, messages in messages.
 *
 * Of the format that is all that an export needs, sixty lines; a compiler for .proto files and
 * its runtime would be one more thing to build with for each of these lines. */
#ifndef VMM_TRACE_EXPORT_PROTOBUF_H
#define VMM_TRACE_EXPORT_PROTOBUF_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct protobuf { /* zeroed to begin with */
    uint8_t *at;
    size_t n, capacity;
};

void protobuf_number(struct protobuf *p, unsigned field, uint64_t v);
void protobuf_fixed64(struct protobuf *p, unsigned field, uint64_t v);
/* As valid UTF-8, whatever the bytes are. */
void protobuf_text(struct protobuf *p, unsigned field, const char *s);

/* Fields between the two are those of the message in `field`.  begin gives what end takes. */
size_t protobuf_begin(struct protobuf *p, unsigned field);
void protobuf_end(struct protobuf *p, size_t begin);

void protobuf_write(struct protobuf *p, FILE *out); /* and empties it */
void protobuf_free(struct protobuf *p);

#endif
