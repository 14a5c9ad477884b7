/* Datagrams for many: groups of multicast on lo, who has joined and who wants all, broadcasts, which way they go. */
#include "inet.h"
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static struct sockaddr_in at(const char *host, int port)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };

    inet_pton(AF_INET, host, &a.sin_addr);
    return a;
}

static int datagrams(const char *host, int port)
{
    struct sockaddr_in a = at(host, port);
    int s = socket(AF_INET, SOCK_DGRAM, 0), on = 1;

    CHECK(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0);
    CHECK(bind(s, (void *)&a, sizeof(a)) == 0);
    return s;
}

static int set(int s, int level, int option, int value)
{
    return try(setsockopt(s, level, option, &value, sizeof(value)));
}

static int readers[4];

static void send_to(const char *what, int s, const char *host)
{
    static int n;
    struct sockaddr_in a = at(host, 5555);
    char b[64] = "";

    n++;
    SAY("%s: %s, got", what,
        sendto(s, b, n, 0, (void *)&a, sizeof(a)) == n ? "sent" : strerror(errno));
    for (int i = 0; i < 4; i++)
        SAY(" %d", try(recv(readers[i], b, sizeof(b), MSG_DONTWAIT)) == n);
    SAY("\n");
}

static void test(void)
{
    struct in_addr lo = { htonl(INADDR_LOOPBACK) }, got;
    socklen_t len = sizeof(got);
    struct ip_mreq m = { .imr_interface = lo };

    if (!alone())
        return;
    inet_pton(AF_INET, "239.1.2.3", &m.imr_multiaddr);
    readers[0] = datagrams("0.0.0.0", 5555);
    readers[1] = datagrams("239.1.2.3", 5555);
    readers[2] = datagrams("0.0.0.0", 5555);
    readers[3] = datagrams("127.0.0.1", 5555);
    int s = socket(AF_INET, SOCK_DGRAM, 0), bound = datagrams("127.0.0.1", 0);
    int device = socket(AF_INET, SOCK_DGRAM, 0), plain = socket(AF_INET, SOCK_DGRAM, 0);
    send_to("no way", s, "239.1.2.3");
    CHECK(setsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, &lo, sizeof(lo)) == 0);
    CHECK(getsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, &got, &len) == 0 && got.s_addr == lo.s_addr);
    send_to("nobody has joined", s, "239.1.2.3");
    CHECK(setsockopt(readers[0], IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof(m)) == 0);
    send_to("one has", s, "239.1.2.3");
    send_to("another group", s, "239.1.2.4");
    SAY("not all: %d\n", set(readers[2], IPPROTO_IP, IP_MULTICAST_ALL, 0));
    send_to("then", s, "239.1.2.3");
    SAY("no loop: %d\n", set(s, IPPROTO_IP, IP_MULTICAST_LOOP, 0));
    send_to("lo has one", s, "239.1.2.3");
    send_to("from an address", bound, "239.1.2.3");
    SAY("by a device: %d\n", try(setsockopt(device, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3)));
    send_to("so", device, "239.1.2.3");
    send_to("no right", bound, "127.255.255.255");
    for (int i = 0; i < 3; i++)
        CHECK(set(i == 0 ? bound : i == 1 ? device : plain, SOL_SOCKET, SO_BROADCAST, 1) == 0);
    send_to("broadcast", bound, "127.255.255.255");
    send_to("to all", bound, "255.255.255.255");
    send_to("to all by it", device, "255.255.255.255");
    send_to("to all, no way", plain, "255.255.255.255");
    struct sockaddr_in a = at("239.1.2.3", 5555);
    SAY("connect %d", try(connect(plain, (void *)&a, sizeof(a))));
    SAY(" %d", try(connect(s, (void *)&a, sizeof(a))));
    len = sizeof(a);
    CHECK(getsockname(s, (void *)&a, &len) == 0);
    SAY(", from %x, send %d\n", ntohl(a.sin_addr.s_addr), try(send(s, "x", 1, 0)));
    SAY("in two pieces: %d", try(send(s, "ab", 2, MSG_MORE)));
    SAY(" %d", try(send(s, "c", 1, 0)));
    char b[9];
    SAY(", come %d", try(recv(readers[0], b, sizeof(b), MSG_DONTWAIT)));
    SAY(" %d\n", try(recv(readers[0], b, sizeof(b), MSG_DONTWAIT)));
    CHECK(setsockopt(readers[0], IPPROTO_IP, IP_DROP_MEMBERSHIP, &m, sizeof(m)) == 0);
    while (recv(readers[1], b, sizeof(b), MSG_DONTWAIT) > 0)
        ;
    SAY("left: %d", try(send(s, "x", 1, 0)));
    SAY(" %d\n", try(recv(readers[1], b, sizeof(b), MSG_DONTWAIT)));
}
