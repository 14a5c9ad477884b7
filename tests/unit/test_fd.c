/* links: guest/lib/refcount.c tests/unit/kernel_shim.c guest/fs/fd.c */
/* Descriptor tables: the lowest free number is used, limits hold, close-on-exec
 * and copies are right, a copy that runs out of memory leaves nothing behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "kernel_shim.h"
#include "fs/fd.h"
#include "fs/file.h"
#include "fs/file_lock.h"

static struct file file;
static long drops;

void file_get(struct file *f) { ref_get_any(&f->refs); }
void file_put(struct file *f) { ref_put(&f->refs); }
void file_closed_sent(void) {}
void file_closed_async(struct file *f, const void *closed_in)
{
    (void)f;
    (void)closed_in;
}
void locks_drop_owner(struct inode *in, const void *owner) { (void)in, (void)owner, drops++; }

static int add(int from, uint32_t flags)
{
    int fd = fd_alloc(from, flags);

    if (fd >= 0) {
        file_get(&file);
        fd_install(fd, &file);
    }
    return fd;
}

static int setup(void **state)
{
    (void)state;
    ref_init(&file.refs, 0);
    shim_process.rlim[RLIMIT_NOFILE].rlim_cur = FD_MAX;
    shim_task.files = files_create();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    shim_fail_after = -1;
    files_put(shim_task.files);
    assert_int_equal((int)ref_read(&file.refs), 0);
    assert_int_equal(shim_objects(), 0);
    return 0;
}

static void lowest_is_used(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++)
        assert_int_equal(add(0, 0), i);
    assert_int_equal(fd_close(70), 0);
    assert_int_equal(fd_close(3), 0);
    assert_int_equal(fd_close(3), -EBADF);
    assert_int_equal(add(4, 0), 70);
    assert_int_equal(add(0, 0), 3);
    assert_int_equal(add(100000, 0), 100000);
    assert_int_equal(fd_replace(FD_MAX - 1, &file, 0), 0);
    assert_int_equal(fd_replace(FD_MAX, &file, 0), -EBADF);
    assert_int_equal(fd_replace(-1, &file, 0), -EBADF);
    assert_int_equal(files_next(shim_task.files, 200), 100000);
    assert_int_equal(files_next(shim_task.files, 100001), FD_MAX - 1);
    assert_null(fd_get(-1));
    assert_null(fd_get(FD_MAX));
    assert_null(fd_get(99999));
    assert_ptr_equal(fd_get(100000), &file);
    file_put(&file);
}

static void limit_holds(void **state)
{
    (void)state;
    shim_process.rlim[RLIMIT_NOFILE].rlim_cur = 65;
    for (int i = 0; i < 65; i++)
        assert_int_equal(add(0, 0), i);
    assert_int_equal(add(0, 0), -EMFILE);
    assert_int_equal(fd_replace(65, &file, 0), -EBADF);
    assert_int_equal(fd_replace(64, &file, 0), 0);
}

static void reserved_is_not_open(void **state)
{
    int fd = fd_alloc(0, 0);

    (void)state;
    assert_null(fd_get(fd));
    assert_int_equal(fd_close(fd), -EBADF);
    assert_int_equal(fd_replace(fd, &file, 0), -EBUSY);
    assert_int_equal(files_next(shim_task.files, 0), -1);
    assert_int_equal(add(0, 0), 1);
    fd_cancel(fd);
    assert_int_equal(add(0, 0), fd);
}

static void close_on_exec(void **state)
{
    (void)state;
    for (int i = 0; i < 130; i++)
        add(0, i % 2 ? O_CLOEXEC : 0);
    assert_int_equal(fd_flags(1), FD_CLOEXEC);
    assert_int_equal(fd_set_flags(1, 0), 0);
    assert_int_equal(fd_set_flags(0, FD_CLOEXEC), 0);
    assert_int_equal(fd_flags(500), -EBADF);
    files_close_on_exec(shim_task.files);
    assert_null(files_peek(shim_task.files, 0));
    for (int i = 1; i < 130; i++) {
        struct file *f = files_peek(shim_task.files, i);

        assert_ptr_equal(f, i == 1 || i % 2 == 0 ? &file : NULL);
        if (f)
            file_put(f);
    }
    /* A number that is used again does not inherit the flag. */
    assert_int_equal(add(0, 0), 0);
    assert_int_equal(fd_flags(0), 0);
}

static void copies(void **state)
{
    struct files *copy;
    int reserved;

    (void)state;
    for (int i = 0; i < 70; i++)
        add(0, i == 5 ? O_CLOEXEC : 0);
    reserved = fd_alloc(0, 0);
    add(9000, 0);
    for (long n = 0;; n++) {
        long before = shim_objects();

        shim_fail_after = n;
        copy = files_copy(shim_task.files);
        shim_fail_after = -1;
        if (copy)
            break;
        assert_int_equal(shim_objects(), before);
        assert_int_equal((int)ref_read(&file.refs), 71);
    }
    assert_int_equal((int)ref_read(&file.refs), 142);
    struct files *own = shim_task.files;
    shim_task.files = copy;
    assert_int_equal(fd_flags(5), FD_CLOEXEC);
    assert_int_equal(fd_alloc(0, 0), reserved); /* what is only reserved is not copied */
    drops = 0;
    files_put(copy);
    assert_int_equal(drops, 71); /* record locks go with each closed file */
    shim_task.files = own;
    assert_int_equal((int)ref_read(&file.refs), 71);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lowest_is_used, setup, teardown),
        cmocka_unit_test_setup_teardown(limit_holds, setup, teardown),
        cmocka_unit_test_setup_teardown(reserved_is_not_open, setup, teardown),
        cmocka_unit_test_setup_teardown(close_on_exec, setup, teardown),
        cmocka_unit_test_setup_teardown(copies, setup, teardown),
    };

    shim_init();
    return cmocka_run_group_tests_name("fd", tests, NULL, NULL);
}
