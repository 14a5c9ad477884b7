/* inet.h - sockets of AF_INET and AF_INET6 on the loopback interface: inet.c says how they work. */
#ifndef NET_INET_H
#define NET_INET_H

#include "net/socket.h"
#include "net/unix.h"

#define IN_IS_LO(a)  (((a) >> 24) == 127) /* host order */
#define LO_ADDRESS   0x7f000001u
#define LO_BROADCAST 0x7fffffffu
#define PRIVILEGED   1024u
#define UDP_LEN_MAX  65507u
#define UDP6_LEN_MAX 65527u

enum inet_value { /* options that are a number: inet_option.c, in this order */
                  INET_V6ONLY,
                  INET_NODELAY,
                  INET_CORK,
                  INET_MAXSEG,
                  INET_KEEPIDLE,
                  INET_KEEPINTVL,
                  INET_KEEPCNT,
                  INET_SYNCNT,
                  INET_LINGER2,
                  INET_DEFER_ACCEPT,
                  INET_WINDOW_CLAMP,
                  INET_QUICKACK,
                  INET_USER_TIMEOUT,
                  INET_NOTSENT_LOWAT,
                  INET_THIN_TIMEOUTS,
                  INET_FASTOPEN,
                  INET_UDP_CORK,
                  INET_NO_CHECK6_TX,
                  INET_NO_CHECK6_RX,
                  INET_GRO,
                  INET_TOS,
                  INET_TTL,
                  INET_RECVOPTS,
                  INET_RETOPTS,
                  INET_PKTINFO,
                  INET_MTU_DISCOVER,
                  INET_RECVERR,
                  INET_RECVTTL,
                  INET_RECVTOS,
                  INET_FREEBIND,
                  INET_PASSSEC,
                  INET_TRANSPARENT,
                  INET_MINTTL,
                  INET_CHECKSUM,
                  INET_NO_PORT,
                  INET_MULTICAST_TTL,
                  INET_MULTICAST_LOOP,
                  INET_MULTICAST_ALL,
                  INET_TCLASS,
                  INET_HOPS,
                  INET_RECVERR6,
                  INET_MTU_DISCOVER6,
                  INET_MULTICAST_HOPS,
                  INET_MULTICAST_LOOP6,
                  INET_MULTICAST_ALL6,
                  INET_FLOWINFO_SEND,
                  INET_RECVPKTINFO6,
                  INET_RECVHOPS6,
                  INET_RECVHOPOPTS6,
                  INET_RECVRTHDR6,
                  INET_RECVDSTOPTS6,
                  INET_RECVPATHMTU6,
                  INET_DONTFRAG6,
                  INET_RECVTCLASS6,
                  INET_AUTOFLOWLABEL6,
                  INET_MINHOPS6,
                  INET_TRANSPARENT6,
                  INET_FREEBIND6,
                  INET_OLD_PKTINFO6, /* by their names of RFC 2292 */
                  INET_OLD_HOPS6,
                  INET_VALUES
};

/* [k] fixed at creation  [u] unix_lock  "Read without" it: one word, perhaps old. */
struct inet {
    struct unix_socket *socket; /* [k] whose part this is */
    int family;                 /* AF_INET or AF_INET6; IPV6_ADDRFORM changes it */
    int protocol;               /* [k] IPPROTO_* */
    uint8_t algorithm;          /* of inet_option.c */
    uint32_t uid;               /* [k] who made it */
    bool bound_address;         /* [u] by bind(2): a connection that ends leaves it */
    bool bound_port;            /* [u] */
    bool connected;             /* [u] datagrams: to `remote`, and from it only */
    bool in_table;              /* [u] its port is taken */
    bool asked;                 /* [u] connect(2) has begun, and nobody was told how it ended */
    struct inet_end local;      /* [u] port 0: none */
    struct inet_end remote;     /* [u] */
    struct list port_link;      /* [u] among those whose port has the same bucket */
    struct list callers;        /* [u] who listens: those for whom its row has no place yet */
    struct list caller_link;    /* [u] */
    struct unix_socket *end;    /* [u] of such a caller: its other end, when there is a place */
    bool tells;                 /* any of INET_PKTINFO and the others that bring something along */
    bool corked;                /* [u] something is held back, or shall be: cork.c */
    struct list held;           /* [u] messages that are held back */
    size_t held_bytes, nheld;   /* [u] */
    struct list held_link;      /* [u] of TCP: among those that hold something back */
    uint64_t held_until;        /* [u] of TCP: ns */
    struct list errors;         /* [u] of datagrams: what came back, for MSG_ERRQUEUE */
    struct list groups;         /* [u] inet_group.c */
    unsigned ngroups;           /* [u] */
    uint32_t group_source;      /* IP_MULTICAST_IF: its address, as the user gave it, */
    bool group_lo;              /* and whether that is lo */
    int group_interface;        /* of IPv6: what it was told to use, 0 or LO_INDEX */
    bool with_head;             /* of a raw one: its user makes IP's header */
    int not_checksum_at;    /* of a raw one of IPv6: ~ of where IP puts a checksum; 0: nowhere */
    uint32_t filter[8];     /* of ICMP: a bit for each type that it does not want */
    int value[INET_VALUES]; /* one word each */
};

