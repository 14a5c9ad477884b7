/* mounts.h - what tests of mounts share: a namespace of their own with a tmpfs PB as directory, and what
 * /proc/self/mountinfo says of those whose source or place has "PB", in an order that is everybody's. */
#ifndef TESTS_ABI_MOUNTS_H
#define TESTS_ABI_MOUNTS_H

#include "check.h"
#include <sys/mount.h>

#define MNT_DETACH 2
/* Says what it was and what came of it. */
#define DO(...) \
    do { \
        errno = 0; \
        long rc_ = (long)(__VA_ARGS__); \
        SAY("%s: %ld/%d\n", #__VA_ARGS__, rc_ > 0 ? 1 : rc_, rc_ < 0 ? errno : 0); \
    } while (0)

static int groups_seen[64];

/* Their numbers are anybody's: A, B... in the order in which they are seen. */
static int letter(int group)
{
    int i = 0;

    while (i < 63 && groups_seen[i] != 0 && groups_seen[i] != group)
        i++;
    groups_seen[i] = group;
    return 'A' + i;
}

static void one_line(char *line, char *out, size_t room)
{
    char *field[32] = { 0 };
    int n = 0, len;

    for (char *at = strtok(line, " \n"); at && n < 32; at = strtok(NULL, " \n"))
        field[n++] = at;
    char *place = strstr(field[4], "/PB"), *number = strchr(field[3], '[');
    if (number)
        *number = 0;
    len = snprintf(out, room, "%s root %s", place ? place : field[4],
                   strstr(field[3], "/PB") ? "PB" : field[3]);
    for (int i = 6; i < n && strcmp(field[i], "-") != 0; i++) {
        char *group = strchr(field[i], ':');
        if (group)
            *group++ = 0;
        len += snprintf(out + len, room - len, " %s", field[i]);
        if (group)
            len += snprintf(out + len, room - len, ":%c", letter(atoi(group)));
    }
}

/* "PLACE\nLINE": by place, so that groups get their letters in an order that is everybody's. */
static int in_order(const void *a, const void *b) { return strcmp(a, b); }

static void show(const char *what)
{
    char line[1024], text[256], found[64][512];
    int n = 0;
    FILE *f = fopen("/proc/self/mountinfo", "r");

    memset(groups_seen, 0, sizeof groups_seen);
    while (f && n < 64 && fgets(line, sizeof line, f)) {
        char *at = line;
        if (!strstr(line, "PB") && !strstr(line, "nsfs"))
            continue;
        for (int i = 0; i < 4; i++)
            at = strchr(at, ' ') + 1;
        char *place = strstr(at, "/PB") ? strstr(at, "/PB") : at;
        snprintf(found[n++], sizeof found[0], "%.*s\n%.300s", (int)strcspn(place, " "), place,
                 line);
    }
    if (f)
        fclose(f);
    SAY("-- %s%s\n", what, f ? "" : ": no /proc");
    qsort(found, n, sizeof found[0], in_order);
    for (int i = 0; i < n; i++) {
        one_line(strchr(found[i], '\n') + 1, text, sizeof text);
        SAY("   %s\n", text);
    }
}

static void begin(void)
{
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        SAY("FAIL no mounts of its own: %s\n", strerror(errno));
        _exit(1); /* the machine's are not touched */
    }
    mkdir("PB", 0755);
    CHECK(mount("PB", "PB", "tmpfs", 0, NULL) == 0 && chdir("PB") == 0);
    for (const char *d = "abcdefg"; *d; d++)
        CHECK(mkdir((char[]){ *d, 0 }, 0755) == 0);
}

#endif
