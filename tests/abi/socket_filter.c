/* SO_ATTACH_FILTER: which datagrams a socket gets, and how much of them; programs that are none; what is locked. */
#include "inet.h"
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

/* As in linux/filter.h, which not every C library's headers go with. */
struct insn {
    uint16_t code;
    uint8_t jt, jf;
    uint32_t k;
};
struct program {
    unsigned short len;
    const struct insn *filter;
};
enum {
    LD_LEN = 0x80,
    LD_W = 0x20,
    LD_H = 0x28,
    LD_B = 0x30,
    LD_B_IND = 0x50,
    LDX_MSH = 0xb1,
    LD_IMM = 0,
    LDX_IMM = 1,
    JEQ = 0x15,
    JGT = 0x25,
    RET = 6,
    RET_A = 0x16,
    ADD = 4,
    MOD = 0x94,
    MOD_X = 0x9c,
    TAX = 7,
    ST = 2,
    LD_MEM = 0x60,
    XOR_X = 0xac,
};
#define NET 0xfff00000u
#define AD  0xfffff000u

static int attach(int s, const struct insn *i, int n)
{
    struct program p = { n, i };

    return try(setsockopt(s, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof(p)));
}
#define ATTACH(s, ...) \
    attach(s, (const struct insn[]){ __VA_ARGS__ }, \
           sizeof((struct insn[]){ __VA_ARGS__ }) / sizeof(struct insn))

static void pair(int family, int s[2])
{
    struct sockaddr_in a = { .sin_family = AF_INET };
    socklen_t len = sizeof(a);

    if (family == AF_UNIX) {
        CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, s) == 0);
        return;
    }
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s[0] = socket(AF_INET, SOCK_DGRAM, 0);
    s[1] = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK(bind(s[1], (void *)&a, len) == 0 && getsockname(s[1], (void *)&a, &len) == 0);
    CHECK(connect(s[0], (void *)&a, len) == 0);
}

static void through(const char *what, int s[2])
{
    static const char *const texts[] = { "a", "bcd", "0123456789" };
    char b[32];

    SAY("%s:", what);
    for (int i = 0; i < 3; i++)
        CHECK(send(s[0], texts[i], strlen(texts[i]), 0) == (int)strlen(texts[i]));
    for (int n; (n = recv(s[1], b, sizeof(b), MSG_DONTWAIT)) >= 0;)
        SAY(" %.*s", n, b);
    SAY("\n");
}

static void some(int family)
{
    int s[2], at = family == AF_INET ? 8 : 0; /* UDP's header is before it */

    pair(family, s);
    SAY("family %d\n", family);
    SAY("all %d, ", ATTACH(s[1], { RET, 0, 0, 0xffffffff }));
    through("all", s);
    SAY("none %d, ", ATTACH(s[1], { RET, 0, 0, 0 }));
    through("none", s);
    SAY("cut %d, ", ATTACH(s[1], { RET, 0, 0, at + 2 }));
    through("two", s);
    SAY("by length %d, ", ATTACH(s[1], { LD_LEN, 0, 0, 0 }, { JGT, 0, 1, at + 2 },
                                 { RET, 0, 0, 100 }, { RET, 0, 0, 0 }));
    through("long ones", s);
    SAY("by a byte %d, ", ATTACH(s[1], { LD_B, 0, 0, at + 1 }, { JEQ, 0, 1, 'c' },
                                 { RET, 0, 0, 100 }, { RET, 0, 0, 0 }));
    through("c", s);
    SAY("by two %d, ",
        ATTACH(s[1], { LDX_IMM, 0, 0, at }, { LD_B_IND, 0, 0, 2 }, { MOD, 0, 0, 16 },
               { TAX, 0, 0, 0 }, { LD_IMM, 0, 0, 111 }, { MOD_X, 0, 0, 0 }, { ADD, 0, 0, at },
               { ST, 0, 0, 3 }, { LD_MEM, 0, 0, 3 }, { RET_A, 0, 0, 0 }));
    through("so much", s);
    SAY("a word %d, ", ATTACH(s[1], { LD_W, 0, 0, at }, { JEQ, 0, 1, 0x30313233 },
                              { RET, 0, 0, 100 }, { RET, 0, 0, 0 }));
    through("digits", s);
    SAY("a protocol %d, ", ATTACH(s[1], { LD_W, 0, 0, AD }, { JEQ, 0, 1, 0x800 },
                                  { RET, 0, 0, 100 }, { RET, 0, 0, 0 }));
    through("IP", s);
    if (family == AF_INET) {
        SAY("IP's head %d, ",
            ATTACH(s[1], { LD_B, 0, 0, NET + 9 }, { JEQ, 0, 3, 17 }, { LD_W, 0, 0, NET + 12 },
                   { JEQ, 0, 1, INADDR_LOOPBACK }, { RET, 0, 0, 100 }, { RET, 0, 0, 0 }));
        through("from here", s);
        SAY("UDP's %d, ", ATTACH(s[1], { LD_H, 0, 0, 4 }, { JEQ, 0, 1, 11 }, { RET, 0, 0, 100 },
                                 { RET, 0, 0, 0 }));
        through("three", s);
    }
    SAY("detach %d", try(setsockopt(s[1], SOL_SOCKET, SO_DETACH_FILTER, &at, sizeof(at))));
    SAY(" %d, ", try(setsockopt(s[1], SOL_SOCKET, SO_DETACH_FILTER, &at, sizeof(at))));
    through("all again", s);
    close(s[0]);
    close(s[1]);
}