/* inet_address.c: addresses */
int inet_read(const struct unix_socket *s, const union socket_address *a, int len,
              struct inet_end *to); /* 0 or -errno: -EAFNOSUPPORT, -EINVAL */
int inet_write(const struct unix_socket *s, const struct inet_end *e, union socket_address *a);
bool inet_is_v4(const struct inet_end *e);
bool inet_is_any(const struct inet_end *e);
bool inet_is_local(const struct inet_end *e); /* an address of lo */
bool inet_is_broadcast(const struct inet_end *e);
bool inet_is_group(const struct inet_end *e);    /* of multicast */
bool inet_is_for_many(const struct inet_end *e); /* a group, or a broadcast */
bool inet_same(const struct inet_end *a, const struct inet_end *b);
void inet_set_any(const struct unix_socket *s, struct inet_end *e);
/* Of the kind of e: where what goes to e comes from. */
void inet_set_source(const struct inet_end *e, struct inet_end *source);
/* Where s may send: "any" becomes this machine.  0, -ENETUNREACH, -EACCES. */
int inet_route(const struct unix_socket *s, struct inet_end *to);

/* inet_port.c: who has which port; unix_lock held */
int inet_take_port(struct unix_socket *s, const struct inet_end *at); /* port 0: any; -EADDRINUSE */
void inet_leave_port(struct unix_socket *s);
bool inet_may_listen(struct unix_socket *s);
/* Who is to get what comes from `from` to `to`; NULL: nobody. */
struct unix_socket *inet_find(int protocol, const struct inet_end *to, const struct inet_end *from);
/* Is what comes from `from` for o, alone or not? */
bool inet_is_for(const struct inet *o, int protocol, const struct inet_end *to,
                 const struct inet_end *from);
extern uint32_t inet_port_range[2]; /* from, to */

/* inet.c */
extern uint32_t inet_somaxconn;
extern const struct socket_family inet_family, inet6_family;
int inet_make(int family, int type, int protocol, struct unix_socket **out);
void inet_free(struct unix_socket *s);                               /* with its socket */
int inet_autobind(struct unix_socket *s, const struct inet_end *to); /* unix_lock held */

/* tcp.c */
int tcp_connect(struct unix_socket *s, const struct inet_end *to, bool nonblock);
int tcp_disconnect(struct unix_socket *s);
int tcp_listen(struct unix_socket *s, int backlog);
int tcp_shutdown(struct unix_socket *s, uint32_t how);
void tcp_leave(struct unix_socket *s, struct unix_socket *peer, bool accepted); /* unix_lock held */
void tcp_dismiss(struct unix_socket *s);  /* who listened does no more */
void tcp_accepted(struct unix_socket *s); /* its row has a place */
/* What becomes of a message of so many bytes; unix_lock held.  0: to the peer, 1: lost, -EPIPE. */
int tcp_may_send(struct unix_socket *s, size_t bytes);
long tcp_send(struct unix_socket *s, struct uio *u, uint32_t flags);
long tcp_recv(struct unix_socket *s, struct uio *u, uint32_t flags, struct unix_received *r);
uint32_t tcp_poll(struct unix_socket *s);
#define TCP_STATE_ESTABLISHED 1
#define TCP_CLOSE_STATE       7
#define TCP_LISTEN_STATE      10
int tcp_state(const struct unix_socket *s); /* TCP_*, as /proc/net/tcp has it */

