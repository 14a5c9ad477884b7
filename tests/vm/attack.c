/* attack.c - what a program must not get at, tried: attack ADDRESS...
 *
 * Each try is a child's, and one line says how it ended: TRY: signal N, or what it got.  The
 * addresses are the kernel's; each is read, written and jumped to, right after a system call, when
 * most of the kernel was in use a moment ago. */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define RFLAGS_IF   0x200ul
#define RFLAGS_IOPL 0x3000ul

static void call(void) { syscall(SYS_getppid); }

static void peek(unsigned long at)
{
    call();
    printf("got %#x ", *(volatile unsigned char *)at);
}

static void poke(unsigned long at)
{
    call();
    *(volatile unsigned char *)at = 0;
    printf("stored ");
}

/* As a way out or a call of the kernel's would be, if that took it for the kernel's. */
static void jump(unsigned long at)
{
    call();
    __asm__ volatile(
        "mov $0x8000000000000000, %%rcx\n mov $2, %%r11d\n xor %%eax, %%eax\n clc\n jmp *%0"
        :
        : "b"(at)
        : "rax", "rcx", "r11", "memory");
}

static void call_stub(unsigned long at) /* its address in R11, and CF */
{
    __asm__ volatile("mov %0, %%r11\n mov $0x10, %%ecx\n xor %%eax, %%eax\n stc\n int3"
                     :
                     : "b"(at)
                     : "rax", "rcx", "r11", "memory");
    printf("came back ");
}

static void leave_by_stub(unsigned long root) /* a root in RAX, and no CF */
{
    __asm__ volatile("clc\n int3" : : "a"(root) : "memory");
    printf("came back ");
}

#define PRIVILEGED(X) \
    X(cli, "cli") \
    X(sti, "sti") \
    X(hlt, "hlt") \
    X(in, "mov $0x3f8, %%edx; in %%dx, %%al") \
    X(out, "mov $0xe4, %%edx; out %%eax, %%dx") \
    X(insb, "mov $0x3f8, %%edx; insb") \
    X(wrmsr, "mov $0xc0000082, %%ecx; xor %%eax, %%eax; xor %%edx, %%edx; wrmsr") \
    X(rdmsr, "mov $0xc0000080, %%ecx; rdmsr") \
    X(read_cr3, "mov %%cr3, %%rax") \
    X(write_cr3, "mov %%rax, %%cr3") \
    X(write_cr4, "mov %%rax, %%cr4") \
    X(write_dr7, "mov %%rax, %%db7") \
    X(invlpg, "invlpg (%%rsp)") \
    X(lidt, "lidt (%%rsp)") \
    X(ltr, "ltr %%ax") \
    X(swapgs, "swapgs") \
    X(sysret, "mov %%rsp, %%rcx; sysretq") \
    X(clts, "clts") \
    X(wbinvd, "wbinvd")

#define FUNCTION(name, text) \
    static void do_##name(unsigned long unused) \
    { \
        (void)unused; \
        __asm__ volatile(text : : : "rax", "rcx", "rdx", "memory"); \
        printf("done "); \
    }
PRIVILEGED(FUNCTION)

/* IF and IOPL as POPF and IRET would have them: both do what they may and leave these alone. */
static unsigned long flags_now(void)
{
    unsigned long flags;
    __asm__ volatile("pushf; pop %0" : "=r"(flags));
    return flags;
}

static void popf(unsigned long flags)
{
    __asm__ volatile("push %0; popf" : : "r"(flags) : "memory", "cc");
    if (flags_now() & RFLAGS_IOPL)
        printf("IOPL is up ");
}

/* Still interrupted, and still a program: its INT3 is one, and the clock ends it. */
static void popf_then_trap(unsigned long flags)
{
    popf(flags);
    __asm__ volatile("xor %%eax, %%eax; clc; int3" : : : "rax", "memory");
}

static void popf_then_spin(unsigned long flags)
{
    alarm(1);
    popf(flags);
    for (;;)
        ;
}

static void iret_then_trap(unsigned long flags)
{
    __asm__ volatile(
        "mov %%rsp, %%rcx; push $0x2b; push %%rcx; push %0; push $0x33; lea 1f(%%rip), %%rax;"
        "push %%rax; iretq\n 1: xor %%eax, %%eax; clc; int3"
        :
        : "r"(flags)
        : "rax", "rcx", "memory");
}

/* The kernel's GS base is no way in, either. */
static void gs_then_call(unsigned long base)
{
    __asm__ volatile("wrgsbase %0" : : "r"(base));
    call();
    unsigned long now;
    __asm__ volatile("rdgsbase %0" : "=r"(now));
    printf("%s ", now == base ? "kept" : "lost");
}

static void sp_then_trap(unsigned long at) /* a stack that no trap may be pushed on */
{
    __asm__ volatile("mov %0, %%rsp; int3" : : "r"(at) : "memory");
}

static void try(const char *name, void (*what)(unsigned long), unsigned long at)
{
    int status;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        what(at);
        fflush(stdout);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    if (WIFSIGNALED(status))
        printf("%s %lx: signal %d\n", name, at, WTERMSIG(status));
    else
        printf("%s %lx: status %d\n", name, at, WEXITSTATUS(status));
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 1; i < argc; i++) {
        unsigned long at = strtoul(argv[i], NULL, 16);
        try("read", peek, at);
        try("write", poke, at);
        try("jump", jump, at);
        try("call", call_stub, at);
        try("stack", sp_then_trap, at);
    }
    for (unsigned long root = 0; root < 0x200000; root += 0x10000)
        try("leave", leave_by_stub, root);
#define TRY(name, text) try(#name, do_##name, 0);
    PRIVILEGED(TRY)
    for (unsigned long flags = 2; flags <= 0x3002; flags += 0x1000) {
        try("popf", popf_then_trap, flags);
        try("spin", popf_then_spin, flags);
        try("iret", iret_then_trap, flags);
    }
    try("gs", gs_then_call, 0x7fff80145000);
    puts("alive");
    return 0;
}
