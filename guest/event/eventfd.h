/* eventfd.h - eventfds, as another part of the kernel adds to one. */
#ifndef EVENT_EVENTFD_H
#define EVENT_EVENTFD_H

#include "lib/base.h"

struct file;

bool eventfd_is(const struct file *f);
void eventfd_tell(struct file *f); /* one more, up to UINT64_MAX: then some were lost */

#endif
