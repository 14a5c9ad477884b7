/* trace_schema.h - the one definition of the trace.
 *
 * From these lists come the C structures that the guest fills in, the CTF 1.8
 * metadata that the VMM writes, and the tables with which vmm-trace decodes.
 *
 * A trace is a directory: `metadata` and one stream file per vCPU.  A stream
 * is a row of packets, each 4 KiB aligned.  A packet is struct trace_packet,
 * which only the VMM writes, and then events, which only the guest writes,
 * through a window onto the file (HC_TRACE_OPEN gives its address).  Layout is
 * byte-packed and little-endian.
 *
 * An event is: a header, struct trace_context, its fields.  The header is
 * compact when the TSC has moved by less than 2^27 ticks since the previous
 * event of the stream (for the first one in a packet: since timestamp_begin):
 *     u32 = id | (tsc & (2^27-1)) << 5
 * and else extended, 13 bytes:
 *     u8 = TRACE_ID_EXTENDED, u32 id, u64 tsc
 * The first event of a packet is always extended, and a header's first word is
 * stored after all else, so that a packet that was never closed can be read.
 *
 * The opening checkpoint is not a kind of event: it is mm_create, table_alloc
 * and page-table events with reason `checkpoint`, between two `checkpoint`
 * events.  From it and all later pt events the tables can be replayed.
 *
 * Entries are as in memory.  Accessed and Dirty are set by hardware behind the
 * kernel's back, so whoever compares two entries masks both bits. */
#ifndef SHARED_TRACE_SCHEMA_H
#define SHARED_TRACE_SCHEMA_H

#include <stddef.h>
#include <stdint.h>

#define TRACE_MAGIC        0xc1fc1fc1u
#define TRACE_WINDOW_BYTES (256u * 1024) /* a packet is never larger */
#define TRACE_ID_EXTENDED  31u
#define TRACE_TSC_BITS     27

struct trace_packet { /* CTF packet header and packet context */
    uint32_t magic;
    uint8_t uuid[16];
    uint32_t stream_id;          /* always 0: there is one class of stream */
    uint64_t stream_instance_id; /* the vCPU */
    uint64_t timestamp_begin;
    uint64_t timestamp_end;
    uint64_t content_size; /* bits, this header included */
    uint64_t packet_size;  /* bits, a multiple of 4 KiB */
    uint64_t packet_seq_num;
    uint64_t events_discarded; /* always 0: a full packet waits at the doorbell */
    uint32_t cpu_id;
} __attribute__((packed));
_Static_assert(sizeof(struct trace_packet) == 84, "layout is shared");

/* The two headers of events; see above. */
#define TRACE_ID_BITS 5 /* of a compact header; the TSC's bits are above */
struct trace_header_compact {
    uint32_t word;
} __attribute__((packed));
struct trace_header_extended {
    uint8_t mark; /* TRACE_ID_EXTENDED */
    uint32_t id;
    uint64_t tsc;
} __attribute__((packed));
_Static_assert(sizeof(struct trace_header_extended) == 13 &&
                   TRACE_ID_EXTENDED < 1 << TRACE_ID_BITS && TRACE_ID_BITS + TRACE_TSC_BITS == 32,
               "layout is shared");

struct trace_context {
    uint32_t pid; /* task that runs on the vCPU; 0: none, boot or idle */
    uint32_t mm;  /* address space that the event is about; 0: the kernel's */
} __attribute__((packed));

/* Level of a table: its entries' kind.  PGD is the root (the SDM's PML4). */
#define TRACE_PT_LEVELS(X) X(PTE, 1) X(PMD, 2) X(PUD, 3) X(PGD, 4)

