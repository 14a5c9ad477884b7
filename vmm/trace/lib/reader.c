/* reader.c - packets, events and the merge.  See reader.h for what is checked.
 *
 * A stream is a cursor over mapped bytes.  The merge keeps to one stream while
 * its events come before the next of every other stream (`rival`), so with one
 * vCPU, or in a burst of one, an event costs a decode and a comparison. */
#include "vmm/trace/lib/reader.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/trace/lib/cursor.h"

#define METADATA_MAX (1 << 20)
#define DROP_AT_ONCE (2u << 20)

struct stream {
    struct trace_cursor c;
    const uint8_t *map;
    size_t size;
    bool mapped; /* ours to unmap */
    bool done;
    size_t packet_end; /* where the next packet starts */
    size_t dropped;    /* bytes from the start that are no longer in memory */
    uint64_t last_tsc; /* end of the packet by its header */
    uint64_t next_seq;
    struct trace_stream_info info; /* but for the events, which c counts */
};

struct trace {
    struct trace_head head;
    struct trace_meta meta;
    char *dir, *meta_text; /* until trace_read_meta() */
    struct stream *stream;
    unsigned count;
    bool open_packets;
    bool has_gap;
    bool live;
    struct stream none;
    struct stream *rival; /* whose event is the next of all the others; NULL: none */
    uint64_t ticks_in_ns; /* rounded up, and one more */
    char problem[200];
};

static struct stream *current(struct trace *t) { return (struct stream *)t->head.current; }

/* The first problem is the one worth telling. */
static void __attribute__((format(printf, 2, 3)))
set_problem(struct trace *t, const char *format, ...)
{
    if (t->problem[0] != '\0')
        return;
    va_list ap;
    va_start(ap, format);
    vsnprintf(t->problem, sizeof(t->problem), format, ap);
    va_end(ap);
}

/* --- packets -------------------------------------------------------------------------- */

static void end_stream(struct stream *s)
{
    s->done = true;
    s->c.end = s->c.at;
}

static void break_stream(struct trace *t, struct stream *s, size_t at, const char *why)
{
    t->has_gap = true;
    set_problem(t, "%s, byte %zu: %s; what comes after it in this stream is not read", s->info.name,
                at, why);
    end_stream(s);
}

/* NULL, or what is wrong with a packet header. */
static const char *check_packet(const struct trace_packet *h, bool is_first)
{
    if (h->magic != TRACE_MAGIC || h->stream_id != 0)
        return "no packet";
    /* The first may be a checkpoint, and as large as what it stands for. */
    if (h->packet_size % 8 != 0 || (h->packet_size > 8ull * TRACE_WINDOW_BYTES && !is_first) ||
        h->content_size % 8 != 0 || h->content_size < 8 * PACKET_HEADER ||
        h->content_size > h->packet_size)
        return "a packet of impossible size";
    return NULL;
}

/* What a ring has dropped is not lost: a checkpoint stands for it. */
static bool is_checkpoint(const uint8_t *packet, size_t size)
{
    struct trace_event e;
    return size > PACKET_HEADER &&
           trace_decode(packet + PACKET_HEADER, size - PACKET_HEADER, 0, &e) != 0 &&
           e.id == TRACE_EV_checkpoint &&
           ((const struct trace_ev_checkpoint *)e.fields)->begin >= TRACE_CHECKPOINT_RUNNING;
}

static void count_loss(struct trace *t, struct stream *s, const struct trace_packet *h)
{
    if (s->info.packets == 0 && h->packet_seq_num != 0 && is_checkpoint(s->map, s->size))
        s->next_seq = h->packet_seq_num;
    if (h->packet_seq_num != s->next_seq)
        s->info.lost_packets +=
            h->packet_seq_num > s->next_seq ? h->packet_seq_num - s->next_seq : 1;
    s->next_seq = h->packet_seq_num + 1;
    s->info.lost_events = h->events_discarded;
    t->has_gap |= s->info.lost_packets != 0 || s->info.lost_events != 0;
}

/* What has been read need not stay in memory; whoever looks at it again reads it again. */
static void drop_behind(struct stream *s, size_t at)
{
    size_t to = at & ~(size_t)4095;
    if (!s->mapped || to - s->dropped < DROP_AT_ONCE)
        return;
    madvise((void *)(s->map + s->dropped), to - s->dropped, MADV_DONTNEED);
    s->dropped = to;
}

