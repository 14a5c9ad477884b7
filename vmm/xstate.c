/* xstate.c - see xstate.h.
 *
 * Where things lie: x87 in bytes 0..23 and 32..159, MXCSR and its mask in
 * 24..31, XMM in 160..415, the header in 512..575 (XSTATE_BV, XCOMP_BV, zeros),
 * the other components where CPUID leaf 0xd says.
 *
 * MXCSR belongs to SSE and AVX together: both instructions move it when RFBM
 * has either, and XRSTOR takes it from memory whatever XSTATE_BV says. */
#include "vmm/xstate.h"

#include <cpuid.h>
#include <string.h>

#define FCW_INIT       0x037f
#define MXCSR          24
#define MXCSR_INIT     0x1f80u
#define MXCSR_RESERVED 0xffff0000u
#define HEADER         512
#define XCOMP_BV       (HEADER + 8)
#define BASE_BYTES     576
#define COMPONENTS     (XSTATE_X87 | XSTATE_SSE | XSTATE_AVX | XSTATE_AVX512)
#define OSXSAVE        (1u << 27)

static uint64_t load64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

static uint32_t load32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

static uint64_t host_xcr0(void)
{
    uint32_t a, b, c, d;
    __cpuid(1, a, b, c, d);
    if (!(c & OSXSAVE))
        return 0;
    __asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
    return (uint64_t)d << 32 | a;
}

void xstate_host_layout(struct xstate_layout *l)
{
    uint32_t c, d;
    *l = (struct xstate_layout){ .components = host_xcr0() & COMPONENTS };
    for (unsigned i = 2; i < 8; i++)
        if (l->components >> i & 1)
            __cpuid_count(0xd, i, l->size[i], l->offset[i], c, d);
    for (unsigned i = 2; i < 8; i++)
        if (l->offset[i] > XSTATE_AREA_MAX || l->size[i] > XSTATE_AREA_MAX - l->offset[i])
            l->components = 0;
}

bool xstate_xcr0_valid(const struct xstate_layout *l, uint64_t xcr0)
{
    uint64_t wide = xcr0 & XSTATE_AVX512;
    return (xcr0 & XSTATE_X87) && !(xcr0 & ~l->components) &&
           (!(xcr0 & XSTATE_AVX) || (xcr0 & XSTATE_SSE)) &&
           (wide == 0 || (wide == XSTATE_AVX512 && (xcr0 & XSTATE_AVX)));
}

size_t xstate_area_bytes(const struct xstate_layout *l, uint64_t rfbm)
{
    size_t end = BASE_BYTES;
    for (unsigned i = 2; i < 8; i++)
        if ((rfbm >> i & 1) && l->offset[i] + l->size[i] > end)
            end = l->offset[i] + l->size[i];
    return end;
}

/* One component, from area to area. */
static void copy_component(const struct xstate_layout *l, unsigned i, uint8_t *to,
                           const uint8_t *from)
{
    switch (i) {
    case 0:
        memcpy(to, from, 24);
        memcpy(to + 32, from + 32, 128);
        break;
    case 1: memcpy(to + 160, from + 160, 256); break;
    default: memcpy(to + l->offset[i], from + l->offset[i], l->size[i]);
    }
}

static void init_component(const struct xstate_layout *l, unsigned i, uint8_t *cpu)
{
    static const uint8_t zero[XSTATE_AREA_MAX];
    static const uint16_t fcw = FCW_INIT;
    copy_component(l, i, cpu, zero);
    if (i == 0)
        memcpy(cpu, &fcw, sizeof(fcw));
}

void xstate_save(const struct xstate_layout *l, uint8_t *mem, const uint8_t *cpu, uint64_t rfbm,
                 bool optimised)
{
    rfbm &= l->components;
    uint64_t in_use = load64(cpu + HEADER);
    if (load32(cpu + MXCSR) != MXCSR_INIT)
        in_use |= XSTATE_SSE;
    for (unsigned i = 0; i < 8; i++) {
        if (!(rfbm >> i & 1))
            continue;
        if (in_use >> i & 1 || !optimised) {
            if (in_use >> i & 1)
                copy_component(l, i, mem, cpu);
            else
                init_component(l, i, mem);
        }
    }
    if (rfbm & (XSTATE_SSE | XSTATE_AVX))
        memcpy(mem + MXCSR, cpu + MXCSR, 8);
    uint64_t bv = (load64(mem + HEADER) & ~rfbm) | (in_use & rfbm);
    memcpy(mem + HEADER, &bv, sizeof(bv));
}

bool xstate_restore(const struct xstate_layout *l, uint8_t *cpu, const uint8_t *mem, uint64_t rfbm,
                    uint64_t xcr0)
{
    uint64_t bv = load64(mem + HEADER);
    bool takes_mxcsr = rfbm & (XSTATE_SSE | XSTATE_AVX);
    rfbm &= l->components;
    if ((bv & ~xcr0) != 0 || load64(mem + XCOMP_BV) != 0 || load64(mem + XCOMP_BV + 8) != 0)
        return false;
    if (takes_mxcsr && (load32(mem + MXCSR) & MXCSR_RESERVED) != 0)
        return false;

    uint64_t in_use = load64(cpu + HEADER);
    for (unsigned i = 0; i < 8; i++) {
        if (!(rfbm >> i & 1))
            continue;
        if (bv >> i & 1)
            copy_component(l, i, cpu, mem);
        else
            init_component(l, i, cpu);
    }
    in_use = (in_use & ~rfbm) | (bv & rfbm);
    if (takes_mxcsr) {
        memcpy(cpu + MXCSR, mem + MXCSR, 4);
        in_use |= XSTATE_SSE; /* so that whoever loads `cpu` takes MXCSR, too */
    }
    memcpy(cpu + HEADER, &in_use, sizeof(in_use));
    return true;
}
