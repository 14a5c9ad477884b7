/* unix.h - sockets of AF_UNIX: unix.c says how they work. */
#ifndef NET_UNIX_H
#define NET_UNIX_H

#include "fs/file.h"
#include "lib/list.h"
#include "lib/refcount.h"
#include "net/abi.h"
#include "sched/block.h"

/* [k] fixed at creation  [u] unix_lock  [r] read_lock + unix_lock to take away, either to look
 * "Read without" its lock: one word, perhaps old. */
enum unix_state { UNIX_FRESH, UNIX_LISTENING, UNIX_CONNECTED, UNIX_CONNECTING };

struct inet;
struct netlink;
struct inet_end {          /* inet_address.c */
    uint32_t a[4];         /* of IPv6, in the order of the net */
    uint16_t port;         /* in the order of this machine */
    uint8_t hops, traffic; /* of where a datagram came from: its TTL and TOS */
};

struct unix_name { /* [k]; shared by those that a listening socket has made */
    struct refcount refs;
    struct inode *inode; /* NULL: abstract */
    uint32_t len;        /* of the path, with the NUL of one that is in the tree */
    char path[UNIX_PATH_MAX + 1];
};

/* Who somebody is: struct ucred, of whichever PID namespace. */
struct unix_cred {
    uint64_t pid; /* pid_stamp() */
    uint32_t uid, gid;
};

struct unix_socket {
    const struct socket_family *family; /* [k] */
    struct inet *in;                    /* [k] NULL: of AF_UNIX, AF_NETLINK */
    struct netlink *netlink;            /* [k] of AF_NETLINK */
    struct list all_link;               /* [u] among all sockets, until it is freed */
    struct refcount refs;  /* [a] file, peers, messages it has sent, a row it waits in, callers */
    int type;              /* [k] SOCK_* */
    enum unix_state state; /* [u], read without */
    bool dead;             /* [u], read without: no file has it any more */
    uint32_t shut;         /* [u], read without: SHUT_* */
    int error;             /* [u], read without: for the next call that asks */
    struct unix_socket *peer; /* [u] with a reference; of a datagram socket, whom it sends to */
    struct unix_name *name;   /* [u] NULL: unbound; never changes afterwards */
    struct list name_link;    /* [u] among those that are bound */
    struct list queue;        /* [r] struct unix_message, in order */
    size_t queued;            /* [u], read without: bytes in it, of a stream */
    unsigned nqueued;         /* [u], read without: messages, or connections nobody has accepted */
    unsigned arrived;         /* [u], read without: how many messages have come */
    struct unix_message *oob; /* [u], read without: the urgent byte; reads have not passed it yet */
    size_t to_oob;            /* [u], read without: bytes in front of it */
    bool oob_taken;           /* [u], read without: of TCP: somebody has read it */
    struct list row;          /* [u] such connections: accept_link */
    struct list accept_link;  /* [u] */
    unsigned backlog;         /* [u], read without */
    size_t sent;              /* [u], read without: memory of what it has sent and nobody read */
    size_t sndbuf, rcvbuf;    /* one word each */
    size_t beyond;            /* [u], read without: what may be sent besides sndbuf; 0 but of TCP */
    bool sized;               /* sndbuf was set by its user */
    bool fin;                 /* [u], read without: TCP: the other end has sent all that it will */
    bool reset;               /* [u], read without: TCP: the connection is over */
    uint64_t rcvtimeo, sndtimeo; /* ns; 0: none.  One word each */
    uint64_t options;            /* [a] bit SO_x: those that are on or off */
    uint32_t lowat;
    int priority, mark, busy_poll, device; /* SO_*: kept, one word each */
    int not_cpu;                           /* ~ of SO_INCOMING_CPU */
    int not_peek_at;                       /* ~ of SO_PEEK_OFF */
    uint64_t not_pacing;                   /* ~ of SO_MAX_PACING_RATE */
    uint64_t cookie;                       /* [a] 0: nobody has asked yet */
    struct linger linger;                  /* one word each */
    struct unix_cred peer_cred;            /* [u] pid 0: none */
    struct mutex read_lock;                /* one reader at a time */
    struct waitq read_wait;                /* something to read or accept, or its end */
    struct waitq write_wait; /* room to write; a place in the row of a listening one */
    struct bpf_prog *filter; /* [u], read without: SO_ATTACH_FILTER; NULL: none */
    bool filter_locked;      /* one word */
    struct file *file;       /* [u] NULL: not accepted yet, or dead */
    /* rights.c */
    struct unix_socket *in_row_of; /* [u] not accepted yet: by whom */
    struct list carriers;          /* [u] messages in its queue that carry sockets */
    unsigned in_flight;            /* [u] messages that carry its file */
    struct list flight_link;       /* [u] */
    bool reached;                  /* [u] */
};

