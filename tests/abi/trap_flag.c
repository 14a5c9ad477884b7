/* A program that sets the trap flag itself is stopped after each instruction until its handler
 * clears the flag in the saved registers; the handler runs without it; a system call on the way
 * changes nothing.  With SIGTRAP blocked or ignored it dies. */
#include "check.h"
#include <ucontext.h>

#define TF 0x100

static volatile int steps, wanted, flagged, codes;

static void stepped(int sig, siginfo_t *info, void *context)
{
    greg_t *flags = &((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL];
    unsigned long now;

    (void)sig;
    __asm__ volatile("pushf; pop %0" : "=r"(now));
    flagged += (*flags & TF) != 0 && !(now & TF);
    codes += info->si_code == TRAP_TRACE;
    if (++steps == wanted)
        *flags &= ~TF;
}

static void say(const char *what)
{
    SAY("%s: %d steps, %d with the flag saved, %d said TRAP_TRACE\n", what, steps, flagged, codes);
    steps = flagged = codes = 0;
}

static void few_steps(void)
{
    wanted = 5;
    __asm__ volatile("pushf; orl $0x100, (%%rsp); popf; nop; nop; nop; nop; nop; nop; nop; nop"
                     :
                     :
                     : "memory", "cc");
    say("nops");
}

/* The instruction after SYSCALL is not stopped before: nobody steps into the kernel. */
static void through_call(void)
{
    long rax = SYS_getppid;

    wanted = 1000;
    __asm__ volatile("pushf; orl $0x100, (%%rsp); popf; nop; syscall; nop; nop; nop;"
                     "pushf; andl $~0x100, (%%rsp); popf; nop; nop"
                     : "+a"(rax)
                     :
                     : "rcx", "r11", "memory", "cc");
    CHECK_EQ(rax, getppid());
    say("a call");
}

static void set_and_go(void)
{
    __asm__ volatile("pushf; orl $0x100, (%%rsp); popf; nop; nop" : : : "memory", "cc");
}

static void blocked(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTRAP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    set_and_go();
}

static void test(void)
{
    struct sigaction action = { .sa_sigaction = stepped, .sa_flags = SA_SIGINFO };

    CHECK(sigaction(SIGTRAP, &action, NULL) == 0);
    few_steps();
    few_steps();
    through_call();
    CHECK_DIES(SIGTRAP, blocked());
    CHECK_DIES(SIGTRAP, signal(SIGTRAP, SIG_IGN); set_and_go());
    CHECK_DIES(SIGTRAP, signal(SIGTRAP, SIG_DFL); set_and_go());
}
