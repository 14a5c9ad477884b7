/* After vfork the parent's registers, its thread pointer and its vector state
 * are as before, whatever the child did to its own. */
#include "check.h"

static __attribute__((noinline)) long scramble(void)
{
    double x = 1.0;

    for (int i = 1; i < 1000; i++)
        x = x * 1.0001 + i;
    return (long)x;
}

static void test(void)
{
    unsigned long in[6] = { 0x1111, 0x2222, 0x3333, 0x4444, 0x5555, 0x6666 }, out[6], xmm[2];
    unsigned long fs_before, fs_after;
    long pid;

    __asm__ volatile("mov %%fs:0, %0" : "=r"(fs_before));
    __asm__ volatile(
        "mov 0(%[in]), %%rbx\n mov 8(%[in]), %%r12\n mov 16(%[in]), %%r13\n"
        "mov 24(%[in]), %%r14\n mov 32(%[in]), %%r15\n"
        "movq 40(%[in]), %%xmm7\n"
        "mov $58, %%eax\n syscall\n"
        "test %%rax, %%rax\n jnz 1f\n"
        "xor %%ebx, %%ebx\n xor %%r12d, %%r12d\n xor %%r13d, %%r13d\n xor %%r14d, %%r14d\n"
        "xor %%r15d, %%r15d\n xorps %%xmm7, %%xmm7\n mov $60, %%eax\n xor %%edi, %%edi\n syscall\n"
        "1: mov %%rbx, 0(%[out])\n mov %%r12, 8(%[out])\n mov %%r13, 16(%[out])\n"
        "mov %%r14, 24(%[out])\n mov %%r15, 32(%[out])\n movq %%xmm7, 40(%[out])\n"
        : "=a"(pid)
        : [in] "S"(in), [out] "D"(out)
        : "rbx", "rcx", "r11", "r12", "r13", "r14", "r15", "xmm7", "memory");
    CHECK(pid > 0);
    for (int i = 0; i < 6; i++)
        CHECK_EQ(out[i], in[i]);
    __asm__ volatile("mov %%fs:0, %0" : "=r"(fs_after));
    CHECK_EQ(fs_before, fs_after);
    CHECK_EQ(status_of(pid), 0);

    __asm__ volatile("movq %0, %%xmm15" : : "r"(0x123456789abcdefUL) : "xmm15");
    pid = vfork();
    if (pid == 0)
        _exit(scramble() == 0);
    __asm__ volatile("movq %%xmm15, %0" : "=r"(xmm[0]));
    SAY("xmm15 %lx\n", xmm[0]);
    CHECK_EQ(status_of(pid), 0);
}
