/* net.c - /proc/net: sockets of each family, in Linux's columns, and the interface lo. */
#include "arch/preempt.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "net/inet.h"
#include "net/netlink.h"
#include "procfs/internal.h"
#include "sched/task.h"

#define WORK_LINE 9000u /* instructions, about (arch/preempt.h) */
#define WORK_SKIP 100u  /* a socket that is of another file */
#define RTO_TICKS 20    /* 200 ms */
#define ACCEPTING 0x10000u

/* --- TCP and UDP ------------------------------------------------------------------------------ */

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

#define COLUMNS "st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"
#define ENDS_V4 "local_address rem_address   "
#define ENDS_V6 "local_address                         remote_address                        "
#define DGRAM   " ref pointer drops"

static const char head_v6[] = "  sl  " ENDS_V6 COLUMNS "\n";
static const char head_dgram6[] = "  sl  " ENDS_V6 COLUMNS DGRAM "\n";

static void put_head(struct text *t, int family, int type)
{
    if (type == SOCK_RAW && family == AF_INET)
        text_printf(t, "  sl  " ENDS_V4 COLUMNS DGRAM "\n");
    else if (family == AF_INET6)
        text_printf(t, "%s", type == SOCK_STREAM ? head_v6 : head_dgram6);
    else if (type == SOCK_STREAM)
        text_printf(t, "%-149s\n", "  sl  " ENDS_V4 COLUMNS);
    else
        text_printf(t, "%-127s\n", "   sl  " ENDS_V4 COLUMNS DGRAM);
}

/* n->entry->value: family, type above it, and whether it is of ICMP. */
static int show_sockets(struct text *t, const struct pfs_node *n)
{
    int family = (int)(n->entry->value & 0xff), type = (int)(n->entry->value >> 8 & 0xff);
    bool ping = n->entry->value >> 16;
    struct unix_socket *s = NULL;
    struct seen e;
    int line = 0;

    put_head(t, family, type);
    while ((s = unix_next(s)) != NULL) {
        preempt_work(WORK_SKIP);
        if (s->in == NULL || s->in->family != family || s->type != type || is_ping(s->in) != ping ||
            !look(s, &e))
            continue;
        preempt_work(WORK_LINE);
        text_printf(t, type == SOCK_DGRAM ? "%5d: " : "%4d: ", line++);
        put_end(t, &e.local, family);
        put_end(t, &e.remote, family);
        text_printf(t, "%02X %08X:%08X 00:00000000 00000000 %5u        0 %lu %d %016lX", e.state,
                    e.sent, e.queued, e.uid, e.inode, 1, 0ul);
        if (type == SOCK_STREAM) /* the last four: as TCP_INFO has them */
            text_printf(t, " %d 0 0 10 -1\n", RTO_TICKS);
        else
            text_printf(t, " 0\n");
    }
    return 0;
}

/* --- AF_UNIX ------------------------------------------------------------------------------------ */

enum { SS_UNCONNECTED = 1, SS_CONNECTING, SS_CONNECTED }; /* linux/net.h keeps them to itself */

struct unix_seen {
    unsigned state;
    bool listens;
    uint64_t inode;
    struct unix_name *name; /* with a reference */
};

/* False: it is going. */
static bool look_unix(struct unix_socket *s, struct unix_seen *at)
{
    spin_lock(&unix_lock);
    bool there = !s->dead;
    *at = (struct unix_seen){ .listens = s->state == UNIX_LISTENING, .name = s->name };
    if (s->file == NULL)
        at->state = SS_CONNECTING; /* nobody has accepted it */
    else
        at->state = s->peer != NULL ? SS_CONNECTED : SS_UNCONNECTED;
    if (s->file != NULL)
        at->inode = s->file->inode->ino;
    if (there && at->name != NULL)
        ref_get(&at->name->refs);
    spin_unlock(&unix_lock);
    return there;
}

static void put_unix_name(struct text *t, const struct unix_name *n)
{
    char path[UNIX_PATH_MAX + 1] = { ' ' };
    uint32_t len = MIN(n->len, (uint32_t)UNIX_PATH_MAX);

    for (uint32_t i = 0; i < len; i++)
        path[1 + i] = n->path[i] != 0 ? n->path[i] : '@';
    text_put(t, path,
             1 + len - (n->inode != NULL ? 1 : 0)); /* without the NUL of one in the tree */
}

