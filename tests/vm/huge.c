/* huge.c - how much memory is in huge pages, after what is done to it: a line for each step, with KiB of the
 * whole system (/proc/meminfo) and of this process (smaps), and what it has in memory at all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096ul
#define HUGE (512 * PAGE)
#define ALL  (4 * HUGE)

static char *area;

static long sum(const char *path, const char *line)
{
    char text[256];
    long n = 0;
    FILE *f = fopen(path, "r");
    while (f && fgets(text, sizeof(text), f))
        if (strncmp(text, line, strlen(line)) == 0)
            n += atol(text + strlen(line));
    if (f)
        fclose(f);
    return n;
}

static void say(const char *step)
{
    printf("%s %ld %ld\n", step, sum("/proc/meminfo", "AnonHugePages:"),
           sum("/proc/self/smaps", "AnonHugePages:"));
    fflush(stdout);
}

static void map(void)
{
    char *p = mmap(NULL, ALL + HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    area = (char *)(((unsigned long)p + HUGE - 1) & ~(HUGE - 1));
    mprotect(area, ALL, PROT_READ | PROT_WRITE);
    madvise(area, ALL, MADV_HUGEPAGE);
}

static void touch(unsigned long from, unsigned long to)
{
    for (; from < to; from += PAGE)
        area[from] = 1;
}

static void child(void)
{
    say("child");
    area[3 * PAGE] = 2;
    say("child-wrote");
    munmap(area + HUGE + PAGE, 2 * HUGE);
    say("child-unmapped");
    _exit(0);
}

int main(void)
{
    map();
    say("mapped");
    touch(0, ALL);
    say("touched");
    pid_t pid = fork();
    if (pid == 0)
        child();
    waitpid(pid, NULL, 0);
    say("parent");
    touch(0, ALL);
    say("parent-wrote");
    mprotect(area + HUGE, PAGE, PROT_READ);
    say("protected");
    madvise(area + 2 * HUGE, HUGE, MADV_DONTNEED);
    say("dropped");
    touch(2 * HUGE, 3 * HUGE);
    say("touched-again");
    munmap(area, ALL);
    say("unmapped");
    prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
    map();
    touch(0, ALL);
    say("disabled");
    return 0;
}
