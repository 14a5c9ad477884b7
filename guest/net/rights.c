/* rights.c - open files in messages, and the sockets that nobody can reach any more.
 *
 * A message holds a reference on each file it carries.  A socket may be carried, too, even
 * into its own queue or by messages that wait in each other's: then it has references, and nobody
 * ever comes to read.  So in_flight counts how many of a socket's references are
 * messages'.  One that has others can be reached.  What a socket that can be reached has in its
 * queue can be reached, too.  All others that are in flight are garbage: their queues lose
 * their files, and with that they end.
 *
 * That is found out in one go under unix_lock, where nothing is sent or received: a socket
 * without other references can get none meanwhile.  So the references in flight to sockets are
 * limited, and each socket has a list of the messages that count (messages to one that is
 * not accepted yet: in the list of who listens).  It is looked for when a reference goes: when a
 * socket ends, a descriptor is closed that was sent once, or files in a message are put.
 *
 * A put may be the last one of a socket, whose queue holds files, and so on.  So that this does not
 * recurse, files are put by one task at a time, from a list; whoever comes in between, that task
 * itself among them, leaves his in the list. */
#include "net/rights.h"
#include "arch/preempt.h"
#include "fs/fd.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "net/unix.h"
#include "sched/task.h"

#define SOCKETS_MAX 512u /* references of messages to sockets */
#define WORK_PUT    250u /* instructions a file, about (arch/preempt.h) */
#define WORK_LOOK   60u  /* a reference to a socket */

static struct list flights = LIST_INIT(flights); /* [u] sockets that are in flight */
static unsigned nsockets, nfiles;                /* [u] references in flight: to sockets; all */
static struct unix_rights *dead;                 /* [u] to be put */
static bool draining;                            /* [u] somebody does */

/* --- making ------------------------------------------------------------------------------- */

static struct unix_rights *alloc(unsigned n, unsigned sockets)
{
    struct unix_rights *r = kmalloc(sizeof(*r) + (n + sockets) * sizeof(void *));

    if (r == NULL)
        return NULL;
    r->next = NULL;
    r->n = n;
    r->nsockets = 0;
    r->in_flight = false;
    r->sockets = (struct unix_socket **)&r->file[n];
    return r;
}

int rights_take(const int *fd, unsigned n, struct unix_rights **out)
{
    unsigned sockets = 0, got = 0;
    struct file *file[SCM_MAX_FD];

    for (; got < n; got++) {
        file[got] = fd_get(fd[got]);
        if (file[got] == NULL)
            break;
        sockets += unix_of(file[got]) != NULL;
    }
    struct unix_rights *r = got == n ? alloc(n, sockets) : NULL;
    if (r == NULL) {
        for (unsigned i = 0; i < got; i++)
            file_put(file[i]);
        return got == n ? -ENOMEM : -EBADF;
    }
    for (unsigned i = 0; i < n; i++) {
        r->file[i] = file[i];
        file[i]->sent_once = true;
        if (unix_of(file[i]) != NULL)
            r->sockets[r->nsockets++] = unix_of(file[i]);
    }
    *out = r;
    return 0;
}

int rights_append(struct unix_rights **to, struct unix_rights *more)
{
    struct unix_rights *a = *to, *r = NULL;
    int err = a->n + more->n > SCM_MAX_FD ? -EINVAL : 0;

    if (err == 0 && (r = alloc(a->n + more->n, a->nsockets + more->nsockets)) == NULL)
        err = -ENOMEM;
    if (err != 0) {
        rights_free(more);
        return err;
    }
    memcpy(r->file, a->file, a->n * sizeof(a->file[0]));
    memcpy(r->file + a->n, more->file, more->n * sizeof(more->file[0]));
    memcpy(r->sockets, a->sockets, a->nsockets * sizeof(a->sockets[0]));
    memcpy(r->sockets + a->nsockets, more->sockets, more->nsockets * sizeof(more->sockets[0]));
    r->nsockets = a->nsockets + more->nsockets;
    kfree(a);
    kfree(more);
    *to = r;
    return 0;
}

struct unix_rights *rights_copy(const struct unix_rights *r)
{
    struct unix_rights *copy = alloc(r->n, 0);

    if (copy == NULL)
        return NULL;
    for (unsigned i = 0; i < r->n; i++) {
        copy->file[i] = r->file[i];
        file_get(copy->file[i]);
    }
    return copy;
}

/* --- in flight; unix_lock held --------------------------------------------------------------- */

