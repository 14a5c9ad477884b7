/* How many pages of pipes a user may have: beyond pipe-user-pages-soft new pipes are small and none
 * grows, beyond -hard there are none; what is closed counts no more.  Root is not bound. */
#include "check.h"

#define F_SETPIPE_SZ_ 1031
#define F_GETPIPE_SZ_ 1032

static void set(const char *which, const char *value)
{
    char path[64];
    int fd;

    snprintf(path, sizeof(path), "/proc/sys/fs/pipe-user-pages-%s", which);
    fd = open(path, O_WRONLY);
    CHECK_EQ(write(fd, value, strlen(value)), strlen(value));
    close(fd);
}

static int pipes[8][2];

/* The size of the i-th in pages, or -errno. */
static int made(int i)
{
    return pipe(pipes[i]) == 0 ? fcntl(pipes[i][0], F_GETPIPE_SZ_) / (int)PAGE : -errno;
}

static void drop(int i)
{
    close(pipes[i][0]);
    close(pipes[i][1]);
}

static void soft(void)
{
    for (int i = 0; i < 4; i++) /* 40 pages: two, and then small ones */
        SAY("pipe %d: %d pages\n", i, made(i));
    CHECK_ERR(EPERM, fcntl(pipes[3][0], F_SETPIPE_SZ_, 16 * PAGE));
    CHECK_EQ(fcntl(pipes[0][0], F_SETPIPE_SZ_, PAGE), PAGE);
    CHECK_EQ(fcntl(pipes[3][0], F_SETPIPE_SZ_, 4 * PAGE), 4 * PAGE);
    drop(1);
    SAY("then: %d pages\n", made(1));
    for (int i = 0; i < 4; i++)
        drop(i);
    SAY("after all: %d pages\n", made(0));
    drop(0);
}

static void hard(void)
{
    SAY("hard: %d", made(0));
    SAY(" %d", made(1));
    SAY(" %d\n", made(2));
    CHECK_ERR(EPERM, fcntl(pipes[0][0], F_SETPIPE_SZ_, 32 * PAGE));
    drop(0);
    SAY("again: %d\n", made(0));
}

/* A user of its own, so that nobody else's pipes count. */
static void as_user(void (*what)(void))
{
    CHECK_EQ(CHILD(CHECK(setuid(100000 + (unsigned)check_self) == 0); what()), 0);
}

static void test(void)
{
    set("soft", "40");
    as_user(soft);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(made(i), 16);
    for (int i = 0; i < 4; i++)
        drop(i);
    set("soft", "0");
    set("hard", "40");
    as_user(hard);
    set("hard", "0");
    set("soft", "16384"); /* as Linux begins */
}
