/* After exec /proc/self shows the new program: comm (the name's last part, 15
 * bytes), cmdline, exe; a program that was removed still runs, and exe says so. */
#include "check.h"

static void test(void)
{
    CHECK_EQ(
        CHILD(execlp("sh", "sh", "-c", "cat /proc/$$/comm; tr '\\0' '|' < /proc/$$/cmdline; echo",
                     (char *)NULL)),
        0);
    CHECK_EQ(CHILD(execlp("cp", "cp", "/bin/busybox", "a_rather_long_program_name", (char *)NULL)),
             0);
    CHECK_EQ(CHILD(execl("a_rather_long_program_name", "sh", "-c",
                         "cat /proc/$$/comm; rm a_rather_long_program_name;"
                         "readlink /proc/$$/exe | sed 's,.*/,,'; echo still here",
                         (char *)NULL)),
             0);
}
