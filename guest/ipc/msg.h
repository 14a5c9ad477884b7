/* msg.h - System V queues of messages, for msg.c, msg_ctl.c and /proc. */
#ifndef IPC_MSG_H
#define IPC_MSG_H

#include "ipc/space.h"
#include "sched/block.h"

#include <linux/msg.h>

struct msg_queue { /* [l] lock */
    struct ipc_object ipc;
    struct mutex lock;
    struct list messages;                  /* [l] the oldest first */
    struct list receivers;                 /* [l] struct msg_receiver, likewise */
    struct waitq senders;                  /* who waits for room */
    uint64_t nbytes, nmessages, max_bytes; /* [l], read without */
    uint64_t last_sender, last_receiver;   /* [l] processes: ipc_pid() */
    int64_t sent, received, changed;       /* [l] seconds */
};

int msg_lock(struct msg_queue *q); /* 0 or -EIDRM, and then it is not locked */
/* Who waits looks again; with -EIDRM, if the queue goes.  Lock held. */
void msg_wake_all(struct msg_queue *q, int err);

#endif
