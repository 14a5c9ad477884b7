/* jump.c - jumps to ADDRESS in user mode with registers as after a SYSCALL, from a place to
 * which it could not return: RCX is not canonical.  It must end in a SIGSEGV. */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    unsigned long address = argc > 1 ? strtoul(argv[1], NULL, 16) : 0;

    printf("jump to %lx\n", address);
    fflush(stdout);
    __asm__ volatile("mov %0, %%rcx\n mov $~0, %%r11\n mov $39, %%eax\n jmp *%1"
                     :
                     : "r"(0x8000000000000000ul), "b"(address)
                     : "rcx", "r11", "rax");
    return 0;
}
