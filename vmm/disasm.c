/* disasm.c - see disasm.h.  The library's types come from its header; its
 * functions are looked up by name, with the header's types. */
#include "vmm/disasm.h"

#include <capstone/capstone.h>
#include <dlfcn.h>
#include <inttypes.h>
#include <pthread.h>
#include <string.h>

#define AFTER_MARK 6     /* instructions shown from the marked one on */

static struct {
    __typeof__(&cs_open) open;
    __typeof__(&cs_option) option;
    __typeof__(&cs_disasm) disasm;
    __typeof__(&cs_free) free;
    __typeof__(&cs_close) close;
} lib;
static bool lib_ready;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void)
{
    void *so = dlopen("libcapstone.so.4", RTLD_NOW | RTLD_LOCAL);
    if (so == NULL)
        so = dlopen("libcapstone.so", RTLD_NOW | RTLD_LOCAL);
    if (so == NULL)
        return;
    lib.open = (__typeof__(lib.open))dlsym(so, "cs_open");
    lib.option = (__typeof__(lib.option))dlsym(so, "cs_option");
    lib.disasm = (__typeof__(lib.disasm))dlsym(so, "cs_disasm");
    lib.free = (__typeof__(lib.free))dlsym(so, "cs_free");
    lib.close = (__typeof__(lib.close))dlsym(so, "cs_close");
    lib_ready = lib.open && lib.option && lib.disasm && lib.free && lib.close;
}

static bool start(csh *handle, unsigned bits)
{
    pthread_once(&once, load);
    return lib_ready && lib.open(CS_ARCH_X86, bits == 64 ? CS_MODE_64 : bits == 32 ? CS_MODE_32
                                 : CS_MODE_16, handle) == CS_ERR_OK;
}

static enum disasm_op op_of(unsigned id)
{
    switch (id) {
    case X86_INS_XSAVE:      return OP_XSAVE;
    case X86_INS_XSAVE64:    return OP_XSAVE64;
    case X86_INS_XSAVEOPT:   return OP_XSAVEOPT;
    case X86_INS_XSAVEOPT64: return OP_XSAVEOPT64;
    case X86_INS_XRSTOR:     return OP_XRSTOR;
    case X86_INS_XRSTOR64:   return OP_XRSTOR64;
    case X86_INS_XGETBV:     return OP_XGETBV;
    case X86_INS_XSETBV:     return OP_XSETBV;
    }
    return OP_OTHER;
}

/* False for what 64-bit code does not use: 32-bit addressing. */
static bool reg_of(unsigned cs, enum disasm_reg *reg)
{
    static const uint16_t known[] = {
        [GPR_RAX] = X86_REG_RAX, [GPR_RCX] = X86_REG_RCX, [GPR_RDX] = X86_REG_RDX,
        [GPR_RBX] = X86_REG_RBX, [GPR_RSP] = X86_REG_RSP, [GPR_RBP] = X86_REG_RBP,
        [GPR_RSI] = X86_REG_RSI, [GPR_RDI] = X86_REG_RDI, [GPR_R8] = X86_REG_R8,
        [GPR_R9] = X86_REG_R9, [GPR_R10] = X86_REG_R10, [GPR_R11] = X86_REG_R11,
        [GPR_R12] = X86_REG_R12, [GPR_R13] = X86_REG_R13, [GPR_R14] = X86_REG_R14,
        [GPR_R15] = X86_REG_R15, [GPR_RIP] = X86_REG_RIP,
    };
    *reg = GPR_NONE;
    if (cs == X86_REG_INVALID || cs == X86_REG_RIZ)
        return true;
    for (unsigned i = 0; i < GPR_NONE; i++)
        if (known[i] == cs)
            *reg = (enum disasm_reg)i;
    return *reg != GPR_NONE;
}

static bool take_operand(const cs_insn *cs, struct disasm_insn *insn)
{
    const cs_x86 *x = &cs->detail->x86;
    insn->base = insn->index = GPR_NONE;
    insn->scale = 1;
    if (x->op_count == 0)
        return true;
    if (x->operands[0].type != X86_OP_MEM)
        return false;
    const x86_op_mem *m = &x->operands[0].mem;
    insn->scale = (unsigned)m->scale;
    insn->disp = m->disp;
    insn->seg = m->segment == X86_REG_FS ? SEG_FS : m->segment == X86_REG_GS ? SEG_GS : SEG_DEFAULT;
    return reg_of(m->base, &insn->base) && reg_of(m->index, &insn->index);
}

bool disasm_one(const uint8_t *bytes, size_t n, struct disasm_insn *insn)
{
    csh handle;
    cs_insn *cs;
    if (!start(&handle, 64))
        return false;
    lib.option(handle, CS_OPT_DETAIL, CS_OPT_ON);
    bool ok = lib.disasm(handle, bytes, n, 0, 1, &cs) == 1;
    if (ok) {
        *insn = (struct disasm_insn){ .len = (uint8_t)cs->size, .op = op_of(cs->id) };
        memcpy(insn->bytes, bytes, insn->len);
        ok = take_operand(cs, insn);
        lib.free(cs, 1);
    }
    lib.close(&handle);
    return ok;
}

bool disasm_print(FILE *out, const uint8_t *bytes, size_t n, uint64_t address, uint64_t mark,
                  unsigned bits)
{
    csh handle;
    cs_insn *cs;
    if (!start(&handle, bits))
        return false;
    size_t count = lib.disasm(handle, bytes, n, address, 0, &cs);
    unsigned after = 0;
    for (size_t i = 0; i < count && after < AFTER_MARK; i++) {
        after += cs[i].address >= mark;
        fprintf(out, "  %s %016" PRIx64 "  ", cs[i].address == mark ? "->" : "  ", cs[i].address);
        for (unsigned b = 0; b < 10; b++)
            if (b < cs[i].size)
                fprintf(out, "%02x ", cs[i].bytes[b]);
            else
                fputs("   ", out);
        fprintf(out, " %s %s\n", cs[i].mnemonic, cs[i].op_str);
    }
    if (count > 0)
        lib.free(cs, count);
    lib.close(&handle);
    return count > 0;
}

bool disasm_arrives(const uint8_t *bytes, size_t n, unsigned bits)
{
    csh handle;
    cs_insn *cs;
    size_t done = 0;
    if (!start(&handle, bits))
        return false;
    size_t count = lib.disasm(handle, bytes, n, 0, 0, &cs);
    for (size_t i = 0; i < count; i++)
        done += cs[i].size;
    if (count > 0)
        lib.free(cs, count);
    lib.close(&handle);
    return done == n;
}
