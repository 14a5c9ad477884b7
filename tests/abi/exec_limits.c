/* execve with too much: one string of more than 128 KiB and a total of more than a
 * quarter of the stack limit are E2BIG; an argument with a bad address is EFAULT; the
 * process goes on as if nothing had been. */
#include "check.h"

extern char **environ;

#define LIMIT 131072L /* the least that a program may have, however small its stack is to be */

/* execve with n empty strings and one of `last` bytes as arguments or as environment: does it
 * begin?  What it begins is this program, which ends at once when it has no PATH. */
static int fits(int n, int last, int in_env)
{
    static char *many[4000], one[LIMIT], *none[] = { NULL };

    memset(one, 'y', sizeof(one) - 1);
    one[last] = 0;
    for (int i = 0; i < n; i++)
        many[i] = "";
    many[n] = one;
    many[n + 1] = NULL;
    pid_t child = vfork();
    if (child == 0) {
        execve("/proc/self/exe", in_env ? none : many, in_env ? many : none);
        _exit(errno == E2BIG ? 1 : 2);
    }
    int status = status_of(child);
    CHECK(status == EXITED(0) || status == EXITED(1));
    return status == EXITED(0);
}

static void both_sides(int n, int in_env)
{
    /* all strings with their NULs, the file's name, an empty argv[0], and the pointers */
    long room = LIMIT - n - 1 - (long)sizeof("/proc/self/exe") - 8L * (n + 1 + in_env) - in_env;

    SAY("%d empty, %s: %d %d\n", n, in_env ? "environment" : "arguments", fits(n, room, in_env),
        fits(n, room + 1, in_env));
}

/* Pointers and strings together are bounded, to the byte. */
static void bounds(void)
{
    struct rlimit stack = { 256 << 10, RLIM_INFINITY };

    CHECK(setrlimit(RLIMIT_STACK, &stack) == 0);
    both_sides(3000, 0);
    both_sides(300, 1);
}

__attribute__((constructor)) static void nothing_to_do(void)
{
    if (getenv("PATH") == NULL)
        _exit(0);
}

static void test(void)
{
    static char huge[140 * 1024], piece[100 * 1024];
    char *a[200];
    struct rlimit stack = { 1 << 20, RLIM_INFINITY };

    memset(huge, 'h', sizeof(huge) - 1);
    memset(piece, 'p', sizeof(piece) - 1);
    char *one[] = { "true", huge, NULL };
    CHECK_ERR(E2BIG, execve("/proc/self/exe", one, environ));
    huge[128 * 1024] = '\0'; /* with its NUL one too long */
    CHECK_ERR(E2BIG, execve("/proc/self/exe", one, environ));
    CHECK_EQ(CHILD({
                 setrlimit(RLIMIT_STACK, &stack);
                 for (int i = 0; i < 20; i++)
                     a[i] = piece;
                 a[20] = NULL;
                 CHECK_ERR(E2BIG, execve("/proc/self/exe", a, environ));
             }),
             0);
    char *bad[] = { "true", (char *)16, NULL };
    CHECK_ERR(EFAULT, execve("/proc/self/exe", bad, environ));
    CHECK_ERR(EFAULT, execve("/proc/self/exe", (char **)24, environ));
    CHECK_ERR(EFAULT, execve((char *)32, one, environ));
    CHECK_ERR(ENOENT, execve("", one, environ));
    CHECK_EQ(CHILD(bounds()), 0);
}
