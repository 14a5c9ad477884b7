/* memory.c - storms on one address space: what munmap, mprotect, MADV_DONTNEED, mremap and fork
 * change holds for every thread from the moment that the call returns.
 *
 * A generation stands beside the memory: the changer stores it after its call has returned, and an
 * accessor that has seen the same one before and after its access knows what it must have met.  A
 * processor with a stale translation meets something else. */
#include "stress.h"
#include <setjmp.h>

enum { ACCESSORS = 3, PAGES = 8 };
enum what { WRITABLE, GONE, WRITE_FAULTS, ZERO };

static volatile uint32_t *area;
static volatile uint32_t generation; /* number * 8 + enum what, or CHANGING */
static volatile int quit;
static int napping; /* accessors sleep now and then: CPUs go idle */
static __thread sigjmp_buf on_fault;
static __thread volatile sig_atomic_t expecting;

#define CHANGING 7u

static void fault(int sig)
{
    (void)sig;
    if (!expecting)
        _exit(90);
    siglongjmp(on_fault, 1);
}

static void catch_faults(void)
{
    struct sigaction a = { .sa_handler = fault, .sa_flags = SA_NODEFER };

    sigaction(SIGSEGV, &a, NULL);
    sigaction(SIGBUS, &a, NULL);
}

/* 1: went through; 0: faulted. */
static int try_read(volatile uint32_t *at, volatile uint32_t *value)
{
    if (sigsetjmp(on_fault, 0))
        return expecting = 0;
    expecting = 1;
    *value = *at;
    expecting = 0;
    return 1;
}

static int try_write(volatile uint32_t *at, uint32_t value)
{
    if (sigsetjmp(on_fault, 0))
        return expecting = 0;
    expecting = 1;
    *at = value;
    expecting = 0;
    return 1;
}

static const char *const what_name[] = { "writable", "gone", "read-only", "zero" };

/* Each page holds the number of the generation in which it was filled, in its first word;
 * the accessors write to words of their own. */
static void *accessor(void *arg)
{
    struct rng r;
    unsigned me = (long)arg & 15;

    rng_start(&r, (long)arg);
    go_to_cpu(me);
    while (!quit) {
        if (napping && rng(&r, 4) == 0)
            pause_us(rng(&r, 150));
        uint32_t before = __atomic_load_n(&generation, __ATOMIC_ACQUIRE);
        uint32_t what = before & 7, number = before >> 3;
        volatile uint32_t value = 0;
        volatile uint32_t *page = area + rng(&r, PAGES) * PAGE / 4;
        int write = rng(&r, 2), through;

        if (what == CHANGING) { /* keep the translations warm */
            try_read(page, &value);
            if (write)
                try_write(page + 1 + me, number);
            continue;
        }
        through = write ? try_write(page + 1 + me, number) : try_read(page, &value);
        if (__atomic_load_n(&generation, __ATOMIC_ACQUIRE) != before)
            continue; /* changed meanwhile: anything may have been met */
        int must = what != GONE && !(write && what == WRITE_FAULTS);
        if (through != must)
            FAIL("%s of a page that is %s went %s", write ? "write" : "read", what_name[what],
                 through ? "through" : "wrong");
        else if (!write && through && value != (what == ZERO ? 0 : number))
            FAIL("read %u of a page that is %s since %u", value, what_name[what], number);
        done(1);
    }
    return NULL;
}

static void fill(uint32_t number)
{
    for (int i = 0; i < PAGES; i++)
        area[i * PAGE / 4] = number;
}

static void begin(uint32_t number)
{
    __atomic_store_n(&generation, number << 3 | CHANGING, __ATOMIC_SEQ_CST);
}

static void now(uint32_t number, enum what what)
{
    __atomic_store_n(&generation, number << 3 | what, __ATOMIC_SEQ_CST);
}

