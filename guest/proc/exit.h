/* exit.h - the end of tasks. */
#ifndef PROC_EXIT_H
#define PROC_EXIT_H

#include "sched/task.h"

void exit_task(int status) __attribute__((noreturn)); /* this thread; status as wait(2) encodes */
/* The machine powers off with that status, again as wait(2) encodes. */
void end_machine(int status) __attribute__((noreturn));
void exit_group(int status) __attribute__((noreturn)); /* the process */
/* All threads of current's process but current die; then current leads it.
 * 0, or -EAGAIN: the process is already ending or another thread is in here. */
int exit_other_threads(void);

/* Some process has undos (undo.h) or somebody wants records of all (acct.h): set, and never taken back. */
extern bool exit_extras;

int status_code(int status); /* CLD_* of a status as wait(2) encodes it */
/* Parent is told that p stopped, went on or died.  tree_lock held. */
void notify_parent(struct process *p, int code /* CLD_* */);
/* p is a zombie with its final parent: that is told, or p reaped at once.  True: reaped.  tree_lock held. */
bool notify_end(struct process *p);
/* A dead thread of p has left it for good.  tree_lock held. */
void exit_thread_gone(struct process *p);
/* tree_lock held: HUP and CONT to the group if it is orphaned and has stopped members. */
void pgrp_hangup_if_orphaned(uint32_t pgid);

/* wait.c: p, a zombie, has been waited for.  tree_lock held. */
void process_reap(struct process *p);

#endif
