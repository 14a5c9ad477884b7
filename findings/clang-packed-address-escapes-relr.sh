#!/bin/bash
# clang and ld -z pack-relative-relocs: one packed structure keeps .rela.dyn alive.
#
# Guess: a position-independent program without external symbols, linked with -z pack-relative-relocs,
# has all its relative relocations in .relr.dyn, so a loader that knows only RELR can move it.  That holds
# for gcc: a local `struct { uint16_t limit; uint64_t base; } packed` whose base is an object's address (what LGDT and
# LIDT take) is built by instructions.
# Found: clang makes a constant template of it, in .data.rel.ro with an alignment of 1.  Its address stands at an offset
# that is no multiple of 8, RELR can name even addresses of whole words only, and ld puts that one relocation
# into .rela.dyn again, without a word.  A loader of RELR alone leaves the pointer wrong.  Way round: get the
# address by an instruction, or assert in the linker script that .rela.dyn is empty.
. "$(dirname "$0")/lib.sh"
need clang-14=1:14.0.6-12 libclang-cpp14=1:14.0.6-12 libllvm14=1:14.0.6-12 libclang-common-14-dev=1:14.0.6-12 \
    gcc-12=12.2.0-14+deb12u1 cpp-12=12.2.0-14+deb12u1 libgcc-12-dev=12.2.0-14+deb12u1 \
    binutils-x86-64-linux-gnu=2.40-2 libbinutils=2.40-2 libctf0=2.40-2 libctf-nobfd0=2.40-2

cat > idt.c <<'C'
typedef unsigned short u16;
typedef unsigned long u64;
char table[4096];
struct __attribute__((packed)) pointer { u16 limit; u64 base; };
void *words[2] = { table, table + 8 };
void _start(void)
{
    struct pointer p = { sizeof(table) - 1, (u64)table };
    __asm__ volatile("" : : "m"(p), "m"(words[0]) : "memory");
}
C
count() { x86_64-linux-gnu-readelf -rW "$1" | awk -v s="$2" '/^Relocation section/ { on = index($0, s) } on && /^[0-9a-f]+ / { n++ } END { print n + 0 }'; }
for cc in x86_64-linux-gnu-gcc-12 clang-14; do
    $cc -O2 -fPIE -fvisibility=hidden -ffreestanding -fno-stack-protector -c idt.c -o "$cc.o"
    x86_64-linux-gnu-ld -pie --no-dynamic-linker -z pack-relative-relocs "$cc.o" -o "$cc"
done
same 'gcc 12.2: relocations outside of .relr.dyn' "$(count x86_64-linux-gnu-gcc-12 .rela.dyn)" 0
same 'clang 14.0: relocations outside of .relr.dyn' "$(count clang-14 .rela.dyn)" 1
