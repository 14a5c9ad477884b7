/* links: */
/* The kernel that checks its locks panics on each misuse, naming both locks and where
 * they were taken, and on nothing else. */
#define LOCKS 1
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "sched/task.h"
#include <asm/prctl.h>
#include <asm/unistd.h>

int vsnprintf(char *to, size_t room, const char *fmt, va_list ap); /* the C library's */
char *strstr(const char *in, const char *what);

/* --- what the two files below need of the kernel --- */

struct cpu cpus[MAX_CPUS];
unsigned ncpus = 2;
static struct task one, two;
static jmp_buf after_panic;
static char message[512];
static void (*while_asleep)(void);

void panic(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(message, sizeof(message), fmt, ap);
    va_end(ap);
    longjmp(after_panic, 1);
}

void cpu_relax_poll(void) { panic("waits for ever"); }

int block(enum block_reason reason, uint32_t on_pid, enum block_how how, uint64_t deadline)
{
    (void)reason, (void)on_pid, (void)how, (void)deadline;
    while_asleep();
    return 0;
}

void wake_task(struct task *t) { t->wake_token = true; }

#include "guest/sync/lock.c"
#include "guest/sync/lock_check.c"

static void run_on(unsigned cpu)
{
    long ret = __NR_arch_prctl;

    __asm__ volatile("syscall"
                     : "+a"(ret)
                     : "D"(ARCH_SET_GS), "S"(&cpus[cpu])
                     : "rcx", "r11", "memory");
    assert_int_equal(ret, 0);
}

static int fresh(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ncpus; i++) {
        cpus[i] = (struct cpu){
            .self = &cpus[i], .id = i, .holder = i + 1, .running = i == 0 ? &one : &two
        };
        spins[i] = (struct lock_list){ 0 };
    }
    one = two = (struct task){ 0 };
    off = false;
    run_on(0);
    return 0;
}

