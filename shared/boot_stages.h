/* boot_stages.h - the stages of a boot, in the order in which they happen.
 * Stages below BOOT_GUEST_FIRST are marked by the VMM, the others by the guest
 * with HC_BOOT_STAGE; each is marked once, the first time it is reached. */
#ifndef SHARED_BOOT_STAGES_H
#define SHARED_BOOT_STAGES_H

/* clang-format off */
#define BOOT_STAGES(X) \
    X(0, vmm_start)             /* main() of the VMM */ \
    X(1, vm_created)            /* VM, memory, irqchip and vCPUs exist */ \
    X(2, kernel_loaded)         /* segments are mapped, start info is written */ \
    X(3, first_run)             /* just before the first KVM_RUN */ \
    X(4, kernel_entry)          /* first C code of the kernel */ \
    X(5, paging)                /* the kernel's own page tables are in use */ \
    X(6, memory)                /* frame allocator and heap work */ \
    X(7, cpus)                  /* interrupts, clock and CPUs are up */ \
    X(8, root_mounted)          /* the root image is the root file system */ \
    X(9, init_exec)             /* exec of PID 1's program is committed */ \
    X(10, first_user_instruction) /* about to return to ring 3 for the first time */ \
    X(11, shell_prompt)         /* first time a shell reads or polls the console */ \
    X(12, command_exit)         /* PID 1's end, or poweroff */

enum boot_stage {
#define X(nr, name) BOOT_##name = nr,
    BOOT_STAGES(X)
#undef X
    BOOT_STAGE_MAX,
    BOOT_GUEST_FIRST = BOOT_kernel_entry
};
/* clang-format on */

#endif
