/* calls_structs.c - what some calls take as a structure: one of the form that they know, with numbers that mean
 * something to them or nearly do.  Without it, chance would hardly ever get behind the first check. */
#include "calls.h"
#include <netinet/in.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "shared/syscall_numbers.h"

/* Linux's headers are not there. */
struct sock_filter {
    uint16_t code;
    uint8_t jt, jf;
    uint32_t k;
};
struct sock_fprog {
    uint16_t len;
    struct sock_filter *filter;
};
#define LOAD    0x20 /* LD | W | ABS */
#define IF_SAME 0x15 /* JMP | JEQ | K */
#define RETURN  0x06

#define SLOTS 128u
#define BYTES 512u

/* In turn, so that some of another thread's are changed while the kernel looks at them. */
static char *slot(void)
{
    static char slots[SLOTS][BYTES] __attribute__((aligned(64)));
    static unsigned turn;
    char *s = slots[__atomic_fetch_add(&turn, 1, __ATOMIC_RELAXED) % SLOTS];

    for (unsigned i = 0; i < BYTES; i++)
        ((volatile char *)s)[i] = 0;
    return s;
}

static uint64_t pick(struct random *r, const uint64_t *of, unsigned n) { return of[below(r, n)]; }
#define ONE_OF(r, ...) \
    pick(r, (const uint64_t[]){ __VA_ARGS__ }, \
         sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t))

static long somewhere(struct random *r)
{
    return (long)(ARENA + below(r, ARENA_PAGES) * PAGE + below(r, 512) * 8);
}

static uint64_t odd(struct random *r)
{
    return ONE_OF(r, 0, 1, 2, 8, 4096, INT32_MAX, UINT32_MAX, INT64_MAX, UINT64_MAX, 1ull << 47);
}

/* --- sockets --- */

static long address(struct random *r, long *len)
{
    char *s = slot();
    uint16_t port = (uint16_t)ONE_OF(r, 0, 0x401f, 0x411f, 0x0100);

    switch (below(r, 5)) {
    case 0:
    case 1: {
        struct sockaddr_in *a = (void *)s;
        a->sin_family = AF_INET;
        a->sin_port = port;
        a->sin_addr.s_addr = (uint32_t)ONE_OF(r, 0x0100007f, 0x0100007f, 0, 0x010000e0, 0xffffffff);
        *len = sizeof(*a);
        break;
    }
    case 2: {
        struct sockaddr_in6 *a = (void *)s;
        a->sin6_family = AF_INET6;
        a->sin6_port = port;
        a->sin6_addr.s6_addr[15] = (uint8_t)below(r, 3);
        if (one_in(r, 4)) {
            a->sin6_addr.s6_addr[0] = 0xff;
            a->sin6_addr.s6_addr[1] = 2;
        }
        a->sin6_scope_id = (uint32_t)below(r, 2);
        *len = sizeof(*a);
        break;
    }
    case 3:
        *(uint16_t *)s = 16; /* AF_NETLINK */
        ((uint32_t *)s)[1] = (uint32_t)below(r, 3);
        *len = 12;
        break;
    default:
        *(uint16_t *)s = AF_UNIX;
        s[3] = (char)('a' + below(r, 4));
        *len = 4;
    }
    if (one_in(r, 12))
        *len = (long)ONE_OF(r, 0, 1, 2, 15, 27, 128, 129, UINT32_MAX);
    return (long)s;
}

