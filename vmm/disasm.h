/* disasm.h - Capstone, loaded when it is first needed.
 *
 * libcapstone costs 1 ms and 3 MB to load, which most runs never use; so it is
 * opened with dlopen() at the first call.  Any thread may call. */
#ifndef VMM_DISASM_H
#define VMM_DISASM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define DISASM_INSN_MAX 15      /* bytes of the longest x86 instruction */

enum disasm_op { OP_OTHER, OP_XSAVE, OP_XSAVE64, OP_XSAVEOPT, OP_XSAVEOPT64, OP_XRSTOR,
                 OP_XRSTOR64, OP_XGETBV, OP_XSETBV };

/* General registers in the order of their encoding. */
enum disasm_reg { GPR_RAX, GPR_RCX, GPR_RDX, GPR_RBX, GPR_RSP, GPR_RBP, GPR_RSI, GPR_RDI,
                  GPR_R8, GPR_R9, GPR_R10, GPR_R11, GPR_R12, GPR_R13, GPR_R14, GPR_R15,
                  GPR_RIP, GPR_NONE };
enum disasm_seg { SEG_DEFAULT, SEG_FS, SEG_GS };

struct disasm_insn {
    uint8_t bytes[DISASM_INSN_MAX];
    uint8_t len;                /* 0: none decoded here */
    enum disasm_op op;
    /* the memory operand, if op has one */
    enum disasm_reg base, index;
    unsigned scale;
    int64_t disp;
    enum disasm_seg seg;
};

/* Decode one 64-bit instruction from at most DISASM_INSN_MAX bytes.  False
 * when Capstone is missing, or sees no instruction or an operand not listed. */
bool disasm_one(const uint8_t *bytes, size_t n, struct disasm_insn *insn);

/* Lines of disassembly for bytes [0, n), which lie at `address`; the one at
 * `mark` gets an arrow.  bits: 16, 32 or 64.  False when Capstone is missing
 * or nothing decodes at the start. */
bool disasm_print(FILE *out, const uint8_t *bytes, size_t n, uint64_t address, uint64_t mark,
                  unsigned bits);
/* Does decoding from bytes[0] on arrive exactly at bytes[n]? */
bool disasm_arrives(const uint8_t *bytes, size_t n, unsigned bits);

#endif
