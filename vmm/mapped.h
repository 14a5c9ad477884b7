/* mapped.h - the files that guest memory is mapped from.
 *
 * A page that a file has lost cannot be had again: KVM gives EFAULT for it on
 * some hosts, and tries for ever on others.  So their sizes are looked at once in a
 * while (fstat, for that works on every file system). */
#ifndef VMM_MAPPED_H
#define VMM_MAPPED_H

#define MAPPED_LOOK_MS 1000
#define MAPPED_SHRUNK  "%s became shorter while the VM ran"

/* fd stays open, name valid.  Before the first vCPU runs. */
void mapped_add(int fd, const char *name);
/* The name of one that has become shorter since, or NULL.  Any thread. */
const char *mapped_shrunk(void);

#endif
