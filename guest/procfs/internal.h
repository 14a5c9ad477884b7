/* internal.h - how a file of /proc is described.
 *
 * A tree of static tables: each entry has a name, a mode and what makes its
 * content.  Directories whose names are numbers (processes, threads, open
 * files) say which numbers there are and what entry stands behind one.  A node
 * is an entry with the task and descriptor it is about; nothing else is kept,
 * so what a process left behind in open files is a number, never a pointer. */
#ifndef PROCFS_INTERNAL_H
#define PROCFS_INTERNAL_H

#include "mm/mm.h"
#include "sched/task.h"
#include <linux/stat.h>

struct path;
struct text;
struct uio;

struct proc_node {
    const struct proc_entry *entry;
    uint32_t tid; /* 0: about no task */
    int32_t fd;
    bool whole; /* of the process, not of the one thread */
};

#define PROC_PRIVATE 1u /* for the task's owner and root only */

struct proc_entry {
    const char *name; /* NULL: end of a table */
    uint32_t mode, flags;
    /* Files.  0 or -errno; store gets what one write(2) wrote, NUL-terminated. */
    int (*show)(struct text *t, const struct proc_node *n);
    int (*store)(const struct proc_node *n, char *line);
    /* Files that are no text: moves bytes at *pos, and *pos. */
    long (*transfer)(const struct proc_node *n, struct uio *u, uint64_t *pos, bool write);
    /* Directories. */
    const struct proc_entry *children;
    /* 0, -ENOENT */
    int (*number)(const struct proc_node *dir, uint32_t nr, struct proc_node *child);
    unsigned (*numbers)(const struct proc_node *dir, uint32_t from, uint32_t *out, unsigned room);
    /* Symlinks. */
    long (*readlink)(const struct proc_node *n, char *buf, size_t room);
    int (*follow)(const struct proc_node *n, struct path *out);
};
#define PROC_FILE(n, m, fn) \
    { \
        .name = n, .mode = S_IFREG | (m), .show = fn \
    }
#define PROC_STORE(n, m, fn, to) \
    { \
        .name = n, .mode = S_IFREG | (m), .show = fn, .store = to \
    }
#define PROC_DIR(n, table) \
    { \
        .name = n, .mode = S_IFDIR | 0555, .children = table \
    }

/* The text of a file while it is made: kept in pages.  Running out of memory is
 * remembered; the read fails then. */
void text_put(struct text *t, const char *s, size_t n);
void text_printf(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void text_escaped(struct text *t, const char *s); /* blanks and backslashes as \ooo */
char *text_page(void); /* room for a path name, PAGE_SIZE; kfree(); NULL */

/* The task of a node, with a reference; NULL: it is gone. */
struct task *proc_task(const struct proc_node *n);
/* Its address space, with a reference for mm_put(mm, PT_exit_teardown); NULL: none. */
struct mm *proc_mm(const struct proc_node *n);
/* May current look into that task?  Its owner and root may. */
bool proc_may_look(const struct task *t);

/* By file. */
extern const struct proc_entry proc_root_entry;                          /* system.c */
extern const struct proc_entry proc_sys_table[], proc_forkscope_table[]; /* sys.c */
/* pid.c */
int proc_pid_number(const struct proc_node *dir, uint32_t nr, struct proc_node *child);
unsigned proc_pids(const struct proc_node *dir, uint32_t from, uint32_t *out, unsigned room);
int show_maps(struct text *t, const struct proc_node *n); /* maps.c */
int show_smaps(struct text *t, const struct proc_node *n);
int show_stat(struct text *t, const struct proc_node *n); /* stat.c */
int show_status(struct text *t, const struct proc_node *n);
int show_statm(struct text *t, const struct proc_node *n);
int show_mounts(struct text *t, const struct proc_node *n); /* mounts.c */
int show_mountinfo(struct text *t, const struct proc_node *n);
/* fd.c */
int proc_fd_number(const struct proc_node *dir, uint32_t nr, struct proc_node *child);
int proc_fdinfo_number(const struct proc_node *dir, uint32_t nr, struct proc_node *child);
unsigned proc_fd_numbers(const struct proc_node *dir, uint32_t from, uint32_t *out, unsigned room);
long readlink_exe(const struct proc_node *n, char *buf, size_t room);
long readlink_cwd(const struct proc_node *n, char *buf, size_t room);
long readlink_root(const struct proc_node *n, char *buf, size_t room);
int follow_exe(const struct proc_node *n, struct path *out);
int follow_cwd(const struct proc_node *n, struct path *out);
int follow_root(const struct proc_node *n, struct path *out);
/* State of a task by its record: the letter of /proc/PID/stat, and what it waits in. */
char proc_state_letter(const struct task_record *r); /* stat.c */
const char *proc_state_name(char letter);
const char *proc_wchan(const struct task_record *r);

#define CLOCK_TICK_NS 10000000ull /* USER_HZ is 100 */

#endif
