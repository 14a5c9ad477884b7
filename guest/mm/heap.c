/* heap.c - kernel objects: slabs of one page each.
 *
 * All that a slab needs to know of itself fits into its frame's tag: the class,
 * how many objects are in use, the first free one, and how many were ever
 * handed out; those beyond have not been touched yet, so that a fresh slab costs
 * nothing.  A slab with room is on its class's list.  The links live in the
 * object that the slab would hand out next, since it is free by definition;
 * they move whenever another object becomes the next.
 *
 * One empty slab a class is kept, further ones go back to the frame allocator.
 *
 * In front of the slabs each CPU has a short stack of freed objects for each
 * class, which needs no lock: what one process frees at its end is what the next
 * one asks for.  To its slab such an object is in use.  An object goes to the stack
 * of the CPU that frees it, wherever it came from; kfree() reads the class in the
 * tag without the lock, which does not change while an object is in use. */
#include "mm/heap.h"
#include "arch/layout.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/memcheck.h"
#include "sync/lock.h"

static const uint16_t class_bytes[] = {
    16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 672, 1024, 1344, 2048,
};
#define NCLASSES ARRAY_SIZE(class_bytes)
_Static_assert(NCLASSES == HEAP_CLASSES, "cpu.heap has a stack for each");
#define WHOLE_PAGE 31u /* "class" of an object that fills a frame */

union slab_tag {
    uint32_t word;
    struct {
        uint32_t class : 5, used : 9, first : 9, carved : 9;
    }; /* first: index + 1, 0 none */
};
struct free_object {
    uint32_t next;
    pfn_t prev_slab, next_slab;
}; /* next: as slab_tag.first */

#define KEPT_MAX 8  /* objects of a class that a CPU keeps */
#define BATCH    8u /* how many a fresh slab gives at once */

static struct spinlock lock = SPINLOCK_INIT(LOCK_heap);
static pfn_t with_room[NCLASSES];        /* [lock] slabs with a free object */
static uint64_t slab_pages, taken_bytes; /* [lock] of the slabs; of what CPUs took out of them */
static uint64_t whole_pages;             /* [a] objects of a page */
/* By size / 16, rounded up; class + 1 once known.  Who finds out stores the same as others. */
static uint8_t class_of[KMALLOC_MAX / 16 + 1];

static inline void keep(struct heap_cpu *k, void *p)
{
    *(void **)p = k->first;
    k->first = p;
    k->n++;
}

static unsigned capacity(unsigned class) { return PAGE_SIZE / class_bytes[class]; }

static SLOW_PATH unsigned learn_class(size_t n)
{
    unsigned c = 0;
    while (c < NCLASSES && class_bytes[c] < n)
        c++;
    class_of[(n + 15) / 16] = (uint8_t)(c + 1);
    return c;
}

static inline unsigned find_class(size_t n)
{
    unsigned known = class_of[(n + 15) / 16];
    return likely(known) ? known - 1 : learn_class(n);
}

static struct free_object *object(pfn_t slab, unsigned class, unsigned index)
{
    return (void *)((char *)frame_va(slab) + index * class_bytes[class]);
}

/* The object that a slab hands out next, where its links are. */
static inline struct free_object *head_object(pfn_t slab, union slab_tag t)
{
    return object(slab, t.class, t.first ? t.first - 1 : t.carved);
}

static struct free_object *links(pfn_t slab)
{
    return head_object(slab, (union slab_tag){ frame_tag(slab) });
}

static void list_in(pfn_t slab, union slab_tag t)
{
    struct free_object *o = head_object(slab, t);
    o->prev_slab = 0;
    o->next_slab = with_room[t.class];
    if (o->next_slab)
        links(o->next_slab)->prev_slab = slab;
    with_room[t.class] = slab;
}