/* Why an entry was written or a table came or went. */
/* clang-format off */
#define TRACE_PT_REASONS(X) \
    X(none, 0)          \
    X(checkpoint, 1)    /* was there before the trace began */ \
    X(kernel_map, 2)    /* direct map, devices */ \
    X(kernel_stack, 3)  /* stacks of tasks */ \
    X(kernel_half, 4)   /* a new root gets the kernel's entries */ \
    X(demand_zero, 5)   /* first touch of anonymous memory */ \
    X(demand_file, 6)   /* first touch of a file page, fault-around included */ \
    X(cow_break, 7)     /* write to a shared frame: a copy, or the last owner's own */ \
    X(fork_copy, 8)     /* child's entry, made by fork */ \
    X(fork_wrprotect, 9) /* parent's entry loses W, by fork */ \
    X(exec_map, 10)     /* the new image: argument stack, entries made early */ \
    X(exec_teardown, 11) /* last user of the old image is gone by exec */ \
    X(exit_teardown, 12) /* last user is gone by exit */ \
    X(mmap, 13)         \
    X(munmap, 14)       /* and mmap over something, mremap, MADV_DONTNEED */ \
    X(mprotect, 15)     \
    X(brk, 16)          \
    X(table_link, 17)   /* parent entry of a new lower table */ \
    X(table_unlink, 18) /* parent entry of a table that goes */ \
    X(mkwrite, 19)      /* first write to a shared file page, or rights regained */ \
    X(truncate, 20)     /* pages of a file that shrank, or got a hole */ \
    X(table_share, 21)  /* fork: parent and child lead to one table, both without W */ \
    X(table_unshare, 22) /* a copy of a shared table; or W again, for the last user */ \
    X(huge_map, 23)     /* first touch of 2 MiB of anonymous memory, by one entry of level 2 */ \
    X(huge_split, 24)   /* such an entry gives way to a table: of the same frames, then led to */ \
    X(clear_refs, 25)   /* /proc/PID/clear_refs: A goes, or W, so that the next use or write shows */

#define TRACE_TASK_STATES(X) \
    X(new, 0) X(runnable, 1) X(running, 2) X(blocked, 3) X(stopped, 4) \
    X(zombie, 5) X(dead, 6)
/* clang-format on */

/* Why a task is blocked.  wchan is what /proc/PID/wchan says; the letter is
 * its state in /proc/PID/stat: S interruptible, D not (killable at most). */
/* clang-format off */
#define TRACE_BLOCK_REASONS(X)      /* name, value, wchan, letter */ \
    X(none, 0, "0", 'R') \
    X(vfork, 1, "kernel_clone", 'D') \
    X(wait, 2, "do_wait", 'S') \
    X(pipe_read, 3, "pipe_read", 'S') \
    X(pipe_write, 4, "pipe_write", 'S') \
    X(fifo_open, 5, "wait_for_partner", 'S') \
    X(tty_read, 6, "n_tty_read", 'S') \
    X(tty_write, 7, "n_tty_write", 'S') \
    X(poll, 8, "do_sys_poll", 'S') \
    X(select, 9, "do_select", 'S') \
    X(epoll, 10, "do_epoll_wait", 'S') \
    X(nanosleep, 11, "hrtimer_nanosleep", 'S') \
    X(sigsuspend, 12, "sigsuspend", 'S') \
    X(sigtimedwait, 13, "do_sigtimedwait", 'S') \
    X(pause, 14, "do_pause", 'S') \
    X(futex, 15, "futex_wait_queue", 'S') \
    X(mutex, 16, "mutex_lock", 'D') \
    X(stop, 17, "do_signal_stop", 'T') \
    X(socket, 18, "unix_stream_data_wait", 'S') \
    X(accept, 19, "inet_csk_accept", 'S') \
    X(eventfd, 20, "eventfd_read", 'S') \
    X(timerfd, 21, "timerfd_read", 'S') \
    X(signalfd, 22, "signalfd_dequeue", 'S') \
    X(flock, 23, "flock_lock_inode_wait", 'S') \
    X(exec_threads, 24, "de_thread", 'D') \
    X(core_dump, 25, "coredump_wait", 'D') \
    X(eventfd_write, 26, "eventfd_write", 'S') \
    X(inotify, 27, "inotify_read", 'S') \
    X(socket_send, 28, "sock_alloc_send_pskb", 'S') \
    X(connect, 29, "unix_wait_for_peer", 'S') \
    X(semop, 30, "__do_semtimedop", 'S') \
    X(msg_send, 31, "do_msgsnd", 'S') \
    X(msg_receive, 32, "do_msgrcv", 'S') \
    X(mq, 33, "wq_sleep", 'S') \
    X(traced, 34, "ptrace_stop", 't') /* by its tracer, which it waits for */ \
    X(lease, 35, "__break_lease", 'S') \
    X(aio, 36, "read_events", 'S') \
    X(userfault, 37, "handle_userfault", 'S') /* for a page; in the kernel for it, 'D' on Linux */ \
    X(userfault_read, 38, "userfaultfd_ctx_read", 'S') \
    X(seccomp, 39, "seccomp_do_user_notification", 'S') \
    X(seccomp_recv, 40, "seccomp_notify_ioctl", 'S') /* or in it until a descriptor is taken */ \
    X(kmsg, 41, "devkmsg_read", 'S')
