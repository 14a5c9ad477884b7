/* socket.h - between socket.c (descriptors, names), message.c (bytes) and sockopt.c. */
#ifndef NET_SOCKET_H
#define NET_SOCKET_H

#include "net/abi.h"

struct file;
struct unix_socket;

union socket_address {
    struct sockaddr_un un;
    struct __kernel_sockaddr_storage room;
};

/* 0, -EBADF for NULL, -ENOTSOCK. */
int socket_of(const struct file *f, struct unix_socket **s);
int socket_address_in(uaddr_t from, int len, union socket_address *a); /* 0, -EINVAL, -EFAULT */
/* What fits; the user's length becomes the whole one. */
int socket_address_out(const struct sockaddr_un *a, int len, uaddr_t to, uaddr_t tolen);

#endif