int rights_go(struct unix_message *m, struct unix_socket *to)
{
    struct unix_rights *r = m->rights;

    if (nsockets + r->nsockets > SOCKETS_MAX ||
        (nfiles + r->n > current->proc->rlim[RLIMIT_NOFILE].rlim_cur && !has_cap(CAP_SYS_RESOURCE)))
        return -ETOOMANYREFS;
    nsockets += r->nsockets;
    nfiles += r->n;
    r->in_flight = true;
    for (unsigned i = 0; i < r->nsockets; i++)
        if (r->sockets[i]->in_flight++ == 0)
            list_push_back(&flights, &r->sockets[i]->flight_link);
    if (r->nsockets > 0)
        list_push_back(&(to->in_row_of != NULL ? to->in_row_of : to)->carriers, &m->carrier_link);
    return 0;
}

static void landed(struct unix_rights *r)
{
    nsockets -= r->nsockets;
    nfiles -= r->n;
    r->in_flight = false;
    for (unsigned i = 0; i < r->nsockets; i++)
        if (--r->sockets[i]->in_flight == 0)
            list_remove(&r->sockets[i]->flight_link);
}

struct unix_rights *rights_land(struct unix_message *m)
{
    struct unix_rights *r = m->rights;

    if (r == NULL)
        return NULL;
    m->rights = NULL;
    list_remove(&m->carrier_link);
    if (r->in_flight)
        landed(r);
    return r;
}

void rights_accepted(struct unix_socket *listener, struct unix_socket *end)
{
    struct unix_message *m;

    end->in_row_of = NULL;
    if (list_empty(&listener->carriers))
        return;
    list_for_each(m, &end->queue, link)
        if (!list_empty(&m->carrier_link)) {
            list_remove(&m->carrier_link);
            list_push_back(&end->carriers, &m->carrier_link);
        }
}

/* --- garbage; unix_lock held -------------------------------------------------------------------- */

static void reach(struct unix_socket *s, struct list *reached)
{
    list_remove(&s->flight_link);
    list_push_back(reached, &s->flight_link);
    s->reached = true;
}

/* What is left in `flights` cannot be reached. */
static void find_reached(struct list *reached)
{
    struct unix_socket *s, *next;
    struct unix_message *m;

    list_for_each_safe(s, next, &flights, flight_link)
        if (s->file == NULL || (unsigned)ref_read(&s->file->refs) > s->in_flight)
            reach(s, reached);
    list_for_each(s, reached, flight_link)
        list_for_each(m, &s->carriers, carrier_link)
            for (unsigned i = 0; i < m->rights->nsockets; i++)
                if (!m->rights->sockets[i]->reached)
                    reach(m->rights->sockets[i], reached);
}

/* Takes garbage out of its queues; it is dead then. */
static void look_for_garbage(void)
{
    struct list reached = LIST_INIT(reached);
    struct unix_rights *found = NULL, *r;
    struct unix_socket *s;

    find_reached(&reached);
    list_for_each(s, &flights, flight_link)
        while (!list_empty(&s->carriers)) {
            struct unix_message *m = list_first(&s->carriers, struct unix_message, carrier_link);
            list_remove(&m->carrier_link);
            r = m->rights;
            m->rights = NULL;
            r->next = found;
            found = r;
        }
    list_for_each(s, &reached, flight_link)
        s->reached = false;
    list_splice_back(&flights, &reached);
    while ((r = found) != NULL) {
        found = r->next;
        landed(r);
        r->next = dead;
        dead = r;
    }
}

/* --- ends ------------------------------------------------------------------------------------------ */

static void put_files(struct unix_rights *r)
{
    for (unsigned i = 0; i < r->n; i++) {
        file_put(r->file[i]);
        preempt_work(WORK_PUT);
    }
    kfree(r);
}

/* unix_lock held, and given back. */
static void drain(void)
{
    if (draining) {
        spin_unlock(&unix_lock);
        return;
    }
    draining = true;
    for (;;) {
        if (dead == NULL && !list_empty(&flights))
            look_for_garbage();
        struct unix_rights *r = dead;
        if (r == NULL)
            break;
        dead = r->next;
        spin_unlock(&unix_lock);
        put_files(r);
        spin_lock(&unix_lock);
    }
    draining = false;
    unsigned n = nsockets;
    spin_unlock(&unix_lock);
    preempt_work(n * WORK_LOOK);
}

void rights_free(struct unix_rights *r)
{
    spin_lock(&unix_lock);
    r->next = dead;
    dead = r;
    drain();
}

void rights_collect(void)
{
    if (list_empty(&flights)) /* looked at without the lock: who puts something there looks later */
        return;
    spin_lock(&unix_lock);
    drain();
}

void rights_init(void) { file_on_close_sent(rights_collect); }
