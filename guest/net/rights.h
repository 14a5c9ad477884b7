/* rights.h - open files in messages (SCM_RIGHTS): rights.c says how they go and how they end. */
#ifndef NET_RIGHTS_H
#define NET_RIGHTS_H

#include "lib/base.h"
#include "lib/list.h"

struct file;
struct unix_message;
struct unix_socket;

struct unix_rights {
    struct unix_rights *next; /* dead: rights_free() */
    uint32_t n, nsockets;
    bool in_flight;               /* [u] counted in their sockets */
    struct unix_socket **sockets; /* those of the files that are sockets, behind them */
    struct file *file[];
};

/* current's descriptors, SCM_MAX_FD at most: 0, -EBADF, -ENOMEM. */
int rights_take(const int *fd, unsigned n, struct unix_rights **out);
/* `more` behind those, which take it over, also on failure: 0, -EINVAL: too many, -ENOMEM. */
int rights_append(struct unix_rights **to, struct unix_rights *more);
struct unix_rights *rights_copy(const struct unix_rights *r); /* unix_lock held; NULL: no memory */
/* unix_lock held.  m goes into to's queue with its rights: 0 or -ETOOMANYREFS. */
int rights_go(struct unix_message *m, struct unix_socket *to);
/* unix_lock held.  They are m's no longer, nor in flight; NULL: it had none. */
struct unix_rights *rights_land(struct unix_message *m);
/* unix_lock held: `end` is accepted, and what it was sent is its own now. */
void rights_accepted(struct unix_socket *listener, struct unix_socket *end);
void rights_free(struct unix_rights *r); /* the files are put; unix_lock not held */
void rights_collect(void);               /* frees what only messages hold that nobody can read */
void rights_init(void);

#endif
