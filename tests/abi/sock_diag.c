/* NETLINK_SOCK_DIAG: which sockets there are, one by its ends, by state and port; more of them than one answer has room for. */
#include "inet.h"
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* As in linux/netlink.h and linux/inet_diag.h, which not every C library's headers go with. */
struct head {
    uint32_t len;
    uint16_t type, flags;
    uint32_t seq, pid;
};
struct ends {
    uint16_t sport, dport;
    uint32_t src[4], dst[4], device, cookie[2];
};
struct request {
    struct head head;
    uint8_t family, protocol, ext, pad;
    uint32_t states;
    struct ends id;
};
struct found {
    uint8_t family, state, timer, retrans;
    struct ends id;
    uint32_t expires, rqueue, wqueue, uid, inode;
};
enum { BY_FAMILY = 20, ERROR = 2, DONE = 3, REQUEST = 1, MULTI = 2, DUMP = 0x300, SOCK_DIAG = 4 };

static int netlink;

static int shown; /* of a dump's sockets, how many are printed */

static void show(const struct found *f)
{
    char src[64] = "", dst[64] = "";
    static uint16_t first; /* ports that the kernel chose are told by whether they are that one */

    inet_ntop(f->family, f->id.src, src, sizeof(src));
    inet_ntop(f->family, f->id.dst, dst, sizeof(dst));
    if (first == 0)
        first = f->id.sport;
    SAY("  family %d state %d %s:%d %s:%d queues %u %u uid %u inode %d cookie %d\n", f->family,
        f->state, src, f->id.sport != 0, dst, f->id.dport != 0, f->rqueue, f->wqueue, f->uid,
        f->inode != 0, f->id.cookie[0] != 0);
}

/* Says what comes; how many sockets. */
static int answers(void)
{
    static char b[32768] __attribute__((aligned(8)));
    int n = 0;

    for (;;) {
        int got = try(recv(netlink, b, sizeof(b), 0));
        if (got < 0) {
            SAY("  recv %d\n", got);
            return n;
        }
        for (struct head *h = (void *)b; got >= (int)sizeof(*h);
             got -= h->len, h = (void *)((char *)h + h->len)) {
            if (h->type == DONE)
                return n;
            if (h->type == ERROR) {
                SAY("  error %d\n", *(int *)(h + 1));
                return n;
            }
            n++;
            if (n <= shown)
                show((void *)(h + 1));
            if (!(h->flags & MULTI))
                return n;
        }
    }
}

static int ask(struct request *r, int flags)
{
    r->head = (struct head){ sizeof(*r), BY_FAMILY, (uint16_t)(REQUEST | flags), 7, 0 };
    CHECK(send(netlink, r, sizeof(*r), 0) == sizeof(*r));
    return answers();
}

static int all(int family, int protocol, unsigned states)
{
    struct request r = { .family = family, .protocol = protocol, .states = states };

    return ask(&r, DUMP);
}

static int make(int family, int type, int *port)
{
    struct sockaddr_in6 a = { .sin6_family = family, .sin6_port = htons(*port) };
    socklen_t len = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(a);
    int s = socket(family, type, 0);

    if (family == AF_INET)
        ((struct sockaddr_in *)&a)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else
        a.sin6_addr = in6addr_loopback;
    CHECK(bind(s, (void *)&a, len) == 0 && getsockname(s, (void *)&a, &len) == 0);
    *port = ntohs(a.sin6_port);
    return s;
}

/* A program that chooses: instructions of 4 bytes, a code, how far on for "yes", how far for "no". */
static void choose(const char *what, const void *code, int n)
{
    struct {
        struct request r;
        uint16_t len, type;
        char code[64];
    } q = { .r = { .family = AF_INET, .protocol = IPPROTO_UDP, .states = -1 }, .type = 1 };

    q.len = (uint16_t)(4 + n);
    memcpy(q.code, code, n);
    q.r.head = (struct head){ sizeof(q.r) + q.len, BY_FAMILY, REQUEST | DUMP, 7, 0 };
    CHECK(send(netlink, &q, q.r.head.len, 0) == (int)q.r.head.len);
    SAY("%s\n", what);
    n = answers();
    SAY("  %d\n", n);
}

struct op {
    uint8_t code, yes;
    uint16_t no;
};

