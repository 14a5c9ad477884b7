/* A failed execve in a vfork child releases nobody: the child goes on in the
 * shared memory and may try again.  ENOENT, EACCES (not executable, a
 * directory), ENOEXEC, ENOTDIR, ELOOP leave everything as it was. */
#include "check.h"

static volatile int errors[8], tries, went_on;

static void try(const char *path, char *const *argv)
{
    execve(path, argv, argv + 1);
    errors[tries++] = errno;
}

static void test(void)
{
    static char *argv[] = { "x", NULL };
    static char *const good[] = { "true", NULL };

    write_file("plain", "echo hello\n");
    write_file("text", "neither ELF nor a script\n");
    chmod("text", 0755);
    CHECK(symlink("loop", "loop") == 0);

    long start = now_ms();
    pid_t pid = vfork();
    if (pid == 0) {
        try("/nonexistent", argv);
        try("plain", argv);
        try("/", argv);
        try("text", argv);
        try("text/below", argv);
        try("loop", argv);
        msleep(100);
        went_on = 1;
        execvp("true", good);
        _exit(127);
    }
    CHECK(now_ms() - start >= 100);
    CHECK_EQ(went_on, 1);
    CHECK_EQ(status_of(pid), 0);
    CHECK_EQ(tries, 6);
    for (int i = 0; i < tries; i++)
        SAY("%d: errno %d\n", i, errors[i]);
}
