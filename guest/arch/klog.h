/* klog.h - the kernel's log: what it said itself, and what programs wrote to /dev/kmsg.
 *
 * A ring of records: a new one takes the place of the oldest.  A place in it is how many bytes were put
 * before, so it never comes again, and who reads has nothing but his place.  Any CPU, any context. */
#ifndef ARCH_KLOG_H
#define ARCH_KLOG_H

#include "lib/base.h"

#define KLOG_BYTES    32768u
#define KLOG_TEXT_MAX 1000u

struct klog_record {
    uint64_t seq, ns; /* since boot */
    uint16_t len;
    uint16_t priority; /* facility << 3 | level, as syslog(3) */
    char text[KLOG_TEXT_MAX];
};
#define KLOG_KERNEL 4u /* the kernel's own words: a warning */

/* A newline at the end goes, and what is longer than KLOG_TEXT_MAX. */
void klog_put(unsigned priority, const char *text, size_t n);
/* The record at that place, which moves on.  -EAGAIN: none yet.  -EPIPE: another one has its place, and
 * the place is now that of the oldest. */
int klog_next(uint64_t *at, struct klog_record *r);
uint64_t klog_first(void); /* the place of the oldest */
uint64_t klog_end(void);   /* of the next */
/* Who asks for all of it from here on wants what comes after that place. */
void klog_clear(uint64_t at);
uint64_t klog_cleared(void);

#endif