static void list_out(pfn_t slab, union slab_tag t)
{
    struct free_object *o = head_object(slab, t);
    if (o->next_slab)
        links(o->next_slab)->prev_slab = o->prev_slab;
    if (o->prev_slab)
        links(o->prev_slab)->next_slab = o->next_slab;
    else
        with_room[t.class] = o->next_slab;
}

/* Takes an object of a slab on the list; of untouched ones some more, which this CPU
 * keeps.  Lock held. */
static void *take(pfn_t slab)
{
    union slab_tag t = { frame_tag(slab) };
    struct free_object *o = head_object(slab, t), was = *o;
    unsigned n = t.first ? 1 : MIN(BATCH, capacity(t.class) - t.carved);
    bool last = t.used + n == capacity(t.class);
    if (last)
        list_out(slab, t);
    if (t.first)
        t.first = was.next;
    else
        t.carved += n;
    t.used += n;
    taken_bytes += n * class_bytes[t.class];
    for (unsigned i = 1; i < n; i++)
        keep(&this_cpu()->heap[t.class], (char *)o + i * class_bytes[t.class]);
    if (!last) {
        struct free_object *next = head_object(slab, t);
        next->prev_slab = was.prev_slab;
        next->next_slab = was.next_slab;
    }
    frame_set_tag(slab, t.word);
    return o;
}

static SLOW_PATH void *whole_page(void)
{
    pfn_t pfn = frame_alloc();
    if (!pfn)
        return NULL;
    frame_set_tag(pfn, (union slab_tag){ .class = WHOLE_PAGE }.word);
    __atomic_fetch_add(&whole_pages, 1, __ATOMIC_RELAXED);
    return frame_va(pfn);
}

static SLOW_PATH void *from_slab(unsigned class)
{
    spin_lock(&lock);
    pfn_t slab = with_room[class];
    if (unlikely(!slab) && (slab = frame_alloc()) != 0) {
        union slab_tag t = { .class = class };
        frame_set_tag(slab, t.word);
        list_in(slab, t);
        slab_pages++;
    }
    void *p = slab ? take(slab) : NULL;
    spin_unlock(&lock);
    return p;
}

static inline void *take_any(unsigned class)
{
    if (class == NCLASSES)
        return whole_page();
    struct heap_cpu *k = &this_cpu()->heap[class];
    void *p = k->first;
    if (!p)
        return from_slab(class);
    k->first = *(void **)p;
    k->n--;
    return p;
}

#if MEMCHECK
void *kmalloc(size_t n)
{
    if (n > KMALLOC_MAX || alloc_fails())
        return NULL;
    unsigned class = n + MEMCHECK_TAIL <= KMALLOC_MAX ? find_class(n + MEMCHECK_TAIL) : NCLASSES;
    void *p = take_any(class);
    if (p && class < NCLASSES)
        memcheck_taken(p, n, class_bytes[class], __builtin_return_address(0));
    return p;
}
#else
void *kmalloc(size_t n)
{
    if (unlikely(n > KMALLOC_MAX))
        return NULL;
    return take_any(find_class(n));
}
#endif

void *kzalloc(size_t n)
{
    void *p = kmalloc(n);
    if (p)
        memset(p, 0, n);
    return p;
}

/* Returns an object; the slab when it is empty and not the only one with room. */
static inline void give(pfn_t slab, union slab_tag t, void *p)
{
    unsigned size = class_bytes[t.class];
    struct free_object *o = p, old = { 0, 0, 0 };
    bool was_full = t.used == capacity(t.class);
    if (!was_full)
        old = *head_object(slab, t);
    o->next = t.first;
    o->prev_slab = old.prev_slab;
    o->next_slab = old.next_slab;
    t.first = (uint32_t)(((uintptr_t)p & (PAGE_SIZE - 1)) / size) + 1;
    t.used--;
    taken_bytes -= size;
    frame_set_tag(slab, t.word);
    if (was_full)
        list_in(slab, t);
    if (t.used == 0 && (o->next_slab || o->prev_slab)) {
        list_out(slab, t);
        frame_put(slab);
        slab_pages--;
    }
}

