/* trace_synth.c - see trace_synth.h. */
#include "trace_synth.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/trace/lib/metadata.h"

const char *synth_dir(void)
{
    static char dir[64];
    strcpy(dir, "/tmp/trace-test-XXXXXX");
    assert(mkdtemp(dir) != NULL);
    return dir;
}

void synth_remove(const char *dir)
{
    char path[512];
    struct dirent *ent;
    DIR *d = opendir(dir);
    while (d != NULL && (ent = readdir(d)) != NULL) {
        snprintf(path, sizeof(path), "%s/%s", dir, ent->d_name);
        unlink(path);
    }
    if (d != NULL)
        closedir(d);
    rmdir(dir);
}

struct tracer *synth_tracer(const char *dir, unsigned ncpus)
{
    struct tracer *t;
    static const int64_t offset[TRACE_CPUS_MAX];
    struct tracer_env env = {
        .tsc_khz = 2500000,
        .flavour = "none",
        .kernel_path = "synthetic \"x\"",
        .wall_ns_at_tsc = 1700000000ull * 1000000000,
        .tsc_at_wall = 1000,
        .tsc_offset = offset,
        .ram_end = 1ull << 32,
    };
    return tracer_create(&t, dir, ncpus) == 0 && tracer_describe(t, &env) == 0 ? t : NULL;
}

void synth_start(struct synth *s, struct tracer *t, unsigned cpu, uint64_t tsc)
{
    memset(s, 0, sizeof(*s));
    s->tracer = t;
    s->cpu = cpu;
    assert(tracer_open(t, cpu) == 0);
    s->window = tracer_window(t, cpu);
    s->at = sizeof(struct trace_packet);
    s->tsc = tsc;
}

void synth_doorbell(struct synth *s)
{
    assert(tracer_doorbell(s->tracer, s->cpu, s->at, s->first, s->last) == 0);
    s->at = sizeof(struct trace_packet);
}

static void append(struct synth *s, const void *bytes, size_t n)
{
    if (n > 0)
        memcpy(s->window + s->at, bytes, n);
    s->at += n;
}

void synth_event(struct synth *s, uint32_t id, uint32_t mm, const void *fields, size_t size,
                 const uint64_t *words, unsigned n)
{
    struct trace_context context = { s->pid, mm };
    if (s->at + sizeof(struct trace_header_extended) + sizeof(context) + size + 8ul * n >
        TRACE_WINDOW_BYTES)
        synth_doorbell(s);
    s->tsc++;
    bool fresh = s->at == sizeof(struct trace_packet);
    if (fresh || id >= TRACE_ID_EXTENDED || s->tsc - s->last >= 1u << TRACE_TSC_BITS) {
        uint8_t first_byte = TRACE_ID_EXTENDED;
        append(s, &first_byte, 1);
        append(s, &id, 4);
        append(s, &s->tsc, 8);
    } else {
        uint32_t word = id | (uint32_t)s->tsc << 5;
        append(s, &word, 4);
    }
    append(s, &context, sizeof(context));
    append(s, fields, size);
    append(s, words, 8ul * n);
    if (fresh)
        s->first = s->tsc;
    s->last = s->tsc;
    s->events++;
}

void synth_write(struct synth *s, uint32_t mm, uint32_t table, unsigned index, unsigned level,
                 unsigned reason, uint64_t old, uint64_t new)
{
    SYNTH(s, pte_write, mm, .va = (uint64_t)index << (3 + 9 * level), .table_pfn = table,
          .index = (uint16_t)index, .level = (uint8_t)level, .reason = (uint8_t)reason, .old = old,
          .new = new);
}

void synth_range_new(struct synth *s, uint32_t mm, uint32_t table, unsigned first, unsigned reason,
                     const uint64_t *words, unsigned n)
{
    struct trace_ev_pte_range_new f = {
        .va = (uint64_t)first << 12,
        .table_pfn = table,
        .first = (uint16_t)first,
        .level = PT_LEVEL_PTE,
        .reason = (uint8_t)reason,
        .len = (uint16_t)n,
    };
    synth_event(s, TRACE_EV_pte_range_new, mm, &f, sizeof(f), words, n);
}

void synth_table(struct synth *s, uint32_t mm, uint32_t table, unsigned level, unsigned reason)
{
    SYNTH(s, table_alloc, mm, .table_pfn = table, .level = (uint8_t)level,
          .reason = (uint8_t)reason);
}

void synth_enter(struct synth *s, uint32_t mm, unsigned nr, uint64_t a0, uint64_t a1)
{
    SYNTH(s, syscall_enter, mm, .nr = (uint16_t)nr, .a0 = a0, .a1 = a1);
}

void synth_exit(struct synth *s, uint32_t mm, unsigned nr, int64_t ret)
{
    SYNTH(s, syscall_exit, mm, .nr = (uint16_t)nr, .ret = ret);
}

void synth_switch(struct synth *s, uint32_t pid)
{
    SYNTH(s, switch, 0, .prev_pid = s->pid, .next_pid = pid);
    s->pid = pid;
}

void synth_state(struct synth *s, uint32_t task, unsigned prev, unsigned next, unsigned reason,
                 uint32_t on, uint32_t by)
{
    SYNTH(s, task_state, 3, .task = task, .prev = (uint8_t)prev, .next = (uint8_t)next,
          .reason = (uint8_t)reason, .on_pid = on, .by_pid = by);
}

void synth_block(struct synth *s, unsigned reason, uint32_t on)
{
    synth_state(s, s->pid, TASK_running, TASK_blocked, reason, on, 0);
}

void synth_wake(struct synth *s, uint32_t task, unsigned reason)
{
    synth_state(s, task, TASK_blocked, TASK_runnable, reason, 0, s->pid);
}

int synth_run(int (*command)(int, char **), char *text, size_t size, ...)
{
    char *argv[12] = { (char *)"test" };
    int argc = 1;
    va_list ap;
    va_start(ap, size);
    while ((argv[argc] = va_arg(ap, char *)) != NULL && argc < 11)
        argc++;
    va_end(ap);
    char path[] = "/tmp/trace-out-XXXXXX";
    int to = mkstemp(path), keep = dup(STDOUT_FILENO), keep_err = dup(STDERR_FILENO);
    int nowhere = open("/dev/null", O_WRONLY);
    fflush(stdout);
    dup2(to, STDOUT_FILENO);
    dup2(nowhere, STDERR_FILENO);
    int status = command(argc, argv);
    fflush(stdout);
    dup2(keep, STDOUT_FILENO);
    dup2(keep_err, STDERR_FILENO);
    close(keep);
    close(keep_err);
    close(nowhere);
    ssize_t n = pread(to, text, size - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    close(to);
    unlink(path);
    return status;
}
