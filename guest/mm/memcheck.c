/* memcheck.c - see memcheck.h.  All of it is for the debugging kernel alone. */
#include "mm/memcheck.h"

#if MEMCHECK
#include "arch/hypercall.h"
#include "lib/cmdline.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "sched/task.h"

#define FILL_NEW   0xa5 /* what kmalloc() gives: whoever counts on zeros is found */
#define FILL_FREED 0x6b
#define FILL_TAIL  0xcc
#define WORD(fill) (0x0101010101010101ull * (fill))

/* The last 8 bytes of an object's room.  The marks hold some of its address, so that a copy of
 * an object, or memory that was something else, is none. */
struct tail {
    uint32_t asked, mark;
};
#define IN_USE 0x75736564u
#define FREED  0x66726565u

static struct tail *tail_of(void *p, size_t room)
{
    return (struct tail *)((char *)p + room - sizeof(struct tail));
}

static uint32_t mark(const void *p, uint32_t what) { return what ^ (uint32_t)(uintptr_t)p; }

/* Only objects that have a tail come here. */
static void check_fill(const char *what, const void *p, size_t from, size_t to, uint8_t fill,
                       const void *by)
{
    const uint8_t *bytes = p;

    for (size_t i = from; i < to; i++)
        if (bytes[i] != fill)
            panic("heap: %s: byte %lu of the object at %lx is %02x; found by %lx", what,
                  (unsigned long)i, (unsigned long)(uintptr_t)p, bytes[i],
                  (unsigned long)(uintptr_t)by);
}

void memcheck_taken(void *p, size_t n, size_t room, const void *by)
{
    struct tail *t = tail_of(p, room);

    if (t->mark == mark(p, FREED)) /* the free list had its first words */
        check_fill("written after it was freed", p, 16, room - sizeof(*t), FILL_FREED, by);
    memset(p, FILL_NEW, n);
    memset((char *)p + n, FILL_TAIL, room - sizeof(*t) - n);
    *t = (struct tail){ (uint32_t)n, mark(p, IN_USE) };
}

void memcheck_freed(void *p, size_t room, const void *by)
{
    struct tail *t = tail_of(p, room);

    if (t->mark == mark(p, FREED))
        panic("heap: freed twice: the object at %lx; found by %lx", (unsigned long)(uintptr_t)p,
              (unsigned long)(uintptr_t)by);
    if (t->mark != mark(p, IN_USE) || t->asked > room - sizeof(*t))
        panic("heap: no object in use, or written beyond its end: %lx; found by %lx",
              (unsigned long)(uintptr_t)p, (unsigned long)(uintptr_t)by);
    check_fill("written beyond its end", p, t->asked, room - sizeof(*t), FILL_TAIL, by);
    memset(p, FILL_FREED, room - sizeof(*t));
    *t = (struct tail){ (uint32_t)room, mark(p, FREED) };
}

/* Each CPU's own, as interrupts are off. */
static struct ring {
    void *object[QUARANTINE];
    unsigned next;
    uint64_t bytes;
} rings[MAX_CPUS];

static size_t room_of(const void *p) { return heap_room(p); }

void *memcheck_rests(void *p)
{
    struct ring *r = &rings[HERE->id];
    void *out = r->object[r->next];

    r->object[r->next] = p;
    r->next = (r->next + 1) % QUARANTINE;
    r->bytes += room_of(p);
    if (out != NULL) {
        size_t room = room_of(out);

        r->bytes -= room;
        check_fill("written after it was freed", out, 0, room - sizeof(struct tail), FILL_FREED,
                   __builtin_return_address(0));
    }
    return out;
}

uint64_t memcheck_resting_bytes(void)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < ncpus; i++)
        sum += __atomic_load_n(&rings[i].bytes, __ATOMIC_RELAXED);
    return sum;
}

/* --- frames --- */

/* Every word, or some where each costs a microsecond. */
static unsigned stride(void) { return kernel_interpreted() ? 64 : 1; }

static void check_frame(pfn_t pfn, uint64_t word, const char *what)
{
    const uint64_t *words = frame_va(pfn);

    for (unsigned i = 0, step = stride(); i < PAGE_SIZE / 8; i += step)
        if (words[i] != word)
            panic("frame %x %s: word %u is %llx", pfn, what, i, (unsigned long long)words[i]);
}

void memcheck_frame_freed(pfn_t pfn, bool table)
{
    uint64_t *words = frame_va(pfn);

    if (table) {
        check_frame(pfn, 0, "of a page table is freed with entries");
        return;
    }
    for (unsigned i = 0, step = stride(); i < PAGE_SIZE / 8; i += step)
        words[i] = WORD(FILL_FREED);
}

void memcheck_frame_taken(pfn_t pfn, bool table)
{
    check_frame(pfn, table ? 0 : WORD(FILL_FREED), "was written after it was freed");
}

/* --- failing --- */

static struct task *who(void) { return this_cpu()->running; }

bool alloc_fails(void)
{
    struct task *t = who();

    return t != NULL && t->fail_nth != 0 && --t->fail_nth == 0;
}

uint32_t alloc_fail_nth(uint32_t n)
{
    uint32_t left = current->fail_nth;

    current->fail_nth = n;
    return left;
}

/* --- what the tests show that it finds --- */

void memcheck_selftest(void)
{
    char how[16];
    volatile char *p = kmalloc(40);

    if (!cmdline_value("memcheck", how, sizeof(how)))
        return kfree((void *)p);
    if (strcmp(how, "overflow") == 0) {
        p[40] = 1;
        kfree((void *)p);
    } else if (strcmp(how, "twice") == 0) {
        kfree((void *)p);
        kfree((void *)p);
    } else if (strcmp(how, "after") == 0) {
        kfree((void *)p);
        p[20] = 1;
        for (unsigned i = 0; i <= QUARANTINE; i++)
            kfree(kmalloc(40));
    } else if (strcmp(how, "frame") == 0) {
        pfn_t pfn = frame_alloc();

        frame_put(pfn);
        *(volatile uint64_t *)frame_va(pfn) = 1;
        for (unsigned i = 0; i <= QUARANTINE; i++)
            frame_put(frame_alloc());
    } else if (strcmp(how, "read") == 0) {
        kfree((void *)p);
        *(volatile char *)*(char *volatile *)p;
    }
    panic("memcheck=%s found nothing", how);
}
#endif
