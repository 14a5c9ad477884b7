/* memcheck.h - the kernel that watches its own memory (-DMEMCHECK=1, guest-locks.elf).
 *
 * Heap objects get a tail: what lies between the bytes that were asked for and the end is
 * filled, and says how many were asked for and whether the object is in use.  So a write
 * beyond the end, a free of what is free, and, as freed objects are filled and rest a
 * while in quarantine before anybody gets them again, a write after the free are found: by
 * the next kfree() or kmalloc() of that memory, with who did that.  A read after the free
 * gives an address that faults.  Objects of a page have no tail: frames are watched, too.
 *
 * Freed frames are filled, and looked at when they are handed out again; those of page
 * tables are to be zero.  Where ring 0 is interpreted only some words of each are.
 *
 * The nth allocation of a task fails when it has asked for that: /proc/forkscope/fail_nth. */
#ifndef MM_MEMCHECK_H
#define MM_MEMCHECK_H

#include "mm/frame.h"

#define MEMCHECK_TAIL 16u /* bytes at an object's end, at least */
#define QUARANTINE    64u /* objects, and frames of each kind, that rest: a CPU's */

#if MEMCHECK

/* p has room bytes, of which n were asked for; was: it may have been freed before. */
void memcheck_taken(void *p, size_t n, size_t room, const void *by);
void memcheck_freed(void *p, size_t room, const void *by);
/* A freed object, seen again: the one that is to go on to the free list, or NULL. */
void *memcheck_rests(void *p);
uint64_t memcheck_resting_bytes(void); /* of all CPUs; rooms */
void memcheck_frame_freed(pfn_t pfn, bool table);
void memcheck_frame_taken(pfn_t pfn, bool table); /* one that was freed before */
/* Whether this allocation of current is to fail. */
bool alloc_fails(void);
/* The nth from now on, 0: none any more.  What was left before, 0: it has failed. */
uint32_t alloc_fail_nth(uint32_t n);
void memcheck_selftest(void); /* memcheck= of the command line: does something wrong */
#else
static inline void memcheck_frame_freed(pfn_t pfn, bool table) { (void)pfn, (void)table; }
static inline void memcheck_frame_taken(pfn_t pfn, bool table) { (void)pfn, (void)table; }
static inline bool alloc_fails(void) { return false; }
#endif

#endif
