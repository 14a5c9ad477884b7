/* net.c - /proc/net: sockets of AF_INET and AF_INET6, in Linux's columns, and the interface lo. */
#include "arch/preempt.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "net/inet.h"
#include "procfs/internal.h"
#include "sched/task.h"

#define WORK_LINE 9000u /* instructions, about (arch/preempt.h) */

static void put_end(struct text *t, const struct inet_end *e, int family)
{
    for (int i = family == AF_INET ? 3 : 0; i < 4; i++)
        text_printf(t, "%08X", e->a[i]);
    text_printf(t, ":%04X ", e->port);
}

/* What is shown of one; all of it is of the same moment. */
struct seen {
    struct inet_end local, remote;
    int state;
    unsigned sent, queued, uid;
    uint64_t inode;
};

/* False: it has no port, or no file. */
static bool look(struct unix_socket *s, struct seen *at)
{
    spin_lock(&unix_lock);
    bool there = s->file != NULL && s->in->local.port != 0;
    if (there) {
        bool stream = s->type == SOCK_STREAM;
        *at =
            (struct seen){ s->in->local, s->in->remote, 0, 0, 0, s->in->uid, s->file->inode->ino };
        at->state = stream ? tcp_state(s) : s->in->connected ? 1 : 7;
        at->queued = (unsigned)(!stream                      ? s->sent
                                : s->state == UNIX_LISTENING ? s->nqueued
                                                             : s->queued);
    }
    spin_unlock(&unix_lock);
    return there;
}

/* n->entry->value: family, and type above it. */
static int show_sockets(struct text *t, const struct pfs_node *n)
{
    int family = (int)(n->entry->value & 0xff), type = (int)(n->entry->value >> 8);
    struct unix_socket *s = NULL;
    struct seen e;
    unsigned line = 0;

    text_printf(t,
                "  sl  local_address %srem_address %s  st tx_queue rx_queue tr tm->when retrnsmt"
                "   uid  timeout inode%s\n",
                family == AF_INET ? "" : "                        ",
                family == AF_INET ? "" : "                        ",
                type == SOCK_DGRAM ? " ref pointer drops" : "");
    while ((s = inet_next(s)) != NULL) {
        preempt_work(WORK_LINE);
        if (s->in->family != family || s->type != type || !look(s, &e))
            continue;
        text_printf(t, "%4u: ", line++);
        put_end(t, &e.local, family);
        put_end(t, &e.remote, family);
        text_printf(t, "%02X %08X:%08X 00:00000000 00000000 %5u        0 %lu %d %016lX%s\n",
                    e.state, e.sent, e.queued, e.uid, e.inode, 1, 0ul,
                    type == SOCK_DGRAM ? " 0" : "");
    }
    return 0;
}

/* clang-format off */
#define SOCKETS(name, family, type) \
    PFS_FILE(name, 0444, show_sockets, .value = (family) | (type) << 8)

const struct pfs_entry proc_net_table[] = {
    PFS_TEXT("if_inet6", 0444, "00000000000000000000000000000001 01 80 10 80       lo\n"),
    SOCKETS("tcp", AF_INET, SOCK_STREAM),
    SOCKETS("tcp6", AF_INET6, SOCK_STREAM),
    SOCKETS("udp", AF_INET, SOCK_DGRAM),
    SOCKETS("udp6", AF_INET6, SOCK_DGRAM),
    PFS_END,
};
/* clang-format on */