/* Enters the next packet; false at the end of the stream. */
static bool enter_packet(struct trace *t, struct stream *s)
{
    struct trace_packet h;
    size_t at = s->packet_end, left = s->size - at;

    if (left == 0) {
        end_stream(s);
        return false;
    }
    if (left < PACKET_HEADER) {
        break_stream(t, s, at, "no packet");
        return false;
    }
    memcpy(&h, s->map + at, PACKET_HEADER);
    const char *why = check_packet(&h, at == 0);
    if (why == NULL && h.timestamp_begin < s->c.ev.tsc)
        why = "a packet older than the one before it";
    if (why == NULL && h.timestamp_begin >= TRACE_TSC_END)
        why = "a packet of an impossible time";
    if (why != NULL) {
        break_stream(t, s, at, why);
        return false;
    }
    drop_behind(s, at);
    count_loss(t, s, &h);
    s->info.cpu = s->c.ev.cpu = h.cpu_id;
    s->info.packets++;
    s->c.ev.tsc = h.timestamp_begin;
    s->last_tsc = h.timestamp_end;
    s->c.at = s->map + at + PACKET_HEADER;
    s->c.end = s->map + at + h.content_size / 8;
    s->packet_end = at + h.packet_size / 8;
    /* vmm closes no packet without events, so this is one that it had not closed yet.  If
     * another follows it, vmm was killed just when it closed this one, and that is empty. */
    s->info.open_packet = h.content_size == 8 * PACKET_HEADER;
    if (s->info.open_packet && !t->open_packets) {
        t->has_gap = true;
    } else if (s->info.open_packet || left < h.packet_size / 8) {
        struct trace_tail tail;
        size_t there = h.packet_size / 8 < left ? h.packet_size / 8 : left;
        if (!s->info.open_packet && h.content_size / 8 < there)
            there = h.content_size / 8;
        trace_find_tail(s->map + at, there, s->c.ev.tsc, &tail);
        if (tail.start > PACKET_HEADER) {
            s->c.at = s->map + at + tail.start;
            s->c.ev.tsc = tail.before;
        }
        s->c.end = s->map + at + tail.content;
        s->last_tsc = tail.last;
        s->packet_end = s->size;
    }
    if (left < h.packet_size / 8) {
        t->has_gap = true;
        set_problem(t, "%s, byte %zu: a packet that is cut off; its whole events were read",
                    s->info.name, at);
    }
    s->info.content_bytes += (size_t)(s->c.end - s->c.at) + PACKET_HEADER;
    return true;
}

/* Makes s->c.ev the stream's next event, or ends the stream. */
static void advance(struct trace *t, struct stream *s)
{
    if (s->done)
        return;
    while (s->c.at == s->c.end)
        if (!enter_packet(t, s))
            return;
    const uint8_t *next = decode_event(s->c.at, s->c.end, s->c.ev.tsc, &s->c.ev);
    if (next == NULL) {
        break_stream(t, s, (size_t)(s->c.at - s->map), "no valid event");
        return;
    }
    s->c.at = next;
    s->c.events++;
    s->info.late_events += s->c.ev.tsc > s->last_tsc;
}

/* --- the merge ------------------------------------------------------------------------- */

/* Nanoseconds as babeltrace2 computes them. */
static uint64_t shown_ns(const struct trace *t, uint64_t tsc)
{
    return (uint64_t)(1e9 * (double)tsc / (double)(t->meta.tsc_khz * 1000));
}

/* Does a's next event come before b's?  Within a nanosecond the vCPU with the lower
 * number is first: nothing that one vCPU does is seen by another in so short a time,
 * so any order is as good, and this is the one in which babeltrace2, which knows
 * only nanoseconds, shows them. */
static bool is_before(const struct trace *t, const struct trace_event *a,
                      const struct trace_event *b)
{
    uint64_t apart = a->tsc < b->tsc ? b->tsc - a->tsc : a->tsc - b->tsc;
    if (apart < t->ticks_in_ns && shown_ns(t, a->tsc) == shown_ns(t, b->tsc))
        return a->cpu < b->cpu;
    return a->tsc < b->tsc;
}

/* The stream whose event is next; t->rival becomes the one after it. */
static struct stream *oldest(struct trace *t)
{
    struct stream *best = NULL, *second = NULL;
    for (unsigned i = 0; i < t->count; i++) {
        struct stream *s = &t->stream[i];
        if (s->done)
            continue;
        if (best == NULL || is_before(t, &s->c.ev, &best->c.ev)) {
            second = best;
            best = s;
        } else if (second == NULL || is_before(t, &s->c.ev, &second->c.ev)) {
            second = s;
        }
    }
    t->rival = second;
    return best;
}

