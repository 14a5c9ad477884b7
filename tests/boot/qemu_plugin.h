/* qemu_plugin.h - what count.c uses of QEMU's TCG plugin interface, version 1.
 * Debian packages the emulator but not its header.  Source: QEMU's manual, "QEMU
 * TCG Plugins" (docs/devel/tcg-plugins); QEMU refuses a plugin whose version it
 * does not speak.  All of it is provided by the emulator when it loads the plugin. */
#ifndef TESTS_BOOT_QEMU_PLUGIN_H
#define TESTS_BOOT_QEMU_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#define PLUGIN_EXPORT    __attribute__((visibility("default")))
#define PLUGIN_INTERFACE 1

struct qemu_plugin_tb; /* a translation block: instructions that run in a row */
struct qemu_plugin_insn;
struct qemu_info_t;

enum { INLINE_ADD_U64 = 0 }; /* enum qemu_plugin_op */
enum { CB_NO_REGS = 0 };     /* enum qemu_plugin_cb_flags */
enum { MEM_W = 2 };          /* enum qemu_plugin_mem_rw */

void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id,
                                           void (*)(uint64_t, struct qemu_plugin_tb *));
void qemu_plugin_register_atexit_cb(uint64_t id, void (*)(uint64_t, void *), void *);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
/* *counter += by, each time the instruction is about to execute. */
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *, int op, void *counter,
                                                uint64_t by);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, void (*)(unsigned, void *),
                                            int flags, void *);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *,
                                      void (*)(unsigned, uint32_t, uint64_t va, void *), int flags,
                                      int rw, void *);

#endif
