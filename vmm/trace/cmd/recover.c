/* recover.c - vmm-trace recover: close what a killed vmm left open.
 *
 * In each stream, the packets up to the first that is not one, that has its provisional
 * header, or that is cut off, are good.  From there the events that are whole are found, and
 * become a last packet.  The result is a trace like any other; done twice, the second
 * time changes nothing.
 *
 * Only what is known to hold no event is cut off: the rest of the space that vmm had
 * reserved, which is zero but for one event that the guest was writing.  Bytes that make no sense
 * stay, inside the last packet behind its events, or where they are; then it says so.
 *
 * A vmm that runs holds a lock on the metadata: its streams are not touched. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/trace/lib/decode.h"
#include "vmm/trace/cmd/commands.h"
#include "vmm/trace/cmd/common.h"

#define HEADER       sizeof(struct trace_packet)
#define PACKET_ALIGN 4096ull

/* An event that is being written may fill so much; its header word is still 0. */
#define HALF_EVENT 16384u

struct repair {
    size_t closed;              /* bytes of good closed packets */
    bool open;                  /* a packet follows that is to be closed: */
    struct trace_packet header; /* its new header */
    uint64_t events;            /* in it */
    size_t bytes;               /* of the repaired file */
    size_t strange;             /* bytes that make no sense, and are kept */
    size_t skip;                /* the open packet's own events begin there: see trace_tail */
    uint64_t before;
};

static bool good_header(const struct trace_packet *h, bool is_first)
{
    return h->magic == TRACE_MAGIC && h->stream_id == 0 && h->packet_size % 8 == 0 &&
           (is_first || h->packet_size <= 8ull * TRACE_WINDOW_BYTES) && h->content_size % 8 == 0 &&
           h->content_size >= 8 * HEADER && h->content_size <= h->packet_size;
}

static bool is_zero(const uint8_t *p, size_t n)
{
    while (n > 0 && *p == 0) {
        p++;
        n--;
    }
    return n == 0;
}

static size_t aligned(size_t n) { return (n + PACKET_ALIGN - 1) & ~(PACKET_ALIGN - 1); }

/* Of n bytes behind the last whole event: is all that one which was being written, then zeros? */
static bool is_unwritten(const uint8_t *p, size_t n)
{
    size_t word = n < sizeof(uint32_t) ? n : sizeof(uint32_t);
    return is_zero(p, word) && (n <= HALF_EVENT || is_zero(p + HALF_EVENT, n - HALF_EVENT));
}

/* When vmm is killed as it closes a packet, the next one is there already, empty. */
static bool is_next_empty(const struct trace_packet *h, const uint8_t *p, size_t n)
{
    struct trace_packet next;
    if (n < HEADER)
        return false;
    memcpy(&next, p, HEADER);
    return good_header(&next, false) && next.content_size == 8 * HEADER &&
           next.packet_seq_num == h->packet_seq_num + 1 && is_zero(p + HEADER, n - HEADER);
}

/* The packet at `at`, of which left bytes exist, was not closed, or was cut off. */
static void plan_last(const uint8_t *at, size_t left, uint64_t last, struct repair *r)
{
    struct trace_packet *h = &r->header;
    struct trace_tail tail;
    bool open = h->content_size == 8 * HEADER;
    size_t room = h->packet_size / 8 < left ? h->packet_size / 8 : left;
    if (!open && h->content_size / 8 < room)
        room = h->content_size / 8;
    trace_find_tail(at, room, last, &tail);
    size_t rest = left - tail.content, packet = aligned(tail.content);
    bool done = open && (is_unwritten(at + tail.content, rest) ||
                         (packet < left && is_next_empty(h, at + packet, left - packet)));
    if (!done && (open || tail.events == 0))
        r->strange = rest;
    if (!done) /* nothing is cut off */
        packet = aligned(left);
    r->events = tail.events;
    r->skip = tail.start > HEADER ? tail.start : 0;
    r->before = tail.before;
    r->open = tail.events > 0;
    r->bytes = r->closed + (r->open ? packet : done ? 0 : left);
    h->content_size = 8 * tail.content;
    h->packet_size = 8 * packet;
    if (h->packet_size > 8ull * TRACE_WINDOW_BYTES) { /* strange, and behind the packet */
        h->packet_size = 8ull * TRACE_WINDOW_BYTES;
        r->bytes = r->closed + left;
    }
    if (open)
        h->timestamp_begin = tail.first;
    h->timestamp_end = tail.last;
}

