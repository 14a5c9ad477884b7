/* Arguments and environment reach the new image as given: empty strings, blanks,
 * bytes above 127, many, long; NULL vectors are taken as empty. */
#include "check.h"

extern char **environ;

static void test(void)
{
    char *const odd[] = { "sh",
                          "-c",
                          "echo $#; for a; do printf '[%s]' \"$a\"; done; echo; echo \"$E\"",
                          "name",
                          "",
                          " a  b ",
                          "\303\244\377",
                          "new\nline",
                          "--",
                          "*",
                          NULL };
    char *const env[] = { "E=with space", "PATH=/none", "=odd", "NOVALUE", NULL };
    static char *many[3000], big[100000];
    char *const sh_env[] = { "sh", "-c", "echo ${#BIG}", NULL };
    static char setting[50000] = "BIG=";

    CHECK_EQ(CHILD(execvpe("sh", odd, env)), 0);
    many[0] = "sh";
    many[1] = "-c";
    many[2] = "echo $# ${#1}";
    many[3] = "name";
    memset(big, 'x', sizeof(big) - 1);
    many[4] = big;
    for (int i = 5; i < 2999; i++)
        many[i] = "argument";
    CHECK_EQ(CHILD(execvp("sh", many)), 0);
    memset(setting + 4, 'y', sizeof(setting) - 5);
    char *const big_env[] = { setting, NULL };
    CHECK_EQ(CHILD(execvpe("sh", sh_env, big_env)), 0);

    if (getenv("SECOND") == NULL) {
        write_file("show", "#!/bin/sh\nexit 0\n");
        CHECK_EQ(CHILD(chmod("show", 0755); char *const a[] = { "./show", NULL };
                       execve("./show", a, NULL); _exit(1)),
                 0);
    }
}
