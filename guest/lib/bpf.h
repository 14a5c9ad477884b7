/* bpf.h - classic BPF: programs that look at a few words of data (seccomp) or at a packet (sockets) and
 * say a number.  Jumps go forward only, so a program ends after at most as many steps as it has
 * instructions. */
#ifndef LIB_BPF_H
#define LIB_BPF_H

#include "lib/base.h"
#include <linux/filter.h>

#define BPF_PER_PAGE (PAGE_SIZE / sizeof(struct sock_filter))
#define BPF_PAGES    (BPF_MAXINSNS / BPF_PER_PAGE)

struct bpf_prog {
    unsigned n;                          /* 1..BPF_MAXINSNS instructions, */
    struct sock_filter *page[BPF_PAGES]; /* so many to a page */
};
static inline struct sock_filter *bpf_insn(const struct bpf_prog *p, unsigned i)
{
    return &p->page[i / BPF_PER_PAGE][i % BPF_PER_PAGE];
}

/* Is it a program that bpf_run() can run on `bytes` bytes of data?  What Linux allows in a seccomp
 * filter, and no more: 32-bit loads of the data at multiples of 4, arithmetic, scratch words that
 * were stored before they are loaded, jumps that stay inside, and a return at the end.
 * scratch: n words to work with, in pieces of a page. */
#define BPF_SCRATCH_PER_PAGE (PAGE_SIZE / sizeof(uint16_t))
#define BPF_SCRATCH_PAGES    (BPF_MAXINSNS / BPF_SCRATCH_PER_PAGE)
bool bpf_valid(const struct bpf_prog *p, uint32_t bytes, uint16_t *const scratch[]);
/* With bytes = 0: on packets; that is, with loads of any bytes of one, in the order of the net, and the remainder of a
 * division, too.  Of Linux's extensions it may have: */
static inline bool bpf_has_extension(uint32_t number) /* SKF_AD_* */
{
    return number != SKF_AD_NLATTR && number != SKF_AD_NLATTR_NEST && number != SKF_AD_PAY_OFFSET;
}
/* `size` bytes at `at`, which may be SKF_*_OFF and more, as a number.  False: the program returns 0. */
typedef bool (*bpf_load)(void *packet, uint32_t at, unsigned size, uint32_t *value);
uint32_t bpf_run_packet(const struct bpf_prog *p, bpf_load load, void *packet, uint32_t bytes);
/* What a valid program returns. */
uint32_t bpf_run(const struct bpf_prog *p, const uint32_t *data, uint32_t bytes);

#endif
