/* File mappings: private and shared, what read and write see, beyond the end of the
 * file, after truncation, after close and unlink, rights that the descriptor must give. */
#include "check.h"

static void test(void)
{
    char buf[16];
    int fd = open("file", O_RDWR | O_CREAT, 0644), ro;

    CHECK(ftruncate(fd, 2 * PAGE + 100) == 0 && pwrite(fd, "start", 5, 0) == 5);
    volatile char *s = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    volatile char *q = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    CHECK(s != MAP_FAILED && q != MAP_FAILED);
    CHECK(memcmp((void *)s, "start", 5) == 0);
    s[1] = 'T';
    CHECK(pread(fd, buf, 5, 0) == 5 && memcmp(buf, "sTart", 5) == 0);
    CHECK(q[1] == 'T');
    q[2] = 'Q';
    CHECK(s[2] == 'a' && pread(fd, buf, 5, 0) == 5 && buf[2] == 'a');
    CHECK(pwrite(fd, "Z", 1, 4) == 1 && s[4] == 'Z');
    CHECK(q[4] == 't');      /* its page is a copy by now */
    s[2 * PAGE + 200] = 'x'; /* in the last page, not in the file */
    struct stat st;
    CHECK(fstat(fd, &st) == 0 && st.st_size == 2 * PAGE + 100);
    CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 1) == MAP_FAILED && errno == EINVAL);
    volatile char *second = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, PAGE);
    s[PAGE + 5] = 'o';
    CHECK(second[5] == 'o');

    CHECK(ftruncate(fd, PAGE) == 0);
    CHECK_DIES(SIGBUS, (void)s[PAGE]);
    CHECK_DIES(SIGBUS, s[2 * PAGE] = 1);
    CHECK(ftruncate(fd, 2 * PAGE) == 0);
    CHECK(s[PAGE + 5] == 0);
    s[PAGE] = 'n';
    CHECK(pread(fd, buf, 1, PAGE) == 1 && buf[0] == 'n');

    ro = open("file", O_RDONLY);
    CHECK_ERR(EACCES, mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, ro, 0));
    volatile char *r = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, ro, 0);
    CHECK(r[0] == 's');
    CHECK_ERR(EACCES, mprotect((void *)r, PAGE, PROT_READ | PROT_WRITE));
    volatile char *w = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, ro, 0);
    w[0] = 'w';
    CHECK(r[0] == 's');
    int wo = open("file", O_WRONLY);
    CHECK_ERR(EACCES, mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, wo, 0));
    CHECK_ERR(ENODEV, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, open(".", O_RDONLY), 0));
    close(fd);
    CHECK(unlink("file") == 0);
    s[0] = 'U';
    CHECK(r[0] == 'U');
    CHECK_EQ(CHILD(s[1] = 'c'), 0);
    CHECK(r[1] == 'c');
    CHECK(msync((void *)s, PAGE, MS_SYNC) == 0);
    CHECK_ERR(EINVAL, msync((void *)(s + 1), PAGE, MS_SYNC));
    CHECK(munmap((void *)s, 3 * PAGE) == 0);
    CHECK_ERR(ENOMEM, msync((void *)s, PAGE, MS_SYNC));
}
