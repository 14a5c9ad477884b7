/* seal.h - what may never again be done to a file: fcntl(2)'s F_ADD_SEALS.
 *
 * Only a memfd takes seals.  inode.seals only ever gains bits, with in->lock held for
 * what changes contents and in->pages_lock for what maps.  F_SEAL_WRITE waits for nobody:
 * it is refused while a mapping might still write, and those are counted (shared_maps). */
#ifndef FS_SEAL_H
#define FS_SEAL_H

#include "fs/inode.h"
#include <linux/fcntl.h>
#include <linux/memfd.h>

#ifndef F_SEAL_EXEC /* newer than some systems' headers */
#define F_SEAL_EXEC 0x0020
#endif
#ifndef MFD_EXEC
#define MFD_NOEXEC_SEAL 0x0008U
#define MFD_EXEC        0x0010U
#endif
struct file;

#define SEALS_AGAINST_WRITING (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)

long file_add_seals(struct file *f, uint32_t seals);
long file_get_seals(const struct file *f);
static inline bool inode_sealed(const struct inode *in, uint32_t seals)
{
    return (__atomic_load_n(&in->seals, __ATOMIC_RELAXED) & seals) != 0;
}
/* May a mapping that is shared, and can be written now or later, be made?  0: yes, and it
 * counts until inode_map_end(); -EPERM: writing is sealed. */
int inode_map_begin(struct inode *in);
void inode_map_end(struct inode *in);

#endif
