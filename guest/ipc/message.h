/* message.h - a message of a queue, System V's or POSIX's: bytes in pieces of at most a page. */
#ifndef IPC_MESSAGE_H
#define IPC_MESSAGE_H

#include "lib/base.h"
#include "lib/list.h"

struct message_part {
    struct message_part *next;
    char bytes[];
};
struct message {
    struct list link;           /* its queue's */
    struct message_part *parts; /* what does not fit in here */
    int64_t type;               /* of POSIX: its priority */
    size_t size;
    char bytes[];
};

/* 0, -ENOMEM, -EFAULT. */
int message_take(uaddr_t from, size_t n, struct message **out);
int message_give(const struct message *m, uaddr_t to, size_t n); /* its first n bytes: 0, -EFAULT */
void message_free(struct message *m);

#endif
