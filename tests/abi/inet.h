/* inet.h - what the programs about sockets share. */
#ifndef TESTS_ABI_INET_H
#define TESTS_ABI_INET_H

#include "check.h"
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

__attribute__((unused)) static int try(long r) { return r < 0 ? -errno : (int)r; }

/* A network with lo alone, where nobody else sends, listens or owns a port.  0, and why is told: there is none to be had. */
__attribute__((unused)) static int alone(void)
{
    struct ifreq r = { .ifr_name = "lo", .ifr_flags = IFF_UP };

    if (is_forkscope()) /* it has but one, and that is such a one */
        return 1;
    int err = unshare(CLONE_NEWNET) != 0 ? errno : 0;
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    if (err == 0 && ioctl(s, SIOCSIFFLAGS, &r) != 0)
        err = errno;
    close(s);
    if (err != 0)
        SAY("# no network of its own: %s\n", strerror(err));
    return err == 0;
}

#endif
