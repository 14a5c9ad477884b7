/* stress [-s SEED] [-t SECONDS] [-l] [STORM...] - runs storms, each for so many seconds, and
 * says what went wrong; status 1 then.
 *
 * -l compares what the kernel holds before and after.  Each storm runs once before, so that
 * what is made for the first time, and kept, does not count.  What the kernel says is free or
 * can be had back at once counts as free, so the comparison is exact. */
#include "stress.h"
#include <stdarg.h>

struct shared {
    volatile int failures;
    volatile unsigned rounds;
    volatile int64_t end_ns;
};

static struct shared *shared;
static uint64_t seed = 1;
static double seconds = 1;
static const char *storm_name = "";

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ll + t.tv_nsec;
}

int go_on(void) { return now_ns() < shared->end_ns; }
void done(unsigned n) { __atomic_fetch_add(&shared->rounds, n, __ATOMIC_RELAXED); }

void rng_start(struct rng *r, unsigned worker)
{
    r->state = seed * 0x9e3779b97f4a7c15ull + worker * 0xbf58476d1ce4e5b9ull;
    for (const char *p = storm_name; *p; p++)
        r->state = (r->state ^ (unsigned char)*p) * 0x100000001b3ull;
    r->state |= 1;
}

uint32_t rng(struct rng *r, uint32_t below)
{
    r->state ^= r->state >> 12;
    r->state ^= r->state << 25;
    r->state ^= r->state >> 27;
    return (uint32_t)((r->state * 0x2545f4914f6cdd1dull) >> 33) % below;
}

/* One write, so that lines of several processes stay whole. */
void fail(const char *file, int line, const char *format, ...)
{
    char text[400], what[300];
    va_list args;
    const char *slash = strrchr(file, '/');

    if (__atomic_fetch_add(&shared->failures, 1, __ATOMIC_RELAXED) > 20)
        return;
    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    int n = snprintf(text, sizeof(text), "FAIL %s: %s:%d: %s\n", storm_name,
                     slash ? slash + 1 : file, line, what);
    if (write(1, text, n) != n)
        _exit(99);
}

/* --- what all storms use ----------------------------------------------------------------- */

int status_of(pid_t pid)
{
    int status;

    while (waitpid(pid, &status, 0) != pid)
        if (errno != EINTR)
            return -1;
    return status;
}

void in_processes(int n, void (*fn)(struct rng *r))
{
    enum { ENDED = 40 };
    pid_t pid[16];

    for (int i = 0; i < n; i++) {
        pid[i] = fork();
        if (pid[i] == 0) {
            struct rng r;
            rng_start(&r, i);
            fn(&r);
            _exit(ENDED);
        }
        MUST(pid[i] > 0);
    }
    for (int i = 0; i < n; i++) {
        int status = status_of(pid[i]);
        if (status != EXITED(ENDED))
            FAIL("worker %d: status %#x", i, status);
    }
}

static void *map(size_t bytes, int flags)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED) {
        FAIL("mmap of %zu bytes: errno %d", bytes, errno);
        _exit(98);
    }
    return p;
}

void *map_shared(size_t bytes) { return map(bytes, MAP_SHARED); }
void *map_private(size_t bytes) { return map(bytes, MAP_PRIVATE); }

pthread_t thread_start(void *(*fn)(void *), void *arg)
{
    pthread_t t;
    int rc = pthread_create(&t, NULL, fn, arg);

    if (rc != 0) {
        FAIL("pthread_create: error %d", rc);
        _exit(98);
    }
    return t;
}

void thread_join(pthread_t t) { MUST(pthread_join(t, NULL) == 0); }

void pause_us(unsigned us)
{
    struct timespec t = { us / 1000000, us % 1000000 * 1000 };

    nanosleep(&t, NULL);
}

static unsigned ncpus = 1;

void go_to_cpu(unsigned n)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(n % ncpus, &set);
    MUST(sched_setaffinity(0, sizeof(set), &set) == 0);
}

void wander(struct rng *r)
{
    if (rng(r, 24) == 0)
        go_to_cpu(rng(r, 1024));
}

long futex(volatile void *at, int op, uint32_t val, const void *timeout, volatile void *at2,
           uint32_t val3)
{
    return syscall(SYS_futex, at, op, val, timeout, at2, val3);
}

/* --- what is left behind ------------------------------------------------------------------ */

struct held {
    long memory_kb, tables_kb, stacks_kb, objects_kb, tasks, files;
};

