#!/bin/bash
# Capstone 4.0: a static program that reads only x86 relocates a table of 65,536 Motorola 68000 pointers at each start.
#
# Guess: a program that calls cs_open(CS_ARCH_X86) and nothing else, linked statically as a PIE, gets the x86 reader; what its
# start costs in relocations comes from the x86 tables, which are the library's largest in text.
# Found: Debian's libcapstone.a is built with all architectures, and cs_open() reaches them by one constant array of
# initialisers, so all are linked.  Of the pointers that the start must relocate five in six are one table of the 68000's
# reader, which has a function for each of the 65,536 values of an opcode's first word; over 1 MiB of memory has become
# the process's own when main begins.  The x86 reader's part is 3 %.  -z pack-relative-relocs shrinks the file and not that
# memory.  Way round: define the entry points of the other architectures in the program, so that the linker leaves theirs out.
. "$(dirname "$0")/lib.sh"
need libcapstone-dev=4.0.2-5 libcapstone4=4.0.2-5

lib=$(find root -name libcapstone.a)
cat > x86.c <<'C'
#include <capstone/capstone.h>
#include <stdio.h>
#include <string.h>

/* How much of this process's memory was its own, in KiB, before it did anything. */
static long own(void)
{
    char line[256];
    long sum = 0, kib;
    FILE *f = fopen("/proc/self/smaps", "r");
    while (f && fgets(line, sizeof(line), f))
        if (sscanf(line, "Private_Dirty: %ld", &kib) == 1)
            sum += kib;
    return sum;
}

int main(void)
{
    long kib = own();
    csh h;
    cs_insn *i;
    if (cs_open(CS_ARCH_X86, CS_MODE_64, &h) != CS_ERR_OK || cs_disasm(h, (const uint8_t *)"\x0f\x05", 2, 0, 1, &i) != 1)
        return 1;
    printf("%s %s\n", i->mnemonic, kib >= 1024 ? "more than 1 MiB" : "less");
    return 0;
}
C
gcc -O2 -static-pie -Iroot/usr/include x86.c "$lib" -o x86
same 'what it does, and its own memory at main' "$(./x86)" 'syscall more than 1 MiB'

# The pointers of each architecture, by the object that holds them.
readelf -rW "$lib" 2> err | awk '/^File:/ { split($2, p, /[()]/); arch = p[2]; sub(/(Disassembler|Mapping|Base|InstPrinter|Module|AsmWriter).*/, "", arch) }
    / R_X86_64_64 / { n[arch]++ } END { for (a in n) print a, n[a] }' | sort -k2nr > by_arch
same 'most pointers' "$(head -1 by_arch)" 'M68K 65962'
all=$(readelf -rW x86 | grep -c R_X86_64_RELATIVE)
echo "the program has $all relocations:"
head -5 by_arch
same 'more than five of six are the 68000'"'"'s' "$((65962 * 6 > all * 5))" 1
