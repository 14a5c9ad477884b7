/* A tracer sets debug registers of its tracee, which stops behind an instruction that writes
 * watched memory (debug_reads.c: or reads it), and before one at a breakpoint.  DR6 says which; what the kernel writes into
 * watched memory, what a child does and what a new program does is not told; after a detach the
 * registers stay.  What no address or length is, is refused and changes nothing. */
#include "debug.h"

static int channel[2];

static void counts(void)
{
    for (int i = 0; i < 20; i++) {
        watched = i + 1;
        other = other + watched;
        stop_here();
    }
}

static void stops(void)
{
    start(counts);
    SAY("at first: DR6 %lx DR7 %lx\n", peek(tracee, 6), peek(tracee, 7));
    CHECK(poke(0, (unsigned long)&watched) == 0 && peek(tracee, 0) == (unsigned long)&watched);
    CHECK(poke(7, ON(0) | AS(0, 1, 2)) == 0);
    go("written", PTRACE_CONT);
    go("written", PTRACE_CONT);
    CHECK(poke(7, 0) == 0 && poke(0, (unsigned long)stop_here) == 0 && poke(7, ON(0)) == 0);
    go("run", PTRACE_CONT);
    go("run", PTRACE_CONT);
    CHECK(poke(7, 0) == 0 && poke(2, (unsigned long)&watched) == 0 &&
          poke(3, (unsigned long)&other) == 0);
    CHECK(poke(7, 2 * ON(2) | ON(3) | AS(2, 1, 0) | AS(3, 1, 3)) == 0);
    go("one of two", PTRACE_CONT);
    go("the other", PTRACE_CONT);
    CHECK(poke(7, 0) == 0);
    go("off", PTRACE_CONT);
}

static void refused(void)
{
    start(counts);
    CHECK(poke(1, (unsigned long)&other) == 0);
    SAY("ports %d, a long breakpoint %d %d, none there %d\n", poke(7, ON(1) | AS(1, 2, 0)),
        poke(7, ON(1) | AS(1, 0, 2)), poke(7, AS(1, 0, 1)), poke(7, AS(0, 2, 3)));
    SAY("DR7 %lx\n", peek(tracee, 7));
    SAY("all on %d, kernel %d %d %d, odd", poke(7, 0xddddfffful), poke(0, 0xffff800000000000ul),
        poke(0, 1ul << 63), poke(3, -1ul));
    CHECK(poke(7, 0) == 0 && poke(2, (unsigned long)&other + 1) == 0);
    SAY(" %d %d %d", poke(7, ON(2) | AS(2, 1, 1)), poke(7, ON(2) | AS(2, 1, 2)),
        poke(7, ON(2) | AS(2, 1, 0)));
    SAY(" DR7 %lx; moved %d\n", peek(tracee, 7), poke(2, (unsigned long)&other + 3));
    SAY("DR4 %d %lx, DR5 %d %lx", poke(4, 1), peek(tracee, 4), poke(5, 0), peek(tracee, 5));
    CHECK(poke(6, 0x1234) == 0);
    SAY(", DR6 %lx\n", peek(tracee, 6));
    finish();
}

static void lives(void)
{
    int status;

    CHECK(read(channel[0], (void *)&watched, sizeof watched) ==
          sizeof watched); /* the kernel writes */
    raise(SIGUSR1);
    pid_t child = fork();
    if (child == 0) {
        watched = 7;
        _exit(5);
    }
    waitpid(child, &status, 0);
    SAY("the child %x\n", status);
    for (int i = 0; i < 3; i++) { /* others run meanwhile */
        struct timespec nap = { 0, 1000000 };
        nanosleep(&nap, NULL);
    }
    watched = 9;
    execl("/proc/self/exe", "again", (char *)NULL);
}

static void of_a_life(void)
{
    CHECK(pipe(channel) == 0 && write(channel[1], "\1\0\0\0\0\0\0\0", 8) == 8);
    start(lives);
    CHECK(poke(0, (unsigned long)&watched) == 0 && poke(7, ON(0) | AS(0, 1, 2)) == 0);
    go("the kernel has written", PTRACE_CONT);
    go("then", PTRACE_CONT);
    go("written", PTRACE_CONT);
    CHECK(ptrace(PTRACE_CONT, tracee, 0, 0) == 0 && waitpid(tracee, NULL, 0) == tracee);
    SAY("a new program: DR0 %lx DR6 %lx DR7 %lx\n", peek(tracee, 0), peek(tracee, 6),
        peek(tracee, 7));
    finish();
}

static void test(void)
{
    stops();
    refused();
    of_a_life();
}