/* Up to when its events are neither late nor disputed by another stream. */
static void set_bound(const struct trace *t, struct stream *s)
{
    uint64_t bound = s->last_tsc != UINT64_MAX ? s->last_tsc + 1 : UINT64_MAX;
    if (t->rival != NULL) {
        uint64_t theirs = t->rival->c.ev.tsc;
        theirs = theirs > t->ticks_in_ns ? theirs - t->ticks_in_ns : 0;
        bound = theirs < bound ? theirs : bound;
    }
    s->c.bound = bound;
}

/* The stream's event, unless another one's comes first. */
static const struct trace_event *next_of_all(struct trace *t, struct stream *s)
{
    if (s->done || (t->rival != NULL && !is_before(t, &s->c.ev, &t->rival->c.ev)))
        s = oldest(t);
    if (s == NULL)
        return NULL;
    t->head.current = &s->c;
    set_bound(t, s);
    return &s->c.ev;
}

const struct trace_event *trace_next_packet(struct trace *t)
{
    advance(t, current(t)); /* or it finds out what is wrong */
    return next_of_all(t, current(t));
}

const struct trace_event *trace_beyond_bound(struct trace *t)
{
    struct stream *s = current(t);
    s->info.late_events += s->c.ev.tsc > s->last_tsc;
    return next_of_all(t, s);
}

const struct trace_event *trace_next(struct trace *t) { return trace_next_inline(t); }

/* --- opening and closing --------------------------------------------------------------- */

/* Room for n streams, all empty. */
static struct trace *new_trace(unsigned n)
{
    struct trace *t = calloc(1, sizeof(*t));
    if (t != NULL && (t->stream = calloc(n + 1, sizeof(*t->stream))) == NULL) {
        free(t);
        t = NULL;
    }
    return t;
}

static void prime(struct trace *t)
{
    if (t->meta.tsc_khz == 0) /* slices have no metadata; any rate is good then */
        t->meta.tsc_khz = 1000000;
    t->ticks_in_ns = t->meta.tsc_khz / 1000000 + 2;
    t->none.done = true;
    t->head.current = &t->none.c;
    for (unsigned i = 0; i < t->count; i++)
        advance(t, &t->stream[i]);
}

int trace_open_slices(struct trace **out, const struct trace_slice *slice, unsigned n,
                      bool open_packets)
{
    struct trace *t = new_trace(n);
    if (t == NULL)
        return -ENOMEM;
    t->open_packets = open_packets;
    t->count = n;
    for (unsigned i = 0; i < n; i++) {
        struct stream *s = &t->stream[i];
        s->map = slice[i].at;
        s->size = slice[i].size;
        s->info.file_bytes = s->size;
        s->info.cpu = slice[i].cpu;
        snprintf(s->info.name, sizeof(s->info.name), "cpu%u", slice[i].cpu);
    }
    prime(t);
    *out = t;
    return 0;
}

