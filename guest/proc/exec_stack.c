/* exec_stack.c - the first contents of a program's stack:
 *
 *   top   strings: argv's, envp's, the file's name, 16 random bytes, "x86_64"
 *         ... up to the next page boundary below them, unless all fits into one page:
 *         auxv, envp[], NULL, argv[], NULL, argc     <- RSP, 16-aligned
 *
 * The strings are collected upwards into frames, straight from user memory, so
 * each is read once and what is checked is what the program will see; only then
 * their number, hence the place of everything, is known; so the pointers take
 * frames of their own below, or few strings move up to make room for them. */
#include "arch/preempt.h"
#include "proc/exec_internal.h"
#include "arch/random.h"
#include "arch/uaccess.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "mm/map.h"
#include "mm/mm.h"
#include <linux/auxvec.h>

#define STRING_MAX 131072 /* MAX_ARG_STRLEN */

int stack_init(struct exec_stack *s, uint64_t rlimit)
{
    memset(s, 0, sizeof *s);
    s->limit = MIN(MAX(rlimit / 4, 131072ull), (STACK_PAGES / 2) * PAGE_SIZE);
    s->pages = kmalloc(STACK_PAGES * sizeof(pfn_t));
    return s->pages != NULL ? 0 : -ENOMEM;
}

void stack_free(struct exec_stack *s)
{
    for (unsigned i = 0; i < s->npages; i++)
        if (s->pages[i] != 0)
            frame_put(s->pages[i]);
    kfree(s->pages);
    s->pages = NULL;
    s->npages = 0;
}

/* Where the next byte goes; *room: bytes to the end of its frame. */
static char *next_byte(struct exec_stack *s, size_t *room)
{
    unsigned page = s->used / PAGE_SIZE;
    size_t off = s->used % PAGE_SIZE;

    if (page == s->npages) {
        pfn_t pfn = frame_alloc_zeroed();
        if (pfn == 0)
            return NULL;
        s->pages[s->npages++] = pfn;
    }
    *room = PAGE_SIZE - off;
    return (char *)frame_va(s->pages[page]) + off;
}

/* How many bytes of strings may still come: what is there and the caller's pointers count. */
static size_t room_left(const struct exec_stack *s)
{
    size_t taken = s->used + s->pointers;

    return taken < s->limit ? s->limit - taken : 0;
}

static int add_bytes(struct exec_stack *s, const char *from, size_t n)
{
    if (n > room_left(s))
        return -E2BIG;
    while (n > 0) {
        size_t room;
        char *to = next_byte(s, &room);
        if (to == NULL)
            return -ENOMEM;
        room = MIN(room, n);
        memcpy(to, from, room);
        s->used += room;
        from += room;
        n -= room;
    }
    return 0;
}

int stack_add(struct exec_stack *s, const char *text)
{
    return add_bytes(s, text, strlen(text) + 1);
}

bool stack_too_big(const struct exec_stack *s) { return s->used + s->pointers > s->limit; }

/* Instructions, about (arch/preempt.h): of a string besides 4 a byte, and to clear a page. */
#define WORK_STRING 250u
#define WORK_PAGE   600u

static int add_user_string(struct exec_stack *s, uaddr_t from)
{
    size_t start = s->used;

    for (;;) {
        size_t room;
        size_t left = room_left(s);
        char *to = left > 0 ? next_byte(s, &room) : NULL;
        if (to == NULL)
            return left > 0 ? -ENOMEM : -E2BIG;
        room = MIN(room, left);
        long n = strncpy_from_user(to, from + (s->used - start), room);
        preempt_work((uint32_t)(n >= 0 ? (size_t)n : room) * 4 + WORK_STRING);
        if (n >= 0) {
            s->used += (size_t)n + 1;
            return s->used - start <= STRING_MAX ? 0 : -E2BIG;
        }
        if (n != -ENAMETOOLONG)
            return (int)n;
        if (preempt_killed())
            return -EINTR;
        s->used += room;
        if (s->used - start > STRING_MAX)
            return -E2BIG;
    }
}

long stack_add_user(struct exec_stack *s, uaddr_t at, unsigned skip)
{
    uaddr_t some[16];

    if (at == 0)
        return 0;
    for (unsigned i = 0;; i++) {
        /* a few pointers at a time, unless the vector's last page ends before */
        unsigned k = i % ARRAY_SIZE(some);
        if (k == 0 && copy_from_user(some, at + i * 8, sizeof some) != 0) {
            for (unsigned j = 0; j < ARRAY_SIZE(some); j++) {
                if (get_user(some[j], at + (i + j) * 8) != 0)
                    return -EFAULT;
                if (some[j] == 0)
                    break;
            }
        }
        if (some[k] == 0)
            return i > skip ? i - skip : 0;
        if (k == 0 && preempt_killed()) /* and once a page, above */
            return -EINTR;
        s->pointers += sizeof(uaddr_t);
        int err = i >= skip ? add_user_string(s, some[k]) : 0;
        if (err != 0)
            return err;
        if (s->pointers > s->limit)
            return -E2BIG; /* skipped ones, too */
    }
}

long stack_add_kernel(struct exec_stack *s, const char *const *v, unsigned skip)
{
    long n = 0;

    for (unsigned i = 0; v[i] != NULL; i++) {
        if (i < skip)
            continue;
        int err = stack_add(s, v[i]);
        if (err != 0)
            return err;
        n++;
    }
    return n;
}

