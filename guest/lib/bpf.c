/* bpf.c - classic BPF: checks of a program, and an interpreter that trusts them. */
#include "lib/bpf.h"

static bool is_jump(const struct sock_filter *i) { return BPF_CLASS(i->code) == BPF_JMP; }

/* Those that only a program that looks at packets may have. */
static bool is_packet_load(const struct sock_filter *i)
{
    uint16_t mode = BPF_MODE(i->code), size = BPF_SIZE(i->code);

    if (BPF_CLASS(i->code) == BPF_LDX)
        return i->code == (BPF_LDX | BPF_B | BPF_MSH);
    return BPF_CLASS(i->code) == BPF_LD && (mode == BPF_ABS || mode == BPF_IND) &&
           (size == BPF_W || size == BPF_H || size == BPF_B) && i->code == (BPF_LD | size | mode);
}

static bool known_of_packet(const struct sock_filter *i)
{
    if (i->code == (BPF_ALU | BPF_MOD | BPF_K))
        return i->k != 0;
    if (i->code == (BPF_ALU | BPF_MOD | BPF_X))
        return true;
    if (!is_packet_load(i))
        return false;
    return BPF_MODE(i->code) != BPF_ABS || i->k < (uint32_t)SKF_AD_OFF ||
           (i->k - (uint32_t)SKF_AD_OFF < SKF_AD_MAX &&
            bpf_has_extension(i->k - (uint32_t)SKF_AD_OFF));
}

/* Is it one of the instructions that there are, with an operand that makes sense? */
static bool known(const struct sock_filter *i, uint32_t bytes)
{
    if (bytes == 0 && known_of_packet(i))
        return true;
    switch (i->code) {
    case BPF_LD | BPF_W | BPF_ABS: return i->k < bytes && i->k % 4 == 0;
    case BPF_LD | BPF_MEM:
    case BPF_LDX | BPF_MEM:
    case BPF_ST:
    case BPF_STX: return i->k < BPF_MEMWORDS;
    case BPF_ALU | BPF_DIV | BPF_K: return i->k != 0;
    case BPF_ALU | BPF_LSH | BPF_K:
    case BPF_ALU | BPF_RSH | BPF_K: return i->k < 32;
    case BPF_LD | BPF_W | BPF_LEN:
    case BPF_LDX | BPF_W | BPF_LEN:
    case BPF_LD | BPF_IMM:
    case BPF_LDX | BPF_IMM:
    case BPF_RET | BPF_K:
    case BPF_RET | BPF_A:
    case BPF_ALU | BPF_ADD | BPF_K:
    case BPF_ALU | BPF_ADD | BPF_X:
    case BPF_ALU | BPF_SUB | BPF_K:
    case BPF_ALU | BPF_SUB | BPF_X:
    case BPF_ALU | BPF_MUL | BPF_K:
    case BPF_ALU | BPF_MUL | BPF_X:
    case BPF_ALU | BPF_DIV | BPF_X:
    case BPF_ALU | BPF_AND | BPF_K:
    case BPF_ALU | BPF_AND | BPF_X:
    case BPF_ALU | BPF_OR | BPF_K:
    case BPF_ALU | BPF_OR | BPF_X:
    case BPF_ALU | BPF_XOR | BPF_K:
    case BPF_ALU | BPF_XOR | BPF_X:
    case BPF_ALU | BPF_LSH | BPF_X:
    case BPF_ALU | BPF_RSH | BPF_X:
    case BPF_ALU | BPF_NEG:
    case BPF_MISC | BPF_TAX:
    case BPF_MISC | BPF_TXA:
    case BPF_JMP | BPF_JA:
    case BPF_JMP | BPF_JEQ | BPF_K:
    case BPF_JMP | BPF_JEQ | BPF_X:
    case BPF_JMP | BPF_JGE | BPF_K:
    case BPF_JMP | BPF_JGE | BPF_X:
    case BPF_JMP | BPF_JGT | BPF_K:
    case BPF_JMP | BPF_JGT | BPF_X:
    case BPF_JMP | BPF_JSET | BPF_K:
    case BPF_JMP | BPF_JSET | BPF_X: return true;
    }
    return false;
}

/* left: instructions behind it. */
static bool jump_stays(const struct sock_filter *i, unsigned left)
{
    if (!is_jump(i))
        return true;
    if (BPF_OP(i->code) == BPF_JA)
        return i->k < left;
    return i->jt < left && i->jf < left;
}

static uint16_t *word(uint16_t *const scratch[], unsigned i)
{
    return &scratch[i / BPF_SCRATCH_PER_PAGE][i % BPF_SCRATCH_PER_PAGE];
}

/* Whatever the way, a scratch word that is loaded was stored before.  A bit for each that holds
 * something, on all ways to an instruction so far. */
static bool loads_follow_stores(const struct bpf_prog *p, uint16_t *const scratch[])
{
    uint16_t now = 0;

    for (unsigned i = 0; i < p->n; i++)
        *word(scratch, i) = UINT16_MAX;
    for (unsigned i = 0; i < p->n; i++) {
        const struct sock_filter *f = bpf_insn(p, i);

        now &= *word(scratch, i);
        if (f->code == BPF_ST || f->code == BPF_STX) {
            now |= (uint16_t)(1u << f->k);
        } else if (f->code == (BPF_LD | BPF_MEM) || f->code == (BPF_LDX | BPF_MEM)) {
            if (!(now >> f->k & 1))
                return false;
        } else if (f->code == (BPF_JMP | BPF_JA)) {
            *word(scratch, i + 1 + f->k) &= now;
            now = UINT16_MAX; /* nobody goes on from here to the next */
        } else if (is_jump(f)) {
            *word(scratch, i + 1 + f->jt) &= now;
            *word(scratch, i + 1 + f->jf) &= now;
            now = UINT16_MAX;
        }
    }
    return true;
}

