/* async.h - files that tell of themselves by a signal: O_ASYNC, F_SETOWN, F_SETSIG. */
#ifndef EVENT_ASYNC_H
#define EVENT_ASYNC_H

#include "lib/base.h"

struct file;

void async_init(void);
/* O_ASYNC on or off, by descriptor fd; f.lock held.  0 or -ENOMEM. */
int async_set(struct file *f, int fd, bool on);
/* Whom: who > 0 a process, < 0 a group, 0 nobody.  0, -EINVAL, -ESRCH or -ENOMEM. */
long async_set_owner(struct file *f, int who);
long async_get_owner(struct file *f); /* the same number; 0: nobody, or they are gone */
/* The same with struct f_owner_ex at that address. */
long async_set_owner_ex(struct file *f, uaddr_t from);
long async_get_owner_ex(struct file *f, uaddr_t to);
long async_get_owner_uids(struct file *f, uaddr_t to);
/* By which signal; 0: SIGIO, without a siginfo of its own. */
long async_set_signal(struct file *f, uint64_t sig);
long async_get_signal(struct file *f);
/* What somebody has asked for otherwise than by O_ASYNC, a lease or F_NOTIFY, is told by descriptor fd: to current, if
 * there is no owner yet.  *set: there was none.  0 or -ENOMEM. */
int async_own(struct file *f, int fd, bool *set);
void async_disown(struct file *f); /* no owner and no signal any more */
void async_tell(struct file *f);   /* POLL_MSG, after async_own(); some spinlocks may be held */

#endif
