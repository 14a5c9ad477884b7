/* hypercall.h - how the guest kernel talks to the VMM.
 *
 * A hypercall is one `out HC_PORT, eax`: RAX holds the number, RDI RSI RDX R10
 * the arguments, and RAX the result when the instruction is done: a value
 * >= 0, or -errno.  No other register and no flag changes.  Port I/O because
 * it reaches user space on every KVM flavour (vmcall does not); an immediate
 * port because DX then stays free for an argument.
 *
 * Addresses are guest physical.  The VMM checks every one against guest RAM
 * and copies what it reads before it looks at it; an address range that is
 * not all RAM gives -EFAULT, an unknown number -ENOSYS.
 *
 * The guest learns that these exist from CPUID: leaf HC_CPUID_BASE answers
 * with the signature in EBX, ECX, EDX and the last leaf in EAX; leaf
 * HC_CPUID_BASE + 1 has HC_ABI_VERSION in EAX and HC_CAP_* bits in EBX.  A
 * guest that finds no signature (QEMU, another VMM) must not use the port. */
#ifndef SHARED_HYPERCALL_H
#define SHARED_HYPERCALL_H

#include <stdint.h>

#define HC_PORT        0xe4
#define HC_ABI_VERSION 1

/* A store of EAX to this physical address is a hypercall, too: it costs a kernel in ring 3
 * no way to ring 0. */
#define HC_DOORBELL 0xfeb00000u

#define HC_CPUID_BASE    0x40000100u
#define HC_SIGNATURE_EBX 0x6b726f46u /* "Fork" */
#define HC_SIGNATURE_ECX 0x706f6373u /* "scop" */
#define HC_SIGNATURE_EDX 0x4d4d5665u /* "eVMM" */

#define HC_CAP_TRACE       (1u << 0) /* a trace is wanted: call HC_TRACE_OPEN */
#define HC_CAP_PAGE_OPS    (1u << 1) /* page copy and clear are cheaper as hypercalls */
#define HC_CAP_BYTE_OPS    (1u << 2) /* so are longer copies: HC_COPY, HC_CLEAR */
#define HC_CAP_INTERPRETED (1u << 3) /* the host interprets the kernel, an instruction at a time */
#define HC_CAP_MARKS       (1u << 4) /* an audit wants HC_TRACE_MARK at TLB flushes */
#define HC_CAP_TRACE_CALLS (1u << 5) /* an exit is cheaper than writing an event: HC_TRACE_PORT */
#define HC_CAP_ROOT_MARKS  (1u << 6) /* ... and HC_TRACE_MARK at each load of another root, too */
#define HC_CAP_NO_DEBUG    (1u << 7) /* debug registers are kept, and nothing traps in ring 3 */
/* Each has a bit of its own: their sum has no carry. */
_Static_assert(HC_CAP_TRACE + HC_CAP_PAGE_OPS + HC_CAP_BYTE_OPS + HC_CAP_INTERPRETED +
                       HC_CAP_MARKS + HC_CAP_TRACE_CALLS + HC_CAP_ROOT_MARKS + HC_CAP_NO_DEBUG ==
                   (1u << 8) - 1,
               "a bit for two");

