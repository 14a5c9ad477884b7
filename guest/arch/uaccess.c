/* uaccess.c - user memory, reached with the MMU as the judge.
 *
 * Every instruction here that touches user memory has an entry in __ex_table:
 * where to go on if the page fault handler could not settle the fault.  RCX then
 * says how much a REP had left.  With SMAP, AC is set only around these. */
#include "arch/uaccess.h"
#include "arch/cpu.h"
#include "sync/lock.h"

#define EX_TABLE(at, fixup) \
    ".pushsection __ex_table, \"a\"\n .long " at " - ., " fixup " - .\n .popsection\n"

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
    if (!user_range(from, n))
        return -EFAULT;
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
    if (!user_range(to, n))
        return -EFAULT;
    return copy(to, (uint64_t)from, n);
}

int clear_user(uaddr_t at, size_t n)
{
    if (!user_range(at, n))
        return -EFAULT;
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
    return from < USER_END ? copy((uint64_t)c, from, 1) : -EFAULT;
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
        if (room - n >= 8 && (from + n) % PAGE_SIZE <= PAGE_SIZE - 8 && from + n < USER_END) {
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
                return -EFAULT;
            if (to[n] == '\0')
                return (long)n;
            n++;
        }
    }
    return -ENAMETOOLONG;
}

int user_cmpxchg32(uaddr_t at, uint32_t *old, uint32_t expected, uint32_t desired)
{
    if (at % 4 != 0 || !user_range(at, 4))
        return -EFAULT;
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