static int show_unix(struct text *t, const struct pfs_node *n __attribute__((unused)))
{
    struct unix_socket *s = NULL;
    struct unix_seen e;

    text_printf(t, "Num       RefCount Protocol Flags    Type St Inode Path\n");
    while ((s = unix_next(s)) != NULL) {
        preempt_work(WORK_SKIP);
        if (s->family->number != AF_UNIX || !look_unix(s, &e))
            continue;
        preempt_work(WORK_LINE);
        text_printf(t, "%016lX: %08X %08X %08X %04X %02X %5lu", 0ul, (unsigned)ref_read(&s->refs),
                    0u, e.listens ? ACCEPTING : 0, (unsigned)s->type, e.state, e.inode);
        if (e.name != NULL) {
            put_unix_name(t, e.name);
            unix_name_put(e.name);
        }
        text_put(t, "\n", 1);
    }
    return 0;
}

/* --- AF_NETLINK ---------------------------------------------------------------------------------- */

static int show_netlink(struct text *t, const struct pfs_node *n __attribute__((unused)))
{
    struct unix_socket *s = NULL;

    text_printf(t, "sk               Eth Pid        Groups   "
                   "Rmem     Wmem     Dump  Locks    Drops    Inode\n");
    while ((s = unix_next(s)) != NULL) {
        preempt_work(WORK_SKIP);
        if (s->netlink == NULL)
            continue;
        preempt_work(WORK_LINE);
        spin_lock(&unix_lock);
        struct netlink seen = *s->netlink;
        size_t queued = s->sent;
        uint64_t inode = s->file != NULL ? s->file->inode->ino : 0;
        spin_unlock(&unix_lock);
        text_printf(t, "%016lx %-3d %-10u %08x %-8lu %-8d %-5d %-8d %-8u %-8lu\n", 0ul,
                    seen.protocol, seen.port, (uint32_t)seen.groups, queued, 0, seen.dump != 0,
                    ref_read(&s->refs), seen.drops, inode);
    }
    return 0;
}

/* --- the interface --------------------------------------------------------------------------------- */

static int show_dev(struct text *t, const struct pfs_node *n __attribute__((unused)))
{
    struct lo_traffic lo = interface_traffic();

    text_printf(t,
                "Inter-|   Receive                                                |  Transmit\n"
                " face |bytes    packets errs drop fifo frame compressed multicast|"
                "bytes    packets errs drop fifo colls carrier compressed\n"
                "%6s: %7lu %7lu %4d %4d %4d %5d %10d %9d %8lu %7lu %4d %4d %4d %5d %7d %10d\n",
                LO_NAME, lo.bytes, lo.packets, 0, 0, 0, 0, 0, 0, lo.bytes, lo.packets, 0, 0, 0, 0,
                0, 0);
    return 0;
}

/* The table "main", where there are none (net/rtnetlink_route.c). */
static int show_route(struct text *t, const struct pfs_node *n __attribute__((unused)))
{
    text_printf(t, "%-127s\n",
                "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU"
                "\tWindow\tIRTT");
    return 0;
}

/* clang-format off */
#define SOCKETS(name, family, type) \
    PFS_FILE(name, 0444, show_sockets, .value = (family) | (type) << 8)
#define NO_ADDRESS "00000000000000000000000000000000"
/* Where nothing leads to; each of the two tables has one. */
#define NO_ROUTE   NO_ADDRESS " 00 " NO_ADDRESS " 00 " NO_ADDRESS " ffffffff 00000001 00000000 00200200       lo\n"

const struct pfs_entry proc_net_table[] = {
    PFS_TEXT("arp", 0444, "IP address       HW type     Flags       HW address            Mask     Device\n"),
    PFS_FILE("dev", 0444, show_dev),
    SOCKETS("icmp", AF_INET, SOCK_DGRAM | 0x100),
    SOCKETS("icmp6", AF_INET6, SOCK_DGRAM | 0x100),
    PFS_TEXT("if_inet6", 0444, "00000000000000000000000000000001 01 80 10 80       lo\n"),
    PFS_TEXT("ipv6_route", 0444,
             NO_ROUTE
             "00000000000000000000000000000001 80 " NO_ADDRESS " 00 " NO_ADDRESS
             " 00000000 00000001 00000000 80200001       lo\n"
             NO_ROUTE),
    PFS_FILE("netlink", 0444, show_netlink),
    SOCKETS("raw", AF_INET, SOCK_RAW),
    SOCKETS("raw6", AF_INET6, SOCK_RAW),
    PFS_FILE("route", 0444, show_route),
    SOCKETS("tcp", AF_INET, SOCK_STREAM),
    SOCKETS("tcp6", AF_INET6, SOCK_STREAM),
    SOCKETS("udp", AF_INET, SOCK_DGRAM),
    SOCKETS("udp6", AF_INET6, SOCK_DGRAM),
    PFS_FILE("unix", 0444, show_unix),
    PFS_END,
};
/* clang-format on */
