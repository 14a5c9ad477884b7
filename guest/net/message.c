/* message.c - the calls that send and receive, with what goes along: sendto(2), recvmsg(2)
 * and so on. */
#include "arch/preempt.h"
#include "arch/clock.h"
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "fs/fd.h"
#include "fs/uio.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "net/inet.h"
#include "net/rights.h"
#include "net/socket.h"
#include "net/unix.h"
#include "proc/pid.h"
#include "proc/pid_ns.h"
#include "proc/process.h"
#include "sched/task.h"

#include <linux/fcntl.h>
#include <linux/time.h>
#include <linux/time_types.h>

#define WORK_CALL 2000u /* instructions a message of many, about (arch/preempt.h) */
#define WORK_FD   300u

/* Bytes, -EMSGSIZE, -EINVAL, -EFAULT, -ENOMEM.  After bytes: uio_vector_put(). */
static long bytes_get(struct uio_vector *v, uaddr_t at, uint64_t n)
{
    return n > UIO_MAXIOV ? -EMSGSIZE : uio_vector_get(v, at, n);
}

/* --- what goes along -------------------------------------------------------------------------- */

/* By a task, group or session. */
static bool pid_is_used(uint32_t pid)
{
    spin_lock(&tree_lock);
    bool used = pid < PID_MAX &&
                (task_find(pid) != NULL || pid_group_session(pid) != NULL || pid_has_session(pid));
    spin_unlock(&tree_lock);
    return used;
}

static int take_cred(uaddr_t at, struct unix_cred *to)
{
    const struct cred *me = &current->cred;
    struct ucred c;

    if (get_user(c, at) != 0)
        return -EFAULT;
    bool uid = c.uid == me->uid || c.uid == me->euid || c.uid == me->suid;
    bool gid = c.gid == me->gid || c.gid == me->egid || c.gid == me->sgid;
    uint32_t pid = pid_named(c.pid);
    if (!(pid == current->proc->tgid && uid && gid) && !capable())
        return -EPERM;
    *to = (struct unix_cred){ pid_stamp(pid), c.uid, c.gid };
    return pid == current->proc->tgid || pid_is_used(pid) ? 0 : -ESRCH;
}

static int take_fds(uaddr_t at, size_t bytes, struct unix_control *c)
{
    int fd[SCM_MAX_FD];
    unsigned n = (unsigned)(bytes / sizeof(int));

    struct unix_rights *more;

    if (bytes > sizeof(fd))
        return -EINVAL;
    if (copy_from_user(fd, at, n * sizeof(int)) != 0)
        return -EFAULT;
    if (n == 0)
        return 0;
    int err = rights_take(fd, n, &more);
    if (err == 0 && c->rights != NULL)
        return rights_append(&c->rights, more);
    if (err == 0)
        c->rights = more;
    return err;
}

/* What one datagram is to have instead of what its socket was told. */
static int take_inet(const struct cmsghdr *h, uaddr_t data, struct unix_control *c)
{
    bool v4 = h->level == SOL_IP, hops = h->type == (v4 ? IP_TTL : IPV6_HOPLIMIT);
    int value;

    if (!hops && h->type != (v4 ? IP_TOS : IPV6_TCLASS))
        return 0; /* says nothing that matters here */
    if (h->len != sizeof(*h) + sizeof(value))
        return -EINVAL;
    if (get_user(value, data) != 0)
        return -EFAULT;
    if (value < (v4 ? (int)hops : -1) || value > 255)
        return -EINVAL;
    *(hops ? &c->hops : &c->traffic) = (uint16_t)(value + 1);
    return 0;
}

static int take_one(const struct unix_socket *s, const struct cmsghdr *h, uaddr_t data,
                    struct unix_control *c)
{
    size_t bytes = h->len - sizeof(*h);

    if (s->in != NULL && s->type != SOCK_STREAM &&
        (h->level == SOL_IP || (h->level == SOL_IPV6 && s->in->family == AF_INET6)))
        return take_inet(h, data, c);
    if (h->level != SOL_SOCKET || s->family->number != AF_UNIX) /* not for this family */
        return 0;
    if (h->type == SCM_RIGHTS)
        return take_fds(data, bytes, c);
    if (h->type != SCM_CREDENTIALS || bytes != sizeof(struct ucred))
        return -EINVAL;
    return take_cred(data, &c->cred);
}

