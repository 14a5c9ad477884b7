/* /proc/net: where it is, the heads of its files, rows of sockets of each family (found by inode), lo's
 * counters, and that lo is in no table of routes or neighbours. */
#include "check.h"
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

static char text[1 << 20];

static char *net_text(const char *name)
{
    char path[64];
    long n = 0, got;

    snprintf(path, sizeof(path), "/proc/net/%s", name);
    int fd = open(path, O_RDONLY);
    CHECK(fd >= 0);
    while ((got = read(fd, text + n, sizeof(text) - 1 - n)) > 0)
        n += got;
    text[n] = 0;
    close(fd);
    return text;
}

static unsigned long inode_of(int fd)
{
    struct stat st;

    CHECK(fstat(fd, &st) == 0);
    return st.st_ino;
}

/* The next line that has `what` as its column number n (from 0); NULL: none. */
static char *row(char *from, int n, const char *what)
{
    static char line[1024], copy[1024];

    for (char *at = strchr(from, '\n'); at != NULL && at[1] != 0; at = strchr(at + 1, '\n')) {
        snprintf(line, sizeof(line), "%.*s", (int)strcspn(at + 1, "\n"), at + 1);
        strcpy(copy, line);
        char *word = strtok(copy, " \t");
        for (int i = 0; i < n && word != NULL; i++)
            word = strtok(NULL, " \t");
        if (word != NULL && strcmp(word, what) == 0)
            return line;
    }
    return NULL;
}

static char *row_of(const char *file, int column, int fd)
{
    char what[32];

    snprintf(what, sizeof(what), "%lu", inode_of(fd));
    return row(net_text(file), column, what);
}

/* --- what there is ----------------------------------------------------------------------------- */

static void heads(void)
{
    static const char *const all[] = { "arp", "dev",  "netlink", "raw",  "raw6", "route",
                                       "tcp", "tcp6", "udp",     "udp6", "unix" };
    char link[32] = { 0 };
    struct stat a, b;

    CHECK(readlink("/proc/net", link, sizeof(link) - 1) > 0);
    SAY("/proc/net -> %s\n", link);
    CHECK(stat("/proc/self/net", &a) == 0 && stat("/proc/net/", &b) == 0 && S_ISDIR(a.st_mode));
    CHECK(a.st_ino == b.st_ino && (a.st_mode & 07777) == 0555);
    CHECK(stat("/proc/thread-self/net/dev", &a) == 0 && (a.st_mode & 07777) == 0444);
    for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        net_text(all[i]);
        SAY("%s: %.*s$\n", all[i], (int)strcspn(text, "\n"), text);
    }
    net_text("dev");
    char *second = strchr(text, '\n') + 1;
    SAY("dev: %.*s$\n", (int)strcspn(second, "\n"), second);
}

static void lo_alone(void)
{
    char metric[9], flags[9], name[16];

    CHECK(strstr(net_text("if_inet6"), "00000000000000000000000000000001 01 80 10 80       lo\n"));
    char *line = strstr(net_text("ipv6_route"), "00000000000000000000000000000001 80 ");
    CHECK(line != NULL);
    CHECK(sscanf(line, "%*s %*s %*s %*s %*s %8s %*s %*s %8s %15s", metric, flags, name) == 3);
    SAY("route to ::1: %s %s %s\n", metric, flags, name);
    CHECK(row(net_text("route"), 0, "lo") == NULL && row(net_text("arp"), 5, "lo") == NULL);
}

/* --- sockets ------------------------------------------------------------------------------------- */

/* Flags, type, state, name; not the address, references and inode. */
static void say_unix(const char *what, int fd)
{
    char *line = row_of("unix", 6, fd);
    unsigned flags, type, state;
    int name = 0;

    CHECK(line != NULL);
    if (line == NULL)
        return;
    CHECK(sscanf(line, "%*s %*x %*x %x %x %x %*u%n", &flags, &type, &state, &name) == 3);
    SAY("%s: %x %04x %02x%s$\n", what, flags, type, state, line + name);
}

static struct sockaddr_un address(socklen_t *len, const char *name, unsigned n)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };

    memcpy(a.sun_path, name, n);
    *len = offsetof(struct sockaddr_un, sun_path) + n;
    return a;
}

