/* proc_kept.c - what /proc says of mappings is long where their files' names are; nobody fills memory with it by opening
 * it again and again. */
#include "check.h"

#define LEVELS   8
#define MAPPINGS 150

static long figure(const char *name)
{
    char *at = strstr(slurp("/proc/meminfo"), name);

    return at != NULL ? strtol(at + strlen(name), NULL, 10) : 0;
}

static void test(void)
{
    char name[201] = "", byte, all[20000];
    struct rlimit many = { 1000, 1000 };
    size_t bytes = 0;
    ssize_t n;

    memset(name, 'n', sizeof(name) - 1);
    for (int i = 0; i < LEVELS; i++) {
        CHECK_EQ(mkdir(name, 0700), 0);
        CHECK_EQ(chdir(name), 0);
    }
    int file = open(name, O_CREAT | O_RDWR, 0600);
    CHECK_EQ(ftruncate(file, PAGE), 0);
    for (int i = 0; i < MAPPINGS; i++)
        CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, file, 0) != MAP_FAILED);
    setrlimit(RLIMIT_NOFILE, &many);
    long total = figure("MemTotal:"), before = figure("MemFree:");
    long opens = total / 2 / (MAPPINGS * 1700 / 1024);
    for (long i = 0; i < opens && i < 900; i++) {
        int fd = open("/proc/self/maps", O_RDONLY);
        CHECK(fd >= 0 && read(fd, &byte, 1) == 1);
    }
    CHECK(figure("MemFree:") > before - total / 4);
    int fd = open("/proc/self/maps",
                  O_RDONLY); /* and it is whole, though it may be made anew each time */
    while ((n = read(fd, all, sizeof(all))) > 0)
        bytes += (size_t)n;
    CHECK(bytes > MAPPINGS * LEVELS * 200);
}
