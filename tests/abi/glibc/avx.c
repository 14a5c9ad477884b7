/* Vector registers belong to a process: four of them hold different values in all YMM
 * (and ZMM and mask) registers while they are preempted again and again, and fork, and get
 * signals.  Without the instructions the SSE registers are tested. */
/* cflags: -mno-avx */
#include "check.h"

enum { ROUNDS = 3000000 };

/* Fills, spins, compares: 0 if every register still holds what it should. */
__attribute__((target("avx2"), noinline)) static int hold_ymm(unsigned long seed, long rounds)
{
    unsigned long in[8] __attribute__((aligned(32))), bad = 0;

    for (int i = 0; i < 8; i++)
        in[i] = seed * 0x9e3779b97f4a7c15UL + i;
    __asm__ volatile("vmovdqa (%[in]), %%ymm0\n vmovdqa 32(%[in]), %%ymm1\n"
                     "vmovdqa %%ymm0, %%ymm7\n vmovdqa %%ymm1, %%ymm8\n vmovdqa %%ymm0, %%ymm15\n"
                     "1: dec %[n]\n jnz 1b\n"
                     "vpxor %%ymm7, %%ymm0, %%ymm2\n vpxor %%ymm8, %%ymm1, %%ymm3\n vpor %%ymm2, "
                     "%%ymm3, %%ymm2\n"
                     "vpxor (%[in]), %%ymm15, %%ymm3\n vpor %%ymm2, %%ymm3, %%ymm2\n"
                     "vpxor 32(%[in]), %%ymm8, %%ymm3\n vpor %%ymm2, %%ymm3, %%ymm2\n"
                     "vptest %%ymm2, %%ymm2\n setnz %b[bad]\n vzeroupper\n"
                     : [bad] "+r"(bad), [n] "+r"(rounds)
                     : [in] "r"(in)
                     : "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm7", "xmm8", "xmm15");
    return bad != 0;
}

__attribute__((target("avx512f"), noinline)) static int hold_zmm(unsigned long seed, long rounds)
{
    unsigned long in[8] __attribute__((aligned(64))), out[8] __attribute__((aligned(64)));
    unsigned mask = seed & 0xffff, mask_out = 0;

    for (int i = 0; i < 8; i++)
        in[i] = seed * 0x9e3779b97f4a7c15UL + i;
    __asm__ volatile("vmovdqa64 (%[in]), %%zmm4\n vmovdqa64 %%zmm4, %%zmm31\n kmovw %[mask], %%k3\n"
                     "1: dec %[n]\n jnz 1b\n"
                     "vpxorq %%zmm4, %%zmm31, %%zmm5\n vporq %%zmm31, %%zmm5, %%zmm5\n"
                     "vmovdqa64 %%zmm5, (%[out])\n kmovw %%k3, %[mask_out]\n vzeroupper\n"
                     : [n] "+r"(rounds), [mask_out] "=&r"(mask_out)
                     : [in] "r"(in), [out] "r"(out), [mask] "r"(mask)
                     : "memory", "cc", "xmm4", "xmm5", "xmm31", "k3");
    return memcmp(in, out, sizeof(in)) != 0 || mask_out != mask;
}

__attribute__((noinline)) static int hold_xmm(unsigned long seed, long rounds)
{
    unsigned long out;

    __asm__ volatile("movq %[s], %%xmm9\n 1: dec %[n]\n jnz 1b\n movq %%xmm9, %[out]\n"
                     : [n] "+r"(rounds), [out] "=r"(out)
                     : [s] "r"(seed)
                     : "xmm9", "cc");
    return out != seed;
}

static int hold(unsigned long seed)
{
    int bad = hold_xmm(seed, ROUNDS);

    if (__builtin_cpu_supports("avx2"))
        bad += hold_ymm(seed, ROUNDS);
    if (__builtin_cpu_supports("avx512f"))
        bad += hold_zmm(seed, ROUNDS);
    return bad;
}

static volatile int ticks;
static void tick(int sig)
{
    (void)sig;
    ticks++;
    volatile double x = ticks;
    x = x * 1.5;
}

static void test(void)
{
    pid_t pid[4];

    for (int i = 0; i < 4; i++)
        pid[i] = START({
            for (int round = 0; round < 12; round++)
                CHECK_EQ(hold(1000 * i + round), 0);
            CHECK_EQ(CHILD(CHECK_EQ(hold(77 + i), 0)), 0);
        });
    handle(SIGUSR1, tick, SA_RESTART);
    pid_t me = getpid();
    pid_t nagger = START(for (int i = 0; i < 40; i++) {
        kill(me, SIGUSR1);
        msleep(2);
    });
    for (int round = 0; round < 12; round++)
        CHECK_EQ(hold(round), 0);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(status_of(pid[i]), 0);
    CHECK_EQ(status_of(nagger), 0);
    CHECK(ticks > 0);
}
