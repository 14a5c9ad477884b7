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
    X(T7, "each event names the task that was last switched to on its CPU") \
    X(T8, "tasks, address spaces and tables are made once, before use, not used after") \
    X(V1, "vfork copies nothing: no entry, no table, the child has the parent's memory") \
    X(V2, "a vfork parent's root is the same before and after") \
    X(V3, "a vfork parent does nothing until it is released") \
    X(V4, "each vfork is released once, by the child's exec or end, or the parent's death") \
    X(V5, "no child uses its vfork parent's memory after the release") \
    X(V7, "memory that somebody still uses is not torn down") \
    X(V9, "who waits for a vfork child waits for a living child of its own") \
    X(F4, "entries that fork write-protected left all TLBs before the parent went on") \
    X(M2, "mprotect keeps the frame; rights taken away left all TLBs before it returned") \
    X(M3, "a table is freed empty, unlinked, and flushed from all CPUs that had it") \
    X(M4, "a frame is not used again while a CPU may reach it by its old address") \
    X(M5, "entries have no reserved bits and lead to guest memory")

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
        struct lint_finding finding[LINT_FINDINGS_MAX];
    } check[LINT_COUNT];
};

enum lint_verdict { LINT_PASS, LINT_FAIL, LINT_INCONCLUSIVE };

extern const char *const lint_names[LINT_COUNT], *const lint_texts[LINT_COUNT];

enum lint_verdict lint_verdict(const struct lint_result *r, enum lint_check check);

#endif
