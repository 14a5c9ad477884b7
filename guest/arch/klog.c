/* klog.c - the ring of the kernel's log.  A record is its head and its text, in a whole number of words; both may
 * go over the end of the array. */
#include "arch/klog.h"
#include "arch/clock.h"
#include "lib/string.h"
#include "sync/lock.h"

#define HEAD_BYTES offsetof(struct klog_record, text)

static struct spinlock lock = SPINLOCK_INIT(LOCK_klog);
static char ring[KLOG_BYTES];
static uint64_t first, end, next_seq; /* [lock]; end is read without */
static uint64_t cleared;              /* [a] */

static void copy(char *from_or_to, uint64_t at, size_t n, bool in)
{
    for (size_t part; n > 0; from_or_to += part, at += part, n -= part) {
        char *place = ring + at % KLOG_BYTES;
        part = MIN(n, KLOG_BYTES - at % KLOG_BYTES);
        memcpy(in ? place : from_or_to, in ? from_or_to : place, part);
    }
}

static uint64_t bytes_of(size_t len) { return (HEAD_BYTES + len + 7) & ~7ull; }

static void drop_first(void)
{
    uint16_t len;

    copy((char *)&len, first + offsetof(struct klog_record, len), sizeof(len), false);
    first += bytes_of(len);
}

void klog_put(unsigned priority, const char *text, size_t n)
{
    struct klog_record r = { .ns = clock_mono_ns(), .priority = (uint16_t)priority };

    n -= n > 0 && text[n - 1] == '\n';
    r.len = (uint16_t)MIN(n, (size_t)KLOG_TEXT_MAX);
    memcpy(r.text, text, r.len);
    spin_lock(&lock);
    while (end + bytes_of(r.len) - first > KLOG_BYTES)
        drop_first();
    r.seq = next_seq++;
    copy((char *)&r, end, HEAD_BYTES + r.len, true);
    __atomic_store_n(&end, end + bytes_of(r.len), __ATOMIC_RELEASE);
    spin_unlock(&lock);
}

int klog_next(uint64_t *at, struct klog_record *r)
{
    int err = 0;

    spin_lock(&lock);
    if (*at < first) {
        *at = first;
        err = -EPIPE;
    } else if (*at == end) {
        err = -EAGAIN;
    } else {
        copy((char *)r, *at, HEAD_BYTES, false);
        copy(r->text, *at + HEAD_BYTES, r->len, false);
        *at += bytes_of(r->len);
    }
    spin_unlock(&lock);
    return err;
}

uint64_t klog_first(void)
{
    spin_lock(&lock);
    uint64_t at = first;
    spin_unlock(&lock);
    return at;
}

uint64_t klog_end(void) { return __atomic_load_n(&end, __ATOMIC_ACQUIRE); }

void klog_clear(uint64_t at) { __atomic_store_n(&cleared, at, __ATOMIC_RELAXED); }
uint64_t klog_cleared(void) { return __atomic_load_n(&cleared, __ATOMIC_RELAXED); }
