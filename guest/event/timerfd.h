/* timerfd.h - timers as files: timerfd_create(2). */
#ifndef EVENT_TIMERFD_H
#define EVENT_TIMERFD_H

void timerfd_init(void);

#endif
