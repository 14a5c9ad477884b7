/* mq.h - POSIX message queues. */
#ifndef IPC_MQ_H
#define IPC_MQ_H

#include "fs/inode.h"
#include "lib/list.h"
#include "sched/block.h"

#include <asm/siginfo.h>
#include <linux/mqueue.h>

struct unix_message;
struct mqueue_notify {
    uint32_t pid;   /* whose process is told; 0: nobody */
    int how, signo; /* SIGEV_* */
    sigval_t value;
    struct unix_message *ready; /* of SIGEV_THREAD: it goes into the socket that asked for it */
};

struct mqueue {
    struct list link;                 /* [ids] in the list of all */
    char *name;                       /* [ids] NULL: it has none any more */
    struct inode *inode;              /* [k] whose `private` this is */
    struct ipc_space *space;          /* [k] with a hold */
    uint32_t owner;                   /* [k] the user that it counts for, */
    uint64_t charge;                  /* [k] with so many bytes (RLIMIT_MSGQUEUE) */
    uint64_t max_messages, max_bytes; /* [k] */
    struct mutex lock;
    struct list messages;        /* [l] by priority, the oldest first */
    uint64_t count;              /* [l] of them, read without */
    uint64_t bytes;              /* [l] */
    uint64_t receivers;          /* [l] who wait for one */
    struct mqueue_notify notify; /* [l] */
    struct waitq wait;           /* senders, receivers, polls */
};

extern const struct file_ops mqueue_fops; /* private: the queue */
void mqueue_free(struct mqueue *q);       /* nobody knows it any more; its messages go */

#endif
