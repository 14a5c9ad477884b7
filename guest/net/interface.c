/* interface.c - network interfaces, of which there is one, lo: what has gone over it, and the
 * ioctl(2)s that ask about it. */
#include "arch/uaccess.h"
#include "lib/string.h"
#include "net/socket.h"
#include "net/unix.h"
#include "sched/task.h"

#include <linux/capability.h>

#define V4_BYTES 8 /* of a sockaddr_in, with the family and the port */

#define _SYS_SOCKET_H /* Linux's header would have the C library's sockets: net/abi.h has them */
#include <linux/if.h>
#include <linux/sockios.h>

struct lo_traffic lo_traffic;

struct lo_traffic interface_traffic(void)
{
    spin_lock(&unix_lock);
    struct lo_traffic t = lo_traffic;
    spin_unlock(&unix_lock);
    return t;
}

static void put_v4(struct sockaddr *a, uint32_t host_order)
{
    struct sockaddr_in in = { .sin_family = AF_INET,
                              .sin_addr = { __builtin_bswap32(host_order) } };

    memcpy(a, &in, sizeof(in));
}

static long list_all(uaddr_t arg)
{
    struct ifconf c;
    struct ifreq r = { .ifr_name = LO_NAME };

    if (get_user(c, arg) != 0)
        return -EFAULT;
    put_v4(&r.ifr_addr, 0x7f000001);
    if (c.ifc_buf == NULL) {
        c.ifc_len = sizeof(r);
    } else if (c.ifc_len >= (int)sizeof(r)) {
        if (copy_to_user((uaddr_t)c.ifc_buf, &r, sizeof(r)) != 0)
            return -EFAULT;
        c.ifc_len = sizeof(r);
    } else {
        c.ifc_len = 0;
    }
    return put_user(c, arg);
}

static long name_of(struct ifreq *r)
{
    if (r->ifr_ifindex != LO_INDEX)
        return -ENODEV;
    memset(r->ifr_name, 0, sizeof(r->ifr_name));
    memcpy(r->ifr_name, LO_NAME, sizeof(LO_NAME));
    return 0;
}

static long ask(uint32_t cmd, struct ifreq *r)
{
    if (cmd == SIOCGIFNAME)
        return name_of(r);
    if (memcmp(r->ifr_name, LO_NAME, sizeof(LO_NAME)) != 0)
        return -ENODEV;
    memset(&r->ifr_ifru, 0, sizeof(r->ifr_ifru));
    switch (cmd) {
    case SIOCGIFINDEX: r->ifr_ifindex = LO_INDEX; return 0;
    case SIOCGIFFLAGS: r->ifr_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING; return 0;
    case SIOCGIFMTU: r->ifr_mtu = LO_MTU; return 0;
    case SIOCGIFMETRIC: return 0;
    case SIOCGIFTXQLEN: r->ifr_qlen = LO_QUEUE_LEN; return 0;
    case SIOCGIFADDR: put_v4(&r->ifr_addr, 0x7f000001); return 0;
    case SIOCGIFNETMASK: put_v4(&r->ifr_addr, 0xff000000); return 0;
    case SIOCGIFBRDADDR:
    case SIOCGIFDSTADDR: put_v4(&r->ifr_addr, cmd == SIOCGIFDSTADDR ? 0x7f000001 : 0); return 0;
    case SIOCGIFHWADDR: r->ifr_hwaddr.sa_family = ARPHRD_LOOPBACK; return 0;
    }
    return has_cap(CAP_NET_ADMIN) ? -EOPNOTSUPP : -EPERM; /* the others would change it */
}

/* What says how that is which `cmd` would set; 0: nothing. */
static uint32_t question(uint32_t cmd)
{
    switch (cmd) {
    case SIOCSIFFLAGS: return SIOCGIFFLAGS;
    case SIOCSIFADDR: return SIOCGIFADDR;
    case SIOCSIFNETMASK: return SIOCGIFNETMASK;
    case SIOCSIFMTU: return SIOCGIFMTU;
    }
    return 0;
}

/* It is as it is; who wants that has it. */
static long change(uint32_t cmd, const struct ifreq *r)
{
    struct ifreq now = *r;
    size_t n = cmd == SIOCSIFFLAGS ? sizeof(r->ifr_flags)
               : cmd == SIOCSIFMTU ? sizeof(r->ifr_mtu)
                                   : V4_BYTES;

    if (!has_cap(CAP_NET_ADMIN))
        return -EPERM;
    long err = ask(question(cmd), &now);
    if (cmd == SIOCSIFFLAGS) /* whether it runs is nobody's choice */
        now.ifr_flags = (short)((now.ifr_flags & ~IFF_RUNNING) | (r->ifr_flags & IFF_RUNNING));
    if (err == 0 && memcmp(&now.ifr_ifru, &r->ifr_ifru, n) != 0)
        err = -EOPNOTSUPP;
    return err;
}

/* The addresses of IPv4 are asked through one of its sockets. */
static bool is_about_v4(uint32_t cmd) { return cmd >= SIOCGIFADDR && cmd <= SIOCSIFNETMASK; }

long interface_ioctl(int family, uint32_t cmd, uaddr_t arg)
{
    struct ifreq r;

    if (cmd == SIOCGIFCONF)
        return list_all(arg);
    if (cmd >> 8 != SIOCGIFNAME >> 8)
        return -ENOTTY;
    if (get_user(r, arg) != 0)
        return -EFAULT;
    if (cmd < SIOCGIFNAME || cmd > SIOCSIFTXQLEN || cmd == SIOCGIFSLAVE ||
        (is_about_v4(cmd) && family != AF_INET))
        return -ENOTTY;
    r.ifr_name[sizeof(r.ifr_name) - 1] = 0;
    if (question(cmd) != 0)
        return change(cmd, &r);
    long err = ask(cmd, &r);
    return err != 0 ? err : put_user(r, arg);
}