static SLOW_PATH void to_slab(pfn_t slab, void *p)
{
    spin_lock(&lock);
    union slab_tag t = { frame_tag(slab) };
    if (t.class == WHOLE_PAGE) {
        ASSERT(((uintptr_t)p & (PAGE_SIZE - 1)) == 0);
        frame_put(slab);
        __atomic_fetch_sub(&whole_pages, 1, __ATOMIC_RELAXED);
    } else {
        ASSERT(t.class < NCLASSES && t.used > 0);
        give(slab, t, p);
    }
    spin_unlock(&lock);
}

static inline void give_any(void *p)
{
    pfn_t slab = (pfn_t)(((uintptr_t)p - direct_map) >> PAGE_SHIFT);
    union slab_tag t = { frame_tag(slab) }; /* the class of a slab in use does not change */
    struct heap_cpu *k = this_cpu()->heap + t.class;
    if (unlikely(t.class >= NCLASSES) || k->n == KEPT_MAX) {
        to_slab(slab, p);
        return;
    }
    keep(k, p);
}

#define LOOK_AT 64 /* slabs: there may be any number with room */

/* The empty slab that a class may have kept.  Lock held. */
static bool free_empty(unsigned class)
{
    pfn_t slab = with_room[class];
    for (unsigned n = 0; slab && n < LOOK_AT; n++, slab = links(slab)->next_slab) {
        union slab_tag t = { frame_tag(slab) };
        if (t.used != 0)
            continue;
        list_out(slab, t);
        frame_put(slab);
        slab_pages--;
        return true;
    }
    return false;
}

/* Whoever needs a frame may hold any spinlock, this one, too, so it is only tried. */
bool heap_give_back(void)
{
    struct heap_cpu *k = this_cpu()->heap;
    bool any = false;
    if (!spin_trylock(&lock))
        return false;
    for (unsigned class = 0; class < NCLASSES; class ++) {
        for (void *p; (p = k[class].first) != NULL; k[class].n--) {
            pfn_t slab = (pfn_t)(((uintptr_t)p - direct_map) >> PAGE_SHIFT);
            k[class].first = *(void **)p;
            give(slab, (union slab_tag){ frame_tag(slab) }, p);
        }
        any |= free_empty(class);
    }
    spin_unlock(&lock);
    return any;
}

#if MEMCHECK
size_t heap_room(const void *p)
{
    union slab_tag t = { frame_tag((pfn_t)(((uintptr_t)p - direct_map) >> PAGE_SHIFT)) };

    if (t.class < NCLASSES)
        return class_bytes[t.class];
    if (t.class != WHOLE_PAGE || (uintptr_t)p % PAGE_SIZE != 0)
        panic("heap: %lx is no object", (unsigned long)(uintptr_t)p);
    return PAGE_SIZE;
}

void kfree(void *p)
{
    if (!p)
        return;
    size_t room = heap_room(p);
    if (room < PAGE_SIZE) {
        memcheck_freed(p, room, __builtin_return_address(0));
        p = memcheck_rests(p);
    }
    if (p)
        give_any(p);
}
#else
void kfree(void *p)
{
    if (p)
        give_any(p);
}
#endif

void heap_count(uint64_t *pages, uint64_t *in_use)
{
    spin_lock(&lock);
    uint64_t whole = __atomic_load_n(&whole_pages, __ATOMIC_RELAXED);
    *pages = slab_pages + whole;
    *in_use = taken_bytes + whole * PAGE_SIZE;
    for (unsigned i = 0; i < ncpus; i++)
        for (unsigned class = 0; class < NCLASSES; class ++)
            *in_use -=
                __atomic_load_n(&cpus[i].heap[class].n, __ATOMIC_RELAXED) * class_bytes[class];
#if MEMCHECK
    *in_use -= memcheck_resting_bytes();
#endif
    spin_unlock(&lock);
}
