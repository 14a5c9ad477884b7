/* abi.h - numbers and structures of the socket calls.  Linux's UAPI headers leave them to the C
 * library, all but the names of options; so they stand here, once. */
#ifndef NET_ABI_H
#define NET_ABI_H

#include "lib/base.h"
#include <asm/socket.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/netlink.h>
#include <linux/socket.h>
#include <linux/un.h>

#define AF_UNSPEC  0
#define AF_UNIX    1
#define AF_INET    2
#define AF_INET6   10
#define AF_NETLINK 16

#define SOCK_STREAM    1
#define SOCK_DGRAM     2
#define SOCK_RAW       3
#define SOCK_SEQPACKET 5
#define SOCK_TYPE_MASK 15
#define SOCK_CLOEXEC   ((uint32_t)O_CLOEXEC)
#define SOCK_NONBLOCK  ((uint32_t)O_NONBLOCK)

#define SOL_SOCKET      1
#define SOL_IP          0
#define SOL_TCP         6
#define SOL_UDP         17
#define SOL_IPV6        41
#define SOL_NETLINK     270
#define SCM_RIGHTS      1
#define SCM_CREDENTIALS 2
#define SCM_MAX_FD      253u

#define MSG_OOB          0x1u
#define MSG_PEEK         0x2u
#define MSG_CTRUNC       0x8u
#define MSG_TRUNC        0x20u
#define MSG_DONTWAIT     0x40u
#define MSG_WAITALL      0x100u
#define MSG_ERRQUEUE     0x2000u
#define MSG_NOSIGNAL     0x4000u
#define MSG_MORE         0x8000u
#define MSG_WAITFORONE   0x10000u
#define MSG_FASTOPEN     0x20000000u
#define MSG_CMSG_CLOEXEC 0x40000000u

#define SHUT_RD   1u /* as bits; shutdown(2) counts from 0 */
#define SHUT_WR   2u
#define SOMAXCONN 4096

struct sockaddr {
    uint16_t sa_family;
    char sa_data[14];
};
#define ARPHRD_LOOPBACK 772

struct linger {
    int l_onoff, l_linger;
};
struct ucred {
    uint32_t pid, uid, gid;
};
struct user_msghdr {
    uint64_t name;
    int32_t namelen;
    uint64_t iov, iovlen, control, controllen;
    uint32_t flags;
};
struct user_mmsghdr {
    struct user_msghdr hdr;
    uint32_t len;
};
_Static_assert(sizeof(struct user_msghdr) == 56 && sizeof(struct user_mmsghdr) == 64, "Linux's");
struct cmsghdr {
    uint64_t len;
    int32_t level, type;
};
#define CMSG_ALIGN(n) (((n) + 7) & ~7ul)

#endif