/* A request of NETLINK_SOCK_DIAG or NETLINK_ROUTE, or a packet's head. */
static long payload(struct random *r, long *len)
{
    uint32_t *w = (void *)slot();
    uint16_t *h = (void *)w;

    *len = (long)ONE_OF(r, 8, 20, 40, 72, 76, 84, 100, 200);
    switch (below(r, 4)) {
    case 0:
        w[0] = (uint32_t)*len;
        h[2] = (uint16_t)ONE_OF(r, 20, 20, 18, 22, 26, 21);
        h[3] = (uint16_t)ONE_OF(r, 0x301, 1, 5, 0x305);
        ((uint8_t *)w)[16] = (uint8_t)ONE_OF(r, 2, 10, 1, 16);
        ((uint8_t *)w)[17] = (uint8_t)ONE_OF(r, 6, 17, 255, 1);
        ((uint8_t *)w)[18] = (uint8_t)below(r, 256);
        w[5] = UINT32_MAX;
        h[36] = (uint16_t)ONE_OF(r, 4, 8, 12, *len - 72, 500);
        h[37] = (uint16_t)below(r, 3);
        for (unsigned i = 38; i < 100; i++)
            h[i] = (uint16_t)ONE_OF(r, 4, 8, 12, 0x0400, 0x0801, 0x0402, 0x0c07, 0x1009, 0);
        break;
    case 1: /* of IPv4, that of ICMP behind it */
        *(uint8_t *)w = (uint8_t)ONE_OF(r, 0x45, 0x45, 0x46, 0x4f, 0x40, 0x00);
        ((uint8_t *)w)[8] = 64;
        ((uint8_t *)w)[9] = (uint8_t)ONE_OF(r, 1, 6, 17, 255, 2, 0);
        w[3] = w[4] = 0x0100007f;
        w[5] = (uint32_t)ONE_OF(r, 8, 0, 3, 0x401f411f);
        break;
    case 2: w[0] = (uint32_t)ONE_OF(r, 8, 0, 128, 129, 3, 0x401f411f); break;
    default:
        for (unsigned i = 0; i < 50; i++)
            w[i] = (uint32_t)next_random(r);
    }
    return (long)w;
}

static long message(struct random *r)
{
    uint64_t *m = (void *)slot(), *v = (void *)slot();
    uint32_t *c = (void *)slot();
    long len = 0, n = 0;

    v[0] = (uint64_t)payload(r, &n);
    v[1] = (uint64_t)n;
    v[2] = (uint64_t)somewhere(r);
    v[3] = below(r, 5000);
    if (one_in(r, 2)) {
        m[0] = (uint64_t)address(r, &len);
        ((uint32_t *)m)[2] = (uint32_t)len;
    }
    m[2] = (uint64_t)v;
    m[3] = below(r, 3);
    if (one_in(r, 2)) {
        m[4] = (uint64_t)c;
        m[5] = ONE_OF(r, 16, 20, 24, 32, 48, 12, 100);
        c[0] = (uint32_t)ONE_OF(r, 20, 24, 28, 16, 100);
        c[2] = (uint32_t)ONE_OF(r, 1, 1, 0, 41);
        c[3] = (uint32_t)ONE_OF(r, 1, 1, 2, 8, 50);
        for (unsigned i = 4; i < 12; i++)
            c[i] = (uint32_t)below(r, 40);
    }
    return (long)m;
}

static long filter(struct random *r)
{
    static const uint16_t code[] = { 0x20, 0x28, 0x30, 0x40, 0x48, 0x50, 0xb1, 0x80, 0x15, 0x25,
                                     0x05, 0x04, 0x34, 0x94, 0x07, 0x87, 0x02, 0x60, 0x16, 0x06 };
    struct sock_filter *f = (void *)slot();
    struct sock_fprog *p = (void *)slot();
    unsigned n = 1 + (unsigned)below(r, 12);

    for (unsigned i = 0; i < n; i++)
        f[i] = (struct sock_filter){
            code[below(r, sizeof(code) / 2)], (uint8_t)below(r, 4), (uint8_t)below(r, 4),
            (uint32_t)ONE_OF(r, 0, 1, 4, 8, 60, 0xfffff000, 0xfff00000, 0xffe00000, UINT32_MAX, 111)
        };
    f[n - 1] = (struct sock_filter){ 0x06, 0, 0, (uint32_t)ONE_OF(r, 0, 1, 20, UINT32_MAX) };
    *p = (struct sock_fprog){ (uint16_t)n, f };
    return (long)p;
}

