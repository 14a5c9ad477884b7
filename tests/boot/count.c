/* count.c - a QEMU plugin that counts what a guest executes, by boot stage.
 *
 *     qemu-system-x86_64 ... -plugin count.so,out=FILE[,mark=NAME@ADDR]...
 *                            [,marks=ADDR+BYTES,marker=ADDR+BYTES]
 *
 * Every instruction is counted in one of three classes: `entry`, all that runs
 * before the first instruction in the upper half of the address space (firmware,
 * the kernel's way out of 32-bit mode, a decompressor); `kernel`, in the upper
 * half; `user`, in the lower half after that.  A line "NAME entry kernel user" is
 * written to FILE when
 *   - the instruction at ADDR is about to execute for the first time (mark=), or
 *   - an instruction of the function `marker` writes one of the bytes of the
 *     array `marks` for the first time; NAME is then the byte's index.  Forkscope's
 *     kernel marks its stages so (boot_stage() in guest/trace/boot_stage.c);
 * and at the end, with the name "end".  One vCPU: the counters are plain memory.
 *
 * Exact where -icount is: an instruction that faults is counted when it is tried,
 * and again when it is tried again, as by -icount itself. */
#include "tests/boot/qemu_plugin.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MARKS 64

PLUGIN_EXPORT int qemu_plugin_version = PLUGIN_INTERFACE;
PLUGIN_EXPORT int qemu_plugin_install(uint64_t id, const struct qemu_info_t *info, int argc,
                                      char **argv);

static struct {
    uint64_t entry, kernel, user;
} counted;
static bool in_upper_half; /* has been, once */
static FILE *out;
static struct {
    char name[48];
    uint64_t at;
    bool seen;
} marks[MARKS];
static unsigned nmarks;
static struct range {
    uint64_t at, bytes;
} array, marker;
static bool seen[MARKS];

static bool within(const struct range *r, uint64_t at) { return at - r->at < r->bytes; }

static void say(const char *name)
{
    fprintf(out, "%s %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", name, counted.entry, counted.kernel,
            counted.user);
    fflush(out);
}

static void reached(unsigned vcpu, void *index)
{
    (void)vcpu;
    size_t i = (size_t)index;
    if (!marks[i].seen)
        say(marks[i].name);
    marks[i].seen = true;
}

static void stored(unsigned vcpu, uint32_t info, uint64_t va, void *unused)
{
    (void)vcpu, (void)info, (void)unused;
    if (!within(&array, va) || va - array.at >= MARKS || seen[va - array.at])
        return;
    seen[va - array.at] = true;
    char name[16];
    snprintf(name, sizeof(name), "%u", (unsigned)(va - array.at));
    say(name);
}

static void translated(uint64_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        uint64_t va = qemu_plugin_insn_vaddr(insn);
        bool upper = va >> 63;

        in_upper_half |= upper;
        qemu_plugin_register_vcpu_insn_exec_inline(insn, INLINE_ADD_U64,
                                                   upper           ? &counted.kernel
                                                   : in_upper_half ? &counted.user
                                                                   : &counted.entry,
                                                   1);
        for (size_t m = 0; m < nmarks; m++) {
            if (marks[m].at == va)
                qemu_plugin_register_vcpu_insn_exec_cb(insn, reached, CB_NO_REGS, (void *)m);
        }
        if (within(&marker, va))
            qemu_plugin_register_vcpu_mem_cb(insn, stored, CB_NO_REGS, MEM_W, NULL);
    }
}

static void ended(uint64_t id, void *unused)
{
    (void)id, (void)unused;
    say("end");
    fclose(out);
}

static bool range(const char *text, struct range *r)
{
    return sscanf(text, "%" SCNx64 "+%" SCNx64, &r->at, &r->bytes) == 2;
}

/* key=value: addresses and sizes in hexadecimal. */
static bool option(const char *arg)
{
    const char *value = strchr(arg, '=');
    if (value++ == NULL)
        return false;
    if (strncmp(arg, "out=", 4) == 0)
        return (out = fopen(value, "w")) != NULL;
    if (strncmp(arg, "marks=", 6) == 0)
        return range(value, &array);
    if (strncmp(arg, "marker=", 7) == 0)
        return range(value, &marker);
    return strncmp(arg, "mark=", 5) == 0 && nmarks < MARKS &&
           sscanf(value, "%47[^@]@%" SCNx64, marks[nmarks].name, &marks[nmarks].at) == 2 &&
           ++nmarks;
}

int qemu_plugin_install(uint64_t id, const struct qemu_info_t *info, int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++) {
        if (!option(argv[i])) {
            fprintf(stderr, "count.so: bad option: %s\n", argv[i]);
            return -1;
        }
    }
    if (out == NULL) {
        fputs("count.so: out=FILE is missing\n", stderr);
        return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, ended, NULL);
    return 0;
}
