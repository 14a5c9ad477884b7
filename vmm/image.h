/* image.h - the kernel's ELF file: what it asks for, checked.
 * Every field of the file is hostile input; after image_open() the numbers
 * here are consistent with the file, after image_place() they are with RAM. */
#ifndef VMM_IMAGE_H
#define VMM_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/kernel_note.h"
#include "vmm/gmem.h"

#define IMAGE_SEGMENTS 32

struct image {
    const char *path;
    int fd;         /* stays open, for symbols; -1: closed */
    uint32_t entry; /* physical: the PVH entry point */
    bool is_ours;   /* it has the note of shared/kernel_note.h: */
    struct kernel_note note;
    bool has_ring3;            /* it can run in ring 3 (shared/kernel_note.h), */
    uint64_t ring3_shift;      /*   moved by this */
    uint64_t relr, relr_bytes; /* relative relocations: address where linked */
    unsigned nseg;
    struct image_segment {
        uint64_t vaddr, paddr, offset, filesz, memsz;
    } seg[IMAGE_SEGMENTS];
};

/* NULL, or what is wrong with the file, as a phrase; then nothing is open. */
const char *image_open(struct image *im, const char *path);
void image_close(struct image *im);

/* Bytes of RAM without which it does not run; 0: it does not say. */
uint64_t image_least_memory(const struct image *im, unsigned cpus);

/* Put all segments into RAM.  NULL, or what does not fit. */
const char *image_place(const struct image *im, struct gmem *mem);

/* After image_place(), if it has_ring3: moves it to where it runs in ring 3.  NULL, or
 * what is wrong with its relocations. */
const char *image_move_to_ring3(const struct image *im, struct gmem *mem);

/* The first segment that shares a byte with [start, start + len), or NULL. */
const struct image_segment *image_overlap(const struct image *im, uint64_t start, uint64_t len);

#endif
