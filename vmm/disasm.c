/* disasm.c - see disasm.h. */
#include "vmm/disasm.h"

#include <capstone/capstone.h>
#include <inttypes.h>
#include <string.h>

#define AFTER_MARK 6 /* instructions shown from the marked one on */

static bool start(csh *handle, unsigned bits)
{
    return cs_open(CS_ARCH_X86,
                   bits == 64   ? CS_MODE_64
                   : bits == 32 ? CS_MODE_32
                                : CS_MODE_16,
                   handle) == CS_ERR_OK;
}

bool disasm_print(FILE *out, const uint8_t *bytes, size_t n, uint64_t address, uint64_t mark,
                  unsigned bits)
{
    csh handle;
    cs_insn *cs;
    if (!start(&handle, bits))
        return false;
    size_t count = cs_disasm(handle, bytes, n, address, 0, &cs);
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
        cs_free(cs, count);
    cs_close(&handle);
    return count > 0;
}

bool disasm_arrives(const uint8_t *bytes, size_t n, unsigned bits)
{
    csh handle;
    cs_insn *cs;
    size_t done = 0;
    if (!start(&handle, bits))
        return false;
    size_t count = cs_disasm(handle, bytes, n, 0, 0, &cs);
    for (size_t i = 0; i < count; i++)
        done += cs[i].size;
    if (count > 0)
        cs_free(cs, count);
    cs_close(&handle);
    return done == n;
}

size_t disasm_last(const uint8_t *bytes, size_t n, uint64_t address, char *text, size_t room)
{
    csh handle;
    cs_insn *cs;
    size_t last = n;
    if (!start(&handle, 64))
        return n;
    size_t count = cs_disasm(handle, bytes, n, address, 0, &cs);
    if (count > 0 && cs[count - 1].address + cs[count - 1].size == address + n) {
        last = (size_t)(cs[count - 1].address - address);
        snprintf(text, room, "%s %s", cs[count - 1].mnemonic, cs[count - 1].op_str);
    }
    if (count > 0)
        cs_free(cs, count);
    cs_close(&handle);
    return last;
}
