/* audit_slots.c - see audit_slots.h.
 *
 *   RAM     |      | tables of the image |     | region of tables |              |
 *   slots     rw            ro              rw          ro               rw
 *   spare                                                                            | | |
 *
 * KVM looks at its shadow of a table again when the guest stores to it, and what the VMM stores it does
 * not see.  But a memslot that is deleted or moved takes all translations of the VM with it, whatever they
 * lead to (Documentation/virt/kvm/api.rst, KVM_X86_QUIRK_SLOT_ZAP_ALL).  So there is one that nothing
 * refers to, of one page, and it moves to and fro: the tables are there all the time, and one call is
 * enough.  That it has this effect is what audit_proof.c tries. */
#include "vmm/audit_slots.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "shared/trace_schema.h"
#include "vmm/gmem.h"
#include "vmm/say.h"
#include "vmm/vm.h"

#define PIECES_MAX  32
#define SPARE_ALIGN (1ull << 30)

struct piece {
    uint64_t first, end; /* frames */
};

struct slots {
    const struct vm *vm;
    bool installed;
    unsigned n;
    struct piece piece[PIECES_MAX]; /* in order, none touches the next */
    uint32_t next;                  /* number of the next slot */
    void *spare;
    uint64_t spare_at;
    bool is_moved;
};

struct slots *slots_new(const struct vm *vm)
{
    struct slots *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return NULL;
    s->vm = vm;
    s->next = SLOT_PARTS;
    s->spare = mmap(NULL, GMEM_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (s->spare == MAP_FAILED) {
        free(s);
        return NULL;
    }
    return s;
}

void slots_free(struct slots *s)
{
    if (s == NULL)
        return;
    munmap(s->spare, GMEM_PAGE);
    free(s);
}

static void remove_piece(struct slots *s, unsigned i)
{
    memmove(&s->piece[i], &s->piece[i + 1], (--s->n - i) * sizeof(s->piece[0]));
}

bool slots_add(struct slots *s, uint64_t first, uint64_t end)
{
    unsigned i = 0;
    if (first >= end)
        return true;
    while (i < s->n && s->piece[i].end < first)
        i++;
    while (i < s->n && s->piece[i].first <= end) { /* they become one */
        first = s->piece[i].first < first ? s->piece[i].first : first;
        end = s->piece[i].end > end ? s->piece[i].end : end;
        remove_piece(s, i);
    }
    if (s->n == PIECES_MAX)
        return false;
    memmove(&s->piece[i + 1], &s->piece[i], (s->n++ - i) * sizeof(s->piece[0]));
    s->piece[i] = (struct piece){ first, end };
    return true;
}

uint64_t slots_first(const struct slots *s, uint64_t first, uint64_t last)
{
    for (unsigned i = 0; s->installed && i < s->n && s->piece[i].first <= last; i++)
        if (first < s->piece[i].end)
            return first > s->piece[i].first ? first : s->piece[i].first;
    return 0;
}

bool slots_has(const struct slots *s, uint64_t pfn) { return slots_first(s, pfn, pfn) != 0; }

static int set(const struct slots *s, uint32_t slot, uint32_t flags, uint64_t gpa, uint64_t bytes,
               void *host)
{
    struct kvm_userspace_memory_region region = {
        .slot = slot,
        .flags = flags,
        .guest_phys_addr = gpa,
        .memory_size = bytes,
        .userspace_addr = (uintptr_t)host,
    };
    return ioctl(s->vm->fd, KVM_SET_USER_MEMORY_REGION, &region) == 0 ? 0 : -errno;
}

static int set_part(struct slots *s, uint64_t from, uint64_t to, uint32_t flags)
{
    if (from >= to)
        return 0;
    return set(s, s->next++, flags, from, to - from, gmem_span(s->vm->mem, from, to - from));
}

/* [at, end) of RAM, until now one slot. */
static int split(struct slots *s, uint32_t slot, uint64_t at, uint64_t end)
{
    int err = at < end ? set(s, slot, 0, at, 0, NULL) : 0;
    for (unsigned i = 0; err == 0 && at < end && i < s->n; i++) {
        uint64_t first = s->piece[i].first * GMEM_PAGE, last = s->piece[i].end * GMEM_PAGE;
        if (last <= at || first >= end)
            continue;
        if (first < at)
            first = at;
        if (last > end)
            last = end;
        err = set_part(s, at, first, 0);
        if (err == 0)
            err = set_part(s, first, last, KVM_MEM_READONLY);
        at = last;
    }
    return err == 0 ? set_part(s, at, end, 0) : err;
}

int slots_install(struct slots *s)
{
    const struct vm *vm = s->vm;
    uint64_t windows = vm->trace_base + (uint64_t)vm->ncpus * TRACE_WINDOW_BYTES;
    s->spare_at = (windows + SPARE_ALIGN - 1) & ~(SPARE_ALIGN - 1);
    int err = split(s, SLOT_LOW, 0, gmem_low_bytes(vm->mem));
    if (err == 0)
        err = split(s, SLOT_HIGH, GMEM_HIGH_BASE, GMEM_HIGH_BASE + gmem_high_bytes(vm->mem));
    if (err == 0)
        err = set(s, s->next, 0, s->spare_at, GMEM_PAGE, s->spare);
    if (err != 0)
        say("audit: KVM does not take memory in parts: %s", strerror(-err));
    s->installed = err == 0;
    return err;
}

int slots_forget(struct slots *s)
{
    s->is_moved = !s->is_moved;
    return set(s, s->next, 0, s->spare_at + (s->is_moved ? GMEM_PAGE : 0), GMEM_PAGE, s->spare);
}