static int control_in(const struct unix_socket *s, uaddr_t at, uint64_t len, struct unix_control *c)
{
    struct cmsghdr h;
    int err = 0;

    if (len > 65536)
        return -ENOBUFS;
    if (at == 0)
        return -EFAULT;
    for (uint64_t off = 0; err == 0 && len - off >= sizeof(h);) {
        if (get_user(h, at + off) != 0)
            return -EFAULT;
        if (h.len < sizeof(h) || h.len > len - off)
            return -EINVAL;
        err = take_one(s, &h, at + off + sizeof(h), c);
        off += MIN(CMSG_ALIGN(h.len), len - off);
        preempt_work(WORK_FD);
    }
    return err;
}

int control_put(struct control_out *o, int level, int type, const void *data, size_t n)
{
    struct cmsghdr h = { sizeof(h) + n, level, type };

    if (o->left < sizeof(h)) {
        o->cut = true;
        return 0;
    }
    if (o->left < h.len) {
        o->cut = true;
        h.len = o->left;
    }
    if (put_user(h, o->at) != 0 || copy_to_user(o->at + sizeof(h), data, h.len - sizeof(h)) != 0)
        return -EFAULT;
    uint64_t step = MIN(CMSG_ALIGN(h.len), o->left);
    o->at += step;
    o->left -= step;
    o->used += step;
    return 0;
}

/* As many of the files as there is room and descriptors for; r's stay its own. */
static int put_rights(struct control_out *o, struct unix_rights *r, uint32_t flags)
{
    uint64_t room =
        o->left > sizeof(struct cmsghdr) ? (o->left - sizeof(struct cmsghdr)) / sizeof(int) : 0;
    int fd[SCM_MAX_FD];
    unsigned n = 0;

    while (n < r->n && n < room) {
        fd[n] = fd_alloc(0, flags & MSG_CMSG_CLOEXEC ? O_CLOEXEC : 0);
        if (fd[n] < 0)
            break;
        file_get(r->file[n]);
        fd_install(fd[n], r->file[n]);
        n++;
        preempt_work(WORK_FD);
    }
    if (n < r->n)
        o->cut = true;
    return n > 0 ? control_put(o, SOL_SOCKET, SCM_RIGHTS, fd, n * sizeof(int)) : 0;
}

/* --- one message ------------------------------------------------------------------------------- */

static uint32_t with_file_flags(const struct file *f, uint32_t flags)
{
    return f->flags & O_NONBLOCK ? flags | MSG_DONTWAIT : flags;
}

static long send_one(struct file *f, struct unix_socket *s, const struct user_msghdr *m,
                     uint32_t flags)
{
    struct unix_control c = { .cred = unix_my_cred() };
    union socket_address a;
    struct uio_vector v;
    int alen = m->name != 0 ? MIN(m->namelen, (int)sizeof(a)) : 0;

    if (m->name != 0 && m->namelen < 0)
        return -EINVAL;
    long err = socket_address_in(m->name, alen, &a);
    if (err == 0)
        err = bytes_get(&v, m->iov, m->iovlen);
    if (err < 0)
        return err;
    err = 0;
    if (m->controllen != 0)
        err = control_in(s, m->control, m->controllen, &c);
    if (err == 0)
        err = s->family->send(s, &v.u, with_file_flags(f, flags), &a, alen, &c);
    uio_vector_put(&v);
    if (c.rights != NULL)
        rights_free(c.rights);
    return err;
}

/* When it came, in each of the ways that are asked for; if nobody had asked then, the time is now, as on Linux. */
static int put_time(struct control_out *o, const struct unix_socket *s,
                    const struct unix_received *r)
{
    uint64_t ns = r->came_ns ? r->came_ns : clock_real_ns();
    struct __kernel_timespec t = { (int64_t)(ns / NSEC_PER_SEC), (int64_t)(ns % NSEC_PER_SEC) };
    struct __kernel_old_timeval tv = { t.tv_sec, t.tv_nsec / 1000 };
    static const int in_us[] = { SO_TIMESTAMP_OLD, SO_TIMESTAMP_NEW };
    int err = 0;

    for (unsigned i = 0; err == 0 && i < 2; i++)
        if (s->options >> in_us[i] & 1)
            err = control_put(o, SOL_SOCKET, in_us[i], &tv, sizeof(tv));
    if (err == 0 && (s->options & OPTION_TIMESTAMPNS_NEW))
        err = control_put(o, SOL_SOCKET, SO_TIMESTAMPNS_NEW, &t, sizeof(t));
    if (err == 0 && (s->options >> SO_TIMESTAMPNS_OLD & 1))
        err = control_put(o, SOL_SOCKET, SO_TIMESTAMPNS_OLD, &t, sizeof(t));
    return err;
}