/* clang-format on */

/* What ended a vfork parent's wait. */
#define TRACE_RELEASE_CAUSES(X) X(none, 0) X(exec, 1) X(exit, 2) X(killed, 3)

/* clang-format off */
enum trace_pt_level {
#define X(name, value) PT_LEVEL_##name = value,
    TRACE_PT_LEVELS(X)
#undef X
};
enum pt_reason {
#define X(name, value) PT_##name = value,
    TRACE_PT_REASONS(X)
#undef X
    PT_REASON_MAX
};
enum task_state {
#define X(name, value) TASK_##name = value,
    TRACE_TASK_STATES(X)
#undef X
    TASK_STATE_MAX
};
enum block_reason {
#define X(name, value, wchan, letter) BLOCK_##name = value,
    TRACE_BLOCK_REASONS(X)
#undef X
    BLOCK_REASON_MAX
};
enum release_cause {
#define X(name, value) RELEASE_##name = value,
    TRACE_RELEASE_CAUSES(X)
#undef X
};
/* clang-format on */

/* Traces of earlier versions stay readable: a kind of event keeps its id and its fields for
 * ever, and a list its values; what is new gets a new id or value.  A trace's metadata says which
 * kinds it has, and vmm-trace reads it if those are all among its own, unchanged.
 *
 * The events.  X(id, name, FIELDS): id stays below 31 for the kinds that are
 * frequent, so that their header may be compact; others start at 32.
 * FIELDS(F, E, S, C): F(type, field) an integer (u8 u16 u32 u64 s32 hex32
 * hex64, char64 and char128 for text padded with NUL), E(enum, field) one byte that names a list above (pt_level,
 * pt_reason, task_state, block_reason, release_cause, boot_stage), C(field) a
 * char[16] padded with NUL, S(type, field) the sequence at the end, whose
 * length is the preceding u16 `len`. */
/* clang-format off */
#define TRACE_EVENTS(X) \
    TRACE_ENTRY_EVENTS(X) TRACE_RUNNING_EVENTS(X) TRACE_STATE_EVENTS(X) TRACE_PLAIN_EVENTS(X) \
    TRACE_TEXT_EVENTS(X) TRACE_VMM_EVENTS(X)
/* Entries of page tables: most of a trace, so the kernel has code of its own for them. */
#define TRACE_ENTRY_EVENTS(X) \
    X(0,  pte_write,     EV_PTE_WRITE)    \
    X(1,  pte_range,     EV_PTE_RANGE)    \
    X(2,  pte_range_new, EV_PTE_RANGE_NEW) \
    X(3,  pte_range_old, EV_PTE_RANGE_OLD) \
    X(21, pte_range_step, EV_PTE_RANGE_STEP)
/* From these on, and in them, another pid is in the context of the CPU's events. */
#define TRACE_RUNNING_EVENTS(X) \
    X(4,  switch,        EV_SWITCH)       \
    X(5,  exec,          EV_EXEC)
/* Has more fields than there are registers for arguments. */
#define TRACE_STATE_EVENTS(X) \
    X(13, task_state,    EV_TASK_STATE)
#define TRACE_PLAIN_EVENTS(X) \
    X(6,  table_alloc,   EV_TABLE)        \
    X(7,  table_free,    EV_TABLE)        \
    X(8,  mm_create,     EV_MM_CREATE)    \
    X(9,  mm_free,       EV_MM_FREE)       \
    X(10, cr3_load,      EV_CR3_LOAD)     \
    X(11, tlb_flush,     EV_TLB_FLUSH)    \
    X(12, page_fault,    EV_PAGE_FAULT)   \
    X(14, clone,         EV_CLONE)        \
    X(15, vfork_release, EV_VFORK_RELEASE) \
    X(16, exit,          EV_EXIT)         \
    X(17, reap,          EV_REAP)         \
    X(18, signal,        EV_SIGNAL)       \
    X(19, syscall_enter, EV_SYSCALL_ENTER) \
    X(20, syscall_exit,  EV_SYSCALL_EXIT) \
    X(32, boot_stage,    EV_BOOT_STAGE)   \
    X(33, checkpoint,    EV_CHECKPOINT)   \
    X(34, reparent,      EV_REPARENT)     \
    X(35, vma_special,   EV_VMA_SPECIAL)