/* The statement panics, with this in the text. */
#define VIOLATES(text, statement) \
    do { \
        message[0] = '\0'; \
        if (setjmp(after_panic) == 0) { \
            statement; \
            fail_msg("no panic: %s", #statement); \
        } \
        if (strstr(message, text) == NULL) \
            fail_msg("\"%s\" does not say \"%s\"", message, text); \
    } while (0)

static void setup(struct mutex *m, enum lock_class class) { mutex_init(m, class); }

static void in_order(void **state)
{
    struct mutex fs, mm;
    struct spinlock tree = SPINLOCK_INIT(LOCK_tree), task = SPINLOCK_INIT(LOCK_task);

    (void)state;
    setup(&fs, LOCK_fs_tree);
    setup(&mm, LOCK_mm);
    for (unsigned i = 0; i < 3; i++) {
        mutex_lock(&fs);
        LOCK_USER_MEMORY();
        mutex_lock(&mm);
        spin_lock(&tree);
        spin_lock(&task);
        spin_unlock(&tree); /* any order will do */
        spin_unlock(&task);
        LOCK_NO_SPIN("");
        mutex_unlock(&fs);
        mutex_unlock(&mm);
        LOCK_NO_LOCK("");
    }
    struct lock_stat s;
    lock_stat_get(LOCK_tree, &s);
    assert_true(s.taken >= 3 && s.waited == 0);
}

static void out_of_order(void **state)
{
    struct spinlock tree = SPINLOCK_INIT(LOCK_tree), task = SPINLOCK_INIT(LOCK_task);

    (void)state;
    spin_lock(&task);
    VIOLATES("lock tree: out of order at tests/unit/test_lock.c:", spin_lock(&tree));
    assert_non_null(strstr(message, "held: task, taken at tests/unit/test_lock.c:"));
}

static void mutexes_out_of_order(void **state)
{
    struct mutex fs, mm;

    (void)state;
    setup(&fs, LOCK_fs_tree);
    setup(&mm, LOCK_mm);
    mutex_lock(&mm);
    VIOLATES("lock fs_tree: out of order", mutex_lock(&fs));
}

static void taken_twice(void **state)
{
    struct spinlock tree = SPINLOCK_INIT(LOCK_tree);
    struct mutex mm;

    (void)state;
    spin_lock(&tree);
    VIOLATES("lock tree: taken by who holds it", spin_lock(&tree));
    fresh(NULL);
    setup(&mm, LOCK_mm);
    mutex_lock(&mm);
    VIOLATES("lock mm: taken by who holds it", mutex_lock(&mm));
}

static void two_of_a_class(void **state)
{
    struct spinlock tasks[2] = { SPINLOCK_INIT(LOCK_task), SPINLOCK_INIT(LOCK_task) };
    struct spinlock queues[2] = { SPINLOCK_INIT(LOCK_futex), SPINLOCK_INIT(LOCK_futex) };

    (void)state;
    spin_lock(&queues[0]);
    spin_lock(&queues[1]);
    spin_unlock(&queues[0]);
    VIOLATES("lock futex: a second of its class", spin_lock(&queues[0]));
    fresh(NULL);
    spin_lock(&tasks[0]);
    VIOLATES("lock task: a second of its class", spin_lock(&tasks[1]));
}

static void second_is_new(void **state)
{
    struct mutex mm[2];

    (void)state;
    setup(&mm[0], LOCK_mm);
    setup(&mm[1], LOCK_mm);
    mutex_lock(&mm[1]);
    mutex_lock(&mm[0]);
    mutex_unlock(&mm[1]);
    mutex_unlock(&mm[0]);
    run_on(1);
    mutex_lock(&mm[1]);
    run_on(0);
    mutex_lock(&mm[0]);
    VIOLATES("lock mm: a second of its class", mutex_lock(&mm[1])); /* not so new */
}

static void wrong_unlock(void **state)
{
    struct spinlock tree = SPINLOCK_INIT(LOCK_tree);
    struct mutex mm;

    (void)state;
    VIOLATES("lock tree: unlocked by who does not hold it", spin_unlock(&tree));
    fresh(NULL);
    spin_lock(&tree);
    run_on(1);
    VIOLATES("lock tree: unlocked by who does not hold it", spin_unlock(&tree));
    fresh(NULL);
    setup(&mm, LOCK_mm);
    mutex_lock(&mm);
    run_on(1);
    VIOLATES("lock mm: unlocked by who does not hold it", mutex_unlock(&mm));
}

static void no_class(void **state)
{
    struct spinlock l = { 0 };

    (void)state;
    VIOLATES("it has no class", spin_lock(&l));
}

static void sleeping(void **state)
{
    struct spinlock tree = SPINLOCK_INIT(LOCK_tree);
    struct mutex mm, fs;

    (void)state;
    setup(&mm, LOCK_mm);
    setup(&fs, LOCK_fs_tree);
    spin_lock(&tree);
    VIOLATES("sleeps", LOCK_NO_SPIN("sleeps"));
    off = false;
    VIOLATES("a mutex, with a spinlock held", mutex_lock(&mm));
    fresh(NULL);
    mutex_lock(&mm);
    VIOLATES("lock mm: to user mode", LOCK_NO_LOCK("to user mode"));
}

static void user_memory(void **state)
{
    struct spinlock tree = SPINLOCK_INIT(LOCK_tree);
    struct mutex mm;

    (void)state;
    spin_lock(&tree);
    VIOLATES("lock tree: held while user memory is touched", LOCK_USER_MEMORY());
    fresh(NULL);
    setup(&mm, LOCK_mm);
    mutex_lock(&mm);
    VIOLATES("lock mm: a second of its class", LOCK_USER_MEMORY());
}

static void trying(void **state)
{
    struct spinlock tree = SPINLOCK_INIT(LOCK_tree), task = SPINLOCK_INIT(LOCK_task);

    (void)state;
    spin_lock(&task);
    assert_true(spin_trylock(&tree)); /* cannot wait, so any order */
    run_on(1);
    assert_false(spin_trylock(&tree));
    run_on(0);
    spin_unlock(&tree);
    spin_unlock(&task);
    LOCK_NO_SPIN("");
}

/* A waiter for a mutex sleeps until its owner unlocks, which wakes it; and it takes a
 * token along for the wait that may be around this one. */
static struct mutex contended;

static void owner_unlocks(void)
{
    run_on(1);
    mutex_unlock(&contended);
    run_on(0);
    assert_true(one.wake_token);
    one.wake_token = false;
}

static void mutex_wakes(void **state)
{
    struct lock_stat s;

    (void)state;
    setup(&contended, LOCK_pipe);
    run_on(1);
    mutex_lock(&contended);
    run_on(0);
    while_asleep = owner_unlocks;
    mutex_lock(&contended);
    assert_true(mutex_held(&contended));
    assert_true(one.wake_token);
    assert_true(list_empty(&contended.waiters));
    mutex_unlock(&contended);
    lock_stat_get(LOCK_pipe, &s);
    assert_int_equal(s.taken, 2);
    assert_int_equal(s.waited, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(in_order, fresh),
        cmocka_unit_test_setup(out_of_order, fresh),
        cmocka_unit_test_setup(mutexes_out_of_order, fresh),
        cmocka_unit_test_setup(taken_twice, fresh),
        cmocka_unit_test_setup(two_of_a_class, fresh),
        cmocka_unit_test_setup(second_is_new, fresh),
        cmocka_unit_test_setup(wrong_unlock, fresh),
        cmocka_unit_test_setup(no_class, fresh),
        cmocka_unit_test_setup(sleeping, fresh),
        cmocka_unit_test_setup(user_memory, fresh),
        cmocka_unit_test_setup(trying, fresh),
        cmocka_unit_test_setup(mutex_wakes, fresh),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
