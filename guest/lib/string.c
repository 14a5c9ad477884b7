/* string.c - memory and strings, by string instructions where ring 0's cost is
 * counted in instructions: one REP step moves 8 bytes.  Tails of less than 8
 * bytes go one by one.  The compiler itself calls the first four. */
#include "lib/string.h"

typedef uint64_t __attribute__((may_alias, aligned(1))) word_t;

/* Bit 7 of each byte of v that is 0, at least of the lowest such byte. */
static inline uint64_t zero_bytes(uint64_t v)
{
    return (v - 0x0101010101010101ull) & ~v & 0x8080808080808080ull;
}

void *memcpy(void *to, const void *from, size_t n)
{
    void *d = to;
    size_t words = n / 8;
    __asm__ volatile("rep movsq" : "+D"(d), "+S"(from), "+c"(words) : : "memory");
    if ((n &= 7) != 0)
        __asm__ volatile("rep movsb" : "+D"(d), "+S"(from), "+c"(n) : : "memory");
    return to;
}

void *memmove(void *to, const void *from, size_t n)
{
    if ((uintptr_t)to - (uintptr_t)from >= n)
        return memcpy(to, from, n);
    /* The end of `from` is overwritten first otherwise: backwards. */
    char *d = (char *)to + n - 8;
    const char *s = (const char *)from + n - 8;
    size_t words = n / 8, tail = n & 7;
    __asm__ volatile("std\n rep movsq\n"
                     "add $7, %0\n add $7, %1\n mov %3, %2\n"
                     "rep movsb\n cld"
                     : "+&D"(d), "+&S"(s), "+&c"(words)
                     : "r"(tail)
                     : "memory", "cc");
    return to;
}

void *memset(void *at, int byte, size_t n)
{
    void *d = at;
    uint64_t v = (uint8_t)byte * 0x0101010101010101ull;
    size_t words = n / 8;
    __asm__ volatile("rep stosq" : "+D"(d), "+c"(words) : "a"(v) : "memory");
    if ((n &= 7) != 0)
        __asm__ volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(v) : "memory");
    return at;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const uint8_t *p = a, *q = b;
    while (n >= 8 && *(const word_t *)p == *(const word_t *)q) {
        p += 8;
        q += 8;
        n -= 8;
    }
    for (; n > 0; p++, q++, n--)
        if (*p != *q)
            return *p - *q;
    return 0;
}

/* Whole aligned words: such a load never reaches into another page.  Of the first one, what
 * stands before s is made no end. */
static inline const char *word_of(const char *s) { return (const char *)((uintptr_t)s & ~7ul); }

static inline uint64_t first_word(const char *s)
{
    return *(const word_t *)word_of(s) | ((1ull << (uintptr_t)s % 8 * 8) - 1);
}

size_t strlen(const char *s)
{
    const char *p = word_of(s);
    uint64_t zero, word = first_word(s);
    while ((zero = zero_bytes(word)) == 0) {
        p += 8;
        word = *(const word_t *)p;
    }
    return (size_t)(p - s) + (unsigned)__builtin_ctzll(zero) / 8;
}

/* What a word has beyond max does not count. */
size_t strnlen(const char *s, size_t max)
{
    const char *p = word_of(s);
    if (max == 0)
        return 0;
    for (uint64_t word = first_word(s);; word = *(const word_t *)p) {
        uint64_t zero = zero_bytes(word);
        if (zero)
            return MIN((size_t)(p - s) + (unsigned)__builtin_ctzll(zero) / 8, max);
        p += 8;
        if (p >= s + max)
            return max;
    }
}

int strcmp(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return (uint8_t)*a - (uint8_t)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (; n > 0; a++, b++, n--)
        if (*a != *b || *a == '\0')
            return (uint8_t)*a - (uint8_t)*b;
    return 0;
}

char *strchr(const char *s, int c)
{
    for (;; s++) {
        if (*s == (char)c)
            return (char *)s;
        if (*s == '\0')
            return NULL;
    }
}

char *strrchr(const char *s, int c)
{
    const char *last = NULL;
    for (;; s++) {
        if (*s == (char)c)
            last = s;
        if (*s == '\0')
            return (char *)last;
    }
}

size_t strlcpy(char *to, const char *from, size_t room)
{
    size_t n = strlen(from);
    if (room > 0) {
        size_t fits = MIN(n, room - 1);
        memcpy(to, from, fits);
        to[fits] = '\0';
    }
    return n;
}
