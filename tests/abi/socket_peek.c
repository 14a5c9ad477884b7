/* SO_PEEK_OFF: a look begins where the last one ended, and what is read moves the place back.  Streams, datagrams, packets. */
#include "inet.h"
#include <netinet/in.h>
#include <sys/socket.h>

static void show(const char *what, int s, size_t n, int flags)
{
    char b[64] = "";
    int got = try(recv(s, b, n, flags | MSG_DONTWAIT)), at = -9;
    socklen_t len = sizeof(at);

    CHECK(getsockopt(s, SOL_SOCKET, SO_PEEK_OFF, &at, &len) == 0);
    SAY("%s: %d '%.*s', then at %d\n", what, got, got < 0 ? 0 : got, b, at);
}

static int set(int s, int at)
{
    return try(setsockopt(s, SOL_SOCKET, SO_PEEK_OFF, &at, sizeof(at)));
}

static void look(int out, int in, int stream)
{
    static const char *const texts[] = { "abcd", "efg", "hijkl" };

    for (int i = 0; i < 3; i++)
        CHECK(send(out, texts[i], strlen(texts[i]), 0) == (int)strlen(texts[i]));
    show("as ever", in, 2, MSG_PEEK);
    SAY("from the start: %d\n", set(in, 0));
    show("two", in, 2, MSG_PEEK);
    show("on", in, 3, MSG_PEEK);
    show("on", in, 64, MSG_PEEK);
    show("the rest", in, 64, MSG_PEEK);
    show("nothing", in, 64, MSG_PEEK);
    show("read", in, stream ? 5 : 64, 0);
    show("look", in, 64, MSG_PEEK);
    SAY("at two: %d\n", set(in, 2));
    show("look", in, 64, MSG_PEEK);
    show("read", in, 2, 0);
    SAY("off: %d\n", set(in, -1));
    show("look", in, 64, MSG_PEEK);
    show("read", in, 64, 0);
    show("read", in, 64, 0);
    show("none", in, 64, 0);
}

static void test(void)
{
    static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
    struct sockaddr_in a = { .sin_family = AF_INET };
    socklen_t len = sizeof(a);
    int s[2];

    for (int i = 0; i < 3; i++) {
        SAY("AF_UNIX, type %d\n", types[i]);
        CHECK(socketpair(AF_UNIX, types[i], 0, s) == 0);
        look(s[0], s[1], i == 0);
    }
    SAY("UDP\n");
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s[0] = socket(AF_INET, SOCK_DGRAM, 0);
    s[1] = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK(bind(s[1], (void *)&a, len) == 0 && getsockname(s[1], (void *)&a, &len) == 0);
    CHECK(connect(s[0], (void *)&a, len) == 0);
    look(s[0], s[1], 0);
    SAY("TCP\n");
    int l = socket(AF_INET, SOCK_STREAM, 0);
    if (set(l, 0) == -EOPNOTSUPP) {
        SAY("# this Linux has none of TCP: not compared\n");
        return;
    }
    CHECK(listen(l, 1) == 0 && getsockname(l, (void *)&a, &len) == 0);
    s[0] = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(connect(s[0], (void *)&a, len) == 0);
    s[1] = accept(l, NULL, NULL);
    look(s[0], s[1], 1);
}