/* Longer than others, and rare. */
#define TRACE_TEXT_EVENTS(X) \
    X(40, exec_args,     EV_EXEC_ARGS)
/* That only the VMM writes. */
#define TRACE_VMM_EVENTS(X) \
    X(36, contents,      EV_CONTENTS)
/* clang-format on */

#define EV_MM_FREE(F, E, S, C)
/* One entry: slot `index` of the table in frame table_pfn, for address va. */
/* clang-format off */
#define EV_PTE_WRITE(F, E, S, C) \
    F(hex64, va) F(hex32, table_pfn) F(u16, index) E(pt_level, level) E(pt_reason, reason) \
    F(hex64, old) F(hex64, new)
/* clang-format on */
/* len entries of one table from index `first` on; va belongs to the first.
 * pte_range: e is old, new, old, new, ... and len counts words, so it is even.
 * pte_range_new: every old entry was 0.  pte_range_old: every new one is 0. */
/* clang-format off */
#define EV_PTE_RANGE(F, E, S, C) \
    F(hex64, va) F(hex32, table_pfn) F(u16, first) E(pt_level, level) E(pt_reason, reason) \
    F(u16, len) S(hex64, e)
/* clang-format on */
#define EV_PTE_RANGE_NEW(F, E, S, C) EV_PTE_RANGE(F, E, S, C)
#define EV_PTE_RANGE_OLD(F, E, S, C) EV_PTE_RANGE(F, E, S, C)
/* n entries of one table from index `first` on, each as far from the one before as that from its
 * own: the i-th changes from old + i * old_step to new + i * new_step.  So frames that lie one
 * behind the other take as much room as one of them; entries that were 0, or become 0, have
 * step 0.  It begins as the other ranges do. */
/* clang-format off */
#define EV_PTE_RANGE_STEP(F, E, S, C) \
    F(hex64, va) F(hex32, table_pfn) F(u16, first) E(pt_level, level) E(pt_reason, reason) \
    F(u16, n) F(hex64, old) F(hex64, new) F(hex32, old_step) F(hex32, new_step)
/* clang-format on */
/* A page becomes or stops being a table of that level, for addresses from va
 * on.  A new table is all zero.  The kernel half of a root follows as pt events. */
#define EV_TABLE(F, E, S, C) \
    F(hex64, va) F(hex32, table_pfn) E(pt_level, level) E(pt_reason, reason)
#define EV_MM_CREATE(F, E, S, C) F(hex32, root_pfn) F(u32, from_mm) /* 0: not a copy */
#define EV_CR3_LOAD(F, E, S, C)  F(hex32, root_pfn)
/* Addresses [start, end) left the TLBs of the CPUs in `cpus`; end 0: all. */
#define EV_TLB_FLUSH(F, E, S, C) F(hex64, start) F(hex64, end) F(hex64, cpus)
/* error: the SDM's #PF error code.  rip in user mode unless error says not; 0: no trap, the
 * kernel itself wants the page, for this or another address space, and error has P and W only. */
#define EV_PAGE_FAULT(F, E, S, C) F(hex64, va) F(hex64, rip) F(hex32, error)
/* The task `task` (often not the one running) changes state.  on_pid: whom it
 * waits for.  by_pid: who made it runnable; 0: a timer or device that found the CPU
 * idle.  reason: why it is blocked or, at a wake-up, why it was. */
/* clang-format off */
#define EV_TASK_STATE(F, E, S, C) \
    F(u32, task) E(task_state, prev) E(task_state, next) E(block_reason, reason) \
    F(u32, on_pid) F(u32, by_pid)
/* clang-format on */
#define EV_SWITCH(F, E, S, C) F(u32, prev_pid) F(u32, next_pid) F(u32, next_mm)
/* Task pid made task child.  mm in the context is the parent's. */
#define EV_CLONE(F, E, S, C) \
    F(u32, child) F(u32, child_tgid) F(u32, child_mm) F(hex64, flags) F(s32, exit_signal)
/* The vfork wait of `parent` for this task is over. */
#define EV_VFORK_RELEASE(F, E, S, C) F(u32, parent) F(u32, child) E(release_cause, cause)
/* Committed: context mm is the new one. */
#define EV_EXEC(F, E, S, C) F(u32, old_mm) C(comm)
/* After an exec: what was executed, and the arguments, blanks between them; cut off where they
 * do not fit, padded with NUL. */
