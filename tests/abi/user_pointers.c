/* A buffer that crosses into a page that is not there: calls fail with EFAULT or do a
 * part, and never more; paths and vectors at the very end of a page are read in full. */
#include "check.h"
#include <sys/uio.h>

static void test(void)
{
    char *p = map_pages(2), *end = p + PAGE;
    struct stat st;
    int fds[2];

    munmap(end, PAGE);
    strcpy(end - 2, "/");
    CHECK(stat(end - 2, &st) == 0);
    memset(p, 'a', PAGE);
    CHECK_ERR(EFAULT, stat(end - 5, &st));
    memcpy(end - 4, "/dev", 4);
    CHECK_ERR(EFAULT, stat(end - 4, &st));
    CHECK_ERR(EFAULT, syscall(SYS_stat, "/", end - 16));
    CHECK(syscall(SYS_stat, "/", end - 144) == 0);
    CHECK(pipe(fds) == 0 && write(fds[1], "0123456789", 10) == 10);
    CHECK_ERR(EFAULT, read(fds[0], end, 10));
    CHECK_EQ(read(fds[0], end - 10, 10), 10);
    struct iovec *v = (void *)(end - sizeof(*v));
    *v = (struct iovec){ "iov", 3 };
    CHECK_EQ(writev(fds[1], v, 1), 3);
    CHECK_ERR(EFAULT, writev(fds[1], v, 2));
    struct timespec *t = (void *)(end - sizeof(*t));
    CHECK(clock_gettime(CLOCK_MONOTONIC, t) == 0);
    CHECK_ERR(EFAULT, syscall(SYS_clock_gettime, CLOCK_MONOTONIC, end - 8));
    CHECK_ERR(EFAULT, syscall(SYS_rt_sigaction, SIGUSR1, end - 8, NULL, 8));
    CHECK_ERR(EFAULT, pipe((int *)(end - 4)));
    /* a signal frame that does not fit kills */
    CHECK_DIES(SIGSEGV, {
        handle(SIGUSR1, SIG_IGN, 0);
        struct sigaction a = { .sa_handler = (void (*)(int))test };
        sigaction(SIGUSR1, &a, NULL);
        long pid = getpid();
        __asm__ volatile("mov %0, %%rsp\n mov $62, %%eax\n mov %1, %%rdi\n mov $10, %%esi\n syscall"
                         :
                         : "r"(8L), "r"(pid)
                         : "rax", "rdi", "rsi", "rcx", "r11");
        _exit(0);
    });
    CHECK_EQ(CHILD({
                 struct sigaction a = { .sa_handler = SIG_DFL };
                 CHECK(sigaction(SIGSEGV, &a, NULL) == 0);
             }),
             0);
}
