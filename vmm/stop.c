/* stop.c - see stop.h. */
#include "vmm/stop.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

int stop_init(struct stop *s)
{
    pthread_mutex_init(&s->lock, NULL);
    s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return s->wake_fd < 0 ? -errno : 0;
}

void stop_destroy(struct stop *s)
{
    if (s->wake_fd >= 0)
        close(s->wake_fd);
}

void vm_stop(struct stop *s, enum stop_kind kind, int status, int cpu, const char *fmt, ...)
{
    pthread_mutex_lock(&s->lock);
    bool first = s->kind == STOP_NONE;
    if (first) {
        va_list ap;
        s->kind = kind;
        s->status = status;
        s->cpu = cpu;
        va_start(ap, fmt);
        vsnprintf(s->text, sizeof(s->text), fmt, ap);
        va_end(ap);
        atomic_store(&s->asked, true);
    }
    pthread_mutex_unlock(&s->lock);
    if (first) {
        uint64_t one = 1;
        ssize_t ignored = write(s->wake_fd, &one, sizeof(one)); /* nobody else writes */
        (void)ignored;
    }
}
