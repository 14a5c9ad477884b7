/* disasm.h - disassembly, by Capstone, for reports. */
#ifndef VMM_DISASM_H
#define VMM_DISASM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define DISASM_INSN_MAX 15 /* bytes of the longest x86 instruction */

/* Lines of disassembly for bytes [0, n), which lie at `address`; the one at
 * `mark` gets an arrow.  bits: 16, 32 or 64.  False when
 * nothing decodes at the start. */
bool disasm_print(FILE *out, const uint8_t *bytes, size_t n, uint64_t address, uint64_t mark,
                  unsigned bits);
/* Does decoding from bytes[0] on arrive exactly at bytes[n]? */
bool disasm_arrives(const uint8_t *bytes, size_t n, unsigned bits);
/* Of 64-bit code that lies at `address`: where in bytes [0, n) the last instruction begins, whose text is
 * put into `text`; n if decoding does not arrive at bytes[n]. */
size_t disasm_last(const uint8_t *bytes, size_t n, uint64_t address, char *text, size_t room);

#endif
