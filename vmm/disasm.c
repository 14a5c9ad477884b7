/* disasm.c - see disasm.h.  The library's types come from its header; its
 * functions are looked up by name, with the header's types. */
#include "vmm/disasm.h"

#include <capstone/capstone.h>
#include <dlfcn.h>
#include <inttypes.h>
#include <string.h>

#define AFTER_MARK 6     /* instructions shown from the marked one on */

static struct {
    __typeof__(&cs_open) open;
    __typeof__(&cs_option) option;
    __typeof__(&cs_disasm) disasm;
    __typeof__(&cs_free) free;
    __typeof__(&cs_close) close;
} lib;
static bool lib_tried, lib_ready;

static void load(void)
{
    lib_tried = true;
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
    if (!lib_tried)
        load();
    return lib_ready && lib.open(CS_ARCH_X86, bits == 64 ? CS_MODE_64 : bits == 32 ? CS_MODE_32
                                 : CS_MODE_16, handle) == CS_ERR_OK;
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