/* Three calls get an answer of it, all others go through. */
static long call_filter(void)
{
    struct sock_filter *f = (void *)slot();
    struct sock_fprog *p = (void *)slot();
    const struct sock_filter its[] = {
        { LOAD, 0, 0, 0 },
        { IF_SAME, 3, 0, __NR_getpgrp },
        { IF_SAME, 3, 0, __NR_getuid },
        { IF_SAME, 3, 0, __NR_getgid },
        { RETURN, 0, 0, 0x7fff0000 }, /* ALLOW */
        { RETURN, 0, 0, 0x7fc00000 }, /* USER_NOTIF */
        { RETURN, 0, 0, 0x00050005 }, /* ERRNO */
        { RETURN, 0, 0, 0x7ff00007 }, /* TRACE */
    };

    for (unsigned i = 0; i < sizeof(its) / sizeof(*its); i++)
        f[i] = its[i];
    *p = (struct sock_fprog){ sizeof(its) / sizeof(*its), f };
    return (long)p;
}

long fuzz_listener(void)
{
    struct call c = { .nr = 317 /* seccomp */, .arg = { 1, 8, call_filter() } };

    return raw_call(&c);
}

static void option(struct random *r, struct call *c)
{
    static const uint16_t of[][2] = {
        { 1, 2 },   { 1, 6 },   { 1, 8 },   { 1, 10 },   { 1, 13 },  { 1, 15 },  { 1, 16 },
        { 1, 18 },  { 1, 20 },  { 1, 26 },  { 1, 27 },   { 1, 29 },  { 1, 35 },  { 1, 42 },
        { 1, 44 },  { 1, 50 },  { 1, 39 },  { 1, 59 },   { 1, 77 },  { 1, 17 },  { 0, 1 },
        { 0, 2 },   { 0, 3 },   { 0, 8 },   { 0, 10 },   { 0, 11 },  { 0, 12 },  { 0, 32 },
        { 0, 33 },  { 0, 34 },  { 0, 35 },  { 0, 36 },   { 0, 39 },  { 0, 40 },  { 0, 41 },
        { 0, 42 },  { 0, 45 },  { 0, 46 },  { 0, 48 },   { 41, 1 },  { 41, 7 },  { 41, 16 },
        { 41, 17 }, { 41, 18 }, { 41, 20 }, { 41, 21 },  { 41, 25 }, { 41, 26 }, { 41, 36 },
        { 41, 49 }, { 255, 1 }, { 58, 1 },  { 6, 1 },    { 6, 3 },   { 6, 11 },  { 17, 1 },
        { 270, 1 }, { 270, 2 }, { 270, 9 }, { 270, 12 },
    };
    unsigned i = (unsigned)below(r, sizeof(of) / sizeof(*of));
    uint32_t *w = (void *)slot();

    c->arg[1] = of[i][0];
    c->arg[2] = of[i][1];
    c->arg[3] = (long)w;
    w[0] = (uint32_t)ONE_OF(r, 0, 1, 2, 0x010000e0, UINT32_MAX, 1 << 20);
    w[1] = (uint32_t)ONE_OF(r, 0, 0x0100007f, 1);
    w[2] = (uint32_t)ONE_OF(r, 1, 0, 2, 1000);
    if (c->nr == __NR_getsockopt) {
        uint32_t *n = (void *)slot();
        *n = (uint32_t)ONE_OF(r, 4, 8, 1, 0, 128, 512, UINT32_MAX);
        c->arg[4] = (long)n;
        return;
    }
    c->arg[4] = (long)ONE_OF(r, 4, 4, 1, 8, 12, 16, 136, 20);
    if (of[i][0] == 1 && of[i][1] == 26) {
        c->arg[3] = filter(r);
        c->arg[4] = 16;
    }
}

/* --- ioctl --- */

