/* posix_spawn and popen from several threads at once, with others that allocate memory and take
 * signals: each gets its own child's status and output.  (One popen at a time: two at once close each
 * other's descriptors in musl.) */
#include "threads.h"
#include <spawn.h>
#include <sys/time.h>

extern char **environ;

enum { SPAWNERS = 5, ROUNDS = 8 };

static volatile int quit, ticks;
static pthread_mutex_t one_popen = PTHREAD_MUTEX_INITIALIZER;

static void *churn(void *arg)
{
    while (!quit) {
        char *p = malloc(200000);
        memset(p, 1, 200000);
        free(p);
    }
    return arg;
}

static void tick(int sig)
{
    (void)sig;
    ticks++;
}

static long spawn_one(int code)
{
    char text[32];
    char *argv[] = { "sh", "-c", text, NULL };
    pid_t pid;

    snprintf(text, sizeof(text), "exit %d", code);
    if (posix_spawnp(&pid, "sh", NULL, NULL, argv, environ) != 0)
        return -1;
    return status_of(pid);
}

static long read_one(int code)
{
    char text[64], line[32] = "";
    long value = -1;

    snprintf(text, sizeof(text), "echo %d", code);
    pthread_mutex_lock(&one_popen);
    FILE *p = popen(text, "r");
    if (p != NULL && fgets(line, sizeof(line), p) != NULL)
        value = atoi(line);
    if (p == NULL || pclose(p) != 0)
        value = -1;
    pthread_mutex_unlock(&one_popen);
    return value;
}

static void *spawns(void *arg)
{
    char *none[] = { "none", NULL };
    long bad = 0;
    pid_t pid;

    for (int i = 0; i < ROUNDS; i++) {
        int code = (long)arg * 20 + i;
        bad += spawn_one(code) != EXITED(code);
        bad += posix_spawn(&pid, "/none", NULL, NULL, none, environ) != ENOENT;
        bad += read_one(code) != code;
    }
    return (void *)bad;
}

static void test(void)
{
    pthread_t thread[SPAWNERS], memory = start(churn, NULL);
    struct itimerval often = { { 0, 3000 }, { 0, 3000 } }, never = { { 0, 0 }, { 0, 0 } };

    handle(SIGALRM, tick, SA_RESTART);
    setitimer(ITIMER_REAL, &often, NULL);
    for (long i = 0; i < SPAWNERS; i++)
        thread[i] = start(spawns, (void *)i);
    for (int i = 0; i < SPAWNERS; i++)
        CHECK_EQ(join(thread[i]), 0);
    setitimer(ITIMER_REAL, &never, NULL);
    quit = 1;
    join(memory);
    CHECK(ticks > 0);
    CHECK_ERR(ECHILD, waitpid(-1, NULL, WNOHANG));
}
