/* stretch.c - a QEMU plugin that finds the longest stretches of kernel instructions without a point at
 * which an interrupt could come in.
 *
 *     qemu-system-x86_64 ... -icount shift=0 -plugin stretch.so,out=FILE,limit=N
 *
 * Such a point is STI, or an instruction in the lower half of the address space: user mode, where
 * interrupts are on.  (IRETQ and SYSRET are none by themselves: the way back from a page fault that the
 * kernel took on user memory leaves interrupts off.)  All else in the upper half is counted, each turn of a
 * REP instruction for itself.
 *
 * A program says what it is about to do by executing a long NOP with the displacement 0x7a5e0000 + NUMBER
 * (long_calls.c does).  A line "NUMBER INSTRUCTIONS WHERE" at the end says for each number how long the
 * longest stretch was while it was the last one said, and what ran when a stretch had become longer than
 * the limit: an address in hexadecimal, 0 if none had.
 *
 * One vCPU: the counters are plain memory. */
#include "tests/boot/qemu_plugin.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

PLUGIN_EXPORT int qemu_plugin_version = PLUGIN_INTERFACE;
PLUGIN_EXPORT int qemu_plugin_install(uint64_t id, const struct qemu_info_t *info, int argc,
                                      char **argv);

#define NUMBERS 1024
#define MARK    0x7a5e0000u

static uint64_t executed, since; /* in the upper half; what it was at the last point */
static uint64_t limit = UINT64_MAX, where;
static unsigned number;
static struct {
    uint64_t longest, where;
    bool said;
} found[NUMBERS] = { { .said = true } };
static FILE *out;

static void point(unsigned vcpu, void *unused)
{
    (void)vcpu, (void)unused;
    if (executed - since > found[number].longest) {
        found[number].longest = executed - since;
        found[number].where = where;
    }
    since = executed;
    where = 0;
}

static void block_runs(unsigned vcpu, void *va)
{
    (void)vcpu;
    if (executed - since > limit && where == 0)
        where = (uint64_t)(uintptr_t)va;
}

static void said(unsigned vcpu, void *n)
{
    point(vcpu, NULL);
    number = (unsigned)(uintptr_t)n;
    found[number].said = true;
}

/* The number that an instruction says, -1 if none: 0f 1f 80 and the displacement. */
static int number_in(const struct qemu_plugin_insn *insn)
{
    static const uint8_t nop[] = { 0x0f, 0x1f, 0x80 };
    const uint8_t *byte = qemu_plugin_insn_data(insn);
    uint32_t value;

    if (qemu_plugin_insn_size(insn) != 7 || memcmp(byte, nop, sizeof(nop)) != 0)
        return -1;
    memcpy(&value, byte + 3, sizeof(value));
    value -= MARK;
    return value < NUMBERS ? (int)value : -1;
}

static void translated(uint64_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        uint64_t va = qemu_plugin_insn_vaddr(insn);

        if (va >> 63) {
            if (i == 0)
                qemu_plugin_register_vcpu_insn_exec_cb(insn, block_runs, CB_NO_REGS,
                                                       (void *)(uintptr_t)va);
            qemu_plugin_register_vcpu_insn_exec_inline(insn, INLINE_ADD_U64, &executed, 1);
            if (qemu_plugin_insn_size(insn) == 1 &&
                *(const uint8_t *)qemu_plugin_insn_data(insn) == 0xfb)
                qemu_plugin_register_vcpu_insn_exec_cb(insn, point, CB_NO_REGS, NULL);
        } else {
            int n = number_in(insn);
            if (n >= 0)
                qemu_plugin_register_vcpu_insn_exec_cb(insn, said, CB_NO_REGS,
                                                       (void *)(uintptr_t)n);
            else if (i == 0)
                qemu_plugin_register_vcpu_insn_exec_cb(insn, point, CB_NO_REGS, NULL);
        }
    }
}

static void ended(uint64_t id, void *unused)
{
    (void)id, (void)unused;
    for (unsigned i = 0; i < NUMBERS; i++)
        if (found[i].said)
            fprintf(out, "%u %" PRIu64 " %" PRIx64 "\n", i, found[i].longest, found[i].where);
    fclose(out);
}

int qemu_plugin_install(uint64_t id, const struct qemu_info_t *info, int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "limit=", 6) == 0)
            limit = strtoull(argv[i] + 6, NULL, 10);
        else if (strncmp(argv[i], "out=", 4) != 0 || (out = fopen(argv[i] + 4, "w")) == NULL)
            return fprintf(stderr, "stretch.so: bad option: %s\n", argv[i]), -1;
    }
    if (out == NULL) {
        fputs("stretch.so: out=FILE is missing\n", stderr);
        return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, ended, NULL);
    return 0;
}