/* number, name, arguments -> result */
/* clang-format off */
#define HYPERCALLS(X) \
    X(1,  EXIT)             /* status 0..255, enum hc_exit_kind; never returns */ \
    X(2,  CONSOLE_WRITE)    /* address, bytes -> bytes written, all of them */ \
    X(3,  BOOT_STAGE)       /* enum boot_stage, PTE writes so far, page faults so far -> 0 */ \
    X(4,  TRACE_OPEN)       /* cpu -> address of that CPU's trace window */ \
    X(5,  TRACE_DOORBELL)   /* cpu, content bytes, first TSC, last TSC -> 0, next packet open */ \
    X(6,  PAGE_COPY)        /* to, from: both 4 KiB aligned, not overlapping -> 0 */ \
    X(7,  PAGE_CLEAR)       /* address, 4 KiB aligned; count of pages -> 0 */ \
    X(8,  ENTROPY)          /* address, bytes 1..256 -> bytes written, all of them */ \
    X(9,  WALL_CLOCK)       /* -> CLOCK_REALTIME, ns since 1970 */ \
    X(10, INSPECT)          /* address of struct inspect_root (inspect.h) -> 0 */ \
    X(11, PANIC)            /* address, bytes of the message; never returns */ \
    X(12, COPY)             /* to, from, bytes; they may overlap -> 0 (cut short by a stop) */ \
    X(13, CLEAR)            /* address, bytes -> 0 */ \
    X(14, CPU_ONLINE)       /* cpu, APIC ID, TSC offset, its error -> 0; see below */ \
    X(15, YIELD)            /* -> 0: the host's processor was offered to others */ \
    X(16, CONSOLE_SIZE)     /* -> the terminal's rows << 16 | columns; 0: not known */ \
    X(17, TRACE_MARK)       /* -> 0: memory was compared with the events so far */ \
    X(18, TRACE_CHECKPOINT) /* frame of the kernel's root, TSC, tables -> content bytes; see below */

enum hypercall {
#define X(nr, name) HC_##name = nr,
    HYPERCALLS(X)
#undef X
    HC_MAX
};
/* clang-format on */

/* CPU_ONLINE: a CPU that is not the boot CPU has come up and compared its TSC with
 * the boot CPU's; it calls this itself, before its first trace event.  offset
 * (signed, in ticks) is what was found: the boot CPU's counter minus this one's,
 * within +- error.  Where the two could not be equal the CPU has set its counter
 * right, and offset and error are what a second comparison found.  If 0 still is not
 * within, or CPUID does not call the counters invariant, the guest puts its stamps in
 * order itself, and the trace's are right even so. */

/* TRACE_CHECKPOINT: the VMM reads all tables that the kernel's root leads to, and writes them into
 * the calling CPU's packet, which has to be its first and empty.  The CPU's events go on behind it.
 * RDX is the first frame, and R10 the one behind the last, of those that tables are made of from then
 * on: besides them only what the root leads to is a table.
 *
 * Where HC_CAP_TRACE_CALLS is offered, `out HC_TRACE_PORT, eax` is an event, which the VMM writes
 * and gives its time: about as many instructions as the event has fields, where writing it takes
 * 20 to 50.  Registers are as the C compiler passes arguments: RDI RSI RDX RCX R8 R9, and of each as
 * many low bits as the field has.  None is changed, and there is no result: an event that
 * cannot be is the end of the machine.  EAX is the event's id, and the arguments are the address
 * space and then the fields in their order; but
 *   pte_write        space, address, entry, level, reason, new
 *   pte_range_step   space, address, entry, what, first    of n entries those before the first
 *                    that is not 0 get frames in a row; what: level | reason << 8 | n << 16
 *   pte_range_new    space, address, entry, what, pointer to what n entries will be
 *   pte_range_old    space, address, entry, what           they will be 0
 *   pte_range        space, address, entry, what, off, on  they lose and get these bits
 *   task_state       space, task, prev | next << 8 | reason << 16, on_pid, by_pid
 *   switch           prev_pid, next_pid, next_mm
 *   exec             space, old_mm, pid of the task, pointer to comm
 *   exec_args        space, pointer to path, pointer to arguments, their bytes
 * Entries as they are the VMM reads from the table, so the event comes before the stores.  `entry`
 * is a pointer to it or to the first, and pointers are kernel addresses. */
#define HC_TRACE_PORT 0xe5

enum hc_exit_kind {
    HC_EXIT_POWEROFF = 0,
    HC_EXIT_REBOOT = 1, /* the VMM ends, too, with a status of its own for it, whatever was said */
    HC_EXIT_HALT = 2,
};

#endif
