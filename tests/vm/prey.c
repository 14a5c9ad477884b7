/* prey.c - does what a mutant of the kernel (guest/mm/mutant.h) does wrong, and says whether an
 * old translation was used: after mprotect() and munmap(), by this thread and by one on another CPU. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE   4096ul
#define TABLE  (512 * PAGE)
#define ROUNDS 20

static __thread sigjmp_buf back;

static void on_fault(int sig)
{
    (void)sig;
    siglongjmp(back, 1);
}

/* Does the store, or the load, get through? */
static int gets_through(volatile char *p, int write)
{
    if (sigsetjmp(back, 1) != 0)
        return 0;
    if (write)
        *p = 1;
    else
        (void)*p;
    return 1;
}

static char *map(size_t n)
{
    char *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        exit(2);
    return p;
}

static unsigned by_itself(void)
{
    unsigned stale = 0;
    for (int i = 0; i < ROUNDS; i++) {
        char *p = map(4 * PAGE);
        for (int k = 0; k < 4; k++)
            p[k * PAGE] = 1;
        mprotect(p, PAGE, PROT_READ);
        stale += gets_through(p, 1);
        munmap(p, 4 * PAGE);
        stale += gets_through(p + PAGE, 0);
    }
    return stale;
}

/* A table of its own comes and goes. */
static void a_table(void)
{
    char *p = map(2 * TABLE), *at = (char *)(((unsigned long)p + TABLE - 1) & ~(TABLE - 1));
    madvise(p, 2 * TABLE, MADV_NOHUGEPAGE);
    at[0] = 1;
    munmap(p, 2 * TABLE);
}

/* Tables that fork shares, or huge pages: the child goes to a copy of one, the parent takes it over,
 * and both leave another. */
static void shared_tables(int advice)
{
    char *p = map(4 * TABLE), *at = (char *)(((unsigned long)p + TABLE - 1) & ~(TABLE - 1));
    madvise(p, 4 * TABLE, advice);
    for (unsigned long i = 0; i < 2 * TABLE; i += PAGE)
        at[i] = 1;
    pid_t pid = fork();
    if (pid == 0) {
        at[0] = 2;
        sleep(1);
        _exit(0);
    }
    usleep(300000);
    at[PAGE] = 3;
    munmap(p, 4 * TABLE);
    waitpid(pid, NULL, 0);
}

static volatile char *volatile shared;
static volatile int go, taken; /* go 1: its page is writable; 2: no more */

/* Writes for ever, in user mode, until a store after `go` became 2 is done or faults. */
static void *writer(void *arg)
{
    unsigned *stale = arg;
    for (int i = 0; i < ROUNDS; i++) {
        while (go != 1)
            ;
        volatile char *p = shared;
        int seen = 0, through = 1;
        while (through && !seen) {
            seen = go == 2;
            through = gets_through(p, 1);
            taken = 1;
        }
        *stale += (unsigned)through;
        while (go != 2)
            ;
        go = 0;
    }
    return NULL;
}

static unsigned by_another(void)
{
    pthread_t thread;
    unsigned stale = 0;
    pthread_create(&thread, NULL, writer, &stale);
    for (int i = 0; i < ROUNDS; i++) {
        char *p = map(PAGE);
        shared = p;
        taken = 0;
        go = 1;
        while (!taken)
            ;
        mprotect(p, PAGE, PROT_READ);
        go = 2;
        while (go != 0)
            ;
        munmap(p, PAGE);
    }
    pthread_join(thread, NULL);
    return stale;
}

int main(int argc, char **argv)
{
    struct sigaction on = { .sa_handler = on_fault };
    if (argc > 1 && strcmp(argv[1], "shared") == 0) {
        shared_tables(MADV_NOHUGEPAGE);
        return 0;
    }
    if (argc > 1 && strcmp(argv[1], "huge") == 0) {
        shared_tables(MADV_HUGEPAGE);
        return 0;
    }
    sigaction(SIGSEGV, &on, NULL);
    char *own = map(2 * PAGE);
    own[0] = own[PAGE] = 1;
    pid_t pid = fork();
    own[0] = 2;
    if (pid == 0)
        _exit(0);
    waitpid(pid, NULL, 0);
    a_table();
    printf("old translations used: %u here", by_itself());
    if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
        printf(", %u on another CPU", by_another());
    puts("");
    return 0;
}
