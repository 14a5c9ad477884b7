/* pipe_packet.c - pipes of packets: what is written with O_DIRECT is read as it was written.
 *
 * A packet has a page for itself, whatever its size, and a longer write is several. A read
 * ends behind a packet, and what it does not take of that is gone. Bytes written without
 * O_DIRECT follow each other in pages as ever, and not behind a packet.
 *
 * So a pipe that somebody has set O_DIRECT for has slots, from then on: a row of pages, each with the
 * bytes from..to. The ring's pages are none (0), which is how pipe.c's reads and writes come here,
 * and pay nothing where there are no slots. `used` counts bytes as ever. `claimed` is
 * the room that no bytes can be in: what is behind a packet in its page, and before bytes half read. So
 * pipe_room() is right for everybody: free pages, and what is left of the last one for a stream.
 * For a moment, between here and its caller's change of `used`, it shows a piece too much to
 * who looks without the lock; he then looks again with it. */
#include "arch/preempt.h"
#include "fs/pipe_internal.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include <linux/fcntl.h>

struct pipe_slot {
    pfn_t page;
    uint16_t from;
    uint16_t to : 15;
    uint16_t packet : 1; /* nothing is added to it */
};
_Static_assert(sizeof(struct pipe_slot) == 8, "pipe_slot");

/* One more than the pipe has pages: a ring's first and last byte may share one. */
struct pipe_slots {
    uint32_t room, first, n;
    struct pipe_slot *slot;
};

#define WORK_SLOT 800u /* instructions a page, about (arch/preempt.h) */

static struct pipe_slot *slot_at(const struct pipe_slots *s, uint32_t i)
{
    return &s->slot[(s->first + i) % s->room];
}

static struct pipe_slot *last_of_stream(const struct pipe_slots *s)
{
    struct pipe_slot *last = s->n > 0 ? slot_at(s, s->n - 1) : NULL;

    return last != NULL && !last->packet && last->to < PAGE_SIZE ? last : NULL;
}

static uint32_t slots_free(const struct pipe *p)
{
    return p->slots->n < p->npages ? p->npages - p->slots->n : 0;
}

/* used: what the caller makes of p->used. */
static void recount(struct pipe *p, size_t used)
{
    struct pipe_slot *last = last_of_stream(p->slots);
    size_t room = slots_free(p) * PAGE_SIZE + (last != NULL ? PAGE_SIZE - last->to : 0);

    /* Bytes that a ring left in one page too many are more than its size: no room. */
    __atomic_store_n(&p->claimed, p->npages * PAGE_SIZE - used - room, __ATOMIC_RELEASE);
}

static void drop_first(struct pipe_slots *s)
{
    frame_put(slot_at(s, 0)->page);
    s->first = (s->first + 1) % s->room;
    s->n--;
}

static long take(struct pipe *p, size_t n, struct uio *u)
{
    struct pipe_slot *slot = slot_at(p->slots, 0);
    char *page = frame_va(slot->page);

    n = MIN(MIN(n, (size_t)(slot->to - slot->from)), u->left);
    long done = uio_put_whole(u, page + slot->from, n);
    if (done < 0)
        return done;
    slot->from = (uint16_t)(slot->from + n);
    if (slot->packet) {
        p->used -= (size_t)(slot->to - slot->from);
        slot->from = slot->to;
        u->left = 0; /* the read ends here */
    }
    if (slot->from == slot->to)
        drop_first(p->slots);
    recount(p, p->used - n);
    return done;
}

/* A page more, with n bytes of u in it.  There is a free slot. */
static long add_slot(struct pipe *p, size_t n, struct uio *u, bool packet)
{
    struct pipe_slots *s = p->slots;
    pfn_t page = frame_alloc();

    if (page == 0)
        return -ENOMEM;
    n = MIN(n, (size_t)PAGE_SIZE);
    long done = uio_get_whole(u, frame_va(page), n);
    if (done < 0) {
        frame_put(page);
        return done;
    }
    *slot_at(s, s->n++) =
        (struct pipe_slot){ .page = page, .to = (uint16_t)n & 0x7fff, .packet = packet };
    return done;
}

static long add_to_last(struct pipe_slot *last, size_t n, struct uio *u)
{
    char *page = frame_va(last->page);
    long done = uio_get_whole(u, page + last->to, n);

    if (done > 0)
        last->to = (uint16_t)(last->to + n) & 0x7fff;
    return done;
}

static long put(struct pipe *p, size_t n, struct uio *u)
{
    struct pipe_slot *last = last_of_stream(p->slots);

    n = MIN(n, u->left);
    long done = last != NULL ? add_to_last(last, MIN(n, PAGE_SIZE - last->to), u)
                             : add_slot(p, n, u, false);
    if (done > 0)
        recount(p, p->used + (size_t)done);
    return done;
}

long pipe_slot_move(struct pipe *p, size_t n, struct uio *u, enum pipe_direction dir)
{
    return dir == OUT_OF_RING ? take(p, n, u) : put(p, n, u);
}

/* --- writing packets ------------------------------------------------------------------ */

/* As many as there are slots for.  As on Linux, what is more than whole pages goes to a stream
 * before it, if it fits there. */
