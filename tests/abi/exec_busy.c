/* A program that runs cannot be opened for writing, and a file that is open for
 * writing cannot be run: ETXTBSY. */
#include "check.h"

static void test(void)
{
    char *const argv[] = { "copy", "30", NULL };
    char *const env[] = { NULL };

    CHECK_EQ(CHILD(execlp("cp", "cp", "/proc/self/exe", "copy", (char *)NULL)), 0);
    chmod("copy", 0755);
    int fd = open("copy", O_WRONLY);
    CHECK(fd >= 0);
    CHECK_ERR(ETXTBSY, execve("./copy", argv, env));
    close(fd);
    CHECK(unlink("copy") == 0);
    CHECK_ERR(ETXTBSY, open("/proc/self/exe", O_WRONLY));
}
