/* netlink.h - sockets of AF_NETLINK: netlink.c says what they are, netlink_request.c how they are
 * answered; rtnetlink.c, rtnetlink_route.c and sock_diag.c know the answers. */
#ifndef NET_NETLINK_H
#define NET_NETLINK_H

#include "lib/rbtree.h"
#include "net/socket.h"
#include "net/unix.h"

#include <linux/rtnetlink.h>

#define ANSWER_ROOM 1920u /* more than all that there is to say about lo */

enum dump_state { DUMP_NONE, DUMP_BUSY, DUMP_END_IS_DUE, DUMP_AS_IT_IS };

/* [k] fixed at creation  [u] unix_lock */
struct netlink {
    int protocol;               /* [k] NETLINK_ROUTE, NETLINK_SOCK_DIAG */
    struct rb_node link;        /* [u] among those that are bound, by protocol and port */
    bool bound;                 /* [u] */
    bool grouped;               /* [u] was ever in a group */
    bool congested;             /* [u] something was lost, and its queue was not empty since */
    uint8_t dump;               /* [u] enum dump_state */
    uint32_t port;              /* [u] */
    uint32_t to_port, to_group; /* [u] where what has no address goes */
    uint64_t groups;            /* [u] bit group - 1 */
    uint32_t options;           /* [u], read without: bit NETLINK_x */
    uint32_t drops;             /* [u] what did not fit */
    struct nlmsghdr due;        /* [u] of the end of the dump */
    int due_error;              /* [u] */
    struct diag *diag;          /* of who has made the dump busy, or ends it: what is to come yet */
};

_Static_assert(RTNLGRP_MAX <= 64, "bits of groups");

static inline bool netlink_has(const struct unix_socket *s, int option)
{
    return s->netlink->options >> option & 1;
}

/* One request.  Its sender chose all of it; `len` bytes behind the head are there. */
struct netlink_request {
    const struct unix_message *from;
    size_t at, len; /* where what is behind the head begins */
    struct nlmsghdr head;
    bool strict; /* NETLINK_GET_STRICT_CHK */
    /* What comes of it: */
    bool dump;           /* an answer of many, with an end of its own */
    uint16_t dump_flags; /* NLM_F_DUMP_FILTERED */
    int dump_error;      /* 0 or -errno, told at that end */
    struct diag *diag;   /* what follows the first part; NULL: nothing */
};

/* What is sent back: one or several messages. */
struct answer {
    uint32_t port, seq;
    uint16_t flags;
    size_t len, begun; /* of the message that is being made: where it begins */
    char bytes[ANSWER_ROOM];
};

/* netlink.c */
extern const struct socket_family netlink_family;
int netlink_make(int type, int protocol, struct unix_socket **out); /* 0 or -ENOMEM */
/* A message of n bytes that is certain to fit into the socket's queue: 0, -EBADF, -ENOTSOCK, -EINVAL (of
 * another family), -EAGAIN (there is no room), -ENOMEM.  It holds the socket. */
int netlink_reserve(const struct file *f, const void *bytes, size_t n, struct unix_message **out);
void netlink_post(struct unix_message *m, char last); /* its last byte is that one; takes m over */

/* netlink_request.c */
/* All that are in m, up to one whose length cannot be: 0 or -ENOBUFS. */
int netlink_requests(struct unix_socket *s, const struct unix_message *m, uint32_t port);
/* Somebody has looked: the end of a dump comes, if there is room. */
void netlink_go_on(struct unix_socket *s);
/* n bytes of what is behind the head; false: so many are not there. */
bool request_get(const struct netlink_request *r, size_t at, void *to, size_t n);
/* The attribute at *at, which moves behind it; *data: where its bytes are.  False: no more. */
bool request_attr(const struct netlink_request *r, size_t *at, struct nlattr *a, size_t *data);
/* 0, -ERANGE: it is too short. */
int request_u32(const struct netlink_request *r, const struct nlattr *a, size_t data, uint32_t *to);
/* A message with a fixed part, then attributes, then the end. */
void answer_begin(struct answer *a, unsigned type, const void *fixed, size_t n);
void answer_attr(struct answer *a, unsigned type, const void *data, size_t n);
void answer_u32(struct answer *a, unsigned type, uint32_t value);
void answer_u8(struct answer *a, unsigned type, uint8_t value);
void answer_end(struct answer *a);

/* sock_diag.c: 0 or -errno */
int diag_request(struct netlink_request *r, struct answer *a);
void diag_go_on(struct diag *d, struct answer *a); /* nothing in a: that was all */
void diag_free(struct diag *d);                    /* NULL: nothing */

/* rtnetlink.c: 0 or -errno */
int rtnetlink_request(struct netlink_request *r, struct answer *a);

/* rtnetlink_route.c */
int route_dump(struct netlink_request *r, int family, struct answer *a); /* for r->dump_error */
int route_get(const struct netlink_request *r, int family, struct answer *a);

#endif
