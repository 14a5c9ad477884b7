/* links: guest/proc/pid.c */
/* Numbers of tasks go up, are not used again soon, and never while a group or
 * session has the name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdlib.h>
#include <cmocka.h>

#include "mm/heap.h"
#include "proc/pid.h"

static bool no_memory;
static char a_task, another; /* the table only keeps their addresses */
#define TASK_A ((struct task *)&a_task)
#define TASK_B ((struct task *)&another)

void *kzalloc(size_t n) { return no_memory ? NULL : calloc(1, n); }
void kfree(void *p) { free(p); }

void pid_names_drop(struct pid_names **names) { (void)names; } /* nobody has any here */

void panic(const char *fmt, ...)
{
    fail_msg("%s", fmt);
    abort();
}

static void goes_up_and_finds(void **state)
{
    (void)state;
    assert_int_equal(pid_alloc(TASK_A), 1);
    assert_int_equal(pid_alloc(TASK_B), 2);
    assert_ptr_equal(task_find(1), TASK_A);
    assert_ptr_equal(task_find(2), TASK_B);
    assert_null(task_find(3));
    assert_null(task_find(0));
    assert_null(task_find(PID_MAX));
    assert_null(task_find(UINT32_MAX));
    pid_free(2);
    assert_null(task_find(2));
    assert_int_equal(pid_alloc(TASK_B), 3); /* not 2 again */
    pid_set_task(3, TASK_A);
    assert_ptr_equal(task_find(3), TASK_A);
}

static void wraps_above_the_first_and_skips_held(void **state)
{
    uint32_t pid;

    (void)state;
    do {
        pid = pid_alloc(TASK_A);
        if (pid == 300) { /* two name their group or session by it while it is there */
            pid_hold(pid);
            pid_hold(pid);
        }
        pid_free(pid);
    } while (pid != PID_MAX - 1);
    assert_int_equal(pid_alloc(TASK_A), 301);
    pid_drop(300);
    pid_drop(300);
}

static void full_and_without_memory(void **state)
{
    uint32_t n = 0;

    (void)state;
    while (pid_alloc(TASK_A) != 0)
        n++;
    assert_int_equal(n, PID_MAX - 300 - 1);
    pid_free(20000);
    assert_int_equal(pid_alloc(TASK_B), 20000);
    assert_int_equal(pid_last(), 20000);
}

static void no_page_no_number(void **state)
{
    (void)state;
    no_memory = true;
    assert_int_equal(pid_alloc(TASK_A), 0);
    no_memory = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_page_no_number),
        cmocka_unit_test(goes_up_and_finds),
        cmocka_unit_test(wraps_above_the_first_and_skips_held),
        cmocka_unit_test(full_and_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
