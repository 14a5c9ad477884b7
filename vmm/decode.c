/* decode.c - see decode.h.
 *
 * From the SDM's volume 2: XSAVE is 0F AE /4, XRSTOR /5, XSAVEOPT /6, all with an
 * operand in memory; REX.W makes them the ...64 forms.  XGETBV is 0F 01 D0, XSETBV
 * 0F 01 D1.  ModRM and SIB are those of 64-bit addressing (2.1.5, 2.2.1).
 *
 * Capstone would do, too, and is what the unit test compares with; but every boot
 * on a host that interprets ring 0 would load it: 1 ms and 4 MB. */
#include "vmm/decode.h"

#include <string.h>

#define REX_W 8
#define REX_X 2
#define REX_B 1

struct bytes {
    const uint8_t *at, *end;
    bool short_of; /* more were wanted than there are */
};

static uint8_t next(struct bytes *b)
{
    if (b->at == b->end) {
        b->short_of = true;
        return 0;
    }
    return *b->at++;
}

static int32_t displacement(struct bytes *b, unsigned size)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint32_t)next(b) << (8 * i);
    return size == 1 ? (int8_t)value : (int32_t)value;
}

/* The operand that ModRM names; mod is not 3. */
static void take_memory(struct bytes *b, uint8_t modrm, uint8_t rex, struct insn *insn)
{
    unsigned mod = modrm >> 6, rm = modrm & 7;
    static const uint8_t bytes_of[] = { 0, 1, 4 }; /* bytes; mod 3 is no memory */
    unsigned size = bytes_of[mod];

    insn->index = GPR_NONE;
    insn->scale = 1;
    insn->base = (enum insn_reg)(rm | (rex & REX_B) << 3);
    if (rm == 4) { /* SIB */
        uint8_t sib = next(b);
        unsigned index = (sib >> 3 & 7) | (rex & REX_X) << 2;
        insn->base = (enum insn_reg)((sib & 7) | (rex & REX_B) << 3);
        if (index != GPR_RSP) {
            insn->index = (enum insn_reg)index;
            insn->scale = 1u << (sib >> 6);
        }
        if ((sib & 7) == GPR_RBP && mod == 0) {
            insn->base = GPR_NONE;
            size = 4;
        }
    } else if (rm == GPR_RBP && mod == 0) {
        insn->base = GPR_RIP;
        size = 4;
    }
    insn->disp = displacement(b, size);
}

static bool take_op(struct bytes *b, uint8_t rex, struct insn *insn)
{
    uint8_t opcode = next(b), modrm = next(b);
    bool wide = rex & REX_W;
    if (opcode == 0x01 && (modrm == 0xd0 || modrm == 0xd1)) {
        insn->op = modrm == 0xd0 ? OP_XGETBV : OP_XSETBV;
        insn->base = insn->index = GPR_NONE;
        insn->scale = 1;
        return true;
    }
    if (opcode != 0xae || modrm >> 6 == 3)
        return false;
    switch (modrm >> 3 & 7) {
    case 4: insn->op = wide ? OP_XSAVE64 : OP_XSAVE; break;
    case 5: insn->op = wide ? OP_XRSTOR64 : OP_XRSTOR; break;
    case 6: insn->op = wide ? OP_XSAVEOPT64 : OP_XSAVEOPT; break;
    default: return false;
    }
    take_memory(b, modrm, rex, insn);
    return true;
}

bool insn_decode(const uint8_t *bytes, size_t n, struct insn *insn)
{
    struct bytes b = { bytes, bytes + (n < INSN_BYTES_MAX ? n : INSN_BYTES_MAX), false };
    uint8_t rex = 0;

    *insn = (struct insn){ .seg = SEG_DEFAULT };
    uint8_t byte = next(&b);
    if (byte == 0x64 || byte == 0x65) {
        insn->seg = byte == 0x64 ? SEG_FS : SEG_GS;
        byte = next(&b);
    }
    if (byte >> 4 == 4) {
        rex = byte & 15;
        byte = next(&b);
    }
    if (byte != 0x0f || !take_op(&b, rex, insn) || b.short_of)
        return false;
    insn->len = (uint8_t)(b.at - bytes);
    memcpy(insn->bytes, bytes, insn->len);
    return true;
}
