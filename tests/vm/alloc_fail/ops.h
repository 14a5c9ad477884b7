/* ops.h - operations whose allocations are made to fail, one after the other: alloc_fail.c.
 *
 * Each gives 0, or -errno, and is then as if it had not been; one that succeeds undoes itself. */
#ifndef ALLOC_FAIL_OPS_H
#define ALLOC_FAIL_OPS_H

#include <signal.h>
#include <sys/types.h>

#define PAGE 4096l
#define ENDS "ends" /* argv[1] of the program that exec starts */

struct op {
    const char *name;
    int (*run)(void);
    int in_child; /* which arms itself, and arms us with what was left */
};
/* Each ends with a name that is NULL. */
extern const struct op task_ops[], memory_ops[], share_ops[], file_ops[], event_ops[], ipc_ops[],
    space_ops[];

extern char page_of_names[3000];
extern char *five;            /* mapped pages */
extern int exec_nth;          /* for an operation in a child, which arms itself with it */
extern const char *exec_path; /* what the child executes */
extern int last_status;       /* of the last child */
extern volatile int signals;  /* that came to on_signal() */

void arm(int n);  /* the nth allocation from now on fails */
int disarm(void); /* Whether it has failed; ends it. */
int done(long result);
int wait_for(pid_t pid);
/* Of a child that armed itself, and said by its status 100: done, 101: done although an allocation
 * failed, else the errno.  Arms us, for who asks next whether one has failed. */
int child_said(pid_t pid);
void on_signal(int sig, siginfo_t *info, void *context);

/* What undoes an operation does not fail. */
#define UNDO(...) \
    do { \
        int fired_ = disarm(); \
        __VA_ARGS__; \
        arm(fired_ ? 0 : 1000000); \
    } while (0)

#endif