static const char *contents(const char *path, char *text, size_t room)
{
    int fd = open(path, O_RDONLY);
    ssize_t n = fd < 0 ? 0 : read(fd, text, room - 1);

    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

static long figure(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    return at ? atol(at + strlen(name)) : 0;
}

/* Memory by one reading of the file: opening it takes some, too. */
static struct held held(void)
{
    char text[4096];
    struct held h;

    h.tasks = figure(contents("/proc/loadavg", text, sizeof(text)), "/");
    h.files = figure(contents("/proc/sys/fs/file-nr", text, sizeof(text)), "");
    contents("/proc/meminfo", text, sizeof(text));
    h.memory_kb =
        figure(text, "MemTotal:") - figure(text, "MemFree:") - figure(text, "KReclaimable:");
    h.tables_kb = figure(text, "PageTables:");
    h.stacks_kb = figure(text, "KernelStack:");
    h.objects_kb = figure(text, "SUnreclaim:");
    return h;
}

static void say_held(const char *when, const struct held *h)
{
    printf(
        "%s: memory %ld kB, tables %ld kB, stacks %ld kB, objects %ld kB, tasks %ld, files %ld\n",
        when, h->memory_kb, h->tables_kb, h->stacks_kb, h->objects_kb, h->tasks, h->files);
}

/* What comes into memory when it is first used, before it is counted: the pages of this
 * program's file, its variables and its stack. */
extern char edata, end;

__attribute__((noinline)) static void touch_all(void)
{
    volatile char deep[64 * 1024], sum = 0;
    int fd = open("/proc/self/exe", O_RDONLY);
    off_t size = lseek(fd, 0, SEEK_END);
    char *file = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);

    MUST(file != MAP_FAILED);
    for (off_t at = 0; at < size; at += PAGE)
        sum += file[at];
    munmap(file, size);
    close(fd);
    for (unsigned i = 0; i < sizeof(deep); i += 1024)
        deep[i] = 0;
    for (volatile char *p = &edata; p < &end; p += 1024)
        *p = *p;
}

/* Many tasks at once: what the kernel keeps for as many as there ever were. */
static void crowd(void)
{
    pid_t pid[250];

    for (unsigned i = 0; i < ARRAY_SIZE(pid); i++)
        if ((pid[i] = fork()) == 0)
            for (;;)
                pause();
    for (unsigned i = 0; i < ARRAY_SIZE(pid); i++) {
        MUST(pid[i] > 0);
        if (pid[i] > 0 && kill(pid[i], SIGKILL) == 0)
            MUST(status_of(pid[i]) == SIGKILL);
    }
}

/* What has ended may still be on its way out, on another CPU. */
static int compare(const struct held *before)
{
    struct held now;

    for (int tries = 0; tries < 50; tries++) {
        now = held();
        if (memcmp(&now, before, sizeof(now)) == 0)
            break;
        pause_us(20000);
    }
    say_held("before", before);
    say_held("after ", &now);
    return memcmp(&now, before, sizeof(now)) != 0;
}

/* --- running ------------------------------------------------------------------------------ */

static int wanted(const char *name, char **names)
{
    if (*names == NULL)
        return 1;
    for (; *names != NULL; names++)
        if (strcmp(*names, name) == 0)
            return 1;
    return 0;
}

static void run(const struct storm *s, double for_seconds, int in_earnest)
{
    storm_name = s->name;
    shared->rounds = 0;
    shared->end_ns = now_ns() + (int64_t)(for_seconds * 1e9);
    s->run();
    if (waitpid(-1, NULL, WNOHANG | __WALL) != -1 || errno != ECHILD)
        FAIL("a child is left");
    if (in_earnest && shared->rounds == 0)
        FAIL("nothing was done");
}

static void run_all(char **names, double for_seconds, int say)
{
    const struct storm *const all[] = { process_storms, memory_storms, sync_storms };

    for (unsigned i = 0; i < ARRAY_SIZE(all); i++)
        for (const struct storm *s = all[i]; s->name != NULL; s++)
            if (wanted(s->name, names)) {
                run(s, for_seconds, say);
                if (say)
                    printf("storm %s: %u rounds\n", s->name, shared->rounds);
                fflush(stdout);
            }
}

int main(int argc, char **argv)
{
    int leaks = 0, option;
    struct held before;

    if (argc == 3 && strcmp(argv[1], "--exit") == 0) /* what the storms exec */
        return atoi(argv[2]);
    while ((option = getopt(argc, argv, "s:t:l")) != -1) {
        switch (option) {
        case 's': seed = strtoull(optarg, NULL, 0); break;
        case 't': seconds = atof(optarg); break;
        case 'l': leaks = 1; break;
        default: return 2;
        }
    }
    shared = map_shared(PAGE);
    ncpus = sysconf(_SC_NPROCESSORS_ONLN);
    printf("stress: seed %llu\n", (unsigned long long)seed);
    fflush(stdout);
    if (leaks) {
        touch_all();
        crowd();
        run_all(argv + optind, seconds / 4, 0);
        pause_us(200000);
        before = held();
    }
    run_all(argv + optind, seconds, 1);
    storm_name = "all";
    if (leaks && compare(&before))
        FAIL("something is left behind");
    printf("stress: %d failures\n", shared->failures);
    return shared->failures != 0;
}
