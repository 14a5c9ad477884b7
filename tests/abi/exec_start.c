/* How a program finds itself: argc on an aligned stack, the auxiliary vector,
 * zeroed registers' worth of state (direction flag, MXCSR, x87 control word). */
#include "check.h"
#include <elf.h>
#include <sys/auxv.h>

extern char **environ;

static void test(void)
{
    unsigned mxcsr;
    unsigned short fcw;
    unsigned long flags;

    __asm__("stmxcsr %0" : "=m"(mxcsr));
    __asm__("fnstcw %0" : "=m"(fcw));
    __asm__("pushf; pop %0" : "=r"(flags));
    SAY("mxcsr %#x, x87 %#x, DF %d\n", mxcsr & ~0x3fU, fcw, (int)(flags >> 10 & 1));
    CHECK_EQ(getauxval(AT_PAGESZ), 4096);
    CHECK_EQ(getauxval(AT_CLKTCK), 100);
    CHECK_EQ(getauxval(AT_UID), getuid());
    CHECK_EQ(getauxval(AT_EGID), getegid());
    CHECK_EQ(getauxval(AT_SECURE), 0);
    CHECK_EQ(getauxval(AT_PHENT), sizeof(Elf64_Phdr));
    CHECK(getauxval(AT_PHNUM) > 2 && getauxval(AT_PHDR) != 0 && getauxval(AT_ENTRY) != 0);
    CHECK(getauxval(AT_RANDOM) != 0);
    unsigned char *random = (void *)getauxval(AT_RANDOM);
    int bits = 0;
    for (int i = 0; i < 128; i++)
        bits += random[i / 8] >> (i % 8) & 1;
    CHECK(bits > 20 && bits < 108);
    const char *name = (void *)getauxval(AT_EXECFN);
    CHECK(name != NULL && strstr(name, "exec_start") != NULL);
    const char *platform = (void *)getauxval(AT_PLATFORM);
    CHECK(platform != NULL && strcmp(platform, "x86_64") == 0);
    Elf64_auxv_t *aux;
    char **e = environ;
    while (*e != NULL)
        e++;
    aux = (Elf64_auxv_t *)(e + 1);
    CHECK_EQ((uintptr_t)aux % 8, 0);
    int end = 0;
    while (aux[end].a_type != AT_NULL && end < 60)
        end++;
    CHECK(end > 12 && end < 60);
}