static void refused(void)
{
    int s = socket(AF_UNIX, SOCK_DGRAM, 0), on = 1, n = -1;
    struct insn many[] = { { RET, 0, 0, 1 } }, back[8];
    struct program p = { 1, many };
    socklen_t len = sizeof(n);

    SAY("no program: %d %d", attach(s, many, 0), attach(s, NULL, 1));
    SAY(" %d", attach(s, (void *)8, 1));
    SAY(" %d\n", try(setsockopt(s, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof(p) - 1)));
    SAY("no end %d, ", ATTACH(s, { LD_IMM, 0, 0, 1 }));
    SAY("no such thing %d, ", ATTACH(s, { 0xff, 0, 0, 1 }, { RET, 0, 0, 1 }));
    SAY("too far %d, ", ATTACH(s, { JEQ, 1, 0, 1 }, { RET, 0, 0, 1 }));
    SAY("by zero %d, ", ATTACH(s, { MOD, 0, 0, 0 }, { RET, 0, 0, 1 }));
    SAY("not stored %d, ", ATTACH(s, { LD_MEM, 0, 0, 1 }, { RET, 0, 0, 1 }));
    SAY("no extension %d\n", ATTACH(s, { LD_W, 0, 0, AD + 200 }, { RET, 0, 0, 1 }));
    len = 0;
    SAY("none: %d", try(getsockopt(s, SOL_SOCKET, SO_ATTACH_FILTER, back, &len)));
    SAY(" %d, ", (int)len);
    CHECK(ATTACH(s, { LD_LEN, 0, 0, 0 }, { XOR_X, 0, 0, 0 }, { RET_A, 0, 0, 0 }) == 0);
    len = 0;
    SAY("its length: %d", try(getsockopt(s, SOL_SOCKET, SO_ATTACH_FILTER, back, &len)));
    SAY(" %d, ", (int)len);
    len = 2;
    SAY("no room %d, ", try(getsockopt(s, SOL_SOCKET, SO_ATTACH_FILTER, back, &len)));
    len = 8;
    SAY("read %d", try(getsockopt(s, SOL_SOCKET, SO_ATTACH_FILTER, back, &len)));
    SAY(" %d: %x %x %x\n", (int)len, back[0].code, back[1].code, back[2].code);
    SAY("lock %d, ", try(setsockopt(s, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof(on))));
    len = sizeof(n);
    CHECK(getsockopt(s, SOL_SOCKET, SO_LOCK_FILTER, &n, &len) == 0);
    SAY("%d, attach %d, detach %d, ", n, attach(s, many, 1),
        try(setsockopt(s, SOL_SOCKET, SO_DETACH_FILTER, &on, sizeof(on))));
    on = 0;
    SAY("unlock %d, ", try(setsockopt(s, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof(on))));
    CHECK(getsockopt(s, SOL_SOCKET, SO_BPF_EXTENSIONS, &n, &len) == 0);
    SAY("extensions %d\n", n);
    close(s);
}

static void test(void)
{
    some(AF_INET);
    some(AF_UNIX);
    refused();
}