static long put_packets(struct pipe *p, struct uio *u)
{
    struct pipe_slot *last = last_of_stream(p->slots);
    size_t odd = u->left % PAGE_SIZE;
    long done = 0, n = 1;

    if (last != NULL && odd != 0 && last->to + odd <= PAGE_SIZE) {
        n = add_to_last(last, odd, u);
        done = n > 0 ? n : 0;
    }
    while (n > 0 && u->left > 0 && slots_free(p) > 0) {
        n = add_slot(p, u->left, u, true);
        done += n > 0 ? n : 0;
        preempt_work(WORK_SLOT);
    }
    __atomic_store_n(&p->used, p->used + (size_t)done, __ATOMIC_RELEASE);
    recount(p, p->used);
    if (n < 0 && done > 0)
        u->left = 0; /* it ends here */
    return done > 0 || n > 0 ? done : n;
}

long pipe_write_packets(struct file *f, struct uio *u, uint64_t *pos __attribute__((unused)))
{
    struct pipe *p = pipe_of(f);
    long done = 0, err = 0;

    while (u->left > 0 && err == 0) {
        if (pipe_load(&p->readers) == 0) {
            err = pipe_broken();
            break;
        }
        mutex_lock(&p->lock);
        long n = put_packets(p, u);
        mutex_unlock(&p->lock);
        if (n > 0)
            pipe_wake(&p->read_wait);
        done += n > 0 ? n : 0;
        if (n < 0)
            err = n;
        else if (u->left > 0 && f->flags & O_NONBLOCK)
            err = -EAGAIN;
        else if (u->left > 0)
            err =
                WAIT_EVENT(&p->write_wait, pipe_room(p) >= PAGE_SIZE || pipe_load(&p->readers) == 0,
                           BLOCK_pipe_write, 0, BLOCK_INTERRUPTIBLE, NO_DEADLINE);
    }
    return done > 0 ? done : err;
}

/* --- from a ring to slots ---------------------------------------------------------------- */

static struct pipe_slots *slots_alloc(uint32_t npages)
{
    struct pipe_slots *s = kzalloc(sizeof(*s));
    struct pipe_slot *slot = kzalloc((npages + 1) * sizeof(*slot));

    if (s == NULL || slot == NULL) {
        kfree(s);
        kfree(slot);
        return NULL;
    }
    s->room = npages + 1;
    s->slot = slot;
    return s;
}

/* The ring's bytes by pages, the first of which may be the last one, too: that gets a copy. */
static int fill_slots(struct pipe *p, struct pipe_slots *s)
{
    size_t ring = p->npages * PAGE_SIZE, at = p->start, left = p->used;
    pfn_t copy = 0;

    if (p->start % PAGE_SIZE + p->used > ring) {
        if ((copy = frame_alloc()) == 0)
            return -ENOMEM;
        memcpy(frame_va(copy), frame_va(p->page[p->start / PAGE_SIZE]), PAGE_SIZE);
    }
    while (left > 0) {
        size_t n = MIN(left, PAGE_SIZE - at % PAGE_SIZE);
        pfn_t *page = &p->page[at / PAGE_SIZE];
        s->slot[s->n++] = (struct pipe_slot){ .page = *page != 0 ? *page : copy,
                                              .from = at % PAGE_SIZE,
                                              .to = (at % PAGE_SIZE + n) & 0x7fff };
        *page = 0;
        left -= n;
        at = (at + n) % ring;
    }
    return 0;
}

/* Lock held.  -EBUSY: a splice has taken or promised something. */
static int slots_make(struct pipe *p)
{
    if (p->slots != NULL)
        return 0;
    if (p->claimed != 0)
        return -EBUSY;
    struct pipe_slots *s = slots_alloc(p->npages);
    int err = s != NULL ? fill_slots(p, s) : -ENOMEM;
    if (err) {
        if (s != NULL)
            kfree(s->slot);
        kfree(s);
        return err;
    }
    for (uint32_t i = 0; i < p->npages; i++) {
        if (p->page[i] != 0)
            frame_put(p->page[i]);
        p->page[i] = 0;
    }
    __atomic_store_n(&p->slots, s, __ATOMIC_RELEASE);
    recount(p, p->used);
    return 0;
}

int pipe_set_packets(struct file *f, bool on)
{
    struct pipe *p = pipe_of(f);

    mutex_lock(&p->lock);
    int err = on ? slots_make(p) : 0;
    mutex_unlock(&p->lock);
    if (err == 0)
        __atomic_store_n(&f->ops, on ? &packet_fops : &fifo_fops, __ATOMIC_RELEASE);
    return err;
}

void pipe_slots_empty(struct pipe *p)
{
    if (p->slots == NULL)
        return;
    while (p->slots->n > 0)
        drop_first(p->slots);
    recount(p, 0);
}

void pipe_slots_free(struct pipe *p)
{
    if (p->slots == NULL)
        return;
    while (p->slots->n > 0)
        drop_first(p->slots);
    kfree(p->slots->slot);
    kfree(p->slots);
}

/* Lock held. */
int pipe_slots_resize(struct pipe *p, uint32_t npages)
{
    struct pipe_slots *old = p->slots;

    if (old->n > npages)
        return -EBUSY;
    struct pipe_slots *s = slots_alloc(npages);
    pfn_t *page = kzalloc(npages * sizeof(*page));
    if (s == NULL || page == NULL) {
        if (s != NULL)
            kfree(s->slot);
        kfree(s);
        kfree(page);
        return -ENOMEM;
    }
    for (; s->n < old->n; s->n++)
        s->slot[s->n] = *slot_at(old, s->n);
    kfree(old->slot);
    kfree(old);
    kfree(p->page);
    p->page = page;
    p->npages = npages;
    p->start = 0;
    p->slots = s;
    recount(p, p->used);
    return 0;
}
