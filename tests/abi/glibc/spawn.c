/* What a C library builds on vfork: posix_spawn with its attributes, system, popen; a
 * program that is not there is an error of the call. */
#include "check.h"
#include <spawn.h>

extern char **environ;

static void test(void)
{
    char *const say[] = { "sh", "-c", "echo spawned; exit 5", NULL }, *const none[] = { "none",
                                                                                        NULL };
    char line[64] = "";
    pid_t pid;

    CHECK_EQ(posix_spawnp(&pid, "sh", NULL, NULL, say, environ), 0);
    CHECK_EQ(status_of(pid), EXITED(5));
    CHECK_EQ(posix_spawn(&pid, "/none", NULL, NULL, none, environ), ENOENT);
    CHECK_ERR(ECHILD, waitpid(-1, NULL, 0));

    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t set;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "out", O_WRONLY | O_CREAT | O_TRUNC, 0644);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    posix_spawnattr_init(&attr);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    posix_spawnattr_setsigmask(&attr, &set);
    posix_spawnattr_setpgroup(&attr, 0);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    char *const show[] = { "sh", "-c",
                           "grep SigBlk /proc/$$/status; echo err >&2; kill -USR1 $$; exit 3",
                           NULL };
    CHECK_EQ(posix_spawnp(&pid, "sh", &actions, &attr, show, environ), 0);
    CHECK_EQ(status_of(pid), EXITED(3));
    SAY("%s", slurp("out"));

    CHECK_EQ(system("echo from system; exit 9"), EXITED(9));
    CHECK_EQ(system("kill -9 $$"), KILLED(9));
    FILE *p = popen("echo one; echo two", "r");
    CHECK(p != NULL);
    while (fgets(line, sizeof(line), p) != NULL)
        SAY("popen: %s", line);
    CHECK_EQ(pclose(p), 0);
    p = popen("cat", "w");
    CHECK(p != NULL && fputs("into cat\n", p) >= 0);
    CHECK_EQ(pclose(p), 0);
}