static void unix_sockets(void)
{
    int pair[2], s = socket(AF_UNIX, SOCK_STREAM, 0), d = socket(AF_UNIX, SOCK_DGRAM, 0),
                 c = socket(AF_UNIX, SOCK_STREAM, 0), abstract = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    char name[64];
    socklen_t len;

    CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
    say_unix("one of a pair", pair[0]);
    say_unix("fresh", s);
    struct sockaddr_un a = address(&len, "socket", 7);
    CHECK(bind(s, (void *)&a, len) == 0);
    say_unix("bound", s);
    CHECK(listen(s, 1) == 0);
    say_unix("listening", s);
    CHECK(connect(c, (void *)&a, len) == 0);
    say_unix("connected", c);
    int waiting = 0, accepted; /* has no file yet, and the name of who listens */
    for (char *at = net_text("unix"); (at = strstr(at, " 02     0 socket\n")) != NULL; at++)
        waiting++;
    CHECK_EQ(waiting, 1);
    CHECK((accepted = accept(s, NULL, NULL)) >= 0);
    say_unix("accepted", accepted);
    close(c);
    say_unix("left alone", accepted);
    int n = snprintf(name, sizeof(name), "%cabi%c%d", 0, 0, check_self);
    a = address(&len, name, n);
    CHECK(bind(abstract, (void *)&a, len) == 0);
    snprintf(name, sizeof(name), " @abi@%d", check_self);
    char *line = row_of("unix", 6, abstract);
    CHECK(line != NULL && strstr(line, name) != NULL && strstr(line, name)[strlen(name)] == 0);
    a = address(&len, "datagrams", 9); /* without a NUL */
    CHECK(bind(d, (void *)&a, len) == 0);
    say_unix("for datagrams", d);
    unsigned long gone = inode_of(d);
    close(d);
    snprintf(name, sizeof(name), "%lu", gone);
    CHECK(row(net_text("unix"), 6, name) == NULL);
    unlink("socket"), unlink("datagrams");
    close(pair[0]), close(pair[1]), close(s), close(accepted), close(abstract);
}

static void netlink_sockets(void)
{
    int s = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    struct sockaddr_nl a = { .nl_family = AF_NETLINK, .nl_groups = 0x11 };
    struct nlmsghdr h = { .nlmsg_len = 16, .nlmsg_type = NLMSG_NOOP, .nlmsg_flags = NLM_F_ACK };
    unsigned pid, groups, rmem, dump, drops;

    CHECK(bind(s, (void *)&a, sizeof(a)) == 0);
    for (int i = 0; i < 2; i++) {
        char *line = row_of("netlink", 9, s);
        CHECK(line != NULL &&
              sscanf(line, "%*s 0 %u %x %u 0 %u %*u %u", &pid, &groups, &rmem, &dump, &drops) == 5);
        CHECK(pid == (unsigned)getpid() && groups == 0x11 && drops == 0 && dump == 0);
        CHECK(i ? rmem >= 36 : rmem == 0);
        CHECK(send(s, &h, sizeof(h), 0) == sizeof(h));
    }
    close(s);
}

static void inet_sockets(int family)
{
    int t = socket(family, SOCK_STREAM, 0), u = socket(family, SOCK_DGRAM, 0);
    unsigned state, one, two;

    CHECK(listen(t, 5) == 0);
    struct sockaddr_in6 a = { .sin6_family = family };
    CHECK(bind(u, (void *)&a, family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(a)) == 0);
    char *line = row_of(family == AF_INET ? "tcp" : "tcp6", 9, t);
    CHECK(line != NULL && line[4] == ':');
    CHECK(sscanf(line, "%*u: %*s %*s %x %x:%x", &state, &one, &two) == 3);
    SAY("listens: state %x queues %x %x\n", state, one, two);
    line = row_of(family == AF_INET ? "udp" : "udp6", 9, u);
    CHECK(line != NULL && line[5] == ':');
    CHECK(sscanf(line, "%*u: %*s %*s %x %x:%x", &state, &one, &two) == 3);
    SAY("takes datagrams: state %x queues %x %x\n", state, one, two);
    close(t), close(u);
}

/* --- traffic ---------------------------------------------------------------------------------------- */

struct counts {
    unsigned long in_bytes, in_packets, out_bytes, out_packets;
};

static struct counts of_lo(void)
{
    struct counts c = { 0 };
    char *line = row(net_text("dev"), 0, "lo:");

    CHECK(line != NULL && sscanf(line, " lo: %lu %lu %*u %*u %*u %*u %*u %*u %lu %lu", &c.in_bytes,
                                 &c.in_packets, &c.out_bytes, &c.out_packets) == 4);
    CHECK(c.in_bytes == c.out_bytes && c.in_packets == c.out_packets);
    return c;
}

static void traffic(int family, unsigned heads)
{
    int s = socket(family, SOCK_DGRAM, 0);
    struct sockaddr_in6 a = { .sin6_family = family };
    socklen_t len = sizeof(a);
    char bytes[1000] = { 0 };

    if (family == AF_INET)
        ((struct sockaddr_in *)&a)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else
        a.sin6_addr = in6addr_loopback;
    CHECK(bind(s, (void *)&a, family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(a)) == 0);
    CHECK(getsockname(s, (void *)&a, &len) == 0);
    struct counts before = of_lo();
    for (int i = 0; i < 10; i++)
        CHECK(sendto(s, bytes, sizeof(bytes), 0, (void *)&a, len) == sizeof(bytes));
    for (int i = 0; i < 10; i++)
        CHECK(recv(s, bytes, sizeof(bytes), 0) == sizeof(bytes));
    struct counts after = of_lo(); /* others may use it, too */
    CHECK(after.in_packets - before.in_packets >= 10);
    CHECK(after.in_bytes - before.in_bytes >= 10 * (sizeof(bytes) + heads));
    close(s);
}

static void test(void)
{
    heads();
    lo_alone();
    unix_sockets();
    netlink_sockets();
    inet_sockets(AF_INET);
    inet_sockets(AF_INET6);
    traffic(AF_INET, 28);
    traffic(AF_INET6, 48);
}
