/* shm.h - System V shared memory, for shm.c, shm_ctl.c and /proc. */
#ifndef IPC_SHM_H
#define IPC_SHM_H

#include "ipc/space.h"

/* It includes <unistd.h> for the sake of a macro, and a kernel has none. */
#define _UNISTD_H
#include <linux/shm.h>
#undef _UNISTD_H

/* In shm_perm.mode; Linux does not give them to programs by name. */
#define SHM_DEST   01000u /* goes with the last mapping */
#define SHM_LOCKED 02000u

struct file;

struct shm_segment { /* [i] its table's lock */
    struct ipc_object ipc;
    struct file *file; /* [k] its pages; attached is a file of its own for each shmat(2) */
    size_t size;       /* [k] */
    uint32_t attached; /* [i] mappings, and calls that are making one */
    uint64_t creator;  /* [k] a process: ipc_pid(), */
    uint64_t last;     /* [i] and that of the last shmat(2), shmdt(2), fork or end */
    int64_t atime, dtime, ctime; /* [i] seconds */
};

extern uint32_t
    shm_huge_group; /* [a] who is in it may ask for huge pages, as who may lock memory */
uint64_t shm_resident(const struct shm_segment *s); /* pages that it has */
/* Away with it, if it is to go and nobody has it attached. */
void shm_end_if_unused(struct shm_segment *s);
static inline struct shm_segment *shm_of(struct ipc_object *o)
{
    return container_of(o, struct shm_segment, ipc);
}

#endif
