/* links: vmm/decode.c */
/* The VMM's decoder finds in each of its instructions what Capstone finds, with
 * every ModRM, SIB and REX, and takes nothing else for one of them. */
#include <capstone/capstone.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vmm/decode.h"

static csh handle;

static int op_of(unsigned id)
{
    switch (id) {
    case X86_INS_XSAVE: return OP_XSAVE;
    case X86_INS_XSAVE64: return OP_XSAVE64;
    case X86_INS_XSAVEOPT: return OP_XSAVEOPT;
    case X86_INS_XSAVEOPT64: return OP_XSAVEOPT64;
    case X86_INS_XRSTOR: return OP_XRSTOR;
    case X86_INS_XRSTOR64: return OP_XRSTOR64;
    case X86_INS_XGETBV: return OP_XGETBV;
    case X86_INS_XSETBV: return OP_XSETBV;
    }
    return -1;
}

static enum insn_reg reg_of(unsigned id)
{
    static const uint16_t known[] = {
        X86_REG_RAX, X86_REG_RCX, X86_REG_RDX, X86_REG_RBX, X86_REG_RSP, X86_REG_RBP,
        X86_REG_RSI, X86_REG_RDI, X86_REG_R8,  X86_REG_R9,  X86_REG_R10, X86_REG_R11,
        X86_REG_R12, X86_REG_R13, X86_REG_R14, X86_REG_R15, X86_REG_RIP,
    };
    for (unsigned i = 0; i < GPR_NONE; i++)
        if (known[i] == id)
            return (enum insn_reg)i;
    return GPR_NONE;
}

static void check_memory(const cs_x86_op *op, const struct insn *mine)
{
    assert_int_equal(op->type, X86_OP_MEM);
    assert_int_equal(mine->base, reg_of(op->mem.base));
    assert_int_equal(mine->index, reg_of(op->mem.index));
    if (mine->index != GPR_NONE)
        assert_int_equal(mine->scale, op->mem.scale);
    assert_int_equal(mine->disp, op->mem.disp);
    assert_int_equal(mine->seg, op->mem.segment == X86_REG_FS   ? SEG_FS
                                : op->mem.segment == X86_REG_GS ? SEG_GS
                                                                : SEG_DEFAULT);
}

/* Whether it is one of ours. */
static bool check(const uint8_t *bytes, size_t n)
{
    struct insn mine;
    cs_insn *cs = NULL;
    bool known = insn_decode(bytes, n, &mine);
    bool theirs = cs_disasm(handle, bytes, n, 0, 1, &cs) == 1;
    assert_int_equal(known, theirs && op_of(cs->id) >= 0);
    if (known) {
        assert_int_equal(mine.len, cs->size);
        assert_memory_equal(mine.bytes, bytes, mine.len);
        assert_int_equal(mine.op, op_of(cs->id));
        if (mine.op != OP_XGETBV && mine.op != OP_XSETBV)
            check_memory(&cs->detail->x86.operands[0], &mine);
        for (size_t less = 0; less < mine.len; less++)
            assert_false(insn_decode(bytes, less, &mine));
    }
    if (cs != NULL)
        cs_free(cs, 1);
    return known;
}

static unsigned all_operands(uint8_t *bytes, size_t at)
{
    static const uint8_t tail[] = { 0x85, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc };
    unsigned found = 0;
    for (unsigned modrm = 0; modrm < 256; modrm++) {
        bytes[at] = (uint8_t)modrm;
        memcpy(bytes + at + 1, tail, sizeof(tail));
        bool has_sib = modrm >> 6 != 3 && (modrm & 7) == 4;
        for (unsigned sib = 0; sib < (has_sib ? 256 : 1); sib++) {
            if (has_sib)
                bytes[at + 1] = (uint8_t)sib;
            found += check(bytes, at + 1 + sizeof(tail));
        }
    }
    return found;
}

static void test_every_operand(void **state)
{
    (void)state;
    static const uint8_t segments[] = { 0, 0x64, 0x65 };
    uint8_t bytes[16];
    unsigned found = 0;
    for (unsigned s = 0; s < sizeof(segments); s++) {
        for (unsigned rex = 0x3f; rex < 0x50; rex++) {
            size_t at = 0;
            if (segments[s] != 0)
                bytes[at++] = segments[s];
            if (rex >= 0x40)
                bytes[at++] = (uint8_t)rex;
            bytes[at++] = 0x0f;
            bytes[at++] = 0xae;
            found += all_operands(bytes, at);
        }
    }
    assert_int_equal(found, 3 * 17 * 3 * 3 * (7 + 256));
}

static void test_xcr(void **state)
{
    (void)state;
    for (unsigned modrm = 0; modrm < 256; modrm++) {
        uint8_t bytes[] = { 0x0f, 0x01, (uint8_t)modrm, 0x25, 0, 0, 0, 0, 0 };
        assert_int_equal(check(bytes, sizeof(bytes)), modrm == 0xd0 || modrm == 0xd1);
    }
}

static void test_nothing_else(void **state)
{
    (void)state;
    static const uint8_t other[][5] = {
        { 0x66, 0x0f, 0xae, 0x30 }, /* clwb */
        { 0xf3, 0x0f, 0xae, 0x20 }, /* ptwrite */
        { 0x0f, 0xc7, 0x20 },       /* xsavec */
        { 0x67, 0x0f, 0xae, 0x20 }, /* 32-bit addressing */
        { 0xf0, 0x0f, 0xae, 0x20 }, /* LOCK: #UD */
    };
    struct insn insn;
    for (unsigned i = 0; i < sizeof(other) / sizeof(other[0]); i++)
        assert_false(insn_decode(other[i], sizeof(other[i]), &insn));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_operand),
        cmocka_unit_test(test_xcr),
        cmocka_unit_test(test_nothing_else),
    };
    if (cs_open(CS_ARCH_X86, CS_MODE_64, &handle) != CS_ERR_OK)
        return 1;
    cs_option(handle, CS_OPT_DETAIL, CS_OPT_ON);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    cs_close(&handle);
    return failed;
}