int trace_open_stream(int dirfd, const char *name, int flags, size_t *size)
{
    struct stat st;
    int fd = openat(dirfd, name, flags | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    int err = fstat(fd, &st) != 0 ? -errno : S_ISREG(st.st_mode) ? 0 : -EINVAL;
    if (err != 0) {
        close(fd);
        return err;
    }
    *size = (size_t)st.st_size;
    return fd;
}

/* Maps a file of the directory; an empty one is a stream without packets. */
static int map_stream(int dirfd, const char *name, struct stream *s)
{
    size_t size;
    int err = 0, fd = trace_open_stream(dirfd, name, O_RDONLY, &size);
    if (fd < 0)
        return fd;
    if (size > 0) {
        void *map = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (map == MAP_FAILED) {
            err = -errno;
        } else {
            madvise(map, size, MADV_SEQUENTIAL);
            s->map = map;
            s->size = size;
            s->mapped = true;
        }
    }
    close(fd);
    s->info.file_bytes = s->size;
    snprintf(s->info.name, sizeof(s->info.name), "%.60s", name);
    return err;
}

/* The text of the metadata file; NULL: there is none that vmm wrote. */
static char *load_meta(int dirfd)
{
    struct stat st;
    char *text = NULL;
    int fd = openat(dirfd, "metadata", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return NULL;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size < METADATA_MAX) {
        text = calloc(1, (size_t)st.st_size + 1);
        if (text != NULL && read(fd, text, (size_t)st.st_size) != st.st_size) {
            free(text);
            text = NULL;
        }
    }
    close(fd);
    return text;
}

static int compare_names(const void *a, const void *b)
{
    const struct stream *x = a, *y = b;
    int by_length = (int)strlen(x->info.name) - (int)strlen(y->info.name);
    return by_length != 0 ? by_length : strcmp(x->info.name, y->info.name);
}

static int open_streams(struct trace *t, DIR *d, char *err, size_t err_size)
{
    struct dirent *ent;
    while ((ent = readdir(d)) != NULL) {
        if (ent->d_name[0] == '.' || strcmp(ent->d_name, "metadata") == 0)
            continue;
        void *more = realloc(t->stream, (t->count + 1) * sizeof(*t->stream));
        if (more == NULL) {
            snprintf(err, err_size, "out of memory");
            return -1;
        }
        t->stream = more;
        struct stream *s = &t->stream[t->count];
        memset(s, 0, sizeof(*s));
        t->count++;
        int e = map_stream(dirfd(d), ent->d_name, s);
        if (e != 0) {
            snprintf(err, err_size, "%.64s: %s", ent->d_name,
                     e == -EINVAL ? "not a stream file" : strerror(-e));
            return -1;
        }
    }
    qsort(t->stream, t->count, sizeof(*t->stream), compare_names);
    return 0;
}

bool trace_is_live(int dirfd)
{
    int fd = openat(dirfd, "metadata", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool live = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (fd >= 0)
        close(fd);
    return live;
}

bool trace_live(const struct trace *t) { return t->live; }

static int no_trace(const char *dir, char *err, size_t err_size)
{
    snprintf(err, err_size, "%s: holds no trace (no metadata file that vmm wrote)", dir);
    return -1;
}

int trace_open_files(struct trace **out, const char *dir, char *err, size_t err_size)
{
    DIR *d = opendir(dir);
    if (d == NULL) {
        snprintf(err, err_size, "%s: %s", dir, strerror(errno));
        return -1;
    }
    int result = -1;
    struct trace *t = new_trace(0);
    if (t == NULL || (t->dir = strdup(dir)) == NULL)
        snprintf(err, err_size, "out of memory");
    else if ((t->meta_text = load_meta(dirfd(d))) == NULL)
        no_trace(dir, err, err_size);
    else
        result = open_streams(t, d, err, err_size);
    if (t != NULL) {
        t->open_packets = true;
        t->live = trace_is_live(dirfd(d));
    }
    closedir(d);
    if (result != 0) {
        trace_close(t);
        return result;
    }
    *out = t;
    return 0;
}

int trace_read_meta(struct trace *t, char *err, size_t err_size)
{
    if (trace_meta_parse(&t->meta, t->meta_text) != 0)
        return no_trace(t->dir, err, err_size);
    if (!t->meta.known) {
        snprintf(err, err_size,
                 "%s: made by a vmm with kinds of events that are not known here (%s); use the "
                 "vmm-trace built with it, or babeltrace2",
                 t->dir, t->meta.git_id);
        return -1;
    }
    free(t->meta_text);
    t->meta_text = NULL;
    prime(t);
    return 0;
}

int trace_open(struct trace **out, const char *dir, char *err, size_t err_size)
{
    int result = trace_open_files(out, dir, err, err_size);
    if (result == 0 && (result = trace_read_meta(*out, err, err_size)) != 0)
        trace_close(*out);
    return result;
}

void trace_close(struct trace *t)
{
    if (t == NULL)
        return;
    for (unsigned i = 0; i < t->count; i++)
        if (t->stream[i].mapped)
            munmap((void *)t->stream[i].map, t->stream[i].size);
    free(t->stream);
    free(t->meta_text);
    free(t->dir);
    free(t);
}

const struct trace_meta *trace_meta(const struct trace *t) { return &t->meta; }

unsigned trace_stream_count(const struct trace *t) { return t->count; }

const struct trace_stream_info *trace_stream(const struct trace *t, unsigned i)
{
    t->stream[i].info.events = t->stream[i].c.events;
    return &t->stream[i].info;
}

bool trace_has_gap(const struct trace *t) { return t->has_gap; }

const char *trace_problem(const struct trace *t)
{
    return t->problem[0] != '\0' ? t->problem : NULL;
}

uint64_t trace_ns(const struct trace_meta *m, uint64_t ticks)
{
    return (uint64_t)((unsigned __int128)ticks * 1000000 / m->tsc_khz);
}