static void programs(void)
{
    enum { NOP, JMP, S_GE, S_LE, D_GE, D_LE, AUTO, S_COND, D_COND, S_EQ = 11 };
    int one = 7001, two = 7002, three = 7003;
    int s[3] = { make(AF_INET, SOCK_DGRAM, &one), make(AF_INET, SOCK_DGRAM, &two),
                 make(AF_INET, SOCK_DGRAM, &three) };
    struct op least[] = { { S_GE, 8, 12 }, { 0, 0, 7002 } };
    struct op both[] = { { S_GE, 8, 20 }, { 0, 0, 7002 }, { S_LE, 8, 12 }, { 0, 0, 7002 } };
    struct op either[] = {
        { S_EQ, 8, 12 }, { 0, 0, 7001 }, { JMP, 4, 12 }, { S_EQ, 8, 12 }, { 0, 0, 7003 }
    };
    struct op past[] = { { S_GE, 8, 16 }, { 0, 0, 7002 } };
    struct op inside[] = { { S_GE, 8, 12 }, { 0, 0, 7002 }, { S_LE, 8, 8 }, { 0, 0, 7002 } };
    struct op short_one[] = { { S_GE, 8, 12 } };
    struct op back[] = { { NOP, 0, 0 } };
    struct {
        struct op op;
        uint8_t family, bits;
        int port;
        uint32_t address;
    } host = { { S_COND, 16, 20 }, AF_INET, 8, -1, htonl(INADDR_LOOPBACK) };

    shown = 0;
    choose("at least", least, sizeof(least));
    choose("both", both, sizeof(both));
    choose("one or the other", either, sizeof(either));
    choose("an address", &host, sizeof(host));
    host.port = 7003;
    choose("and a port", &host, sizeof(host));
    host.address = htonl(0x0a000001);
    choose("another address", &host, sizeof(host));
    host.bits = 33;
    choose("too many bits", &host, sizeof(host));
    choose("past the end", past, sizeof(past));
    choose("not all of it", short_one, sizeof(short_one));
    choose("no way on", back, sizeof(back));
    inside[0].no = 4;
    choose("into an instruction", inside, sizeof(inside));
    for (int i = 0; i < 3; i++)
        close(s[i]);
    shown = 9;
}

static void streams(void)
{
    struct request r = { .family = AF_INET, .protocol = IPPROTO_TCP, .states = -1 };
    struct sockaddr_in a;
    socklen_t len = sizeof(a);
    int port = 0, l = make(AF_INET, SOCK_STREAM, &port), s = socket(AF_INET, SOCK_STREAM, 0);

    CHECK(listen(l, 7) == 0 && getsockname(l, (void *)&a, &len) == 0);
    CHECK(connect(s, (void *)&a, len) == 0);
    SAY("listening, one waits\n");
    all(AF_INET, IPPROTO_TCP, 1 << 10);
    int c = accept(l, NULL, NULL);
    CHECK(send(s, "abc", 3, 0) == 3);
    CHECK(recv(c, &len, 3, MSG_PEEK) == 3);
    r.id.sport = a.sin_port;
    r.states = 1 << 1;
    SAY("by its port\n");
    ask(&r, DUMP);
    SAY("closed ones: %d, of IPv6: %d\n", all(AF_INET, IPPROTO_TCP, 1 << 7),
        all(AF_INET6, IPPROTO_TCP, -1));
    len = sizeof(a);
    CHECK(getsockname(s, (void *)&a, &len) == 0);
    r.id.sport = htons(port);
    r.id.dport = a.sin_port;
    r.id.src[0] = r.id.dst[0] = htonl(INADDR_LOOPBACK);
    r.id.cookie[0] = r.id.cookie[1] = -1;
    SAY("by both ends\n");
    ask(&r, 0);
    r.id.dport = htons(1);
    r.id.sport = htons(1);
    SAY("none\n");
    ask(&r, 0);
    close(l);
    close(s);
    close(c);
}

static void datagrams(void)
{
    int port = 0, s[60];

    for (int i = 0; i < 60; i++, port = 0)
        s[i] = make(i % 2 ? AF_INET6 : AF_INET, SOCK_DGRAM, &port);
    shown = 1;
    SAY("many: %d", all(AF_INET, IPPROTO_UDP, -1));
    SAY(" %d", all(AF_INET6, IPPROTO_UDP, -1));
    SAY(" %d\n", all(AF_INET, IPPROTO_UDPLITE, -1));
    struct request r = { .head = { sizeof(r), BY_FAMILY, REQUEST | DUMP, 7, 0 },
                         .family = AF_INET,
                         .protocol = IPPROTO_UDP,
                         .states = -1 };
    int other = socket(AF_NETLINK, SOCK_RAW, SOCK_DIAG); /* ends in the middle of one */
    CHECK(send(other, &r, sizeof(r), 0) == sizeof(r));
    close(other);
    for (int i = 0; i < 60; i++)
        close(s[i]);
    shown = 9;
}

static void refused(void)
{
    struct request r = { .family = AF_INET, .protocol = IPPROTO_TCP };

    SAY("no such family\n");
    all(77, 0, -1);
    SAY("no such protocol\n");
    all(AF_INET, 99, -1);
    SAY("short\n");
    r.head = (struct head){ 20, BY_FAMILY, REQUEST | DUMP, 7, 0 };
    CHECK(send(netlink, &r, 20, 0) == 20);
    answers();
    r.head = (struct head){ sizeof(r), 99, REQUEST | DUMP, 7, 0 };
    SAY("no such request\n");
    CHECK(send(netlink, &r, sizeof(r), 0) == sizeof(r));
    answers();
}

static void test(void)
{
    if (!alone())
        return;
    netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, SOCK_DIAG);
    CHECK(netlink >= 0);
    struct timeval t = { .tv_sec = 5 };
    CHECK(setsockopt(netlink, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)) == 0);
    shown = 9;
    streams();
    datagrams();
    programs();
    refused();
}
