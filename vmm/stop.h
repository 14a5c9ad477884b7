/* stop.h - why and how the VM comes to its end.
 *
 * Any thread may ask; the first reason counts.  The console's thread waits for it, with
 * poll(), and kicks the vCPUs; a vCPU looks at `asked` before it enters the guest. */
#ifndef VMM_STOP_H
#define VMM_STOP_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

enum stop_kind {
    STOP_NONE,
    STOP_STATUS,  /* end with `status`: the guest's, a signal's, the user's */
    STOP_TIMEOUT, /* 124, after saying what the tasks do */
    STOP_DIED,    /* 255, after the full report */
    STOP_FAILED,  /* 125, the VMM could not go on; `text` says why */
};

struct stop {
    pthread_mutex_t lock;
    atomic_bool asked; /* set once, never cleared; then the fields below are complete */
    int wake_fd;       /* an eventfd, readable from then on */
    enum stop_kind kind;
    int status;
    int cpu; /* where it happened; -1: no vCPU's doing */
    char text[1024];
};

int stop_init(struct stop *s); /* 0 or -errno */
void stop_destroy(struct stop *s);

/* Ask all vCPUs to stop, for this reason, and return at once. */
void vm_stop(struct stop *s, enum stop_kind kind, int status, int cpu, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

static inline bool stop_asked(const struct stop *s) { return atomic_load(&s->asked); }

#endif
