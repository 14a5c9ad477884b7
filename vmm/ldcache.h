/* ldcache.h - the dynamic loader's list of libraries, /etc/ld.so.cache, in
 * glibc's "new" format (version 1.1). */
#ifndef VMM_LDCACHE_H
#define VMM_LDCACHE_H

#define LDCACHE_PATH "/etc/ld.so.cache"

struct ldcache;

struct ldcache *ldcache_open(const char *path); /* NULL: none that can be read */
void ldcache_close(struct ldcache *c);          /* NULL is fine */
/* Path of an x86-64 glibc library, valid until close; NULL: not listed.  c may
 * be NULL. */
const char *ldcache_find(const struct ldcache *c, const char *name);

#endif
