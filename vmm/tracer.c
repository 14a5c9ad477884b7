/* tracer.c - stream files that the guest writes itself, through a window.
 *
 *   file   | closed | closed | open packet, TRACE_WINDOW_BYTES |
 *                            ^ window: MAP_SHARED, a memslot of the guest
 *
 * At a doorbell the window slides to just behind what was filled, by mapping
 * the new part of the file over the old at the same host address; KVM notices
 * by itself.  Only then is the header of the packet written, with pwrite: the
 * guest cannot reach that page any more, so headers are always the VMM's.
 *
 * Space is reserved with fallocate before it is mapped.  A full disk is then an
 * error here and not a SIGBUS in the guest's middle.
 *
 * An open packet carries a provisional header: no events, as long as the rest
 * of the file.  That is valid CTF, so what a killed VMM leaves behind reads as
 * a trace up to its last closed packet.  (A kill between the reservation and
 * the closing header, some microseconds, needs `vmm-trace recover`.)
 *
 * The windows of all vCPUs are one range of memory, into which a part of its file is
 * mapped only when the guest opens a vCPU's stream: a vCPU that never comes up costs an
 * empty file.  An open stream belongs to its vCPU's thread alone, so doorbells take no lock.
 *
 * Doorbells check sizes, not events: walking them would cost as much as
 * writing them.  Readers check events. */
#include "vmm/tracer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/say.h"
#include "vmm/trace/lib/decode.h"
#include "vmm/trace/lib/reader.h"
#include "vmm/tracer_internal.h"
#include "vmm/version.h"

#define PACKET_ALIGN 4096ull
#define HEADER       sizeof(struct trace_packet)

static int complain(int err, const char *what)
{
    say("trace: %s: %s%s", what, strerror(-err),
        err == -ENOSPC       ? " (give -t a directory on a file system with room)"
        : err == -EOPNOTSUPP ? " (this file system cannot reserve space; use another)"
                             : "");
    return err;
}

/* --- packets ------------------------------------------------------------------------ */

int tracer_write(int fd, const void *bytes, size_t n, uint64_t at)
{
    ssize_t done;
    do {
        done = pwrite(fd, bytes, n, (off_t)at);
    } while (done < 0 && errno == EINTR);
    if (done < 0)
        return -errno;
    return (size_t)done == n ? 0 : -EIO;
}

int tracer_write_header(const struct tracer *t, unsigned cpu, uint64_t at, uint64_t seq,
                        uint64_t content, uint64_t size, uint64_t begin, uint64_t end)
{
    struct trace_packet h = {
        .magic = TRACE_MAGIC,
        .stream_instance_id = cpu,
        .timestamp_begin = begin,
        .timestamp_end = end,
        .content_size = content * 8,
        .packet_size = size * 8,
        .packet_seq_num = seq,
        .cpu_id = cpu,
    };
    memcpy(h.uuid, t->meta.uuid, sizeof(h.uuid));
    return tracer_write(t->stream[cpu].fd, &h, sizeof(h), at);
}

int tracer_cut(const struct tracer *t, unsigned cpu, uint64_t at, size_t from, uint64_t before,
               uint64_t *content, uint64_t *first)
{
    const struct tracer_stream *s = &t->stream[cpu];
    uint8_t *packet = malloc(*content);
    int err = packet == NULL ? -ENOMEM : 0;
    if (err == 0 && pread(s->fd, packet, *content, (off_t)at) != (ssize_t)*content)
        err = -EIO;
    if (err == 0) {
        *content = trace_cut_front(packet, *content, from, before, s->not_before, first);
        err = tracer_write(s->fd, packet + HEADER, *content - HEADER, at + HEADER);
    }
    free(packet);
    return err;
}

/* Reserves the packet at `at`, gives it its provisional header and moves the
 * window there.  On failure the window still shows the old packet. */
