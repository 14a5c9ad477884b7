/* caches.c - what the kernel keeps for the next task is bounded, and goes when memory is short; for
 * caches.t.  On a machine of 32 MiB:
 *   - after 400 threads at once nearly all memory is free again;
 *   - a process that takes all there is gets what was kept, too. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 400

static long figure(const char *file, const char *name)
{
    static char text[8192];
    int fd = open(file, O_RDONLY);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = 0;
    const char *at = strstr(text, name);
    return at != NULL ? strtol(at + strlen(name), NULL, 10) : -1;
}

static long free_kb(void) { return figure("/proc/meminfo", "MemFree:"); }
static long stacks_kept(void) { return figure("/proc/forkscope/counters", "stacks_kept"); }

static unsigned gate;

static void *waits(void *arg)
{
    while (__atomic_load_n(&gate, __ATOMIC_ACQUIRE) == 0)
        syscall(SYS_futex, &gate, 128, 0, NULL, NULL, 0);
    return arg;
}

static unsigned storm(void)
{
    static pthread_t t[THREADS];
    pthread_attr_t a;
    unsigned n = 0;

    gate = 0;
    pthread_attr_init(&a);
    pthread_attr_setstacksize(&a, 16384);
    while (n < THREADS && pthread_create(&t[n], &a, waits, NULL) == 0)
        n++;
    __atomic_store_n(&gate, 1, __ATOMIC_RELEASE);
    syscall(SYS_futex, &gate, 129, THREADS, NULL, NULL, 0);
    for (unsigned i = 0; i < n; i++)
        pthread_join(t[i], NULL);
    return n;
}

static void take_all(void)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY);
    if (fd < 0 || write(fd, "1000", 4) != 4)
        _exit(1);
    for (;;) {
        char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED)
            _exit(2);
        for (int i = 0; i < 1 << 20; i += 4096)
            p[i] = 1;
    }
}

int main(void)
{
    long before = free_kb();
    for (int i = 0; i < 2; i++) { /* of what the first one leaves, the second one needs no more */
        unsigned n = storm();
        if (n != THREADS)
            printf("only %u threads: %s\n", n, strerror(errno));
        usleep(200000); /* the last ones leave their stacks */
        long after = free_kb(), kept = stacks_kept();
        if (before - after > 1024 || kept > 32)
            printf("storm %d: %ld kB free before, %ld after; %ld stacks kept\n", i, before, after,
                   kept);
    }
    int status;
    long kept = stacks_kept();
    pid_t p = fork();
    if (p == 0)
        take_all();
    waitpid(p, &status, 0);
    if (status != SIGKILL)
        printf("who takes all ended with %x\n", status);
    if (kept < 8 || stacks_kept() >= kept)
        printf("stacks kept: %ld, and %ld when memory was short\n", kept, stacks_kept());
    printf("%ld kB of %ld kB free\n", free_kb(), figure("/proc/meminfo", "MemTotal:"));
    return 0;
}
