/* lease.h - leases on files: fcntl(2)'s F_SETLEASE and F_GETLEASE. */
#ifndef EVENT_LEASE_H
#define EVENT_LEASE_H

#include "lib/base.h"

struct file;
struct inode;

extern uint32_t leases_enable, lease_break_seconds; /* /proc/sys/fs */

/* F_RDLCK, F_WRLCK or F_UNLCK, by descriptor fd. */
long lease_set(struct file *f, int fd, int type);
long lease_get(struct file *f);
void lease_end(struct file *f); /* it goes, and has been told of things by signals */
/* Somebody opens or truncates the file, with these O_* flags.  0 when no lease is against it any
 * more; -EWOULDBLOCK: they have been told, but O_NONBLOCK; -ERESTARTSYS. */
int lease_break(struct inode *in, uint32_t flags);

#endif