static int open_packet(struct tracer *t, unsigned cpu, uint64_t at, uint64_t seq, uint64_t begin)
{
    struct tracer_stream *s = &t->stream[cpu];
    int err;
    do {
        err = fallocate(s->fd, 0, (off_t)at, TRACE_WINDOW_BYTES) != 0 ? -errno : 0;
    } while (err == -EINTR);
    if (err == 0)
        err = tracer_write_header(t, cpu, at, seq, HEADER, TRACE_WINDOW_BYTES, begin, begin);
    if (err == 0 && mmap(s->window, TRACE_WINDOW_BYTES, PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_FIXED, s->fd, (off_t)at) == MAP_FAILED)
        err = -errno;
    if (err == 0) {
        s->next = HEADER;
        s->fills++;
    }
    return err;
}

int tracer_open(struct tracer *t, unsigned cpu)
{
    if (cpu >= t->ncpus || t->finished)
        return -EINVAL;
    int err = 0;
    pthread_mutex_lock(&t->lock);
    if (!t->stream[cpu].is_open)
        err = t->stream[cpu].is_stopped ? 0 : open_packet(t, cpu, 0, 0, t->stream[cpu].not_before);
    if (err == 0)
        t->stream[cpu].is_open = true;
    pthread_mutex_unlock(&t->lock);
    return err != 0 ? complain(err, "cannot open a stream") : 0;
}

int tracer_doorbell(struct tracer *t, unsigned cpu, uint64_t content_bytes, uint64_t first_tsc,
                    uint64_t last_tsc)
{
    if (cpu >= t->ncpus || t->finished || !t->stream[cpu].is_open || content_bytes < HEADER ||
        content_bytes > TRACE_WINDOW_BYTES)
        return -EINVAL;
    if (content_bytes == HEADER)
        return 0; /* nothing in it: it stays open */

    struct tracer_stream *s = &t->stream[cpu];
    uint64_t begin = first_tsc > s->end_tsc ? first_tsc : s->end_tsc;
    uint64_t end = last_tsc > begin ? last_tsc : begin;
    uint64_t size = (content_bytes + PACKET_ALIGN - 1) & ~(PACKET_ALIGN - 1);
    uint64_t old = s->open;

    int err = open_packet(t, cpu, old + size, s->seq + 1, end);
    if (err == 0 && s->skip != 0)
        err = tracer_cut(t, cpu, old, s->skip, s->skip_tsc, &content_bytes, &begin);
    if (err == 0)
        err = tracer_write_header(t, cpu, old, s->seq, content_bytes, size, begin, end);
    s->skip = 0;
    if (err != 0)
        return complain(err, "cannot go on to the next packet");
    s->previous = old;
    s->open = old + size;
    s->end_tsc = end;
    s->seq++;
    return 0;
}

int tracer_close(struct tracer *t, unsigned cpu, uint64_t content, uint64_t first, uint64_t last)
{
    struct tracer_stream *s = &t->stream[cpu];
    uint64_t size = (content + PACKET_ALIGN - 1) & ~(PACKET_ALIGN - 1);
    int err = 0;
    if (s->skip != 0)
        err = tracer_cut(t, cpu, s->open, s->skip, s->skip_tsc, &content, &first);
    if (err == 0)
        err = tracer_write_header(t, cpu, s->open, s->seq, content, size, first, last);
    s->previous = s->open;
    s->size = s->open + size;
    return err;
}

/* Closes the open packet, if it holds an event, and drops it if not. */
static int finish_stream(struct tracer *t, unsigned cpu)
{
    struct tracer_stream *s = &t->stream[cpu];
    struct trace_tail tail;
    int err = 0;

    if (!s->is_open)
        return 0;
    if (!s->is_stopped) {
        s->size = s->open;
        trace_find_tail(s->window, TRACE_WINDOW_BYTES,
                        s->not_before > s->end_tsc ? s->not_before : s->end_tsc, &tail);
        if (tail.events > 0 && s->skip < tail.content)
            err = tracer_close(t, cpu, tail.content, tail.first, tail.last);
    }
    if (err == 0 && ftruncate(s->fd, (off_t)s->size) != 0)
        err = -errno;
    return err;
}

