/* checks.h - which checks there are, and what they say of a trace. */
#ifndef VMM_TRACE_CHECKS_H
#define VMM_TRACE_CHECKS_H

#include <stdbool.h>
#include <stdint.h>

/* name, what holds */
/* clang-format off */
#define LINT_CHECKS(X) \
    X(T1, "each write found in the slot what the writes before it had left there") \
    X(T2, "each stream is whole, and its times do not go back") \
    X(T5, "each write is to a live table of its level, each link leads one level down") \
    X(T6, "each write's address is that of its slot") \
    X(T7, "each event names the task that runs on its CPU, in its address space") \
    X(T8, "tasks, address spaces and tables are made once, before use, not used after") \
    X(T9, "each call begins, does what such a call does, and ends") \
    X(T10, "each write does to its entry what its reason says") \
    X(V1, "vfork copies nothing: no entry, no table, the child has the parent's memory") \
    X(V2, "a vfork parent's root is the same before and after") \
    X(V3, "a vfork parent does nothing until it is released") \
    X(V4, "each vfork is released once, by the child's exec or end, or the parent's death") \
    X(V5, "no child uses its vfork parent's memory after the release") \
    X(V6, "a failed exec releases no vfork parent") \
    X(V7, "memory that somebody still uses is not torn down") \
    X(V8, "a vfork child changes the shared memory only by faults and its own calls") \
    X(V9, "who waits for a vfork child waits for a living child of its own") \
    X(V10, "nested vforks end from the inside") \
    X(V11, "clone, fork and vfork return the number of the child they made") \
    X(V12, "only its release or its death wakes a vfork parent") \
    X(F1, "fork gives the child what the parent has: frame, rights, COW mark") \
    X(F2, "no page that two address spaces share by fork is writable in one") \
    X(F3, "fork copies all of the parent's own memory, and makes no empty table") \
    X(F4, "entries that fork write-protected left all TLBs before the parent went on") \
    X(F5, "no frame gets a new use while an entry leads to it: references count") \
    X(F6, "a failed fork leaves no address space") \
    X(F7, "a fork's child is whole before it starts") \
    X(C1, "each COW break answers a write fault of that page") \
    X(C2, "a COW break keeps the frame only if nobody else maps it; a copy is one") \
    X(C3, "where an entry got another frame, the old one has left the TLBs") \
    X(C4, "each page that appears on demand answers a fault there, in an empty entry, as zeros") \
    X(C5, "no fault comes again and again with nothing done in between") \
    X(C6, "each fault of a program is answered: by an entry, or by a signal and none") \
    X(C7, "a fault's error code fits its instruction and the entry that it met") \
    X(E1, "until exec commits, it changes the old memory only by faults") \
    X(E2, "a new program's memory holds nothing of another address space") \
    X(E3, "exec commits, and memory goes, only when no CPU is left on the old root") \
    X(E4, "no page is writable and executable, unless the program asked for it") \
    X(E5, "nothing is mapped in the lowest 64 KiB, or beyond user memory") \
    X(X1, "an address space ends, and leaves no entry and no table") \
    X(X2, "a process ends as a zombie that its parent reaps, once, with its status") \
    X(X3, "who exits wakes its waiting parent; states follow each other, and say why") \
    X(X4, "orphans have a new parent before the old one is gone") \
    X(S1, "a page table with several users is written by none") \
    X(S2, "a copy of a shared table is exact, but for W") \
    X(S3, "a shared table is freed when its last user has left") \
    X(H1, "a table in a huge page's place has what that one had") \
    X(H2, "... and comes when that one is gone, and has left all TLBs") \
    X(M1, "munmap clears, and only in its range, and all of it") \
    X(M2, "mprotect and clear_refs keep the frame; rights taken away left all TLBs before they returned") \
    X(M3, "a table is freed empty, unlinked, and flushed from all CPUs that had it") \
    X(M4, "a frame is not used again while a CPU may reach it by its old address") \
    X(M5, "entries have no reserved bits and lead to guest memory") \
    X(M6, "no program maps a page table or the kernel's text; none with two parents has W") \
    X(M7, "each root has the kernel's half") \
    X(M8, "the processor has set Accessed and Dirty, never cleared them") \
    X(M9, "writes that changed nothing are counted, by reason")

enum lint_check {
#define X(name, text) LINT_##name,
    LINT_CHECKS(X)
#undef X
    LINT_COUNT
};
/* clang-format on */

#define LINT_TEXT_MAX 200

struct lint_finding {
    enum lint_check check;
    bool after_gap; /* something was missing by then */
    uint64_t event; /* its number in the merged order, from 1 */
    uint64_t tsc;
    uint32_t cpu, pid, mm;
    char text[LINT_TEXT_MAX];
};

#define LINT_FINDINGS_MAX 5 /* that are kept of each check; all are counted */

struct lint_result {
    uint64_t events, first_tsc;
    bool has_gap;
    struct {
        uint64_t failed, unknown; /* findings before and after something was missing */
        unsigned kept;
        char note[LINT_TEXT_MAX]; /* "": none */
        struct lint_finding finding[LINT_FINDINGS_MAX];
    } check[LINT_COUNT];
};

enum lint_verdict { LINT_PASS, LINT_FAIL, LINT_INCONCLUSIVE };

extern const char *const lint_names[LINT_COUNT], *const lint_texts[LINT_COUNT];

enum lint_verdict lint_verdict(const struct lint_result *r, enum lint_check check);

#endif
