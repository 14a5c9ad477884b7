/* decode.h - decodes the instructions that the VMM completes (emulate.h), in
 * 64-bit code: XSAVE, XSAVEOPT, XRSTOR, XGETBV, XSETBV. */
#ifndef VMM_DECODE_H
#define VMM_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INSN_BYTES_MAX 15 /* of the longest x86 instruction */

enum insn_op {
    OP_XSAVE,
    OP_XSAVE64,
    OP_XSAVEOPT,
    OP_XSAVEOPT64,
    OP_XRSTOR,
    OP_XRSTOR64,
    OP_XGETBV,
    OP_XSETBV
};

/* General registers in the order of their encoding. */
enum insn_reg {
    GPR_RAX,
    GPR_RCX,
    GPR_RDX,
    GPR_RBX,
    GPR_RSP,
    GPR_RBP,
    GPR_RSI,
    GPR_RDI,
    GPR_R8,
    GPR_R9,
    GPR_R10,
    GPR_R11,
    GPR_R12,
    GPR_R13,
    GPR_R14,
    GPR_R15,
    GPR_RIP,
    GPR_NONE
};
enum insn_seg { SEG_DEFAULT, SEG_FS, SEG_GS };

struct insn {
    uint8_t bytes[INSN_BYTES_MAX];
    uint8_t len; /* 0: none decoded here */
    enum insn_op op;
    /* the memory operand, if op has one; base RIP: of the next instruction */
    enum insn_reg base, index;
    unsigned scale;
    int32_t disp;
    enum insn_seg seg;
};

/* False for any other instruction, for prefixes other than FS, GS and REX, and
 * for fewer bytes than it has. */
bool insn_decode(const uint8_t *bytes, size_t n, struct insn *insn);

#endif