static int put_along(struct control_out *o, const struct unix_socket *s,
                     const struct unix_received *r)
{
    static const struct nl_pktinfo nobody_else; /* to this socket, not to a group */
    int err = 0;

    if (r->along & RECEIVED_GROUP)
        err = control_put(o, SOL_NETLINK, NETLINK_PKTINFO, &nobody_else, sizeof(nobody_else));
    if (err == 0 && (r->along & RECEIVED_CRED)) {
        struct ucred c = unix_cred_told(&r->control.cred);
        err = control_put(o, SOL_SOCKET, SCM_CREDENTIALS, &c, sizeof(c));
    }
    if (err == 0 && (r->along & RECEIVED_TIME))
        err = put_time(o, s, r);
    if (err == 0 && (r->along & RECEIVED_ERROR))
        err = inet_put_error(o, s, r);
    if (err == 0 && (r->along & RECEIVED_INET))
        err = inet_put_along(o, s, r);
    return err;
}

/* What came along, and where it came from, to the user's header at `to`. */
static int give_rest(struct unix_socket *s, struct user_msghdr *m, uaddr_t to, uint32_t flags,
                     struct unix_received *r)
{
    struct control_out o = { m->control, m->control != 0 ? m->controllen : 0, 0, false };
    union socket_address a;
    int err = 0;

    if (unlikely(r->along != 0))
        err = put_along(&o, s, r);
    if (err == 0 && r->control.rights != NULL)
        err = put_rights(&o, r->control.rights, flags);
    int namelen = 0;
    if (m->name != 0 && (namelen = s->family->from(s, r, &a)) > 0) {
        if (m->namelen < 0)
            err = -EINVAL;
        else if (copy_to_user(m->name, &a, (size_t)MIN(namelen, m->namelen)) != 0)
            err = -EFAULT;
    }
    m->namelen = namelen;
    m->controllen = o.used;
    m->flags = r->flags | (o.cut ? MSG_CTRUNC : 0) | (flags & MSG_CMSG_CLOEXEC);
    if (err == 0 && m->name != 0)
        err = put_user(m->namelen, to + offsetof(struct user_msghdr, namelen));
    if (err == 0)
        err = put_user(m->controllen, to + offsetof(struct user_msghdr, controllen));
    return err != 0 ? err : put_user(m->flags, to + offsetof(struct user_msghdr, flags));
}

static void received_put(struct unix_received *r)
{
    if (r->name != NULL)
        unix_name_put(r->name);
    if (r->control.rights != NULL)
        rights_free(r->control.rights);
}

static long recv_one(struct file *f, struct unix_socket *s, uaddr_t at, uint32_t flags)
{
    struct unix_received r = { 0 };
    struct user_msghdr m;
    struct uio_vector v;

    if (get_user(m, at) != 0)
        return -EFAULT;
    if (m.name != 0 && m.namelen < 0)
        return -EINVAL;
    long n = bytes_get(&v, m.iov, m.iovlen);
    if (n < 0)
        return n;
    n = s->family->recv(s, &v.u, with_file_flags(f, flags), &r);
    uio_vector_put(&v);
    if (n >= 0) {
        int err = give_rest(s, &m, at, flags, &r);
        n = err != 0 ? err : n;
    }
    received_put(&r);
    return n;
}

/* --- the calls ------------------------------------------------------------------------------------ */

