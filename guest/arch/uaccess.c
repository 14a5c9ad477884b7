/* uaccess.c - user memory, reached with the MMU as the judge.
 *
 * Every instruction here that touches user memory has an entry in __ex_table:
 * where to go on if the page fault handler could not settle the fault.  RCX then
 * says how much a REP had left.  With SMAP, AC is set only around these.
 *
 * Where the kernel runs in ring 3 its root has no user memory, so nothing here could touch
 * it: user_reach gives the page's address in the direct map.  mapped_end is 0 there, so the
 * check of the range finds it out. */
#include "arch/uaccess.h"
#include "arch/cpu.h"
#include "lib/string.h"
#include "sync/lock.h"

uint64_t user_end = 0x00007ffffffff000;
static uint64_t mapped_end = 0x00007ffffffff000; /* [k] 0 where nothing is mapped; else user_end */
static const struct user_reach *user_reach;

void uaccess_reach_by(const struct user_reach *r)
{
    user_reach = r;
    mapped_end = 0;
}

static inline bool mapped_range(uaddr_t at, size_t n)
{
    return n <= mapped_end && at <= mapped_end - n;
}

#define EX_TABLE(at, fixup) \
    ".pushsection __ex_table, \"a\"\n .long " at " - ., " fixup " - .\n .popsection\n"

/* --- where it is not mapped ------------------------------------------------------- */

enum direction { TO_USER, FROM_USER, CLEAR_USER };

static SLOW_PATH int by_reach(uaddr_t at, void *kernel, size_t n, enum direction what)
{
    if (user_reach == NULL || !user_range(at, n))
        return -EFAULT;
    LOCK_USER_MEMORY();
    for (size_t part; n > 0; at += part, kernel = (char *)kernel + part, n -= part) {
        part = MIN(n, PAGE_SIZE - (at & (PAGE_SIZE - 1)));
        char *p = user_reach->begin(at, what != FROM_USER);
        if (p == NULL)
            return -EFAULT;
        if (what == TO_USER)
            memcpy(p, kernel, part);
        else if (what == FROM_USER)
            memcpy(kernel, p, part);
        else
            memset(p, 0, part);
        user_reach->end();
    }
    return 0;
}

static SLOW_PATH long string_by_reach(char *to, uaddr_t from, size_t room)
{
    size_t n = 0;
    if (user_reach == NULL)
        return -EFAULT;
    LOCK_USER_MEMORY();
    while (n < room) {
        size_t part = MIN(room - n, PAGE_SIZE - ((from + n) & (PAGE_SIZE - 1)));
        const char *p = from + n < USER_END ? user_reach->begin(from + n, false) : NULL;
        if (p == NULL)
            return -EFAULT;
        size_t len = strnlen(p, part);
        memcpy(to + n, p, MIN(len + 1, part));
        user_reach->end();
        n += len;
        if (len < part)
            return (long)n;
    }
    return -ENAMETOOLONG;
}

static SLOW_PATH int cmpxchg_by_reach(uaddr_t at, uint32_t *old, uint32_t expected,
                                      uint32_t desired)
{
    if (user_reach == NULL || !user_range(at, 4))
        return -EFAULT;
    LOCK_USER_MEMORY();
    char *p = user_reach->begin(at, true);
    if (p == NULL)
        return -EFAULT;
    *old = expected;
    __atomic_compare_exchange_n((uint32_t *)p, old, desired, false, __ATOMIC_SEQ_CST,
                                __ATOMIC_SEQ_CST);
    user_reach->end();
    return 0;
}

/* --- where it is ------------------------------------------------------------------- */

static inline void user_open(void)
{
    LOCK_USER_MEMORY();
    if (cpu_has.smap)
        __asm__ volatile("stac" : : : "memory");
}
static inline void user_close(void)
{
    if (cpu_has.smap)
        __asm__ volatile("clac" : : : "memory");
}

/* One of the two is a user address. */
static int copy(uint64_t to, uint64_t from, size_t n)
{
    long err = 0;
    uint64_t words = n / 8;
    user_open();
    __asm__ volatile("1: rep movsq\n"
                     "   mov %[tail], %%rcx\n"
                     "2: rep movsb\n"
                     "3:\n"
                     ".pushsection .text.fixup, \"ax\"\n"
                     "4: mov %[fault], %[err]\n"
                     "   jmp 3b\n"
                     ".popsection\n" EX_TABLE("1b", "4b") EX_TABLE("2b", "4b")
                     : "+&D"(to), "+&S"(from), "+&c"(words), [err] "+&r"(err)
                     : [tail] "r"(n % 8), [fault] "i"(-EFAULT)
                     : "memory");
    user_close();
    return (int)err;
}

/* One instruction that reads user memory: v from `from`, or err. */
#define LOAD(instruction) \
    __asm__ volatile("1: " instruction "\n" \
                     "2:\n" \
                     ".pushsection .text.fixup, \"ax\"\n" \
                     "3: mov %[fault], %[err]\n" \
                     "   jmp 2b\n" \
                     ".popsection\n" EX_TABLE("1b", "3b") \
                     : [v] "+r"(v), [err] "+r"(err) \
                     : [from] "r"(from), [fault] "i"(-EFAULT) \
                     : "memory")

