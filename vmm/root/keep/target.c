/* target.c - what both kinds of targets need: a line for what fails, and a name until all is there. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "vmm/root/keep/keep.h"

bool target_fail(struct target *t, const char *fmt, ...)
{
    char text[600];
    va_list ap;
    if (t->failed)
        return false;
    t->failed = true;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    for (char *at = text; *at != '\0'; at++) /* a guest's names go to a terminal */
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = '?';
    fprintf(stderr, "vmm: %s: %s\n", t->what, text);
    return false;
}

bool target_fail_errno(struct target *t, const char *name)
{
    const char *why = strerror(errno);
    return name != NULL && *name != '\0' ? target_fail(t, "%.300s: %s", name, why)
                                         : target_fail(t, "%s", why);
}

bool keep_write(int fd, const void *at, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, at, n);
        if (done < 0 && errno != EINTR)
            return false;
        if (done > 0) {
            at = (const char *)at + done;
            n -= (size_t)done;
        }
    }
    return true;
}

bool target_make_temp(struct target *t, int (*make)(struct target *t))
{
    for (unsigned tries = 0; tries < 100; tries++) {
        uint32_t word = 0;
        if (getrandom(&word, sizeof(word), 0) != sizeof(word))
            return false;
        snprintf(t->temp, sizeof(t->temp), ".forkscope-%08x", word);
        if (make(t) >= 0) {
            t->has_temp = true;
            return true;
        }
        if (errno != EEXIST)
            return false;
    }
    return false;
}