int tracer_finish(struct tracer *t)
{
    int err = 0;
    if (t->finished)
        return 0;
    t->finished = true;
    for (unsigned cpu = 0; cpu < t->ncpus; cpu++) {
        int e = finish_stream(t, cpu);
        if (e != 0)
            err = complain(e, "cannot close the last packet");
    }
    return err;
}

/* --- creation ----------------------------------------------------------------------- */

/* fd again if nothing is in the directory, else -errno. */
static int refuse_full(int fd, const char *dir)
{
    int result = fd, own = dup(fd); /* closedir() closes it */
    DIR *d = own >= 0 ? fdopendir(own) : NULL;
    struct dirent *ent = NULL;
    if (d == NULL)
        result = complain(-errno, dir);
    while (d != NULL && (ent = readdir(d)) != NULL && ent->d_name[0] == '.')
        ;
    if (ent != NULL) {
        say("trace: %s already holds '%s': a trace needs a directory of its own, name a new one",
            dir, ent->d_name);
        result = -ENOTEMPTY;
    }
    if (d != NULL)
        closedir(d);
    else if (own >= 0)
        close(own);
    if (result < 0)
        close(fd);
    return result;
}

/* Opens the directory, made if need be; -errno, also where it is not empty. */
static int open_directory(const char *dir)
{
    bool is_new = mkdir(dir, 0777) == 0;
    if (!is_new && errno != EEXIST)
        return complain(-errno, dir);
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return complain(-errno, dir);
    return is_new ? fd : refuse_full(fd, dir);
}

static void fill_meta(struct tracer *t, const struct tracer_env *env)
{
    struct trace_meta *m = &t->meta;
    t->contents = env->contents;
    m->ncpus = t->ncpus;
    m->tsc_khz = env->tsc_khz;
    m->ram_end = env->ram_end;
    m->schema = trace_schema_hash();
    trace_meta_set_wall(m, env->wall_ns_at_tsc, env->tsc_at_wall);
    snprintf(m->flavour, sizeof(m->flavour), "%s", env->flavour);
    m->kernel_ring = env->kernel_ring;
    snprintf(m->git_id, sizeof(m->git_id), "%s", VMM_VERSION);
    snprintf(m->kernel, sizeof(m->kernel), "%s", env->kernel_path);
    if (env->audit != NULL)
        snprintf(m->verdict, sizeof(m->verdict), "%s: not finished", env->audit);
    for (unsigned cpu = 0; cpu < t->ncpus; cpu++) {
        m->cpu[cpu].tsc_offset = env->tsc_offset[cpu];
        m->cpu[cpu].tsc_error = cpu == 0 ? 0 : -1;
    }
}

static int write_metadata(struct tracer *t)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return -ENOMEM;
    trace_meta_write(out, &t->meta);
    int err = fclose(out) != 0 ? -ENOMEM : 0;
    if (err == 0) {
        t->metafd = openat(t->dirfd, "metadata", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        err = t->metafd < 0 ? -errno : tracer_write(t->metafd, text, size, 0);
        if (err == 0) /* until vmm ends, recover keeps away; a file system may lack locks */
            flock(t->metafd, LOCK_EX | LOCK_NB);
    }
    free(text);
    return err;
}

/* One write of a few bytes in place: who reads the file meanwhile, or after vmm was
 * killed, finds either all of the old numbers or all of the new ones. */
int tracer_cpu_online(struct tracer *t, unsigned cpu, int64_t found, uint64_t error)
{
    char lines[TRACE_META_CPU_BYTES];
    if (cpu >= t->ncpus || error > INT64_MAX || t->finished)
        return -EINVAL;
    pthread_mutex_lock(&t->lock);
    t->meta.cpu[cpu].tsc_found = found;
    t->meta.cpu[cpu].tsc_error = (int64_t)error;
    size_t n = trace_meta_cpu(&t->meta, cpu, lines);
    int err = tracer_write(t->metafd, lines, n, t->meta.cpu[cpu].at);
    pthread_mutex_unlock(&t->lock);
    return err != 0 ? complain(err, "metadata") : 0;
}

