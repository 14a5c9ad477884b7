/* internal.h - what each file of /proc brings to its tables (pseudofs/pseudofs.h has their form). */
#ifndef PROCFS_INTERNAL_H
#define PROCFS_INTERNAL_H

#include "pseudofs/pseudofs.h"

struct pid_ns;
struct task_record;

#define PROC_PRIVATE PFS_OWN_FLAG        /* for the task's owner and root only */
#define PROC_ADMIN   (2u * PFS_OWN_FLAG) /* to be opened for writing only with CAP_SYS_ADMIN */
#define PROC_LIVING  (4u * PFS_OWN_FLAG) /* nothing is found in it when its task is gone */

enum proc_kind {
    PROC_IS_TASK = PFS_KINDS, /* show_task(), while the task is there; else -ESRCH */
    PROC_IS_MM,               /* show_mm(), while the task has memory; else empty */
};
/* clang-format off */
#define PROC_TASK(n, m, fn, ...) PFS_ENTRY(n, S_IFREG | (m), PROC_IS_TASK, .show_task = fn, __VA_ARGS__)
#define PROC_MM(n, m, fn, ...)   PFS_ENTRY(n, S_IFREG | (m), PROC_IS_MM, .show_mm = fn, __VA_ARGS__)
/* clang-format on */

/* The PID namespace that it shows; NULL: the first. */
static inline const struct pid_ns *proc_ns(const struct pfs_node *n) { return n->space; }
/* node.c - what a node is about. */
uint32_t proc_number(const struct pfs_node *n, uint32_t pid); /* what that calls it, 0: nothing */
struct task *proc_task(const struct pfs_node *n);        /* with a reference; NULL: it is gone */
struct task *proc_task_locked(const struct pfs_node *n); /* without one; tree_lock held */
/* Its address space, with a reference for mm_put(mm, PT_exit_teardown); NULL: none. */
struct mm *proc_mm(const struct pfs_node *n);
/* Of the kinds above: 0 or -errno. */
int proc_make_text(struct text *t, const struct pfs_node *n);
long proc_ioctl(const struct pfs_node *n, uint32_t cmd, uaddr_t arg);
#define MAP_QUERY 0xc0686611u /* PROCMAP_QUERY */
int proc_store_line(const struct pfs_node *n, char *line);

/* system.c */
extern const struct pfs_entry proc_root_entry;
/* cpuinfo.c */
int show_cpuinfo(struct text *t, const struct pfs_node *n);
/* cpu_flags.c */
void put_cpu_flags(struct text *t); /* the line of that name */
/* sys.c */
extern const struct pfs_entry proc_sys_table[];
/* net.c */
extern const struct pfs_entry proc_net_table[];
/* sysvipc.c */
extern const struct pfs_entry proc_sysvipc_table[];
int show_sem_limits(struct text *t, const struct pfs_node *n);
int store_sem_limits(const struct pfs_node *n, char *line);
/* forkscope.c */
extern const struct pfs_entry proc_forkscope_table[];
/* pid.c */
int proc_pid_number(const struct pfs_node *dir, uint32_t nr, struct pfs_node *child);
bool proc_is_process(const struct pfs_node *n); /* the directory of one */
unsigned proc_pids(const struct pfs_node *dir, uint32_t from, uint32_t *out, unsigned room);
/* maps.c */
void show_maps(struct text *t, struct mm *mm);
void show_smaps(struct text *t, struct mm *mm);
void show_smaps_rollup(struct text *t, struct mm *mm);
void show_numa_maps(struct text *t, struct mm *mm);
/* How many map the page of an entry, which is in a table of so many address spaces?  Those count as one
 * in the page's own count (mm/share.c). */
uint32_t page_mappings(uint64_t entry, uint32_t table_users);
struct vma;
/* maps.c: as it is shown, perhaps made in the page; NULL: it has none.  mm.lock held. */
const char *vma_name(struct vma *v, char *page);
/* map_query.c */
long proc_map_query(const struct pfs_node *n, uaddr_t arg);
/* map_files.c */
extern const struct pfs_named proc_map_files;
/* pagemap.c */
long read_pagemap(const struct pfs_node *n, struct uio *u, uint64_t *pos);
/* control.c */
void show_core_filter(struct text *t, struct mm *mm);
int store_core_filter(const struct pfs_node *n, char *line);
int show_no_refs(struct text *t, const struct pfs_node *n);
int store_clear_refs(const struct pfs_node *n, char *line);
int show_slack(struct text *t, const struct pfs_node *n);
int store_slack(const struct pfs_node *n, char *line);
int store_id_map(const struct pfs_node *n, char *line);
int store_setgroups(const struct pfs_node *n, char *line);
int show_stack(struct text *t, const struct pfs_node *n);
/* stat.c */
int show_stat(struct text *t, const struct pfs_node *n);
int show_status(struct text *t, const struct pfs_node *n);
int show_statm(struct text *t, const struct pfs_node *n);
/* State of a task by its record: the letter of /proc/PID/stat, and what it waits in. */
char proc_state_letter(const struct task_record *r);
const char *proc_wchan(const struct task_record *r);
/* mounts.c */
int show_mounts(struct text *t, const struct pfs_node *n);
int show_mountinfo(struct text *t, const struct pfs_node *n);
/* links.c */
int proc_fd_number(const struct pfs_node *dir, uint32_t nr, struct pfs_node *child);
int show_locks(struct text *t, const struct pfs_node *n);
int proc_fdinfo_number(const struct pfs_node *dir, uint32_t nr, struct pfs_node *child);
unsigned proc_fd_numbers(const struct pfs_node *dir, uint32_t from, uint32_t *out, unsigned room);
int goal_exe(const struct pfs_node *n, struct pfs_goal *to);
int goal_cwd(const struct pfs_node *n, struct pfs_goal *to);
int goal_root(const struct pfs_node *n, struct pfs_goal *to);
extern const struct pfs_entry proc_ns_table[];

#define CLOCK_TICK_NS 10000000ul /* USER_HZ is 100 */
/* Of a counter that each CPU has. */
#define CPU_SUM(field) \
    ({ \
        uint64_t sum_ = 0; \
        for (unsigned cpu_ = 0; cpu_ < ncpus; cpu_++) \
            sum_ += (uint64_t)cpus[cpu_].field; \
        sum_; \
    })

#endif
