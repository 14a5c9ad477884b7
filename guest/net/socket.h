/* socket.h - between socket.c (descriptors, names), message.c (bytes), sockopt.c and the families. */
#ifndef NET_SOCKET_H
#define NET_SOCKET_H

#include "net/abi.h"

#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <linux/time_types.h>

struct file;
struct unix_socket;

union socket_address {
    struct sockaddr_un un;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_nl nl;
    struct __kernel_sockaddr_storage room;
};
union option_value {
    int number;
    uint64_t words;
    struct __kernel_old_timeval time;
    struct ucred cred;
    struct linger linger;
    struct tcp_info tcp;
    uint32_t meminfo[SK_MEMINFO_VARS];
    char text[16];
};

/* 0, -EBADF for NULL, -ENOTSOCK. */
int socket_of(const struct file *f, struct unix_socket **s);
int socket_address_in(uaddr_t from, int len, union socket_address *a); /* 0, -EINVAL, -EFAULT */
/* What fits; the user's length becomes the whole one. */
int socket_address_out(const union socket_address *a, int len, uaddr_t to, uaddr_t tolen);

/* unix.c */
int socket_at_mark(struct unix_socket *s, uaddr_t to); /* SIOCATMARK of a stream */

/* message.c: room for what goes along, from the user */
struct control_out {
    uaddr_t at;
    uint64_t left, used;
    bool cut;
};
/* A header and n bytes of data.  What does not fit is cut; not even the header: left out. */
int control_put(struct control_out *o, int level, int type, const void *data, size_t n);

/* sockopt.c */
uint64_t socket_cookie(struct unix_socket *s); /* SO_COOKIE */
/* Bits of unix_socket.options for numbers that are beyond it; these are no switches. */
#define OPTION_TIMESTAMPNS_NEW (1ull << SO_TYPE)
#define OPTION_RCVMARK         (1ull << SO_ERROR)
#define OPTION_STAMPS \
    (1ull << SO_TIMESTAMP_OLD | 1ull << SO_TIMESTAMPNS_OLD | 1ull << SO_TIMESTAMP_NEW | \
     OPTION_TIMESTAMPNS_NEW)

/* interface.c: the one that there is */
#define LO_NAME      "lo"
#define LO_INDEX     1
#define LO_MTU       65536
#define LO_QUEUE_LEN 1000
#define LO_QDISC     "noqueue"
struct lo_traffic { /* each message is a packet; what goes out comes in */
    uint64_t packets, bytes;
};
extern struct lo_traffic lo_traffic; /* [u] */
/* unix_lock held: so many bytes, and the heads that Linux would put before them. */
static inline void lo_count(size_t bytes, size_t heads)
{
    lo_traffic.packets++;
    lo_traffic.bytes += bytes + heads;
}
struct lo_traffic interface_traffic(void);
long interface_ioctl(int family, uint32_t cmd, uaddr_t arg); /* -ENOTTY: it asks something else */

#endif
