/* A vfork child runs in its parent's memory: stores to globals, to the stack,
 * to the heap and to errno are seen afterwards, as are its mmap, mprotect,
 * munmap and brk; and its address is the same memory, not a copy of equal
 * contents.  After fork none of that holds. */
#include "check.h"

static volatile int global = 1;

static void stores(void)
{
    volatile int local = 1;
    volatile int *heap = malloc(sizeof(*heap));

    *heap = 1;
    CHECK_EQ(VCHILD(global = 2; local = 3; *heap = 4; errno = EXDEV), 0);
    CHECK_EQ(errno, EXDEV);
    CHECK_EQ(global, 2);
    CHECK_EQ(local, 3);
    CHECK_EQ(*heap, 4);
    CHECK_EQ(CHILD(global = 12; local = 13; *heap = 14), 0);
    CHECK_EQ(global, 2);
    CHECK_EQ(local, 3);
    CHECK_EQ(*heap, 4);
    free((void *)heap);
}

static void mappings(void)
{
    static char *volatile made;
    static volatile long top;
    char *gone = map_pages(1), *sealed = map_pages(1);

    *sealed = 1;
    top = syscall(SYS_brk, 0);
    CHECK_EQ(VCHILD(made = map_pages(2); made[PAGE] = 7; munmap(gone, PAGE);
                    mprotect(sealed, PAGE, PROT_READ); syscall(SYS_brk, top + PAGE)),
             0);
    CHECK_EQ(made[PAGE], 7);
    CHECK_DIES(SIGSEGV, *(volatile char *)gone = 1);
    CHECK_DIES(SIGSEGV, *(volatile char *)sealed = 1);
    CHECK_EQ(syscall(SYS_brk, 0) - top, PAGE);
    *(volatile char *)top = 1;

    char *kept = map_pages(1);
    CHECK_EQ(CHILD(munmap(kept, PAGE)), 0);
    *kept = 1;
}

static void failed_exec_sets_errno(void)
{
    static char *const argv[] = { "none", NULL };
    pid_t pid = vfork();

    if (pid == 0) {
        execve("/nonexistent/none", argv, argv + 1);
        _exit(33);
    }
    CHECK_EQ(errno, ENOENT);
    CHECK_EQ(status_of(pid), EXITED(33));
}

static void test(void)
{
    stores();
    mappings();
    failed_exec_sets_errno();
}