static void ask_device(struct random *r, struct call *c)
{
    uint64_t *w = (void *)slot();

    c->arg[2] = (long)w;
    switch (below(r, 6)) {
    case 0: /* a listener */
        c->arg[1] = (long)ONE_OF(r, 0xc0502100, 0xc0502100, 0xc0182101, 0x40082102, 0x40182103,
                                 0x80082102, 0x40082104, 0x40202103);
        if (c->arg[1] == 0xc0502100)
            return;
        w[0] = 1 + below(r, 4);
        if (c->arg[1] == 0xc0182101)
            ((uint32_t *)w)[5] = (uint32_t)below(r, 2);
        else {
            ((uint32_t *)w)[2] = (uint32_t)below(r, 4);
            ((uint32_t *)w)[3] = (uint32_t)below(r, 32);
            ((uint32_t *)w)[4] = one_in(r, 2) ? (uint32_t)below(r, 40) : 0;
        }
        return;
    case 1: /* a namespace */
        c->arg[1] = (long)ONE_OF(r, 0xb701, 0xb702, 0xb703, 0xb704, 0x8008b705, 0x8004b706,
                                 0x8010b70a, 0x8010b70b, 0x8010b70c, 0x8008b70d);
        return;
    case 2: /* a mapping */
        c->arg[1] = (long)0xc0686611;
        w[0] = ONE_OF(r, 104, 104, 24, 4096, 103);
        w[1] = below(r, 64);
        w[2] = (uint64_t)(one_in(r, 2) ? 0 : somewhere(r));
        ((uint32_t *)w)[20] = (uint32_t)ONE_OF(r, 0, 64, 4096, UINT32_MAX);
        w[11] = ((uint32_t *)w)[20] ? (uint64_t)somewhere(r) : 0;
        return;
    case 3: /* a loop device */
        c->arg[1] = (long)(0x4c00 + below(r, 11));
        if (c->arg[1] == 0x4c00 || c->arg[1] == 0x4c06)
            c->arg[2] = (long)below(r, 16);
        else if (c->arg[1] == 0x4c0a)
            ((uint32_t *)w)[0] = 3;
        return;
    case 4:
        c->arg[1] = (long)ONE_OF(r, 0x1260, 0x1261, 0x125d, 0x125e, 0x1262, 0x1263, 0x1277, 0x127f,
                                 0x80081272, 0x4c80, 0x4c81, 0x4c82);
        w[0] = ONE_OF(r, 0, 512, 4096, 1 << 20, UINT64_MAX);
        w[1] = ONE_OF(r, 0, 512, 4096, 1 << 20, UINT64_MAX);
        return;
    }
    c->arg[1] = (long)ONE_OF(r, 0x80086601, 0x40086602, 0x801c581f, 0x401c5820, 0x40049409, 0x8905,
                             0x8912, 0x8913, 0x8933, 0x541b, 0x5411, 0x8906, 0x8907);
    w[0] = ONE_OF(r, 0, 3, 16, 0x6f6c, UINT64_MAX);
    w[1] = odd(r);
}

/* --- others --- */

static long descriptor_of_segment(struct random *r)
{
    uint32_t *w = (void *)slot();

    w[0] = (uint32_t)ONE_OF(r, 0, 1, 511, 512, 8191, 8192);
    w[1] = (uint32_t)odd(r);
    w[2] = (uint32_t)ONE_OF(r, 0xfffff, 0, 1, UINT32_MAX);
    w[3] = (uint32_t)below(r, 256);
    return (long)w;
}

static void scheduling(struct random *r, struct call *c)
{
    uint32_t *w = (void *)slot();

    w[0] = (uint32_t)ONE_OF(r, 48, 48, 56, 0, 60);
    w[1] = (uint32_t)ONE_OF(r, 0, 1, 2, 3, 5, 6, 7);
    ((uint64_t *)w)[1] = ONE_OF(r, 0, 1, 2, 4, 8, 0x78);
    w[4] = (uint32_t)ONE_OF(r, 0, 10, UINT32_MAX);
    w[5] = w[1] == 1 || w[1] == 2 ? 1 + (uint32_t)below(r, 3) : 0;
    if (w[1] == 6) {
        ((uint64_t *)w)[3] = ONE_OF(r, 1 << 20, 2 << 20, 1 << 10, UINT64_MAX);
        ((uint64_t *)w)[4] = ONE_OF(r, 10 << 20, 4 << 20, 1 << 10);
        ((uint64_t *)w)[5] = ONE_OF(r, 10 << 20, 20 << 20, 0);
    }
    c->arg[1] = (long)w;
    c->arg[2] = 0;
}

