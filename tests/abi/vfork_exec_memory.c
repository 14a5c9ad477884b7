/* exec in a vfork child gives it new memory and leaves the old one to the
 * parent, whole: 100 times, with programs that use memory of their own. */
#include "check.h"

enum { PAGES = 64 };

static void test(void)
{
    static char *const argv[] = { "sh", "-c", "x=0123456789; x=$x$x$x; [ ${#x} = 30 ]", NULL };
    unsigned char *p = (unsigned char *)map_pages(PAGES);

    for (int i = 0; i < PAGES; i++)
        memset(p + i * PAGE, i + 1, PAGE);
    for (int round = 0; round < 30; round++) {
        pid_t pid = vfork();
        if (pid == 0) {
            execvp("sh", argv);
            _exit(127);
        }
        p[round * PAGE] = round + 100;
        int status = status_of(pid);
        if (status != 0)
            CHECK_EQ(status, 0);
    }
    for (int i = 0; i < PAGES; i++)
        for (int j = 1; j < PAGE; j++)
            if (p[i * PAGE + j] != i + 1) {
                CHECK(!"memory is as it was");
                return;
            }
    for (int i = 0; i < 30; i++)
        CHECK_EQ(p[i * PAGE], i + 100);
}
