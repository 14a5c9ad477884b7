/* xstate.h - XSAVE, XSAVEOPT and XRSTOR on copies of memory, as the SDM,
 * volume 1, chapter 13, describes their standard (not compacted) form.  No
 * machine is needed: the caller moves the bytes. */
#ifndef VMM_XSTATE_H
#define VMM_XSTATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XSTATE_X87      (1ull << 0)
#define XSTATE_SSE      (1ull << 1)
#define XSTATE_AVX      (1ull << 2)
#define XSTATE_AVX512   (7ull << 5)
#define XSTATE_AREA_MAX 8192 /* larger layouts are not used */

struct xstate_layout {
    uint64_t components;         /* bits of XCR0 that are known */
    uint32_t offset[8], size[8]; /* for bits 2 to 7 */
};

void xstate_host_layout(struct xstate_layout *layout); /* from CPUID */
bool xstate_xcr0_valid(const struct xstate_layout *layout, uint64_t xcr0);

/* Bytes that an area with these components occupies. */
size_t xstate_area_bytes(const struct xstate_layout *layout, uint64_t rfbm);

/* `cpu` is the register state, itself in standard form, with XSTATE_BV telling
 * what is in use.  rfbm: EDX:EAX and XCR0.  Changes of `mem` only what the
 * instruction writes. */
void xstate_save(const struct xstate_layout *layout, uint8_t *mem, const uint8_t *cpu,
                 uint64_t rfbm, bool optimised);

/* False: the instruction is a #GP, and `cpu` has not changed. */
bool xstate_restore(const struct xstate_layout *layout, uint8_t *cpu, const uint8_t *mem,
                    uint64_t rfbm, uint64_t xcr0);

#endif