static void map_again(void)
{
    MUST(mmap((void *)area, PAGES * PAGE, PROT_READ | PROT_WRITE,
              MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == (void *)area);
}

/* Takes frames and gives them back: one that was freed too early is somebody else's now. (Its own
 * addresses: a new mapping might fill the hole.) */
static uint32_t *spare;

static void reuse_frames(void)
{
    for (int i = 0; i < PAGES; i++)
        spare[i * PAGE / 4] = spare[i * PAGE / 4 + 1] = 0xdeadbeef;
    MUST(madvise(spare, PAGES * PAGE, MADV_DONTNEED) == 0);
}

static void change(struct rng *r, uint32_t n)
{
    char *elsewhere;

    switch (rng(r, 6)) {
    case 0:
        begin(n);
        MUST(munmap((void *)area, PAGES * PAGE) == 0);
        now(n, GONE);
        reuse_frames();
        pause_us(rng(r, 200));
        begin(n);
        map_again();
        break;
    case 1:
        begin(n);
        fill(n);
        MUST(mprotect((void *)area, PAGES * PAGE, PROT_READ) == 0);
        now(n, WRITE_FAULTS);
        pause_us(rng(r, 200));
        begin(n);
        MUST(mprotect((void *)area, PAGES * PAGE, PROT_READ | PROT_WRITE) == 0);
        break;
    case 2:
        begin(n);
        MUST(mprotect((void *)area, PAGES * PAGE, PROT_NONE) == 0);
        now(n, GONE);
        pause_us(rng(r, 200));
        begin(n);
        MUST(mprotect((void *)area, PAGES * PAGE, PROT_READ | PROT_WRITE) == 0);
        break;
    case 3:
        begin(n);
        MUST(madvise((void *)area, PAGES * PAGE, MADV_DONTNEED) == 0);
        now(n, ZERO);
        reuse_frames();
        break;
    case 4: /* other frames under the same addresses */
        begin(n);
        map_again();
        now(n, ZERO);
        reuse_frames();
        break;
    case 5:
        begin(n);
        elsewhere = map_private(PAGES * PAGE);
        MUST(mremap((void *)area, PAGES * PAGE, PAGES * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
                    elsewhere) == elsewhere);
        now(n, GONE);
        pause_us(rng(r, 100));
        begin(n);
        MUST(mremap(elsewhere, PAGES * PAGE, PAGES * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
                    (void *)area) == (void *)area);
        break;
    }
    begin(n);
    fill(n);
    now(n, WRITABLE);
    pause_us(rng(r, 300));
}

static void translation_worker(struct rng *r)
{
    pthread_t t[ACCESSORS];
    uint32_t n = 1;

    catch_faults();
    area = map_private(PAGES * PAGE);
    spare = map_private(PAGES * PAGE);
    fill(n);
    now(n, WRITABLE);
    for (long i = 0; i < ACCESSORS; i++)
        t[i] = thread_start(accessor, (void *)(long)(rng(r, 1 << 20) * 16 + i));
    while (go_on()) {
        wander(r);
        change(r, ++n);
    }
    quit = 1;
    for (int i = 0; i < ACCESSORS; i++)
        thread_join(t[i]);
}

static void storm_translations(void) { in_processes(2, translation_worker); }

/* With one process only: a CPU that goes idle and comes back has the address space still. */
static void storm_lazy(void)
{
    napping = 1;
    in_processes(1, translation_worker);
    napping = 0;
}

/* --- cow: threads write while siblings fork -------------------------------------------------- */

enum { PAIRS = 24 }; /* pages; in each, every writer has two words */

static volatile uint32_t *pairs;

static volatile uint32_t *pair(int page, int writer)
{
    return pairs + page * PAGE / 4 + writer * 2;
}

/* First word, then second: a snapshot has them equal or the first one ahead by one. */
static void *pair_writer(void *arg)
{
    int me = (long)arg;

    go_to_cpu(me);
    for (uint32_t n = 1; !quit; n++)
        for (int p = 0; p < PAIRS; p++) {
            volatile uint32_t *w = pair(p, me);
            if (w[0] != n - 1 || w[1] != n - 1) {
                FAIL("writer %d, page %d: %u %u instead of %u", me, p, w[0], w[1], n - 1);
                return NULL;
            }
            w[0] = n;
            __atomic_signal_fence(__ATOMIC_SEQ_CST);
            w[1] = n;
        }
    return NULL;
}

static int look_at_copy(struct rng *r)
{
    uint32_t seen[PAIRS][2][2];
    int bad = 0;

    for (int p = 0; p < PAIRS; p++)
        for (int w = 0; w < 2; w++) {
            seen[p][w][0] = pair(p, w)[0];
            seen[p][w][1] = pair(p, w)[1];
            uint32_t ahead = seen[p][w][0] - seen[p][w][1];
            bad |= ahead > 1 ? 1 : 0;
        }
    pause_us(rng(r, 1500));
    for (int p = 0; p < PAIRS; p++) /* nobody writes here but we */
        for (int w = 0; w < 2; w++)
            bad |= pair(p, w)[0] != seen[p][w][0] || pair(p, w)[1] != seen[p][w][1] ? 2 : 0;
    for (int p = 0; p < PAIRS; p++)
        pair(p, 0)[0] = pair(p, 1)[1] = 0xffffffff;
    return bad;
}

static void *pair_forker(void *arg)
{
    struct rng r;

    rng_start(&r, (long)arg);
    while (go_on()) {
        wander(&r);
        pid_t pid = fork();
        if (pid == 0)
            _exit(look_at_copy(&r));
        int status = status_of(pid);
        if (status != 0)
            FAIL("copy: status %#x (1: torn, 2: changes)", status);
        rng(&r, 2);
        done(1);
    }
    return NULL;
}

static void cow_worker(struct rng *r)
{
    pthread_t writer[2], forker[2];

    pairs = map_private(PAIRS * PAGE);
    for (long i = 0; i < 2; i++) {
        writer[i] = thread_start(pair_writer, (void *)i);
        forker[i] = thread_start(pair_forker, (void *)(long)(rng(r, 1 << 20) + i));
    }
    for (int i = 0; i < 2; i++)
        thread_join(forker[i]);
    quit = 1;
    for (int i = 0; i < 2; i++)
        thread_join(writer[i]);
}

static void storm_cow(void) { in_processes(2, cow_worker); }

/* --- faults: several threads touch the same fresh pages ---------------------------------------- */

enum { FRESH = 32, TOUCHERS = 4 };

static volatile uint32_t *fresh;
static pthread_barrier_t start_line, finish_line;

static void *toucher(void *arg)
{
    struct rng r;

    rng_start(&r, (long)arg);
    for (;;) {
        wander(&r);
        pthread_barrier_wait(&start_line);
        if (fresh == NULL)
            return NULL;
        unsigned at = rng(&r, FRESH);
        for (unsigned i = 0; i < FRESH; i++)
            __atomic_fetch_add(&fresh[(at + i) % FRESH * PAGE / 4], 1, __ATOMIC_RELAXED);
        pthread_barrier_wait(&finish_line);
    }
}

static int fresh_memory(struct rng *r, int fd)
{
    int kind = rng(r, 3);

    fresh = mmap(NULL, FRESH * PAGE, PROT_READ | PROT_WRITE,
                 kind == 0   ? MAP_PRIVATE | MAP_ANONYMOUS
                 : kind == 1 ? MAP_SHARED
                             : MAP_PRIVATE,
                 kind == 0 ? -1 : fd, 0);
    MUST(fresh != MAP_FAILED);
    return kind;
}

static void fault_worker(struct rng *r)
{
    pthread_t t[TOUCHERS];
    char name[] = "/tmp/stress.XXXXXX";
    int fd = mkstemp(name);
    uint32_t base = 0; /* what the file holds */

    MUST(fd >= 0 && unlink(name) == 0 && ftruncate(fd, FRESH * PAGE) == 0);
    pthread_barrier_init(&start_line, NULL, TOUCHERS + 1);
    pthread_barrier_init(&finish_line, NULL, TOUCHERS + 1);
    for (long i = 0; i < TOUCHERS; i++)
        t[i] = thread_start(toucher, (void *)(long)(rng(r, 1 << 20) + i));
    while (go_on()) {
        int kind = fresh_memory(r, fd);
        uint32_t expected = (kind == 0 ? 0 : base) + TOUCHERS;
        pthread_barrier_wait(&start_line);
        pthread_barrier_wait(&finish_line);
        for (int i = 0; i < FRESH; i++)
            if (fresh[i * PAGE / 4] != expected)
                FAIL("kind %d, page %d: %u instead of %u", kind, i, fresh[i * PAGE / 4], expected);
        if (kind == 1)
            base = expected;
        munmap((void *)fresh, FRESH * PAGE);
        done(1);
    }
    fresh = NULL;
    pthread_barrier_wait(&start_line);
    for (int i = 0; i < TOUCHERS; i++)
        thread_join(t[i]);
    close(fd);
}

static void storm_faults(void) { in_processes(2, fault_worker); }

/* --- maps: mmap, munmap, brk by several threads of one process ----------------------------------- */

static void *mapper(void *arg)
{
    struct rng r;
    uint32_t *p[6] = { NULL };
    size_t len[6] = { 0 };
    uint32_t me = (uint32_t)(long)arg;

    rng_start(&r, me);
    while (go_on()) {
        unsigned i = rng(&r, 6);
        wander(&r);
        if (p[i] != NULL) {
            for (size_t at = 0; at < len[i]; at += PAGE)
                if (p[i][at / 4] != (me ^ at))
                    FAIL("own memory: %u instead of %zu", p[i][at / 4], me ^ at);
            MUST(munmap(p[i], len[i]) == 0);
        }
        len[i] = (1 + rng(&r, 40)) * PAGE;
        p[i] = map_private(len[i]);
        for (size_t at = 0; at < len[i]; at += PAGE) {
            if (p[i][at / 4] != 0)
                FAIL("fresh memory is not zero: %u", p[i][at / 4]);
            p[i][at / 4] = me ^ at;
        }
        if (rng(&r, 16) == 0) {
            int size = 1 + rng(&r, 200000);
            char *heap = malloc(size);
            memset(heap, me, size);
            free(heap);
        }
        done(1);
    }
    for (int i = 0; i < 6; i++)
        if (p[i] != NULL)
            munmap(p[i], len[i]);
    return NULL;
}

static void map_worker(struct rng *r)
{
    pthread_t t[3];

    for (long i = 0; i < 3; i++)
        t[i] = thread_start(mapper, (void *)(long)(rng(r, 1 << 20) * 4 + i));
    for (int i = 0; i < 3; i++)
        thread_join(t[i]);
}

static void storm_maps(void) { in_processes(2, map_worker); }

const struct storm memory_storms[] = {
    { "translations", storm_translations },
    { "lazy", storm_lazy },
    { "cow", storm_cow },
    { "faults", storm_faults },
    { "maps", storm_maps },
    { NULL, NULL },
};