static void write_end(struct tracer *t)
{
    char lines[TRACE_META_CPU_BYTES];
    size_t n = trace_meta_stop(&t->meta, lines);
    int err = tracer_write(t->metafd, lines, n, t->meta.stop_at);
    if (err != 0)
        complain(err, "metadata");
}

void tracer_stopped(struct tracer *t, uint64_t tsc)
{
    t->meta.stop_tsc = tsc;
    write_end(t);
}

int tracer_verdict(struct tracer *t, const char *text, uint64_t violations)
{
    char line[TRACE_META_CPU_BYTES];
    t->meta.audit = (int64_t)violations;
    write_end(t);
    snprintf(t->meta.verdict, sizeof(t->meta.verdict), "%s", text);
    size_t n = trace_meta_audit(&t->meta, line);
    int err = tracer_write(t->metafd, line, n, t->meta.audit_at);
    return err != 0 ? complain(err, "metadata") : 0;
}

/* The file only: see tracer_open(). */
static int create_stream(struct tracer *t, unsigned cpu)
{
    char name[16];
    snprintf(name, sizeof(name), "cpu%u", cpu);
    t->stream[cpu].fd = openat(t->dirfd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    t->stream[cpu].window = t->windows + (size_t)cpu * TRACE_WINDOW_BYTES;
    return t->stream[cpu].fd < 0 ? -errno : 0;
}

static int create_windows(struct tracer *t)
{
    void *place = mmap(NULL, (size_t)t->ncpus * TRACE_WINDOW_BYTES, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (place == MAP_FAILED)
        return -errno;
    t->windows = place;
    return 0;
}

/* A random one, version 4, variant 1. */
static int make_uuid(uint8_t *u)
{
    if (getrandom(u, 16, 0) != 16)
        return -errno;
    u[6] = (u[6] & 0x0f) | 0x40;
    u[8] = (u[8] & 0x3f) | 0x80;
    return 0;
}

int tracer_create(struct tracer **out, const char *dir, unsigned ncpus)
{
    int dirfd = open_directory(dir);
    if (dirfd < 0)
        return dirfd;
    struct tracer *t = calloc(1, sizeof(*t) + ncpus * sizeof(t->stream[0]));
    if (t == NULL) {
        close(dirfd);
        return complain(-ENOMEM, dir);
    }
    t->dirfd = dirfd;
    flock(dirfd,
          LOCK_EX | LOCK_NB); /* vmm-trace recover keeps away; where there are no locks, too bad */
    t->metafd = -1;
    t->meta.audit = -1;
    t->ncpus = ncpus;
    pthread_mutex_init(&t->lock, NULL);
    for (unsigned cpu = 0; cpu < ncpus; cpu++)
        t->stream[cpu].fd = -1;
    int err = make_uuid(t->meta.uuid);
    if (err == 0)
        err = create_windows(t);
    for (unsigned cpu = 0; err == 0 && cpu < ncpus; cpu++)
        err = create_stream(t, cpu);
    if (err != 0) {
        complain(err, dir);
        tracer_destroy(t);
        return err;
    }
    *out = t;
    return 0;
}

int tracer_describe(struct tracer *t, const struct tracer_env *env)
{
    fill_meta(t, env);
    int err = write_metadata(t);
    return err != 0 ? complain(err, "metadata") : 0;
}

void *tracer_window(struct tracer *t, unsigned cpu) { return t->stream[cpu].window; }

void tracer_destroy(struct tracer *t)
{
    if (t == NULL)
        return;
    if (t->windows != NULL)
        munmap(t->windows, (size_t)t->ncpus * TRACE_WINDOW_BYTES);
    for (unsigned cpu = 0; cpu < t->ncpus; cpu++)
        if (t->stream[cpu].fd >= 0)
            close(t->stream[cpu].fd);
    if (t->metafd >= 0)
        close(t->metafd);
    close(t->dirfd);
    pthread_mutex_destroy(&t->lock);
    free(t);
}
