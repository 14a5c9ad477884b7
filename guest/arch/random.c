/* random.c - random bytes for AT_RANDOM, getrandom(2), /dev/urandom, ASLR.
 *
 * A pool of bytes, each handed out once and then erased.  It is refilled by the
 * VMM's generator in one exit where there is one: ours could not be better than
 * what seeds it, and where ring 0 is interpreted a ChaCha block costs more than
 * the exit.  Without a VMM it is filled by RDRAND once, which is enough for a boot, and
 * then by ChaCha20 (RFC 8439), which is faster for who wants much, with its key
 * replaced from its own output each time, so that a later look at memory does not
 * tell what was handed out before.  The key begins with RDRAND, or else with the
 * jitter of the TSC over port reads: the best a machine without either has. */
#include "arch/random.h"
#include "arch/cpu.h"
#include "arch/hypercall.h"
#include "arch/layout.h"
#include "arch/msr.h"
#include "lib/string.h"
#include "sync/lock.h"

#define POOL_BYTES 256 /* HC_ENTROPY's most */

static struct spinlock lock = SPINLOCK_INIT(LOCK_random); /* all below */
static uint8_t pool[POOL_BYTES] __attribute__((aligned(64)));
static size_t left; /* unused bytes, at the end of the pool */
static uint32_t key[8];
static uint64_t blocks;     /* nonce: never the same block twice */
static bool filled, seeded; /* once */

static inline uint32_t rotl(uint32_t v, int n) { return v << n | v >> (32 - n); }

/* Always in line: with constant indices the compiler keeps the words in registers. */
static inline __attribute__((always_inline)) void quarter_round(uint32_t *x, int a, int b, int c,
                                                                int d)
{
    x[a] += x[b];
    x[d] = rotl(x[d] ^ x[a], 16);
    x[c] += x[d];
    x[b] = rotl(x[b] ^ x[c], 12);
    x[a] += x[b];
    x[d] = rotl(x[d] ^ x[a], 8);
    x[c] += x[d];
    x[b] = rotl(x[b] ^ x[c], 7);
}

static void chacha_block(uint32_t out[16])
{
    uint32_t in[16] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 };
    memcpy(in + 4, key, sizeof(key));
    in[12] = (uint32_t)blocks;
    in[13] = (uint32_t)(blocks++ >> 32);
    memcpy(out, in, sizeof(in));
    for (int i = 0; i < 10; i++) {
        quarter_round(out, 0, 4, 8, 12);
        quarter_round(out, 1, 5, 9, 13);
        quarter_round(out, 2, 6, 10, 14);
        quarter_round(out, 3, 7, 11, 15);
        quarter_round(out, 0, 5, 10, 15);
        quarter_round(out, 1, 6, 11, 12);
        quarter_round(out, 2, 7, 8, 13);
        quarter_round(out, 3, 4, 9, 14);
    }
    for (int i = 0; i < 16; i++)
        out[i] += in[i];
}

static bool rdrand(uint64_t *v)
{
    bool ok = false;
    for (int tries = 0; !ok && tries < 10; tries++)
        __asm__ volatile("rdrand %0" : "=r"(*v), "=@ccc"(ok));
    return ok;
}

/* 64 readings of the time that a port read takes, folded into 8 bytes. */
static uint64_t jitter(void)
{
    uint64_t v = rdtsc();
    for (int i = 0; i < 64; i++) {
        inb(0x80);
        v = (v << 7 | v >> 57) ^ rdtsc();
    }
    return v;
}

static void seed(void)
{
    for (unsigned i = 0; i < 8; i += 2) {
        uint64_t v;
        if (!cpu_has.rdrand || !rdrand(&v))
            v = jitter();
        v ^= rdtsc();
        key[i] = (uint32_t)v;
        key[i + 1] = (uint32_t)(v >> 32);
    }
    seeded = true;
}

/* False: there is none, or one that repeats itself. */
static bool fill_by_rdrand(void)
{
    uint64_t last = 0, v;
    for (unsigned at = 0; at < POOL_BYTES; at += sizeof(v), last = v) {
        if (!cpu_has.rdrand || !rdrand(&v) || v == last)
            return false;
        memcpy(pool + at, &v, sizeof(v));
    }
    return true;
}

static void refill(void)
{
    left = POOL_BYTES;
    if (hc_present && hypercall(HC_ENTROPY, virt_to_phys(pool), POOL_BYTES, 0, 0) == POOL_BYTES)
        return;
    if (!filled) {
        filled = true;
        if (fill_by_rdrand())
            return;
    }
    if (!seeded)
        seed();
    uint32_t block[16];
    for (unsigned at = 0; at < POOL_BYTES; at += sizeof(block)) {
        chacha_block(block);
        memcpy(pool + at, block, sizeof(block));
    }
    chacha_block(block);
    memcpy(key, block, sizeof(key));
}

void random_bytes(void *to, size_t n)
{
    uint8_t *d = to;
    spin_lock(&lock);
    while (n > 0) {
        if (left == 0)
            refill();
        size_t part = MIN(n, left);
        uint8_t *from = pool + POOL_BYTES - left;
        memcpy(d, from, part);
        memset(from, 0, part);
        left -= part;
        d += part;
        n -= part;
    }
    spin_unlock(&lock);
}
