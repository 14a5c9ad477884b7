/* bootlog.c - see bootlog.h. */
#include "vmm/bootlog.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "vmm/host.h"
#include "vmm/kvm_stats.h"
#include "vmm/vm.h"

/* clang-format off */
static const char *const stage_names[BOOT_STAGE_MAX] = {
#define X(nr, name) [nr] = #name,
    BOOT_STAGES(X)
#undef X
};
/* clang-format on */

static uint64_t now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void bootlog_start(struct bootlog *log)
{
    pthread_mutex_init(&log->lock, NULL);
    log->start_ns = now_ns();
    log->mark[BOOT_vmm_start].reached = true;
}

static void count(const struct vm *vm, struct bootlog_mark *m)
{
    for (unsigned c = 0; vm->vcpu != NULL && c < vm->ncpus; c++) {
        const struct vcpu *v = &vm->vcpu[c];
        for (unsigned i = 0; i < VCPU_EXIT_REASONS; i++)
            m->exits += atomic_load_explicit(&v->exits[i], memory_order_relaxed);
        for (unsigned i = 0; i < HC_MAX; i++)
            m->hypercalls += atomic_load_explicit(&v->hypercalls[i], memory_order_relaxed);
        if (v->stats_fd >= 0)
            m->interpreted += kvm_stats_read(v->stats_fd, "insn_emulation");
    }
}

void bootlog_mark(struct vm *vm, enum boot_stage stage, uint64_t pte_writes, uint64_t faults)
{
    struct bootlog *log = &vm->bootlog;
    struct bootlog_mark m = { .reached = true, .pte_writes = pte_writes, .faults = faults };
    m.wall_ns = now_ns() - log->start_ns;
    if (stage >= BOOT_first_run)
        m.guest_tsc = vm_guest_tsc(vm);
    count(vm, &m);
    pthread_mutex_lock(&log->lock);
    if (!log->mark[stage].reached)
        log->mark[stage] = m;
    pthread_mutex_unlock(&log->lock);
}

const char *bootlog_stage_name(enum boot_stage stage) { return stage_names[stage]; }

static void write_json(const struct vm *vm, FILE *f)
{
    fprintf(f,
            "{\n  \"host\": \"%s\",\n  \"cpus\": %u,\n  \"memory\": %" PRIu64 ",\n"
            "  \"tsc_khz\": %" PRIu64 ",\n  \"stages\": [",
            host_and_ring(vm->ring3), vm->ncpus, vm->opt->memory, vm->tsc_khz);
    const char *gap = "\n";
    uint64_t first_tsc = vm->bootlog.mark[BOOT_first_run].guest_tsc;
    for (unsigned i = 0; i < BOOT_STAGE_MAX; i++) {
        const struct bootlog_mark *m = &vm->bootlog.mark[i];
        if (!m->reached)
            continue;
        fprintf(f,
                "%s    { \"stage\": \"%s\", \"wall_us\": %.1f, \"guest_cycles\": %" PRIu64
                ", \"exits\": %" PRIu64 ", \"hypercalls\": %" PRIu64 ", \"pte_writes\": %" PRIu64
                ", \"faults\": %" PRIu64 ", \"interpreted\": %" PRIu64 " }",
                gap, stage_names[i], (double)m->wall_ns / 1e3,
                m->guest_tsc != 0 ? m->guest_tsc - first_tsc : 0, m->exits, m->hypercalls,
                m->pte_writes, m->faults, m->interpreted);
        gap = ",\n";
    }
    fputs("\n  ]\n}\n", f);
}

int bootlog_write(const struct vm *vm, FILE *f)
{
    const char *suffix = strrchr(vm->opt->boot_report, '.');
    if (suffix != NULL && strcmp(suffix, ".svg") == 0)
        bootlog_draw(vm, f);
    else
        write_json(vm, f);
    int err = ferror(f) ? -EIO : 0;
    if (fclose(f) != 0)
        err = -errno;
    return err;
}
