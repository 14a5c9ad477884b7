/* aio.h - the limits of io_setup(2), for /proc/sys/fs. */
#ifndef EVENT_AIO_H
#define EVENT_AIO_H

#include "lib/base.h"

extern uint32_t aio_max_requests; /* [a] of all contexts together */
uint32_t aio_requests(void);      /* ... that there are now */

#endif
