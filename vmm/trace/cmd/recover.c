/* recover.c - vmm-trace recover: close what a killed vmm left open.
 *
 * In each stream, the packets up to the first that is not one, or that has its
 * provisional header, are good.  From there the events that the guest had
 * written whole are found, and become a last packet; the rest is cut off.  The
 * result is a trace like any other.  Done twice, the second changes nothing. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/trace/cmd/commands.h"
#include "vmm/trace/cmd/common.h"

#define HEADER       sizeof(struct trace_packet)
#define PACKET_ALIGN 4096ull

struct repair {
    size_t closed;              /* bytes of good closed packets */
    bool open;                  /* a provisional header follows */
    struct trace_packet header; /* of the open one */
    struct trace_tail tail;
    size_t keep; /* bytes of the repaired file */
};

static bool good_packet(const struct trace_packet *h, size_t left)
{
    return h->magic == TRACE_MAGIC && h->stream_id == 0 && h->packet_size % 8 == 0 &&
           h->packet_size <= 8ull * TRACE_WINDOW_BYTES && h->content_size % 8 == 0 &&
           h->content_size >= 8 * HEADER && h->content_size <= h->packet_size &&
           h->packet_size / 8 <= left;
}

/* Decides what to keep of a stream's bytes. */
static void plan(const uint8_t *map, size_t size, struct repair *r)
{
    uint64_t last = 0;
    memset(r, 0, sizeof(*r));
    while (size - r->closed >= HEADER) {
        struct trace_packet *h = &r->header;
        memcpy(h, map + r->closed, HEADER);
        if (!good_packet(h, size - r->closed) || h->timestamp_begin < last)
            break;
        if (h->content_size == 8 * HEADER) {
            r->open = true;
            break;
        }
        last = h->timestamp_end;
        r->closed += h->packet_size / 8;
    }
    r->keep = r->closed;
    if (!r->open)
        return;
    size_t room = r->header.packet_size / 8;
    trace_find_tail(map + r->closed, room, last, &r->tail);
    if (r->tail.events == 0)
        return;
    uint64_t bytes = (r->tail.content + PACKET_ALIGN - 1) & ~(PACKET_ALIGN - 1);
    if (bytes > room)
        bytes = room;
    r->header.content_size = 8 * r->tail.content;
    r->header.packet_size = 8 * bytes;
    r->header.timestamp_begin = r->tail.first;
    r->header.timestamp_end = r->tail.last;
    r->keep += bytes;
}

static int repair_stream(int fd, size_t size, const char *name)
{
    struct repair r;
    void *map = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED)
        return -errno;
    plan(map, size, &r);
    munmap(map, size);
    if (r.tail.events > 0 && pwrite(fd, &r.header, HEADER, (off_t)r.closed) != (ssize_t)HEADER)
        return errno != 0 ? -errno : -EIO;
    if (r.keep != size && ftruncate(fd, (off_t)r.keep) != 0)
        return -errno;
    if (r.keep != size)
        printf("%s: %zu of %zu bytes kept, %" PRIu64 " events of the open packet\n", name, r.keep,
               size, r.tail.events);
    else
        printf("%s: whole already\n", name);
    return 0;
}

static int repair_file(int dirfd, const char *name)
{
    struct stat st;
    int fd = openat(dirfd, name, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    int err = fstat(fd, &st) != 0 ? -errno : S_ISREG(st.st_mode) ? 0 : -EINVAL;
    if (err == 0 && st.st_size > 0)
        err = repair_stream(fd, (size_t)st.st_size, name);
    close(fd);
    return err;
}

int command_recover(int argc, char **argv)
{
    static const struct argp argp = {
        .parser = parse_directory,
        .args_doc = "DIR",
        .doc = "Closes the packets that a killed vmm left open, with the events in them, and "
               "cuts the stream files to whole packets.  Not while vmm runs.",
    };
    const char *dir;
    argp_parse(&argp, argc, argv, 0, NULL, &dir);

    struct trace *t = open_trace(dir); /* only what vmm wrote is touched */
    if (t == NULL)
        return STATUS_TROUBLE;
    trace_close(t);
    DIR *d = opendir(dir);
    int status = d != NULL ? STATUS_OK : STATUS_TROUBLE;
    struct dirent *ent;
    while (d != NULL && (ent = readdir(d)) != NULL) {
        if (ent->d_name[0] == '.' || strcmp(ent->d_name, "metadata") == 0)
            continue;
        int err = repair_file(dirfd(d), ent->d_name);
        if (err != 0) {
            fprintf(stderr, "vmm-trace: %s/%s: %s\n", dir, ent->d_name, strerror(-err));
            status = STATUS_TROUBLE;
        }
    }
    if (d != NULL)
        closedir(d);
    return status;
}
