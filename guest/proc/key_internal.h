/* key_internal.h - what key.c and key_ring.c have of each other.  key_mutex held throughout. */
#ifndef PROC_KEY_INTERNAL_H
#define PROC_KEY_INTERNAL_H

#include "proc/key.h"
#include "sync/lock.h"

/* key.c */
struct key_user *key_user_of(uint32_t uid); /* made if need be; NULL: no memory */
long key_ring_resize(struct key *ring, int links);
struct key *key_of_number(int32_t serial); /* NULL: none; a reference of nobody's */
/* key_ring.c */
struct key *key_drop_link(struct key *ring, struct key_link *l); /* the reference is the caller's */

#endif