static long clock_changes(struct random *r)
{
    uint64_t *w = (void *)slot();

    *(uint32_t *)w =
        (uint32_t)ONE_OF(r, 0, 1, 2, 0x10, 0x80, 0x100, 0x2000, 0x4000, 0x8001, 0xa001);
    for (unsigned i = 1; i < 13; i++)
        w[i] = ONE_OF(r, 0, 1, 10000, 9000, 11000, 500000, UINT64_MAX, 1ull << 32);
    return (long)w;
}

static void key(struct random *r, struct call *c)
{
    c->arg[0] = (long)below(r, 34);
    for (unsigned i = 1; i < 5; i++)
        c->arg[i] =
            one_in(r, 3) ? (long)slot() : (long)ONE_OF(r, -1, -2, -3, -4, -5, -7, 1, 2, 3, 64);
    if (c->arg[0] == 7 && one_in(r, 2)) /* the one that is everybody's */
        c->arg[1] = -3;
}

static long name(struct random *r, const char *const *of, unsigned n)
{
    return (long)of[below(r, n)];
}
#define NAME(r, ...) \
    name(r, (const char *const[]){ __VA_ARGS__ }, \
         sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

static long event(struct random *r)
{
    uint32_t *w = (void *)slot();

    ((uint64_t *)w)[0] = (uint64_t)slot();
    w[2] = (uint32_t)ONE_OF(r, 10, 10, 0, 64, 65, 20); /* or a netlink socket */
    w[3] = (uint32_t)ONE_OF(r, 0, 1, 2, 4);
    w[4] = (uint32_t)below(r, 4);
    return (long)w;
}

static void mounts(struct random *r, struct call *c)
{
    uint64_t *w = (void *)slot();

    switch (c->nr) {
    case __NR_mount:
        c->arg[3] =
            (long)ONE_OF(r, 0x1000, 0x5000, 0x2000, 1 << 20, 1 << 19, 1 << 18, 1 << 17,
                         (1 << 20) | 0x4000, (1 << 18) | 0x4000, (1 << 19) | 0x4000, 0, 0x20);
        if (one_in(r, 3))
            c->arg[0] = NAME(r, "/proc/self/ns/mnt", "/proc/self/ns/uts", "/proc/self/fd/3", "d",
                             "/", "/proc/self/root", "/sys");
        if (one_in(r, 3))
            c->arg[1] = NAME(r, "a", "d", "e", "/", "/proc/sys/kernel", "/sys/block",
                             "/proc/self/fd/3", "/proc/self", "/proc");
        c->arg[2] = NAME(r, "tmpfs", "proc", "sysfs", "devpts", "mqueue", "nsfs");
        break;
    case __NR_mount_setattr:
        w[0] = ONE_OF(r, 0, 1, 2, 4, 8, 0x10, 0x20, UINT64_MAX);
        w[1] = ONE_OF(r, 0, 0, 1, 0x70);
        w[2] = ONE_OF(r, 0, 1 << 20, 1 << 19, 1 << 18, 1 << 17);
        c->arg[2] = (long)ONE_OF(r, 0, 0x8000, 0x1000, 0x9000);
        c->arg[3] = (long)w;
        c->arg[4] = (long)ONE_OF(r, 32, 32, 40, 0);
        break;
    case __NR_open_tree: c->arg[2] = (long)ONE_OF(r, 0, 1, 0x8001, 0x80001, 0x1001, 0x9001); break;
    case __NR_move_mount: c->arg[4] = (long)ONE_OF(r, 0, 4, 0x44, 0x40, 0x100, 0x200, 0x204); break;
    case __NR_fsopen: c->arg[0] = NAME(r, "tmpfs", "proc", "sysfs", "devpts", "x"); break;
    case __NR_fsconfig:
        c->arg[1] = (long)below(r, 9);
        c->arg[2] = one_in(r, 4) ? 0 : NAME(r, "source", "size", "mode", "ro", "x", "uid");
        c->arg[3] = one_in(r, 3) ? 0 : NAME(r, "1m", "700", "x", "0", "");
        c->arg[4] = 0;
        break;
    default: /* statmount, listmount */
        ((uint32_t *)w)[0] = (uint32_t)ONE_OF(r, 24, 32, 24, 16);
        w[1] = ONE_OF(r, 1, 2, 3, 20, 0x80000001, UINT64_MAX, 0x80000010);
        w[2] = ONE_OF(r, 1, 0x1ff, 0xffff, UINT64_MAX, 0);
        w[3] = below(r, 12);
        c->arg[0] = (long)w;
        c->arg[3] = one_in(r, 4);
    }
}

/* PR_SET_MM: where its arguments, heap and so on are, as it says. */
static void places(struct random *r, struct call *c)
{
    uint64_t *w = (void *)slot(), at = (uint64_t)somewhere(r);

    c->arg[0] = 35;
    c->arg[1] = (long)below(r, 16);
    c->arg[2] = one_in(r, 2) ? somewhere(r) : (long)odd(r);
    c->arg[3] = c->arg[4] = 0;
    if (one_in(r, 2))
        return;
    for (unsigned i = 0; i < 11; i += 2)
        w[i] = at + below(r, 8) * PAGE;
    for (unsigned i = 1; i < 11; i += 2)
        w[i] = w[i - 1] + ONE_OF(r, 1, 8, PAGE, 8 * PAGE, 1ull << 40);
    w[10] = w[9] + ONE_OF(r, 0, 4, 1ull << 40);
    w[4] = w[5] - below(r, 2) * PAGE; /* the heap: 4 and 5; the stack: 6; 7 and 8; 9 and 10 */
    w[8] = w[7] + below(r, 5000);
    w[11] = one_in(r, 3) ? (uint64_t)slot() : 0;
    ((uint32_t *)w)[24] = w[11] ? (uint32_t)(8 * below(r, 70)) : 0;
    ((uint32_t *)w)[25] = one_in(r, 4) ? (uint32_t)below(r, 40) : UINT32_MAX;
    c->arg[1] = 14;
    c->arg[2] = (long)w;
    c->arg[3] = 104;
}

void mend_structs(struct random *r, struct call *c)
{
    uint64_t *w;

    if (one_in(r, 4))
        return;
    switch (c->nr) {
    case __NR_bind:
    case __NR_connect: c->arg[1] = address(r, &c->arg[2]); break;
    case __NR_sendto:
        c->arg[1] = payload(r, &c->arg[2]);
        c->arg[3] = (long)ONE_OF(r, 0x40, 0x41, 0x4040, 0x8040);
        if (one_in(r, 2))
            c->arg[4] = address(r, &c->arg[5]);
        break;
    case __NR_recvfrom: c->arg[3] = (long)ONE_OF(r, 0x40, 0x41, 0x42, 0x2040, 0x60); break;
    case __NR_sendmsg: c->arg[1] = message(r); break;
    case __NR_recvmsg:
        c->arg[1] = message(r);
        c->arg[2] = (long)ONE_OF(r, 0x40, 0x41, 0x42, 0x2040, 0x60);
        break;
    case __NR_getsockopt:
    case __NR_setsockopt: option(r, c); break;
    case __NR_socket:
        c->arg[0] = (long)ONE_OF(r, 1, 2, 2, 10, 16);
        c->arg[1] = (long)ONE_OF(r, 1, 2, 3) | 0x800;
        c->arg[2] = (long)ONE_OF(r, 0, 0, 1, 4, 6, 17, 58, 255);
        break;
    case __NR_ioctl: ask_device(r, c); break;
    case __NR_seccomp:
        c->arg[0] = 1;
        c->arg[1] = (long)ONE_OF(r, 0, 8, 1, 0x11, 0x19, 0x28, 2);
        c->arg[2] = call_filter();
        break;
    case __NR_modify_ldt:
        c->arg[0] = (long)ONE_OF(r, 0, 1, 2, 0x11, 0x11);
        if (c->arg[0] & 1) {
            c->arg[1] = descriptor_of_segment(r);
            c->arg[2] = 16;
        }
        break;
    case __NR_sched_setattr: scheduling(r, c); break;
    case __NR_adjtimex: c->arg[0] = clock_changes(r); break;
    case __NR_clock_adjtime:
        c->arg[0] = 0;
        c->arg[1] = clock_changes(r);
        break;
    case __NR_keyctl: key(r, c); break;
    case __NR_add_key:
    case __NR_request_key:
        c->arg[0] = NAME(r, "user", "user", "keyring", "keyring", "logon", "x");
        c->arg[1] = NAME(r, "a", "b", "c:d", "");
        c->arg[2] = c->nr == __NR_add_key && c->arg[0] == (long)"keyring" ? 0 : (long)slot();
        c->arg[3] = (long)below(r, 9);
        c->arg[4] = (long)ONE_OF(r, -1, -2, -3, -4, -5);
        break;
    case __NR_mq_open:
        c->arg[0] = NAME(r, "a", "b", "c");
        c->arg[1] = (long)ONE_OF(r, 0102, 02, 0, 04102, 0302);
        w = (void *)slot();
        w[1] = ONE_OF(r, 1, 10, 0, UINT64_MAX, 100000);
        w[2] = ONE_OF(r, 8, 8192, 0, UINT64_MAX, 1 << 25);
        c->arg[3] = one_in(r, 2) ? 0 : (long)w;
        break;
    case __NR_mq_unlink: c->arg[0] = NAME(r, "a", "b", "c"); break;
    case __NR_mq_notify: c->arg[1] = one_in(r, 3) ? 0 : event(r); break;
    case __NR_timer_create: c->arg[1] = one_in(r, 2) ? 0 : event(r); break;
    case __NR_unshare:
        c->arg[0] = (long)ONE_OF(r, CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_FS, CLONE_FILES,
                                 CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC, CLONE_SYSVSEM);
        break;
    case __NR_setns:
        c->arg[0] = (long)(one_in(r, 2) ? below(r, 48) : 21 + below(r, 3));
        c->arg[1] = (long)ONE_OF(r, 0, 0, CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC);
        break;
    case __NR_pivot_root:
        c->arg[0] = NAME(r, ".", "d", "/", "e");
        c->arg[1] = NAME(r, ".", "d", "d/e", "/proc");
        break;
    case __NR_mount:
    case __NR_mount_setattr:
    case __NR_open_tree:
    case __NR_move_mount:
    case __NR_fsopen:
    case __NR_fsconfig:
    case __NR_statmount:
    case __NR_listmount: mounts(r, c); break;
    case __NR_ptrace:
        c->arg[0] = (long)ONE_OF(r, 0x4206, 0x4207, 16, 17, 7, 0x4205, 0x4204, 0x420e, 0x420c,
                                 0x420d, 0x420f, 0x4212, 0x4208, 24, 9, 12, 13, 0x4200, 30);
        break;
    case __NR_prctl:
        if (one_in(r, 4))
            places(r, c);
        else if (one_in(r, 3)) {
            c->arg[0] = (long)ONE_OF(r, 59, 25, 26, 28, 47, 22, 22, 0x53564d41, 65, 4, 33);
            if (c->arg[0] == 59 || c->arg[0] == 26)
                c->arg[1] = 0;
            if (c->arg[0] == 22) {
                c->arg[1] = 2;
                c->arg[2] = call_filter();
            }
        }
        break;
    }
}