/* inet_error.c: MSG_ERRQUEUE */
bool inet_keep_error(struct unix_socket *s,
                     struct unix_message *m); /* unix_lock held; false: not */
long inet_recv_error(struct unix_socket *s, struct uio *u, struct unix_received *r);
void inet_drop_errors(struct unix_socket *s, struct list *messages); /* unix_lock held */
struct control_out;
int inet_put_error(struct control_out *o, const struct unix_socket *s,
                   const struct unix_received *r);

/* raw.c: raw sockets, and those of datagrams of ICMP ("ping") */
extern uint32_t ping_groups[2]; /* /proc/sys/net/ipv4/ping_group_range */
bool ping_allowed(void);
bool is_ping(const struct inet *in);
long raw_send(struct unix_socket *s, struct uio *u, uint32_t flags, const union socket_address *a,
              int len, const struct unix_control *c);
int raw_set_option(struct unix_socket *s, int level, int option, uaddr_t at, unsigned len);
/* A length, -errno; -ENOTTY: that is nothing of raw sockets. */
int raw_get_option(const struct unix_socket *s, int level, int option, union option_value *v);

/* icmp.c: what IP brings to this machine */
struct iphdr;
extern unsigned raw_sockets; /* [a] how many there are */
/* Of what m carries, with 0 for the checksum's place. */
uint16_t ip_checksum(struct unix_message *m, int protocol, bool pseudo);
void ip_finish_head(struct iphdr *h, const struct unix_message *m, int protocol);
/* m stays the caller's; head: IP's own, NULL: of IPv6. */
void ip_input(struct unix_message *m, int protocol, const struct iphdr *head);
void ip_give(struct unix_socket *s, struct unix_message *copy); /* takes it over; NULL: nothing */
/* Raw sockets see a datagram of UDP, and what ICMP says if nobody takes it. */
void ip_see_udp(const struct unix_socket *s, struct unix_message *m);

/* udp.c */
void udp_set_source(const struct unix_socket *s, struct unix_message *m); /* m->to is there */
int udp_name_ends(struct unix_socket *s, const struct inet_end *given,
                  struct unix_message *m);                       /* unix_lock held */
bool udp_deliver(struct unix_socket *s, struct unix_message *m); /* unix_lock held; false: lost */
long udp_send(struct unix_socket *s, struct uio *u, uint32_t flags, const struct inet_end *to,
              const struct unix_control *c);
int udp_connect(struct unix_socket *s, const struct inet_end *to); /* NULL: with nobody */

/* cork.c: bytes that are held back, MSG_MORE, TCP_CORK, UDP_CORK; unix_lock held unless said otherwise */
bool tcp_hold(struct unix_socket *s, struct unix_message *m, bool more); /* false: it is to go */
void tcp_push(struct unix_socket *s);                                    /* what is held goes */
void cork_drop(struct unix_socket *s, struct list *messages); /* what is held, to be freed */
void cork_changed(struct unix_socket *s);                     /* an option; takes unix_lock */
/* A piece of a datagram, which it takes over, also on failure.  Takes unix_lock. */
int udp_hold(struct unix_socket *s, struct unix_message *m, const struct inet_end *to, bool more);

/* inet_group.c: which groups of multicast a socket has joined */
int inet_group_option(struct unix_socket *s, int level, int option, uaddr_t at, unsigned len);
bool inet_in_group(const struct unix_socket *s, const struct inet_end *group); /* unix_lock held */
void udp_to_many(const struct unix_socket *s,
                 struct unix_message *m); /* copies; m is the caller's */
void inet_groups_free(struct unix_socket *s);

/* inet_along.c */
struct control_out;
int inet_put_along(struct control_out *o, const struct unix_socket *s,
                   const struct unix_received *r);

/* inet_option.c */
void inet_options_begin(struct inet *in);
int inet_set_option(struct unix_socket *s, int level, int option, uaddr_t at, unsigned len);
/* Its length in v, or -errno. */
int inet_get_option(struct unix_socket *s, int level, int option, union option_value *v);

#endif
