/* internal.h - how a file of /proc is described.
 *
 * A tree of static tables: each entry has a name, a mode and what makes its
 * content.  Directories whose names are numbers (processes, threads, open
 * files) say which numbers there are and what entry stands behind one.  A node
 * is an entry with the task and descriptor it is about; nothing else is kept,
 * so what a process left behind in open files is a number, never a pointer. */
#ifndef PROCFS_INTERNAL_H
#define PROCFS_INTERNAL_H

#include "fs/path.h"
#include "procfs/text.h"
#include <linux/stat.h>

struct file;
struct mm;
struct task;
struct task_record;
struct uio;

struct proc_node {
    const struct proc_entry *entry;
    uint32_t tid; /* 0: about no task */
    int32_t fd;
    bool whole; /* of the process, not of the one thread */
};

/* Where a link leads: to the very object, also when it has no name any more. */
struct proc_goal {
    struct file *file; /* with a reference, or NULL: path, with references */
    struct path path;
};

/* A number that root may set, of 8 or 4 bytes. */
struct proc_tunable {
    void *word;
    uint64_t min, max;
    uint32_t bytes;
};

#define PROC_PRIVATE 1u /* for the task's owner and root only */
#define PROC_ADMIN   2u /* to be opened for writing only with CAP_SYS_ADMIN */

enum proc_kind {
    PROC_IS_TEXT,   /* a constant */
    PROC_IS_SHOWN,  /* show() makes the text */
    PROC_IS_TASK,   /* show_task(), while the task is there; else -ESRCH */
    PROC_IS_MM,     /* show_mm(), while the task has memory; else empty */
    PROC_IS_MEMORY, /* no text: bytes at a position */
    PROC_IS_DIR,
    PROC_IS_LINK, /* a symlink with a text */
    PROC_IS_GOAL, /* a symlink that leads to an object */
};

struct proc_entry {
    const char *name; /* NULL: end of a table */
    uint16_t mode;
    uint8_t kind, flags;
    union {
        const char *text;
        int (*show)(struct text *t, const struct proc_node *n); /* 0 or -errno */
        void (*show_task)(struct text *t, struct task *task);
        void (*show_mm)(struct text *t, struct mm *mm);
        /* Move bytes at *pos, and *pos. */
        long (*read)(const struct proc_node *n, struct uio *u, uint64_t *pos);
        const struct proc_entry *children;
        long (*readlink)(char *buf, size_t room); /* there is room for all of it */
        int (*goal)(const struct proc_node *n, struct proc_goal *to); /* 0 or -errno */
    };
    union { /* or NULL */
        /* What one write(2) wrote, NUL-terminated, without the newline: 0 or -errno. */
        int (*store)(const struct proc_node *n, char *line);
        int (*store_task)(struct task *task, char *line);
        long (*write)(const struct proc_node *n, struct uio *u, uint64_t *pos);
        /* What stands behind a number in a directory: 0, -ENOENT. */
        int (*number)(const struct proc_node *dir, uint32_t nr, struct proc_node *child);
    };
    union {
        uint64_t value;                     /* for show() and store() */
        const struct proc_tunable *tunable; /* for show_tunable() and store_tunable() */
        /* Numbers from `from` on, ascending; how many. */
        unsigned (*numbers)(const struct proc_node *dir, uint32_t from, uint32_t *out,
                            unsigned room);
    };
};
/* clang-format off */
#define PROC_ENTRY(n, m, k, ...) { .name = n, .mode = m, .kind = k, __VA_ARGS__ }
#define PROC_TEXT(n, m, t)       PROC_ENTRY(n, S_IFREG | (m), PROC_IS_TEXT, .text = t)
#define PROC_FILE(n, m, fn, ...) PROC_ENTRY(n, S_IFREG | (m), PROC_IS_SHOWN, .show = fn, __VA_ARGS__)
#define PROC_NUMBER(n, m, v)     PROC_FILE(n, m, show_value, .value = v)
#define PROC_TUNABLE(n, var, lo, hi) \
    PROC_FILE(n, 0644, show_tunable, .store = store_tunable, \
              .tunable = &(const struct proc_tunable){ &(var), lo, hi, sizeof(var) })
#define PROC_TASK(n, m, fn, ...) PROC_ENTRY(n, S_IFREG | (m), PROC_IS_TASK, .show_task = fn, __VA_ARGS__)
#define PROC_MM(n, m, fn, ...)   PROC_ENTRY(n, S_IFREG | (m), PROC_IS_MM, .show_mm = fn, __VA_ARGS__)
#define PROC_DIR(n, m, ...)      PROC_ENTRY(n, S_IFDIR | (m), PROC_IS_DIR, __VA_ARGS__)
#define PROC_LINK(n, fn)         PROC_ENTRY(n, S_IFLNK | 0777, PROC_IS_LINK, .readlink = fn)
#define PROC_GOAL(n, m, fn)      PROC_ENTRY(n, S_IFLNK | (m), PROC_IS_GOAL, .goal = fn)
#define PROC_END                 { .name = NULL }
/* clang-format on */

