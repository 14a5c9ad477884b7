/* boot_stage.c - boot marks, to the VMM and the trace. */
#include "trace/boot_stage.h"
#include "arch/cpu.h"
#include "arch/hypercall.h"
#include "trace/trace.h"

/* A byte for each stage that was reached: [atomic].  Where no VMM of ours listens, an
 * emulator can watch it being written (tests/boot/count.c). */
uint8_t boot_stages_reached[BOOT_STAGE_MAX];

void boot_stage(int stage)
{
    if (__atomic_load_n(&boot_stages_reached[stage], __ATOMIC_RELAXED) ||
        __atomic_exchange_n(&boot_stages_reached[stage], 1, __ATOMIC_RELAXED))
        return;
    uint64_t writes = 0, faults = 0;
    for (unsigned i = 0; i < ncpus; i++) {
        writes += cpus[i].pte_writes;
        faults += cpus[i].faults;
    }
    trace_boot_stage(0, (unsigned)stage, writes, faults);
    if (hc_present)
        hypercall(HC_BOOT_STAGE, (uint64_t)stage, writes, faults, 0);
}