struct poll_table;
union option_value;
union socket_address;
struct unix_control;
struct unix_received;
struct socket_family { /* what its sockets do; addresses are in kernel memory, of len bytes */
    int number;        /* AF_* */
    int (*bind)(struct unix_socket *s, const union socket_address *a, int len);
    int (*connect)(struct unix_socket *s, const union socket_address *a, int len, bool nonblock);
    int (*listen)(struct unix_socket *s, int backlog);
    int (*shutdown)(struct unix_socket *s, uint32_t how);
    /* A length, or -errno. */
    int (*name)(struct unix_socket *s, bool peer, union socket_address *a);
    int (*caller)(struct unix_socket *s, union socket_address *a); /* who was accepted */
    int (*from)(struct unix_socket *s, const struct unix_received *r, union socket_address *a);
    long (*send)(struct unix_socket *s, struct uio *u, uint32_t flags,
                 const union socket_address *a, int len, struct unix_control *c);
    long (*recv)(struct unix_socket *s, struct uio *u, uint32_t flags, struct unix_received *r);
    uint32_t (*poll)(struct unix_socket *s, struct poll_table *pt);
    long (*ioctl)(struct unix_socket *s, uint32_t cmd, uaddr_t arg);
    /* Of other levels than SOL_SOCKET; NULL: none.  0, a length, or -errno. */
    int (*set_option)(struct unix_socket *s, int level, int option, uaddr_t at, unsigned len);
    int (*get_option)(struct unix_socket *s, int level, int option, union option_value *v);
    void (*leave)(struct unix_socket *s, struct unix_socket *peer, bool accepted); /* [u] held */
    void (*ended)(struct unix_socket *s);    /* the same without it; or NULL */
    void (*accepted)(struct unix_socket *s); /* one of its row; or NULL */
    void (*free)(struct unix_socket *s);     /* or NULL */
};

struct unix_rights; /* files that a message carries */
struct unix_message {
    struct list link;
    struct unix_socket *from;   /* [k] with a reference */
    struct unix_name *name;     /* [k] with a reference; NULL: unbound */
    struct unix_cred cred;      /* [k] */
    struct unix_rights *rights; /* [u] NULL: none */
    struct list carrier_link;   /* [u] */
    struct inet_end source, to; /* [k] of a datagram of udp.c; else port 0 */
    uint64_t came_ns;           /* [k] real time when it was queued; 0: nobody had asked */
    size_t len, at;             /* at [r]: so far it was read */
    bool peeked;                /* [r] one without bytes: somebody has looked at it */
    bool hole;                  /* [u] an urgent byte that is in the queue, but none to read */
    size_t charge;              /* [k] in from->sent */
    uint32_t npages;            /* [k] 0: in `bytes` */
    union {
        char bytes[1];
        pfn_t page[1];
    };
};

/* unix.c */
extern struct spinlock unix_lock;
extern const struct file_ops unix_ops;
extern const struct socket_family unix_family;
/* To a pipe, kept from waiting by that: streams of AF_UNIX heed it, others their own O_NONBLOCK. */
long socket_splice(struct file *f, struct uio *u, bool nonblock);
struct unix_socket *unix_of(const struct file *f); /* NULL: none */
struct unix_socket *unix_alloc(int type);
void unix_get(struct unix_socket *s);
void unix_put(struct unix_socket *s); /* spinlocks are taken, unix_lock is not */
/* Of all families: the next one behind s, NULL: the first, with a reference; s's is given back.
 * NULL: there is none. */
struct unix_socket *unix_next(struct unix_socket *s);
int unix_file(struct unix_socket *s, uint32_t flags, struct file **out); /* takes s over */
void unix_end(struct unix_socket *s, bool accepted); /* nobody uses it any more; takes s over */
int unix_accept(struct unix_socket *s, bool nonblock, struct unix_socket **out);
void unix_join(struct unix_socket *a,
               struct unix_socket *b); /* unix_lock held, or nobody knows them */
void unix_pair(struct unix_socket *a, struct unix_socket *b);
int unix_take_error(struct unix_socket *s); /* 0 or -errno, and it is none any more */
struct unix_cred unix_my_cred(void);
struct ucred unix_cred_told(const struct unix_cred *c); /* as current sees it */
/* NO_DEADLINE if timeo is 0. */
uint64_t unix_deadline(uint64_t timeo);
/* What a wait's end means: -EAGAIN, -EINTR if there was a time-out, -ERESTARTSYS. */
int unix_wait_error(int err, uint64_t timeo);