/* A word of 4 or 8 bytes costs one instruction less to set up than REP does. */
static int load(uint64_t *value, uaddr_t from, size_t n)
{
    long err = 0;
    uint64_t v = 0;
    user_open();
    if (n == 8)
        LOAD("mov (%[from]), %[v]");
    else
        LOAD("mov (%[from]), %k[v]");
    user_close();
    *value = v;
    return (int)err;
}

int copy_from_user(void *to, uaddr_t from, size_t n)
{
    if (!mapped_range(from, n))
        return by_reach(from, to, n, FROM_USER);
    uint64_t v;
    int err;
    switch (n) {
    case 8:
        if ((err = load(&v, from, 8)) == 0)
            __builtin_memcpy(to, &v, 8);
        return err;
    case 4:
        if ((err = load(&v, from, 4)) == 0)
            __builtin_memcpy(to, &v, 4);
        return err;
    }
    return copy((uint64_t)to, from, n);
}

int copy_to_user(uaddr_t to, const void *from, size_t n)
{
    if (!mapped_range(to, n))
        return by_reach(to, (void *)from, n, TO_USER);
    return copy(to, (uint64_t)from, n);
}

int clear_user(uaddr_t at, size_t n)
{
    if (!mapped_range(at, n))
        return by_reach(at, NULL, n, CLEAR_USER);
    long err = 0;
    uint64_t words = n / 8;
    user_open();
    __asm__ volatile("1: rep stosq\n"
                     "   mov %[tail], %%rcx\n"
                     "2: rep stosb\n"
                     "3:\n"
                     ".pushsection .text.fixup, \"ax\"\n"
                     "4: mov %[fault], %[err]\n"
                     "   jmp 3b\n"
                     ".popsection\n" EX_TABLE("1b", "4b") EX_TABLE("2b", "4b")
                     : "+&D"(at), "+&c"(words), [err] "+&r"(err)
                     : "a"(0), [tail] "r"(n % 8), [fault] "i"(-EFAULT)
                     : "memory");
    user_close();
    return (int)err;
}

static int load_byte(char *c, uaddr_t from)
{
    return from < mapped_end ? copy((uint64_t)c, from, 1) : -EFAULT;
}

/* Bit 7 of each byte of v that is 0, at least of the lowest such byte. */
static inline uint64_t zero_bytes(uint64_t v)
{
    return (v - 0x0101010101010101ull) & ~v & 0x8080808080808080ull;
}

long strncpy_from_user(char *to, uaddr_t from, size_t room)
{
    size_t n = 0;
    while (n < room) {
        /* Eight at once, unless they reach into another page or out of room. */
        if (room - n >= 8 && (from + n) % PAGE_SIZE <= PAGE_SIZE - 8 && from + n < mapped_end) {
            uint64_t v;
            if (load(&v, from + n, 8) != 0)
                return -EFAULT;
            __builtin_memcpy(to + n, &v, 8);
            uint64_t zero = zero_bytes(v);
            if (zero)
                return (long)n + __builtin_ctzll(zero) / 8;
            n += 8;
        } else {
            if (load_byte(to + n, from + n) != 0)
                return string_by_reach(to, from, room);
            if (to[n] == '\0')
                return (long)n;
            n++;
        }
    }
    return -ENAMETOOLONG;
}

int user_cmpxchg32(uaddr_t at, uint32_t *old, uint32_t expected, uint32_t desired)
{
    if (at % 4 != 0)
        return -EFAULT;
    if (!mapped_range(at, 4))
        return cmpxchg_by_reach(at, old, expected, desired);
    long err = 0;
    uint32_t seen = expected;
    user_open();
    __asm__ volatile("1: lock cmpxchg %k[desired], (%[at])\n"
                     "2:\n"
                     ".pushsection .text.fixup, \"ax\"\n"
                     "3: mov %[fault], %[err]\n"
                     "   jmp 2b\n"
                     ".popsection\n" EX_TABLE("1b", "3b")
                     : "+a"(seen), [err] "+r"(err)
                     : [at] "r"(at), [desired] "r"(desired), [fault] "i"(-EFAULT)
                     : "memory", "cc");
    user_close();
    *old = seen;
    return (int)err;
}

int copy_struct_from_user(void *to, size_t ours, uaddr_t from, size_t theirs)
{
    char rest[64];

    memset(to, 0, ours);
    if (copy_from_user(to, from, MIN(ours, theirs)) != 0)
        return -EFAULT;
    for (size_t at = ours; at < theirs;) {
        size_t n = MIN(theirs - at, sizeof rest);
        if (copy_from_user(rest, from + at, n) != 0)
            return -EFAULT;
        for (size_t i = 0; i < n; i++)
            if (rest[i] != 0)
                return -E2BIG;
        at += n;
    }
    return 0;
}