/* Decides what becomes of a stream's bytes. */
static void plan(const uint8_t *map, size_t size, struct repair *r)
{
    uint64_t last = 0;
    memset(r, 0, sizeof(*r));
    r->bytes = size;
    while (size - r->closed >= HEADER) {
        struct trace_packet *h = &r->header;
        size_t left = size - r->closed;
        memcpy(h, map + r->closed, HEADER);
        if (!good_header(h, r->closed == 0) || h->timestamp_begin < last)
            break;
        if (h->content_size == 8 * HEADER || h->packet_size / 8 > left) {
            plan_last(map + r->closed, left, last, r);
            return;
        }
        last = h->timestamp_end;
        r->closed += h->packet_size / 8;
    }
    r->strange = size - r->closed;
}

/* A checkpoint stands for the packet's first events. */
static int cut_front(int fd, struct repair *r)
{
    size_t content = r->header.content_size / 8;
    uint64_t first;
    uint8_t *packet = malloc(content);
    if (packet == NULL)
        return -ENOMEM;
    int err = pread(fd, packet, content, (off_t)r->closed) == (ssize_t)content ? 0 : -EIO;
    if (err == 0) {
        content =
            trace_cut_front(packet, content, r->skip, r->before, r->header.timestamp_begin, &first);
        r->header.content_size = 8 * content;
        if (pwrite(fd, packet + HEADER, content - HEADER, (off_t)(r->closed + HEADER)) !=
            (ssize_t)(content - HEADER))
            err = -EIO;
    }
    free(packet);
    return err;
}

/* 0, 1 when there are bytes that make no sense, or -errno. */
static int repair_stream(int fd, size_t size, const char *name)
{
    struct repair r;
    void *map = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED)
        return -errno;
    plan(map, size, &r);
    munmap(map, size);
    if (r.open && r.bytes > size && ftruncate(fd, (off_t)r.bytes) != 0)
        return -errno; /* first there is room, then a header that says so */
    int err = r.open && r.skip != 0 ? cut_front(fd, &r) : 0;
    if (err != 0)
        return err;
    if (r.open && pwrite(fd, &r.header, HEADER, (off_t)r.closed) != (ssize_t)HEADER)
        return errno != 0 ? -errno : -EIO;
    if (r.bytes < size && ftruncate(fd, (off_t)r.bytes) != 0)
        return -errno;
    if (r.open || r.bytes != size)
        printf("%s: %" PRIu64 " events of the open packet, %zu bytes of %zu kept\n", name, r.events,
               r.bytes < size ? r.bytes : size, size);
    else if (r.strange == 0)
        printf("%s: whole already\n", name);
    if (r.strange > 0)
        fprintf(stderr, "vmm-trace: %s: %zu bytes from byte %zu on make no sense; they are kept\n",
                name, r.strange, size - r.strange);
    return r.strange > 0;
}

static int repair_file(int dirfd, const char *name)
{
    size_t size;
    int fd = trace_open_stream(dirfd, name, O_RDWR, &size);
    if (fd < 0)
        return fd;
    int err = size > 0 ? repair_stream(fd, size, name) : 0;
    close(fd);
    return err;
}

int command_recover(int argc, char **argv)
{
    static const struct argp argp = {
        .parser = parse_directory,
        .args_doc = "DIR",
        .doc = "Closes the packets that a killed vmm left open, with the whole events in them, and "
               "cuts off the space that it had reserved.  Refuses while vmm runs.",
    };
    const char *dir;
    argp_parse(&argp, argc, argv, 0, NULL, &dir);

    struct trace *t = open_trace(dir); /* only what vmm wrote is touched */
    if (t == NULL)
        return STATUS_TROUBLE;
    trace_close(t);
    DIR *d = opendir(dir);
    int status = d != NULL ? STATUS_OK : STATUS_TROUBLE;
    if (d != NULL && trace_is_live(dirfd(d))) {
        fprintf(stderr, "vmm-trace: %s: is being recorded; recover it when vmm has ended\n", dir);
        closedir(d);
        return STATUS_TROUBLE;
    }
    struct dirent *ent;
    while (d != NULL && (ent = readdir(d)) != NULL) {
        if (ent->d_name[0] == '.' || strcmp(ent->d_name, "metadata") == 0)
            continue;
        int err = repair_file(dirfd(d), ent->d_name);
        if (err < 0)
            fprintf(stderr, "vmm-trace: %s/%s: %s\n", dir, ent->d_name, strerror(-err));
        if (err != 0)
            status = STATUS_TROUBLE;
    }
    if (d != NULL)
        closedir(d);
    return status;
}
