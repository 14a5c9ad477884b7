/* A debug register that watches for reads, too; and one whose trap comes in the kernel: MOV SS of watched
 * memory puts it off until after the next instruction, which is a system call or INT3. */
/* not on kvm: where ring 0 is interpreted the processor's registers do not work, and reads cannot be watched */
#include "debug.h"

static void counts(void)
{
    for (int i = 0; i < 20; i++) {
        watched = i + 1;
        other = other + watched;
    }
}

static void stops(void)
{
    start(counts);
    CHECK(poke(7, 0) == 0 && poke(2, (unsigned long)&other) == 0 &&
          poke(7, 2 * ON(2) | AS(2, 3, 3)) == 0);
    go("read", PTRACE_CONT);
    go("written", PTRACE_CONT);
    go("read", PTRACE_CONT);
    CHECK(poke(7, 0) == 0 && poke(2, (unsigned long)&watched) == 0 &&
          poke(3, (unsigned long)&watched + 2) == 0);
    CHECK(poke(7, ON(2) | ON(3) | AS(2, 1, 0) | AS(3, 3, 1)) == 0);
    go("two at once", PTRACE_CONT);
    finish();
}

/* The page below is watched; the instruction behind MOV SS goes into the kernel at once. */
static void into_the_kernel(void)
{
    static const uint16_t selector = 0x2b;

    other = (long)&selector;
    for (int i = 0; i < 3; i++) {
        long pid;
        __asm__ volatile("mov %1, %%ss; syscall"
                         : "=a"(pid)
                         : "m"(selector), "a"(SYS_getpid)
                         : "rcx", "r11", "memory");
        CHECK(pid == getpid());
        __asm__ volatile("mov %0, %%ss; int3" : : "m"(selector) : "memory");
    }
    _exit(0);
}

static void behind_mov_ss(void)
{
    int status, traps = 0;

    start(into_the_kernel);
    SAY("MOV SS:");
    ptrace(PTRACE_SINGLESTEP, tracee, 0, 0);
    for (waitpid(tracee, &status, 0); WIFSTOPPED(status); waitpid(tracee, &status, 0)) {
        long at = ptrace(PTRACE_PEEKDATA, tracee, &other, 0);
        if (at != 0 && peek(tracee, 0) == 0)
            CHECK(poke(0, (unsigned long)at) == 0 && poke(7, ON(0) | AS(0, 3, 1)) == 0);
        traps += at != 0;
        ptrace(at != 0 ? PTRACE_CONT : PTRACE_SINGLESTEP, tracee, 0, 0);
    }
    CHECK(traps >= 3); /* how many more depends on the processor */
    SAY(" it ends with %x\n", status);
}

static void test(void)
{
    stops();
    behind_mov_ss();
}
