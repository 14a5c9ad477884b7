/* execve with too much: one string of more than 128 KiB and a total of more than a
 * quarter of the stack limit are E2BIG; an argument with a bad address is EFAULT; the
 * process goes on as if nothing had been. */
#include "check.h"

extern char **environ;

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
}
