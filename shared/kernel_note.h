/* kernel_note.h - what guest.elf says of itself in an ELF note, so that the VMM can refuse in a
 * line what the kernel could only die of.
 *
 * A PVH kernel without this note is another one: the VMM assumes nothing of it, and gives it
 * the file of --initrd as it is. */
#ifndef SHARED_KERNEL_NOTE_H
#define SHARED_KERNEL_NOTE_H

#include <stddef.h>
#include <stdint.h>

#define KERNEL_NOTE_NAME "Forkscope"
#define KERNEL_NOTE_TYPE 1

struct kernel_note {
    uint32_t cpus_max;    /* more are not used */
    uint32_t least_kib;   /* RAM with which a shell runs, with the root image inside the kernel; */
    uint32_t per_cpu_kib; /* and for each CPU */
};
_Static_assert(sizeof(struct kernel_note) == 12, "read by another program");

/* A second note, of a kernel that can run in ring 3.  A VMM that wants it there loads it where it
 * would anyway and adds the distance to - from to each word that the file's packed relative
 * relocations (DT_RELR) name.  The kernel sees from these words where it is, runs behind a stub in
 * ring 0, and takes hypercalls, the doorbell among them (hypercall.h), for granted.  Where
 * nobody touches the words it runs in ring 0. */
#define KERNEL_NOTE_RING3 2

struct kernel_note_ring3 {
    uint64_t from, to;
};

#endif
