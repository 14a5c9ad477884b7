/* inet_error.c - what has come back of datagrams: IP_RECVERR, MSG_ERRQUEUE.
 *
 * The one thing that can come back here is that nobody has the port.  The datagram itself is kept then, as much of it as
 * an ICMP message would quote, and tells all: what was sent, where to, and who says that nobody is there. */
#include "lib/string.h"
#include "net/inet.h"

#define _SYS_SOCKET_H                   /* as in interface.c */
#define timespec      __kernel_timespec /* that is the C library's, too */
#include <linux/time_types.h>
#include <linux/errqueue.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>

#define QUOTED_V4 520u  /* of 576 without the heads of both */
#define QUOTED_V6 1184u /* of 1280 */

bool inet_keep_error(struct unix_socket *s, struct unix_message *m)
{
    ASSERT_SPIN_HELD(&unix_lock);
    if (s->sent + m->charge >= s->rcvbuf)
        return false;
    m->len = MIN(m->len, inet_is_v4(&m->to) ? QUOTED_V4 : QUOTED_V6);
    unix_charge(m, s);
    list_push_back(&s->in->errors, &m->link);
    return true;
}

void inet_drop_errors(struct unix_socket *s, struct list *messages)
{
    ASSERT_SPIN_HELD(&unix_lock);
    list_splice_back(messages, &s->in->errors);
}

/* The oldest one, or NULL.  The next call fails with the next one's error, if there is one. */
static struct unix_message *take_error(struct unix_socket *s)
{
    struct unix_message *m = NULL;

    spin_lock(&unix_lock);
    if (!list_empty(&s->in->errors)) {
        m = list_first(&s->in->errors, struct unix_message, link);
        list_remove(&m->link);
        s->error = list_empty(&s->in->errors) ? 0 : ECONNREFUSED;
    }
    spin_unlock(&unix_lock);
    return m;
}

long inet_recv_error(struct unix_socket *s, struct uio *u, struct unix_received *r)
{
    struct unix_message *m = take_error(s);
    long done = 0;

    if (m == NULL)
        return -EAGAIN;
    size_t want = MIN(m->len, u->left);
    while (done >= 0 && (size_t)done < want) {
        size_t n = want - (size_t)done;
        const char *p = unix_message_at(m, (size_t)done, &n);
        done = uio_put(u, p, n) == (long)n ? done + (long)n : -EFAULT;
    }
    r->along = RECEIVED_ERROR;
    r->flags |= MSG_ERRQUEUE | (want < m->len ? MSG_TRUNC : 0);
    r->source = r->to = m->to; /* as its name: where it was to go */
    unix_message_free(m);
    return done;
}

int inet_put_error(struct control_out *o, const struct unix_socket *s,
                   const struct unix_received *r)
{
    bool v4 = inet_is_v4(&r->to);
    struct {
        struct sock_extended_err e;
        union socket_address from;
    } x = { .e = { .ee_errno = ECONNREFUSED,
                   .ee_origin = v4 ? SO_EE_ORIGIN_ICMP : SO_EE_ORIGIN_ICMP6,
                   .ee_type = v4 ? ICMP_DEST_UNREACH : ICMPV6_DEST_UNREACH,
                   .ee_code = v4 ? ICMP_PORT_UNREACH : ICMPV6_PORT_UNREACH } };
    struct inet_end from = r->to;
    bool is_v4 = s->in->family == AF_INET;

    from.port = 0;
    int n = inet_write(s, &from, &x.from);
    return control_put(o, is_v4 ? SOL_IP : SOL_IPV6, is_v4 ? IP_RECVERR : IPV6_RECVERR, &x,
                       offsetof(typeof(x), from) + (size_t)n);
}