/* node.c - what a node is about. */
struct task *proc_task(const struct proc_node *n); /* with a reference; NULL: it is gone */
/* Its address space, with a reference for mm_put(mm, PT_exit_teardown); NULL: none. */
struct mm *proc_mm(const struct proc_node *n);
/* May current look into that task?  Its owner and root may. */
bool proc_may_look(const struct task *t);
int proc_make_text(struct text *t, const struct proc_node *n); /* 0 or -errno */
int proc_store(const struct proc_node *n, char *line);
int show_tunable(struct text *t, const struct proc_node *n);
int store_tunable(const struct proc_node *n, char *line);
/* A decimal number at *at, which moves behind it: false if there is none, or it is too large. */
bool proc_parse(const char **at, uint64_t *value);
/* All of the line is a number.  base: 10, or 0 for C's notation (0x hexadecimal, 0 octal).  0, -EINVAL,
 * -ERANGE if it is more than max. */
int proc_number(const char *line, unsigned base, uint64_t max, uint64_t *value);
int show_value(struct text *t, const struct proc_node *n); /* entry->value, a line */

/* system.c */
extern const struct proc_entry proc_root_entry;
/* cpuinfo.c */
int show_cpuinfo(struct text *t, const struct proc_node *n);
/* sys.c */
extern const struct proc_entry proc_sys_table[];
/* net.c */
extern const struct proc_entry proc_net_table[];
/* sysvipc.c */
extern const struct proc_entry proc_sysvipc_table[];
int show_sem_limits(struct text *t, const struct proc_node *n);
int store_sem_limits(const struct proc_node *n, char *line);
/* forkscope.c */
extern const struct proc_entry proc_forkscope_table[];
/* pid.c */
int proc_pid_number(const struct proc_node *dir, uint32_t nr, struct proc_node *child);
unsigned proc_pids(const struct proc_node *dir, uint32_t from, uint32_t *out, unsigned room);
/* maps.c */
void show_maps(struct text *t, struct mm *mm);
void show_smaps(struct text *t, struct mm *mm);
void show_smaps_rollup(struct text *t, struct mm *mm);
/* How many map the page of an entry, which is in a table of so many address spaces?  Those count as one
 * in the page's own count (mm/share.c). */
uint32_t page_mappings(uint64_t entry, uint32_t table_users);
/* pagemap.c */
long read_pagemap(const struct proc_node *n, struct uio *u, uint64_t *pos);
/* control.c */
void show_core_filter(struct text *t, struct mm *mm);
int store_core_filter(const struct proc_node *n, char *line);
int show_slack(struct text *t, const struct proc_node *n);
int store_slack(const struct proc_node *n, char *line);
int store_id_map(const struct proc_node *n, char *line);
int store_setgroups(const struct proc_node *n, char *line);
int show_stack(struct text *t, const struct proc_node *n);
/* stat.c */
int show_stat(struct text *t, const struct proc_node *n);
int show_status(struct text *t, const struct proc_node *n);
int show_statm(struct text *t, const struct proc_node *n);
/* State of a task by its record: the letter of /proc/PID/stat, and what it waits in. */
char proc_state_letter(const struct task_record *r);
const char *proc_wchan(const struct task_record *r);
/* mounts.c */
int show_mounts(struct text *t, const struct proc_node *n);
int show_mountinfo(struct text *t, const struct proc_node *n);
/* links.c */
int proc_fd_number(const struct proc_node *dir, uint32_t nr, struct proc_node *child);
int proc_fdinfo_number(const struct proc_node *dir, uint32_t nr, struct proc_node *child);
unsigned proc_fd_numbers(const struct proc_node *dir, uint32_t from, uint32_t *out, unsigned room);
int goal_exe(const struct proc_node *n, struct proc_goal *to);
int goal_cwd(const struct proc_node *n, struct proc_goal *to);
int goal_root(const struct proc_node *n, struct proc_goal *to);
long goal_name(const struct proc_goal *g, char *buf, size_t room); /* as readlink(2) gives it */
int goal_follow(const struct proc_goal *g, struct path *out);      /* fs_tree held */
void goal_put(struct proc_goal *g);

#define CLOCK_TICK_NS 10000000ul /* USER_HZ is 100 */
/* Of a counter that each CPU has. */
#define CPU_SUM(field) \
    ({ \
        uint64_t sum_ = 0; \
        for (unsigned cpu_ = 0; cpu_ < ncpus; cpu_++) \
            sum_ += (uint64_t)cpus[cpu_].field; \
        sum_; \
    })
/* Device numbers as st_dev has them. */
#define DEV_MAJOR(dev) ((dev) >> 8 & 0xfff)
#define DEV_MINOR(dev) (((dev)&0xff) | ((dev) >> 12 & 0xfff00))

#endif
