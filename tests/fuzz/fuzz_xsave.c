/* links: vmm/decode.c vmm/xstate.c vmm/disasm.c */
/* libs: -lcapstone */
/* Bytes of an instruction that KVM cannot emulate, and the memory that it would load registers from. */
#include "fuzz.h"

#include "vmm/decode.h"
#include "vmm/disasm.h"
#include "vmm/xstate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t cpu[XSTATE_AREA_MAX], area[XSTATE_AREA_MAX];
    struct input in = { data, size };
    struct xstate_layout layout;
    struct insn insn;
    uint8_t code[2 * INSN_BYTES_MAX];
    size_t n = take_number(&in, 1) % (sizeof(code) + 1);
    unsigned bits = 16u << take_number(&in, 1) % 3;

    take(&in, code, n);
    uint8_t *bytes = copy_of(code, n);
    if (insn_decode(bytes, n, &insn))
        MUST(insn.len <= n && insn.len <= INSN_BYTES_MAX && insn.len >= 3);
    disasm_print(nowhere(), bytes, n, 0xffffffffffffffff - n / 2, 0, bits);
    disasm_arrives(bytes, n, bits);
    free(bytes);

    xstate_host_layout(&layout);
    uint64_t rfbm = take_number(&in, 8), xcr0 = take_number(&in, 8);
    memset(cpu, 0, sizeof(cpu));
    take(&in, area, sizeof(area));
    MUST(xstate_area_bytes(&layout, rfbm) <= XSTATE_AREA_MAX);
    if (xstate_xcr0_valid(&layout, xcr0))
        xstate_restore(&layout, cpu, area, rfbm, xcr0);
    xstate_save(&layout, area, cpu, rfbm & xcr0, rfbm & 1);
    return 0;
}
