/* tracer_internal.h - the tracer's state, for tracer.c and tracer_audit.c. */
#ifndef VMM_TRACER_INTERNAL_H
#define VMM_TRACER_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "vmm/trace/lib/metadata.h"

/* One vCPU's stream: empty until `is_open`.  Then the file holds closed packets up to `open`, there the
 * open packet begins, and it ends TRACE_WINDOW_BYTES later.  After opening only the
 * vCPU's own thread touches it.   [l] under tracer.lock */
struct tracer_stream {
    int fd;
    bool is_open;      /* [l] set once */
    uint8_t *window;   /* maps the file from `open` on */
    uint64_t open;     /* file offset */
    uint64_t previous; /* file offset of the packet closed last */
    uint64_t size;     /* of the file, once finished */
    uint64_t end_tsc;  /* timestamp_end of that packet */
    uint64_t seq;      /* of the open packet */
    /* For tracer_keep.c. */
    uint64_t first;      /* file offset of the first packet that is kept; 0: nothing was dropped */
    uint64_t fills;      /* how often the window began to be filled anew */
    size_t skip;         /* events before this byte of the open packet are dropped; 0: none */
    uint64_t skip_tsc;   /* the last one's time */
    uint64_t not_before; /* what is kept has no earlier time */
    uint64_t told;       /* bytes that the checkpoint takes before it */
    bool is_stopped;     /* nothing more is recorded; the window is no longer the file */
    /* For events that the VMM writes (tracer_calls.c). */
    size_t next; /* of the open packet: where the next one goes */
    uint64_t first_tsc, last_tsc;
    uint32_t pid; /* of the task that runs there */
};

struct tracer {
    unsigned ncpus;
    int dirfd, metafd; /* metafd: of the metadata file, once it is written; else -1 */
    bool finished;
    bool contents;        /* events of what frames have are wanted */
    pthread_mutex_t lock; /* opening streams, changing metadata */
    uint8_t *windows;     /* ncpus of them */
    struct trace_meta meta;
    uint64_t kernel_root;   /* since the checkpoint: where the root of the kernel's tables is */
    _Atomic uint64_t stamp; /* the latest that tracer_calls.c gave an event */
    struct tracer_stream stream[];
};

/* tracer.c, for tracer_keep.c. */
int tracer_write(int fd, const void *bytes, size_t n, uint64_t at);
int tracer_write_header(const struct tracer *t, unsigned cpu, uint64_t at, uint64_t seq,
                        uint64_t content, uint64_t size, uint64_t begin, uint64_t end);
/* The packet at `at` loses its events before `from`; its new content and first time. */
int tracer_cut(const struct tracer *t, unsigned cpu, uint64_t at, size_t from, uint64_t before,
               uint64_t *content, uint64_t *first);
/* Closes the open packet with `content` bytes, for good; s->size becomes the file's. */
int tracer_close(struct tracer *t, unsigned cpu, uint64_t content, uint64_t first, uint64_t last);

#endif
