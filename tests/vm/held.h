/* held.h - what the guest's kernel holds, for programs that look whether it lost something. */
#ifndef TESTS_VM_HELD_H
#define TESTS_VM_HELD_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct held {
    long frames, tables, bytes, tasks, files;
};

static int counters_fd, meminfo_fd, load_fd, files_fd;

/* 0; -1: it is not our kernel. */
static inline int held_open(void)
{
    counters_fd = open("/proc/forkscope/counters", O_RDONLY | O_CLOEXEC);
    meminfo_fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
    load_fd = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
    files_fd = open("/proc/sys/fs/file-nr", O_RDONLY | O_CLOEXEC);
    return counters_fd < 0 ? -1 : 0;
}

static inline long held_figure(int fd, const char *after)
{
    static char text[8192];
    ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

    text[n > 0 ? n : 0] = 0;
    const char *at = strstr(text, after);
    return at ? strtol(at + strlen(after), NULL, 10) : -1;
}

static inline struct held held(void)
{
    struct held h;

    h.tables = held_figure(counters_fd, "tables_used ");
    h.bytes = held_figure(counters_fd, "heap_bytes ");
    h.frames = held_figure(meminfo_fd, "MemTotal:") - held_figure(meminfo_fd, "MemFree:") -
               held_figure(meminfo_fd, "KReclaimable:") - held_figure(meminfo_fd, "SUnreclaim:");
    h.tasks = held_figure(load_fd, "/");
    h.files = held_figure(files_fd, "");
    return h;
}

/* Is it as before?  Who has ended may still be on its way out: so many looks, some time apart.
 * What the last one found is in *now. */
static inline int held_same(const struct held *before, struct held *now, int looks, int apart_us)
{
    while (*now = held(), memcmp(now, before, sizeof(*now)) != 0) {
        if (--looks <= 0)
            return 0;
        usleep((useconds_t)apart_us);
    }
    return 1;
}

static inline void held_say(const char *when, const struct held *h)
{
    printf("%s: %ld KiB of frames, %ld tables, %ld bytes, %ld tasks, %ld files\n", when, h->frames,
           h->tables, h->bytes, h->tasks, h->files);
}

#endif