/* unix_name.c: what an address names */
int unix_check_name(const struct sockaddr_un *a, int len);
int unix_bind(struct unix_socket *s, const struct sockaddr_un *a, int len);
int unix_autobind(struct unix_socket *s);
void unix_unbind(struct unix_socket *s); /* unix_lock held */
/* With a reference: 0, -ECONNREFUSED, -EPROTOTYPE, and what walking gives. */
int unix_find(const struct sockaddr_un *a, int len, int type, struct unix_socket **out);
void unix_name_put(struct unix_name *n);
/* Its length. */
int unix_name_out(const struct unix_name *n, struct sockaddr_un *a);

/* unix_send.c */
struct unix_control { /* what goes with the bytes */
    struct unix_cred cred;
    struct unix_rights *rights;
    uint16_t hops,
        traffic; /* of AF_INET*: for this datagram only, and one more; 0: as the socket says */
};
long unix_send(struct unix_socket *s, struct uio *u, uint32_t flags, const struct sockaddr_un *to,
               int tolen, struct unix_control *c);
/* All of a stream's bytes: how many, -EPIPE (without a signal) and others if none. */
long unix_send_stream(struct unix_socket *s, struct uio *u, uint32_t flags, struct unix_control *c);
int unix_broken(int err, uint32_t flags); /* err; for -EPIPE with the signal */
/* Of the next len bytes, nobody's yet: 0, -ENOMEM, -EFAULT. */
int unix_message_make(size_t len, struct uio *u, struct unix_message **out);
/* One of all that are in the list: 0 or -ENOMEM. */
int unix_message_join(const struct list *messages, size_t len, struct unix_message **out);
/* `head`, and then what `of` has from `skip` on, most bytes of it; NULL: no memory. */
struct unix_message *unix_message_behind(const void *head, size_t headlen, struct unix_message *of,
                                         size_t skip, size_t most);
/* m's bytes from `at` on; *n of them, or fewer then, lie together. */
char *unix_message_at(struct unix_message *m, size_t at, size_t *n);
void unix_charge(struct unix_message *m, struct unix_socket *s); /* unix_lock held */
int unix_enqueue(
    struct unix_message *m,
    struct unix_socket *to); /* unix_lock held: 0, -ETOOMANYREFS, -ENOMSG: socket_filter.c */
void unix_messages_free(struct list *messages);
void unix_message_free(struct unix_message *m);  /* off its queue; unix_lock not held */
extern void (*unix_tell_urgent)(struct file *f); /* SIGURG for its owner: event/async.c */
bool unix_room(const struct unix_socket *s);     /* s may send */
bool unix_full(const struct unix_socket *s);     /* s takes no datagram of a stranger */
extern struct waitq unix_full_wait;              /* who waits for one that is full */

/* socket_filter.c */
struct bpf_prog;
/* m may be cut; false: it is not to be received.  unix_lock held. */
bool socket_filter_passes(const struct unix_socket *to, struct unix_message *m);
void socket_filter_free(struct bpf_prog *p); /* NULL: nothing */
int socket_filter_attach(struct unix_socket *s, uaddr_t at, unsigned len);
int socket_filter_detach(struct unix_socket *s);
int socket_filter_lock(struct unix_socket *s, bool on);
int socket_filter_get(struct unix_socket *s, uaddr_t to, int room); /* its length, or -errno */

/* unix_recv.c */
#define RECEIVED_CRED  1u
#define RECEIVED_GROUP 2u /* of AF_NETLINK: which group it was sent to */
#define RECEIVED_INET  4u /* inet_along.c */
#define RECEIVED_TIME  8u
#define RECEIVED_ERROR 16u /* inet_error.c */
struct unix_received {
    struct unix_control control;
    uint32_t along;         /* RECEIVED_* */
    uint32_t flags;         /* MSG_TRUNC */
    struct unix_name *name; /* with a reference */
    struct inet_end source, to;
    uint64_t came_ns; /* of the message; 0: see there */
};
long unix_recv_urgent(struct unix_socket *s, struct uio *u, uint32_t flags,
                      struct unix_received *r);
bool unix_at_mark(struct unix_socket *s);       /* SIOCATMARK; unix_lock held */
bool unix_in_line(const struct unix_socket *s); /* SO_OOBINLINE */
long unix_recv(struct unix_socket *s, struct uio *u, uint32_t flags, struct unix_received *r);

#endif