/* --- pointers ----------------------------------------------------------------- */

/* Writes words upwards through frames. */
struct words {
    const pfn_t *pages; /* the next one */
    uint64_t *next;     /* at a page's end: the next page is to come */
};

static struct words words_at(const pfn_t *pages, size_t offset)
{
    if (offset == 0)
        return (struct words){ pages, NULL };
    return (struct words){ pages + 1, (uint64_t *)((char *)frame_va(*pages) + offset) };
}

static inline void put_word(struct words *w, uint64_t value)
{
    if (unlikely((uintptr_t)w->next % PAGE_SIZE == 0))
        w->next = frame_va(*w->pages++);
    *w->next++ = value;
}

/* Pointers to n strings that follow each other from offset *off on, then NULL. */
static void put_vector(struct words *w, const struct exec_stack *s, const pfn_t *strings,
                       uaddr_t base, unsigned n, size_t *off)
{
    while (n-- > 0) {
        put_word(w, base + *off);
        for (;;) { /* to the byte after the next NUL */
            const char *page = frame_va(strings[*off / PAGE_SIZE]);
            size_t in = *off % PAGE_SIZE, len = strnlen(page + in, PAGE_SIZE - in);
            *off += len;
            preempt_work((uint32_t)len * 3 / 2);
            if (in + len < PAGE_SIZE) {
                ++*off;
                break;
            }
        }
        preempt_work(WORK_STRING);
    }
    put_word(w, 0);
    ASSERT(*off <= s->used);
}

static int add_rest(struct exec_stack *s)
{
    char random[16];

    random_bytes(random, sizeof random);
    s->limit += PAGE_SIZE; /* these are ours, not the caller's */
    s->random = s->used;
    int err = add_bytes(s, random, sizeof random);
    s->platform = s->used;
    return err != 0 ? err : stack_add(s, "x86_64");
}

/* Strings of up to half a page move up to its end, so that the pointers have room below.  By how
 * many bytes; 0: they do not. */
static size_t make_room(struct exec_stack *s, size_t bytes)
{
    if (s->npages != 1 || s->used > PAGE_SIZE / 2 || bytes > PAGE_SIZE / 2)
        return 0;
    char *page = frame_va(s->pages[0]);
    size_t up = (PAGE_SIZE - s->used) & ~15ul;
    memcpy(page + up, page, s->used);
    memset(page, 0, s->used);
    s->used += up;
    s->arg_end += up;
    s->env_end += up;
    s->execfn += up;
    s->random += up;
    s->platform += up;
    return up;
}

int stack_map(struct exec_stack *s, struct mm *mm, uaddr_t top, bool exec, struct auxv *auxv,
              unsigned nauxv, uaddr_t *sp)
{
    int err = add_rest(s);
    if (err != 0)
        return err;
    unsigned strings = s->npages;
    size_t bytes = (1 + s->argc + 1 + s->envc + 1 + 2 * (nauxv + 1)) * 8;
    bytes = (bytes + 15) & ~15ul;
    size_t start = make_room(s, bytes);
    unsigned lower = start != 0 ? 0 : page_up(bytes) / PAGE_SIZE;
    if (strings + lower > STACK_PAGES)
        return -E2BIG;
    if (lower != 0) {
        memmove(s->pages + lower, s->pages, strings * sizeof(pfn_t));
        memset(s->pages, 0, lower * sizeof(pfn_t));
        s->npages = strings + lower;
    }
    for (unsigned i = 0; i < lower; i++) {
        if ((s->pages[i] = frame_alloc_zeroed()) == 0)
            return -ENOMEM; /* stack_free() puts what is there */
        preempt_work(WORK_PAGE);
    }

    uaddr_t base = top - strings * PAGE_SIZE;
    for (unsigned i = 0; i < nauxv; i++) {
        if (auxv[i].type == AT_RANDOM)
            auxv[i].value = base + s->random;
        else if (auxv[i].type == AT_PLATFORM)
            auxv[i].value = base + s->platform;
        else if (auxv[i].type == AT_EXECFN)
            auxv[i].value = base + s->execfn;
    }
    size_t gap = start + lower * PAGE_SIZE - bytes;
    struct words w = words_at(s->pages, gap);
    const pfn_t *text = s->pages + lower;
    size_t off = start;
    put_word(&w, s->argc);
    put_vector(&w, s, text, base, s->argc, &off);
    put_vector(&w, s, text, base, s->envc, &off);
    for (unsigned i = 0; i < nauxv; i++) {
        put_word(&w, auxv[i].type);
        put_word(&w, auxv[i].value);
    }
    put_word(&w, AT_NULL);
    put_word(&w, 0);

    mm->image.arg_start = base + start;
    mm->image.arg_end = mm->image.env_start = base + s->arg_end;
    mm->image.env_end = base + s->env_end;
    mm->image.stack_start = *sp = base + start - bytes;
    memcpy(mm->image.auxv, auxv, nauxv * sizeof *auxv);
    memset(mm->image.auxv + nauxv * sizeof *auxv, 0, sizeof *auxv);
    mm->image.auxv_bytes = (nauxv + 1) * sizeof *auxv;
    err = mm_map_stack(mm, top, s->pages, s->npages, VM_READ | VM_WRITE | (exec ? VM_EXEC : 0));
    if (err == 0)
        s->npages = 0; /* the frames are the mm's now */
    return err;
}
