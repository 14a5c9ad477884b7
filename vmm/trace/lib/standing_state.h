/* standing_state.h - what standing.c remembers and told.c tells. */
#ifndef VMM_TRACE_STANDING_STATE_H
#define VMM_TRACE_STANDING_STATE_H

#include "vmm/trace/lib/idmap.h"
#include "vmm/trace/lib/replay.h"
#include "vmm/trace/lib/reader.h"

struct standing_task {
    uint32_t pid, tgid, parent, mm; /* parent: a process */
    uint64_t born;                  /* its place in the order of births */
    uint64_t flags;                 /* of its clone */
    int32_t exit_signal, status;
    uint32_t waits_for_it; /* its vfork parent, until that is released; else 0 */
    uint8_t state, reason;
    uint32_t on_pid, old_mm;
    bool has_exited, has_execed, execed_in_call, in_call, has_fault, has_args;
    uint32_t call_mm, fault_mm;
    char comm[16];
    struct trace_ev_syscall_enter call;
    struct trace_ev_page_fault fault;
    struct trace_ev_exec_args *args; /* or NULL */
};

struct standing_special {
    struct standing_special *next;
    struct trace_ev_vma_special range;
};

struct standing_mm {
    uint32_t id, root_pfn;
    uint32_t from; /* whose copy it is, as long as that is not done */
    uint32_t maker;
    struct standing_special *special;
};

struct standing_cpu {
    bool is_known, has_root;
    uint32_t pid, mm; /* who runs there, where */
    uint32_t root_mm, root_pfn;
};

struct standing {
    struct replay *replay;
    struct idmap *tasks, *mms;
    uint64_t births;
    bool is_told_cpu; /* the event is of a checkpoint, of what a CPU runs */
    struct standing_cpu cpu[TRACE_CPUS_MAX];
};

#endif
