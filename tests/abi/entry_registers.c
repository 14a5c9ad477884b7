/* The ways into the kernel and back keep every register that the ABI says they
 * keep, whatever the flags are; a jump to an address that is no address, or
 * into the kernel, is a SIGSEGV and nothing worse; what a program may not set
 * in RFLAGS does not get set. */
#include "check.h"
#include <setjmp.h>

#define ARCH_SET_GS 0x1001
#define ARCH_SET_FS 0x1002
#define ARCH_GET_GS 0x1004

#define AC   (1ul << 18)
#define DF   (1ul << 10)
#define IOPL (3ul << 12)

static unsigned long flags_after_getpid(unsigned long flags)
{
    unsigned long after, ret = SYS_getpid;
    __asm__ volatile("push %2\n popfq\n syscall\n pushfq\n pop %0\n push $2\n popfq"
                     : "=r"(after), "+a"(ret)
                     : "r"(flags)
                     : "rcx", "r11", "memory", "cc");
    CHECK((pid_t)ret == getpid());
    return after;
}

static void registers_survive(void)
{
    unsigned long bad;
    __asm__ volatile("mov $0x1111111111111111, %%rbx\n mov $0x2222222222222222, %%r12\n"
                     "mov $0x3333333333333333, %%r13\n mov $0x4444444444444444, %%r14\n"
                     "mov $0x5555555555555555, %%r15\n mov $0x6666666666666666, %%r8\n"
                     "mov $0x7777777777777777, %%r9\n mov $0x1234123412341234, %%r10\n"
                     "mov $0x4321432143214321, %%rdx\n mov $0x8888888888888888, %%rsi\n"
                     "mov $0x0123456789abcdef, %%rdi\n"
                     "mov $39, %%eax\n syscall\n xor %%eax, %%eax\n"
                     ".macro same reg, value\n mov $\\value, %%rcx\n cmp %%rcx, %%\\reg\n"
                     "je 9f\n inc %%eax\n9:\n .endm\n"
                     "same rbx, 0x1111111111111111\n same r12, 0x2222222222222222\n"
                     "same r13, 0x3333333333333333\n same r14, 0x4444444444444444\n"
                     "same r15, 0x5555555555555555\n same r8, 0x6666666666666666\n"
                     "same r9, 0x7777777777777777\n same r10, 0x1234123412341234\n"
                     "same rdx, 0x4321432143214321\n same rsi, 0x8888888888888888\n"
                     "same rdi, 0x0123456789abcdef\n"
                     : "=a"(bad)
                     :
                     : "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13",
                       "r14", "r15", "memory", "cc");
    CHECK(bad == 0);
}

/* A child jumps there with registers as after SYSCALL; how it ends. */
static int jump_to(unsigned long address, unsigned long rcx, unsigned long r11)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        __asm__ volatile("mov %0, %%rcx\n mov %1, %%r11\n mov $39, %%eax\n jmp *%2"
                         :
                         : "r"(rcx), "r"(r11), "b"(address)
                         : "rcx", "r11", "rax");
        __builtin_unreachable();
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : -status;
}

static jmp_buf landing;

static void land(int sig)
{
    (void)sig;
    _longjmp(landing, 1);
}

/* In steps: each costs a signal.  tests/vm/entry_jump.t jumps to the one address that matters. */
static void every_jump_faults(unsigned long from, unsigned long to)
{
    static char stack[65536];
    static volatile unsigned long at, landed;
    stack_t alt = { .ss_sp = stack, .ss_size = sizeof(stack) };

    sigaltstack(&alt, NULL);
    handle(SIGSEGV, land, SA_ONSTACK | SA_NODEFER);
    for (at = from, landed = 0; at < to; at += 256)
        if (_setjmp(landing) == 0)
            __asm__ volatile("mov %0, %%rcx\n mov %0, %%r11\n mov $39, %%eax\n jmp *%1"
                             :
                             : "r"(0x8000000000000000ul), "b"(at)
                             : "rcx", "r11", "rax");
        else
            landed++;
    CHECK_EQ(landed, (to - from) / 256);
}

static void handler_at_bad_address(void)
{
    struct sigaction act = { .sa_flags = SA_NODEFER };
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        unsigned long bad = 0x8000000000000000ul;
        memcpy(&act.sa_handler, &bad, sizeof(bad));
        sigaction(SIGUSR1, &act, NULL);
        raise(SIGUSR1);
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

static void bases(void)
{
    unsigned long gs = 0;
    CHECK(syscall(SYS_arch_prctl, ARCH_SET_GS, 0x12345000ul) == 0);
    for (int i = 0; i < 3; i++) {
        struct timespec t = { 0, 1000000 };
        nanosleep(&t, NULL);
        CHECK(syscall(SYS_arch_prctl, ARCH_GET_GS, &gs) == 0 && gs == 0x12345000ul);
    }
    CHECK(syscall(SYS_arch_prctl, ARCH_SET_GS, 0xffff800000000000ul) == -1 && errno == EPERM);
    CHECK(syscall(SYS_arch_prctl, ARCH_SET_FS, ~0ul) == -1 && errno == EPERM);
}

static void test(void)
{
    registers_survive();
    CHECK(flags_after_getpid(0x202 | AC) & AC);
    CHECK(flags_after_getpid(0x202 | DF) & DF);
    CHECK(!(flags_after_getpid(0x202 | IOPL) & IOPL));
    CHECK(flags_after_getpid(0x246 | 1) & 1);
    SAY("not canonical: %d\n", jump_to(0x8000000000000000ul, 0, 0x202));
    SAY("last page: %d\n", jump_to(0xfffffffffffff000ul, 0, 0x202));
    SAY("kernel text: %d\n", jump_to(0xffffffff80100000ul, 0, 0x202));
    CHECK_EQ(CHILD(every_jump_faults(0xffffffff80100000ul, 0xffffffff80140000ul)), 0);
    handler_at_bad_address();
    bases();
}