bool bpf_valid(const struct bpf_prog *p, uint32_t bytes, uint16_t *const scratch[])
{
    if (p->n == 0 || p->n > BPF_MAXINSNS)
        return false;
    for (unsigned i = 0; i < p->n; i++)
        if (!known(bpf_insn(p, i), bytes) || !jump_stays(bpf_insn(p, i), p->n - i - 1))
            return false;
    return BPF_CLASS(bpf_insn(p, p->n - 1)->code) == BPF_RET && loads_follow_stores(p, scratch);
}

static bool holds(const struct sock_filter *f, uint32_t a, uint32_t x)
{
    uint32_t with = BPF_SRC(f->code) == BPF_X ? x : f->k;

    switch (BPF_OP(f->code)) {
    case BPF_JEQ: return a == with;
    case BPF_JGE: return a >= with;
    case BPF_JGT: return a > with;
    }
    return (a & with) != 0; /* BPF_JSET */
}

/* False: a division by zero, which ends the program. */
static bool compute(const struct sock_filter *f, uint32_t *a, uint32_t x)
{
    uint32_t with = BPF_SRC(f->code) == BPF_X ? x : f->k;

    switch (BPF_OP(f->code)) {
    case BPF_ADD: *a += with; break;
    case BPF_SUB: *a -= with; break;
    case BPF_MUL: *a *= with; break;
    case BPF_DIV:
        if (with == 0)
            return false;
        *a /= with;
        break;
    case BPF_MOD:
        if (with == 0)
            return false;
        *a %= with;
        break;
    case BPF_AND: *a &= with; break;
    case BPF_OR: *a |= with; break;
    case BPF_XOR: *a ^= with; break;
    case BPF_LSH: *a <<= with & 31; break;
    case BPF_RSH: *a >>= with & 31; break;
    case BPF_NEG: *a = -*a; break;
    }
    return true;
}

/* False: there are no such bytes, which ends the program. */
static bool packet_step(const struct sock_filter *f, uint32_t *a, uint32_t *x, bpf_load load,
                        void *packet)
{
    unsigned size = BPF_SIZE(f->code) == BPF_W ? 4 : BPF_SIZE(f->code) == BPF_H ? 2 : 1;
    uint32_t at = f->k, value;

    if (BPF_MODE(f->code) == BPF_ABS && at == (uint32_t)(SKF_AD_OFF + SKF_AD_ALU_XOR_X)) {
        *a ^= *x;
        return true;
    }
    if (BPF_MODE(f->code) == BPF_IND && (at += *x) >= (uint32_t)SKF_AD_OFF)
        return false; /* what is beside the packet has fixed places only */
    if (!load(packet, at, size, &value))
        return false;
    if (BPF_CLASS(f->code) == BPF_LDX) /* the length of a header of IPv4 */
        *x = (value & 15) * 4;
    else
        *a = value;
    return true;
}

/* data, or `load` with a packet. */
static inline uint32_t run(const struct bpf_prog *p, const uint32_t *data, uint32_t bytes,
                           bpf_load load, void *packet)
{
    uint32_t a = 0, x = 0, memory[BPF_MEMWORDS];

    for (unsigned pc = 0;; pc++) {
        const struct sock_filter *f = bpf_insn(p, pc);

        if (load != NULL && is_packet_load(f)) {
            if (!packet_step(f, &a, &x, load, packet))
                return 0;
            continue;
        }
        switch (f->code) {
        case BPF_LD | BPF_W | BPF_ABS: a = data[f->k / 4]; continue;
        case BPF_LD | BPF_W | BPF_LEN: a = bytes; continue;
        case BPF_LDX | BPF_W | BPF_LEN: x = bytes; continue;
        case BPF_LD | BPF_IMM: a = f->k; continue;
        case BPF_LDX | BPF_IMM: x = f->k; continue;
        case BPF_LD | BPF_MEM: a = memory[f->k]; continue;
        case BPF_LDX | BPF_MEM: x = memory[f->k]; continue;
        case BPF_ST: memory[f->k] = a; continue;
        case BPF_STX: memory[f->k] = x; continue;
        case BPF_MISC | BPF_TAX: x = a; continue;
        case BPF_MISC | BPF_TXA: a = x; continue;
        case BPF_RET | BPF_K: return f->k;
        case BPF_RET | BPF_A: return a;
        case BPF_JMP | BPF_JA: pc += f->k; continue;
        }
        if (is_jump(f))
            pc += holds(f, a, x) ? f->jt : f->jf;
        else if (!compute(f, &a, x))
            return 0;
    }
}

uint32_t bpf_run(const struct bpf_prog *p, const uint32_t *data, uint32_t bytes)
{
    return run(p, data, bytes, NULL, NULL);
}

uint32_t bpf_run_packet(const struct bpf_prog *p, bpf_load load, void *packet, uint32_t bytes)
{
    return run(p, NULL, bytes, load, packet);
}
