/* /proc/PID/numa_maps: each mapping's policy and pages; of where they are on lists of the kernel nothing is compared. */
#include "check.h"

#include <stdbool.h>
#include <stdio.h>

/* The line of the mapping at p, from its policy on, without active=N. */
static void say(const char *what, const void *p)
{
    char line[1024], want[32];
    FILE *f = fopen("/proc/self/numa_maps", "r");

    snprintf(want, sizeof want, "%08lx ", (unsigned long)p);
    while (f && fgets(line, sizeof line, f)) {
        if (strncmp(line, want, strlen(want)) != 0)
            continue;
        char *active = strstr(line, " active="), *end = active ? strchr(active + 1, ' ') : NULL;
        if (end)
            memmove(active, end, strlen(end) + 1);
        SAY("%s: %s", what, line + strlen(want));
    }
    if (f)
        fclose(f);
    else
        SAY("# no numa_maps here\n");
}

static char *map(int prot, int flags, int fd)
{
    char *p = mmap(NULL, 8 * PAGE, prot, flags, fd, 0);
    CHECK(p != MAP_FAILED);
    return p;
}

/* A file whose path is longer than a page has its line, too. */
static void far_away(void)
{
    char name[201];

    memset(name, 'x', 200);
    name[200] = 0;
    int home = open(".", O_RDONLY | O_DIRECTORY), deep = 0;
    while (deep < 24 && mkdir(name, 0755) == 0 && chdir(name) == 0)
        deep++;
    int fd = open("f", O_CREAT | O_RDWR, 0600);
    CHECK(deep == 24 && ftruncate(fd, 8 * PAGE) == 0);
    char line[1024], want[32];
    snprintf(want, sizeof want,
             "%08lx default file=", (unsigned long)map(PROT_READ, MAP_SHARED, fd));
    FILE *f = fopen("/proc/self/numa_maps", "r");
    bool seen = !f;
    while (f && !seen && fgets(line, sizeof line, f))
        seen = strncmp(line, want, strlen(want)) == 0;
    SAY("far away: %d\n", seen);
    if (f)
        fclose(f);
    close(fd);
    unlink("f");
    while (deep-- > 0 && chdir("..") == 0)
        rmdir(name);
    CHECK(fchdir(home) == 0);
    close(home);
}

static void test(void)
{
    unsigned long node = 1;
    char *fence[6];

    for (int i = 0; i < 6; i++) /* so that neighbours do not merge */
        fence[i] = map(i % 2 ? PROT_NONE : PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    say("untouched", fence[0]);
    for (int i = 0; i < 3; i++)
        fence[0][i * PAGE] = 1;
    say("three pages", fence[0]);
    if (syscall(SYS_mbind, fence[2], 8 * PAGE, 2, &node, 2, 0) == 0) /* MPOL_BIND */
        say("bound", fence[2]);
    fence[4][0] = 1;
    pid_t child = fork();
    if (child == 0) {
        say("shared by fork", fence[4]);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    far_away();
}
