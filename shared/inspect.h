/* inspect.h - what the guest publishes about its tasks, for whoever asks from
 * outside: the VMM's report on a hung or dead guest reads it from guest memory,
 * with the guest stopped and perhaps broken, so it trusts nothing here.
 *
 * Every task's record of state and blocking lives in these pages and nowhere
 * else: /proc/PID/wchan, /proc/PID/status and the trace read the same record.
 * The guest writes all fields; the VMM only reads.  Addresses are guest
 * physical. */
#ifndef SHARED_INSPECT_H
#define SHARED_INSPECT_H

#include <stddef.h>
#include <stdint.h>

#define INSPECT_MAGIC    0x4b534154534b5246ull /* "FRKSTASK" */
#define INSPECT_MAX_CPUS 64

/* One task.  pid 0: the slot is free. */
struct task_record {
    uint32_t pid; /* the thread's ID; equals tgid for a group leader */
    uint32_t tgid;
    uint32_t ppid;
    uint8_t state;      /* enum task_state, trace_schema.h */
    uint8_t reason;     /* enum block_reason; valid while blocked */
    uint16_t syscall;   /* last system call entered; 0xffff: none yet */
    uint64_t since_tsc; /* TSC at the last change of state */
    uint32_t on_pid;    /* task it waits for; 0: none in particular */
    uint32_t by_pid;    /* who woke it last */
    uint32_t mm;        /* id of its address space; 0: the kernel's */
    uint32_t cpu;       /* where it runs or last ran */
    char comm[16];      /* NUL-terminated */
};
_Static_assert(sizeof(struct task_record) == 56, "layout is shared");

#define INSPECT_RECORDS_PER_PAGE 72
struct inspect_page { /* 4 KiB aligned */
    uint64_t next;    /* address of the next page, 0: last */
    uint64_t reserved[3];
    struct task_record record[INSPECT_RECORDS_PER_PAGE];
};
_Static_assert(sizeof(struct inspect_page) <= 4096, "one page");

/* A system call that the kernel does not have (ENOSYS), and how often programs asked for it. */
struct inspect_vain {
    uint32_t nr, count; /* count 0: a free slot */
};
#define INSPECT_VAIN       64                    /* that many numbers are told apart */
#define INSPECT_VAIN_MAGIC 0x4e494156534b5246ull /* "FRKSVAIN" */

struct inspect_root {
    uint64_t magic;
    uint64_t first_page; /* address of a struct inspect_page */
    uint64_t tsc_khz;
    uint64_t ncpus;
    uint32_t running[INSPECT_MAX_CPUS]; /* pid on each CPU, 0: idle */
    uint64_t fs_layout; /* address of a struct fs_layout (fs_layout.h); 0: no root is mounted yet */
    uint64_t vain_magic; /* else older kernels end here */
    struct inspect_vain vain[INSPECT_VAIN];
    uint64_t vain_others; /* calls of still other numbers */
};

#endif