SYSCALL6(sendto, int, fd, uaddr_t, buf, size_t, len, uint32_t, flags, uaddr_t, to, int, tolen)
{
    struct unix_control c = { .cred = unix_my_cred() };
    union socket_address a;
    struct unix_socket *s;
    struct iovec one;
    struct uio u;

    WITH_FILE(f, fd);
    int err = socket_of(f, &s);
    if (err != 0)
        return err;
    if (!user_range(buf, len))
        return -EFAULT;
    err = to != 0 ? socket_address_in(to, tolen, &a) : 0;
    if (err != 0)
        return err;
    uio_user(&u, &one, buf, MIN(len, (size_t)INT32_MAX & PAGE_MASK));
    return s->family->send(s, &u, with_file_flags(f, flags), &a, to != 0 ? tolen : 0, &c);
}

SYSCALL6(recvfrom, int, fd, uaddr_t, buf, size_t, len, uint32_t, flags, uaddr_t, from, uaddr_t,
         fromlen)
{
    struct unix_received r = { 0 };
    union socket_address a;
    struct unix_socket *s;
    struct iovec one;
    struct uio u;

    WITH_FILE(f, fd);
    int err = socket_of(f, &s);
    if (err != 0)
        return err;
    if (!user_range(buf, len))
        return -EFAULT;
    uio_user(&u, &one, buf, MIN(len, (size_t)INT32_MAX & PAGE_MASK));
    long n = s->family->recv(s, &u, with_file_flags(f, flags), &r);
    if (n >= 0 && from != 0) {
        int alen = s->family->from(s, &r, &a);
        err = socket_address_out(&a, alen, from, fromlen);
        n = err != 0 ? err : n;
    }
    received_put(&r);
    return n;
}

SYSCALL3(sendmsg, int, fd, uaddr_t, at, uint32_t, flags)
{
    struct unix_socket *s;
    struct user_msghdr m;

    WITH_FILE(f, fd);
    int err = socket_of(f, &s);
    if (err != 0)
        return err;
    return get_user(m, at) != 0 ? -EFAULT : send_one(f, s, &m, flags);
}

SYSCALL3(recvmsg, int, fd, uaddr_t, at, uint32_t, flags)
{
    struct unix_socket *s;

    WITH_FILE(f, fd);
    int err = socket_of(f, &s);
    return err != 0 ? err : recv_one(f, s, at, flags);
}

SYSCALL4(sendmmsg, int, fd, uaddr_t, at, unsigned, n, uint32_t, flags)
{
    struct unix_socket *s;
    struct user_msghdr m;
    unsigned done = 0;

    WITH_FILE(f, fd);
    long err = socket_of(f, &s);
    for (n = MIN(n, (unsigned)UIO_MAXIOV); err == 0 && done < n && !preempt_ends(WORK_CALL);) {
        err = get_user(m, at) != 0 ? -EFAULT : send_one(f, s, &m, flags);
        if (err < 0)
            break;
        err = put_user((uint32_t)err, at + offsetof(struct user_mmsghdr, len));
        at += sizeof(struct user_mmsghdr);
        done++;
    }
    return done > 0 ? (long)done : err;
}

/* The time is looked at between messages only, as on Linux. */
SYSCALL5(recvmmsg, int, fd, uaddr_t, at, unsigned, n, uint32_t, flags, uaddr_t, timeout)
{
    struct __kernel_timespec t;
    uint64_t deadline = NO_DEADLINE;
    struct unix_socket *s;
    unsigned done = 0;

    if (timeout != 0 && get_user(t, timeout) != 0)
        return -EFAULT;
    if (timeout != 0 && (t.tv_sec < 0 || (uint64_t)t.tv_nsec >= NSEC_PER_SEC))
        return -EINVAL;
    if (timeout != 0 && (uint64_t)t.tv_sec < NO_DEADLINE / NSEC_PER_SEC / 2)
        deadline = clock_mono_ns() + (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
    WITH_FILE(f, fd);
    long err = socket_of(f, &s);
    for (n = MIN(n, (unsigned)UIO_MAXIOV); err == 0 && done < n && !preempt_ends(WORK_CALL);) {
        err = recv_one(f, s, at, flags & ~MSG_WAITFORONE);
        if (err < 0)
            break;
        err = put_user((uint32_t)err, at + offsetof(struct user_mmsghdr, len));
        at += sizeof(struct user_mmsghdr);
        done++;
        if (flags & MSG_WAITFORONE)
            flags |= MSG_DONTWAIT;
        if (deadline != NO_DEADLINE && clock_mono_ns() >= deadline)
            break;
    }
    return done > 0 ? (long)done : err;
}
