/* lock_check.c - the kernel that watches its own locks (-DLOCKS=1).
 *
 * What a CPU holds of spinlocks and a task of mutexes stands in a short list, each
 * with where it was taken.  A lock is compared with all of the list before it is waited
 * for, so an order that could deadlock is found whenever it is used, not only when two
 * CPUs meet in it.  The order of classes is total, therefore the comparison is of
 * numbers, and nothing has to be learned at run time.
 *
 * A spinlock is never held across a switch, so the list of a CPU is always that of
 * the task that runs there.  Trying a lock cannot deadlock: it is not compared, but what
 * is taken while it is held is.
 *
 * A panic ends the checks: it may write to the console whatever is held. */
#include "sched/task.h"
#include "sync/lock.h"

#if LOCKS

#define NAME(name, two, guards) [LOCK_##name] = #name,
static const char *const names[LOCK_END] = { [LOCK_NONE] = "(not initialized)",
                                             LOCK_CLASSES(NAME) };

enum two { ONE, ADDRESS, NEW, NESTED };
#define TWO(name, two, guards) [LOCK_##name] = two,
static const uint8_t two_of[LOCK_END] = { LOCK_CLASSES(TWO) };

static struct lock_list spins[MAX_CPUS];           /* each by its CPU only */
static struct lock_stat stats[MAX_CPUS][LOCK_END]; /* written by its CPU only */
static bool off; /* [a] a violation was found: the machine stops */

static struct lock_list *my_spins(void) { return &spins[HERE->id]; }
static struct lock_list *my_mutexes(void) { return &current->mutexes; }

static void __attribute__((noreturn))
violation(const char *what, enum lock_class class, const char *here, const struct lock_held *held)
{
    off = true;
    if (held == NULL)
        panic("lock %s: %s at %s", names[class], what, here);
    panic("lock %s: %s at %s\nheld: %s, taken at %s", names[class], what, here, names[held->class],
          held->where);
}

/* --- lists -------------------------------------------------------------------- */

static void push(struct lock_list *list, void *lock, enum lock_class class, const char *here)
{
    if (list->n == LOCKS_HELD)
        violation("too many locks are held", class, here, &list->held[LOCKS_HELD - 1]);
    list->held[list->n++] = (struct lock_held){ lock, here, class };
}

static void pop(struct lock_list *list, void *lock, enum lock_class class, const char *here)
{
    unsigned i = list->n;

    while (i > 0 && list->held[i - 1].lock != lock)
        i--;
    if (i == 0)
        violation("unlocked by who does not hold it", class, here, NULL);
    for (list->n--; i <= list->n; i++)
        list->held[i - 1] = list->held[i];
}

/* May a lock of this class be taken with these held?  lock NULL: any of the class. */
static void compare(const struct lock_list *list, void *lock, enum lock_class class, bool is_free,
                    const char *here)
{
    if (class == LOCK_NONE || class >= LOCK_END)
        violation("it has no class", LOCK_NONE, here, NULL);
    for (unsigned i = 0; i < list->n; i++) {
        const struct lock_held *h = &list->held[i];
        if (h->lock == lock)
            violation("taken by who holds it", class, here, h);
        if (h->class > class)
            violation("out of order", class, here, h);
        if (h->class == class && !(two_of[class] == ADDRESS && lock > h->lock) &&
            !(two_of[class] == NEW && is_free) && two_of[class] != NESTED)
            violation("a second of its class", class, here, h);
    }
}

/* --- counts ------------------------------------------------------------------- */

static struct lock_stat *count(enum lock_class class)
{
    struct lock_stat *s = &stats[HERE->id][class];

    s->taken++;
    return s;
}

/* The one who waited may be on another CPU now. */
static void count_wait(enum lock_class class, uint64_t since)
{
    struct lock_stat *s = &stats[HERE->id][class];
    uint64_t tsc = rdtsc() - since;

    s->waited++;
    s->wait_tsc += tsc;
    s->wait_max_tsc = MAX(s->wait_max_tsc, tsc);
}

void lock_stat_get(enum lock_class class, struct lock_stat *sum)
{
    *sum = (struct lock_stat){ 0 };
    for (unsigned i = 0; i < ncpus; i++) {
        const struct lock_stat *s = &stats[i][class];
        sum->taken += s->taken;
        sum->waited += s->waited;
        sum->wait_tsc += s->wait_tsc;
        sum->wait_max_tsc = MAX(sum->wait_max_tsc, s->wait_max_tsc);
    }
}

const char *lock_class_name(enum lock_class class) { return names[class]; }

/* --- spinlocks ---------------------------------------------------------------- */

void lock_check_spin(struct spinlock *l, const char *here)
{
    if (!off)
        compare(my_spins(), l, l->class, false, here);
    count(l->class);
    if (!spin_try(l)) {
        uint64_t since = rdtsc();
        spin_lock_slow(l);
        count_wait(l->class, since);
    }
    if (!off)
        push(my_spins(), l, l->class, here);
}

bool lock_check_spin_try(struct spinlock *l, const char *here)
{
    if (!spin_try(l))
        return false;
    count(l->class);
    if (!off)
        push(my_spins(), l, l->class, here);
    return true;
}

void lock_check_spin_unlock(struct spinlock *l, const char *here)
{
    if (!off) {
        if (!spin_held(l))
            violation("unlocked by who does not hold it", l->class, here, NULL);
        pop(my_spins(), l, l->class, here);
    }
    spin_release(l);
}

/* --- mutexes ------------------------------------------------------------------ */

void lock_check_mutex(struct mutex *m, const char *here)
{
    if (!off) {
        const struct lock_list *s = my_spins();
        if (s->n != 0)
            violation("a mutex, with a spinlock held", m->class, here, &s->held[s->n - 1]);
        compare(my_mutexes(), m, m->class, m->owner == NULL, here);
    }
    count(m->class);
    if (!mutex_try(m)) {
        uint64_t since = rdtsc();
        mutex_lock_slow(m);
        count_wait(m->class, since);
    }
    if (!off)
        push(my_mutexes(), m, m->class, here);
}

void lock_check_mutex_unlock(struct mutex *m, const char *here)
{
    if (!off) {
        if (!mutex_held(m))
            violation("unlocked by who does not hold it", m->class, here, NULL);
        pop(my_mutexes(), m, m->class, here);
    }
    mutex_release(m);
}

/* --- what wants no lock ------------------------------------------------------- */

void lock_check_no_spin(const char *what, const char *here)
{
    const struct lock_list *s = my_spins();

    if (!off && s->n != 0)
        violation(what, s->held[s->n - 1].class, here, &s->held[s->n - 1]);
}

void lock_check_none(const char *what, const char *here)
{
    const struct lock_list *m = my_mutexes();

    lock_check_no_spin(what, here);
    if (!off && m->n != 0)
        violation(what, m->held[m->n - 1].class, here, &m->held[m->n - 1]);
}

/* Its fault takes mm.lock: the same order as if it were taken now. */
void lock_check_user_memory(const char *here)
{
    lock_check_no_spin("held while user memory is touched", here);
    if (!off)
        compare(my_mutexes(), NULL, LOCK_mm, false, here);
}
#endif