#define EV_EXEC_ARGS(F, E, S, C) F(char64, path) F(char128, args)
#define EV_EXIT(F, E, S, C)      F(u32, tgid) F(s32, status) /* as wait(2) sees it */
#define EV_REAP(F, E, S, C)      F(u32, child) F(s32, status)
/* Queued for task `to` (a thread or a process). */
#define EV_SIGNAL(F, E, S, C) F(u32, to) F(u32, signo) F(s32, code)
/* Always for the calls that make, change, end or await a process (clone, clone3,
 * fork, vfork, execve, execveat, exit, exit_group, wait4, waitid, ptrace), so that what
 * a call cost can be summed between the two; for the others on request. */
#define EV_SYSCALL_ENTER(F, E, S, C) F(u16, nr) F(hex64, a0) F(hex64, a1) F(hex64, a2)
#define EV_SYSCALL_EXIT(F, E, S, C)  F(u16, nr) F(s64, ret)
#define EV_BOOT_STAGE(F, E, S, C)    E(boot_stage, stage) F(u64, pte_writes) F(u64, faults)
#define EV_CHECKPOINT(F, E, S, C)    F(u8, begin) /* enum trace_checkpoint */
/* Process child, whose parent ends, gets another one. */
#define EV_REPARENT(F, E, S, C) F(u32, child) F(u32, parent)
/* A mapping that is both writable and executable (flags & 6 == 6: PROT_WRITE, PROT_EXEC), or that
 * fork leaves out or empties (flags & 8).  Others, nearly all, are not told. */
#define EV_VMA_SPECIAL(F, E, S, C) F(hex64, start) F(hex64, end) F(hex32, flags)

/* With --trace-contents, before the entry that leads to them: what is in `pages` frames from to_pfn on, and in
 * the frame whose copy that is (from_pfn 0: none, they are to be zero).  A hash is 0 for zeros, and else not. */
#define EV_CONTENTS(F, E, S, C) \
    F(hex64, va) \
    F(hex32, from_pfn) F(hex32, to_pfn) F(u32, pages) F(hex64, from_hash) F(hex64, to_hash)

/* A trace that begins while the machine runs, or whose beginning was dropped, opens with a
 * checkpoint of all that stands: a short history of ordinary events that leads to it. */
enum trace_checkpoint {
    TRACE_CHECKPOINT_END = 0,
    TRACE_CHECKPOINT_BOOT = 1, /* the kernel's own tables, before the first task */
    TRACE_CHECKPOINT_RUNNING = 2,
    TRACE_CHECKPOINT_CPU = 3, /* inside of the last, or of another stream: who runs there */
};

/* clang-format off */
enum trace_event_id {
#define X(id, name, fields) TRACE_EV_##name = id,
    TRACE_EVENTS(X)
#undef X
};
/* clang-format on */

typedef uint8_t trace_u8;
typedef uint16_t trace_u16;
typedef uint32_t trace_u32, trace_hex32;
typedef uint64_t trace_u64, trace_hex64;
typedef int32_t trace_s32;
typedef int64_t trace_s64;
typedef char trace_char64[64], trace_char128[128];

/* struct trace_ev_NAME: the fields of event NAME as they lie in the stream,
 * without the sequence, which follows. */
#define TRACE_F(type, field) trace_##type field;
#define TRACE_E(list, field) uint8_t field;
#define TRACE_S(type, field)
#define TRACE_C(field) char field[16];
#define X(id, name, fields) \
    struct trace_ev_##name { \
        fields(TRACE_F, TRACE_E, TRACE_S, TRACE_C) \
    } __attribute__((packed));
TRACE_EVENTS(X)
#undef X
#undef TRACE_F
#undef TRACE_E
#undef TRACE_S
#undef TRACE_C

_Static_assert(sizeof(struct trace_ev_pte_write) + sizeof(struct trace_context) + 4 == 44,
               "a single event is 44 bytes");

/* From so many entries on a pte_range_step is the shorter event. */
#define TRACE_STEP_MIN 3u

/* Are n entries, two at least, each as far from the one before, as pte_range_step wants it? */
static inline _Bool trace_in_steps(const uint64_t *entries, unsigned n, uint32_t *step)
{
    uint64_t by = entries[1] - entries[0];
    for (unsigned i = 2; i < n; i++)
        if (entries[i] - entries[i - 1] != by)
            return 0;
    *step = (uint32_t)by;
    return by == *step;
}

#endif
