/* Calls on memory by other names: process_madvise and process_mrelease, remap_file_pages, the keys of a processor
 * that has none, policies kept with mappings, pages moved to the node where they are, process_vm_readv's lengths,
 * names of memfds. */
#include "check.h"
#include <sys/uio.h>

/* Newer than musl's headers. */
#ifndef SYS_process_mrelease
#define SYS_process_mrelease 448
#endif
#ifndef SYS_set_mempolicy_home_node
#define SYS_set_mempolicy_home_node 450
#endif

enum {
    COLD = 20,
    PAGEOUT = 21,
    DEFAULT = 0,
    PREFERRED = 1,
    BIND = 2,
    INTERLEAVE = 3,
    WEIGHTED = 6,
    F_NODE = 1,
    F_ADDR = 2
};

static long advise(int fd, const struct iovec *v, long n, int advice, unsigned flags)
{
    return syscall(SYS_process_madvise, fd, v, n, advice, flags);
}

static int pidfd(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

static void advice(void)
{
    char *p = map_pages(8);
    struct iovec v[2] = { { p, 2 * PAGE }, { p + 4 * PAGE, PAGE } };
    int own = pidfd(getpid()), fd;
    pid_t pid = START(pause());

    p[0] = 1;
    fd = pidfd(pid);
    CHECK_EQ(advise(own, v, 2, COLD, 0), 3 * PAGE);
    CHECK_EQ(advise(own, v, 0, COLD, 0), 0);
    CHECK_EQ(advise(fd, v, 2, PAGEOUT, 0), 3 * PAGE);
    CHECK_EQ(advise(fd, v, 2, MADV_WILLNEED, 0), 3 * PAGE);
    CHECK_ERR(EINVAL, advise(fd, v, 2, MADV_DONTNEED, 0));
    CHECK_ERR(EINVAL, advise(fd, v, 2, COLD, 1));
    CHECK_ERR(EINVAL, advise(fd, v, 1025, COLD, 0));
    CHECK_ERR(EBADF, advise(-1, v, 2, COLD, 0));
    CHECK_ERR(EBADF, advise(STDOUT_FILENO, v, 2, COLD, 0));
    CHECK_ERR(EFAULT, advise(own, (void *)8, 1, COLD, 0));
    CHECK_EQ(CHILD(CHECK_EQ(setuid(65534), 0); CHECK_ERR(EACCES, advise(fd, v, 2, COLD, 0))), 0);
    v[1].iov_base = (void *)(2 * PAGE);
    CHECK_EQ(advise(own, v, 2, COLD, 0), 2 * PAGE);
    CHECK_ERR(ENOMEM, advise(own, v + 1, 1, COLD, 0));
    v[0].iov_base = p + 1;
    CHECK_ERR(EINVAL, advise(own, v, 1, COLD, 0));
    CHECK_EQ(p[0], 1);

    CHECK_ERR(EINVAL, syscall(SYS_process_mrelease, fd, 0));
    CHECK_ERR(EINVAL, syscall(SYS_process_mrelease, fd, 1));
    CHECK_ERR(EBADF, syscall(SYS_process_mrelease, -1, 0));
    kill(pid, SIGKILL);
    CHECK_EQ(status_of(pid), SIGKILL);
    CHECK_ERR(ESRCH, syscall(SYS_process_mrelease, fd, 0));
    v[0].iov_base = p;
    CHECK_ERR(ESRCH, advise(fd, v, 1, COLD, 0));
    close(fd);
    close(own);
}

static long remap(void *at, size_t n, int prot, long page, int flags)
{
    return syscall(SYS_remap_file_pages, at, n, prot, page, flags);
}

static void remapped(void)
{
    int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    char *private = map_pages(1), *p;

    CHECK_EQ(ftruncate(fd, 8 * PAGE), 0);
    p = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    for (int i = 0; i < 8; i++)
        p[i * PAGE] = (char)('a' + i);
    CHECK_EQ(remap(p, 2 * PAGE, 0, 4, 0), 0);
    CHECK(p[0] == 'e' && p[PAGE] == 'f' && p[2 * PAGE] == 'c');
    p[0] = 'E';
    CHECK_EQ(p[4 * PAGE], 'E');
    CHECK_EQ(remap(p + 1, PAGE, 0, 7, MAP_NONBLOCK), 0);
    CHECK_EQ(p[0], 'h');
    CHECK_ERR(EINVAL, remap(p, PAGE, PROT_READ, 4, 0));
    CHECK_ERR(EINVAL, remap(p, 0, 0, 4, 0));
    CHECK_ERR(EINVAL, remap(p, PAGE, 0, -1, 0));
    CHECK_ERR(EINVAL, remap(p, 16 * PAGE, 0, 1, 0));
    CHECK_ERR(EINVAL, remap(private, PAGE, 0, 0, 0));
    CHECK_ERR(EINVAL, remap(NULL, PAGE, 0, 0, 0));
    munmap(p, 8 * PAGE);
    close(fd);
}

/* Where the processor has some, there is nothing to compare. */
static void keys(void)
{
    char *p = map_pages(1);
    int key = (int)syscall(SYS_pkey_alloc, 0L, 0L);

    if (key < 0) { /* the processor has none */
        CHECK_EQ(errno, EINVAL);
        CHECK_ERR(ENOSPC, syscall(SYS_pkey_alloc, 0L, 0L));
        CHECK_EQ(status_of(START(CHECK_ERR(ENOSPC, syscall(SYS_pkey_alloc, 0L, 0L)))), 0);
    }
    CHECK_ERR(EINVAL, syscall(SYS_pkey_alloc, 1L, 0L));
    CHECK_ERR(EINVAL, syscall(SYS_pkey_alloc, 0L, 4L));
    CHECK_ERR(EINVAL, syscall(SYS_pkey_free, 100));
    CHECK_ERR(EINVAL, syscall(SYS_pkey_mprotect, p, PAGE, PROT_READ, 100));
    CHECK_EQ(syscall(SYS_pkey_mprotect, p, PAGE, PROT_READ, -1), 0);
    CHECK_DIES(SIGSEGV, p[0] = 1);
}

static int mode_at(void *p)
{
    unsigned long nodes = 0;
    int mode = -1;

    CHECK_EQ(syscall(SYS_get_mempolicy, &mode, &nodes, 64L, p, F_ADDR), 0);
    CHECK_EQ(nodes, mode != DEFAULT);
    return mode;
}

static long bind_to(void *p, size_t n, int mode, unsigned long nodes)
{
    return syscall(SYS_mbind, p, n, mode, mode == DEFAULT ? NULL : &nodes, 64L, 0);
}

static void policies(void)
{
    char *p = map_pages(8), *bare = map_pages(1);
    unsigned long one = 1;
    int node = -1;

    CHECK_EQ(mode_at(p), DEFAULT);
    CHECK_EQ(syscall(SYS_set_mempolicy, PREFERRED, &one, 64L), 0);
    CHECK_EQ(mode_at(p), DEFAULT); /* the task's is not the mapping's */
    CHECK_EQ(syscall(SYS_set_mempolicy, DEFAULT, NULL, 0L), 0);
    CHECK_EQ(bind_to(p + PAGE, 2 * PAGE, BIND, 1), 0);
    CHECK_EQ(bind_to(p + 4 * PAGE, PAGE, INTERLEAVE, 1), 0);
    CHECK(mode_at(p) == DEFAULT && mode_at(p + PAGE) == BIND && mode_at(p + 2 * PAGE) == BIND);
    CHECK(mode_at(p + 3 * PAGE) == DEFAULT && mode_at(p + 4 * PAGE) == INTERLEAVE);
    CHECK_EQ(CHILD(CHECK(mode_at(p + PAGE) == BIND)), 0);
    CHECK_EQ(mprotect(p + PAGE, PAGE, PROT_READ), 0);
    CHECK_EQ(mode_at(p + PAGE), BIND);
    CHECK_EQ(syscall(SYS_get_mempolicy, &node, NULL, 0L, p + PAGE, F_ADDR | F_NODE), 0);
    CHECK_EQ(node, 0);
    CHECK_EQ(syscall(SYS_set_mempolicy_home_node, p + PAGE, PAGE, 0L, 0L), 0);
    CHECK_ERR(EOPNOTSUPP, syscall(SYS_set_mempolicy_home_node, p + 4 * PAGE, PAGE, 0L, 0L));
    CHECK_ERR(ENOENT, syscall(SYS_set_mempolicy_home_node, bare, PAGE, 0L, 0L));
    CHECK_ERR(EINVAL, syscall(SYS_set_mempolicy_home_node, p + PAGE, PAGE, 1L, 0L));
    CHECK_ERR(EINVAL, syscall(SYS_set_mempolicy_home_node, p + PAGE, PAGE, 0L, 1L));
    CHECK_ERR(EINVAL, syscall(SYS_set_mempolicy_home_node, p + 1, PAGE, 0L, 0L));
    CHECK_EQ(bind_to(p, 8 * PAGE, DEFAULT, 0), 0);
    CHECK_EQ(mode_at(p + PAGE), DEFAULT);
    CHECK_ERR(EINVAL, bind_to(p, PAGE, BIND, 2));
    CHECK_ERR(EFAULT, bind_to((void *)(2 * PAGE), PAGE, BIND, 1));
    if (!linux_before(6, 9, "weighted interleaving")) {
        CHECK_EQ(syscall(SYS_set_mempolicy, WEIGHTED, &one, 64L), 0);
        CHECK_EQ(syscall(SYS_set_mempolicy, DEFAULT, NULL, 0L), 0);
    }
}

static long move(int pid, unsigned long n, void **pages, int *nodes, int *status, int flags)
{
    return syscall(SYS_move_pages, pid, n, pages, nodes, status, flags);
}

static void moved(void)
{
    char *p = map_pages(2);
    void *page[3] = { p, p + PAGE, (void *)(2 * PAGE) };
    int status[3] = { 9, 9, 9 }, node[3] = { 0, 0, 0 };
    unsigned long one = 1, two = 2;

    p[0] = 1;
    CHECK_EQ(move(0, 3, page, NULL, status, 2), 0);
    SAY("pages are at %d %d %d\n", status[0], status[1], status[2]);
    CHECK_EQ(move(getpid(), 3, page, node, status, 2), 0);
    SAY("pages are at %d %d %d\n", status[0], status[1], status[2]);
    CHECK_EQ(move(0, 0, page, node, status, 2), 0);
    node[1] = 64;
    CHECK_ERR(ENODEV, move(0, 3, page, node, status, 2));
    CHECK_ERR(EINVAL, move(0, 3, page, node, status, 8));
    CHECK_ERR(ESRCH, move(99999, 3, page, NULL, status, 2));
    CHECK_ERR(EFAULT, move(0, 3, (void *)8, NULL, status, 2));
    CHECK_ERR(EFAULT, move(0, 3, page, NULL, (void *)8, 2));
    CHECK_EQ(CHILD(CHECK_EQ(setuid(65534), 0); CHECK_ERR(EPERM, move(1, 1, page, NULL, status, 2));
                   CHECK_ERR(EPERM, move(0, 1, page, NULL, status, 4));
                   CHECK_ERR(EPERM, syscall(SYS_migrate_pages, 1, 64L, &one, &one))),
             0);
    CHECK_EQ(syscall(SYS_migrate_pages, 0, 64L, &one, &one), 0);
    CHECK_EQ(syscall(SYS_migrate_pages, getpid(), 64L, &two, &one), 0);
    CHECK_ERR(EINVAL, syscall(SYS_migrate_pages, 0, 64L, &one, &two));
    CHECK_ERR(EINVAL, syscall(SYS_migrate_pages, 0, 64L, NULL, NULL));
    CHECK_ERR(ESRCH, syscall(SYS_migrate_pages, 99999, 64L, &one, &one));
    CHECK_ERR(EFAULT, syscall(SYS_migrate_pages, 0, 64L, (void *)8, &one));
}

static void others_memory(void)
{
    char a[4] = "abc", b[4] = "";
    struct iovec here = { b, 4 }, there[2] = { { a, 2 }, { a, (size_t)-1 } };

    CHECK_EQ(process_vm_readv(getpid(), &here, 1, there, 1, 0), 2);
    CHECK_ERR(EINVAL, process_vm_readv(getpid(), &here, 1, there, 2, 0));
    CHECK_ERR(EINVAL, process_vm_writev(getpid(), &here, 1, there, 2, 0));
    CHECK_ERR(EFAULT, process_vm_readv(getpid(), &here, 1, (void *)8, 1, 0));
}

static void names(void)
{
    char name[256];

    memset(name, 'x', sizeof(name));
    name[249] = 0;
    int fd = memfd_create(name, 0);
    CHECK(fd >= 0);
    close(fd);
    name[249] = 'x';
    name[250] = 0;
    CHECK_ERR(EINVAL, memfd_create(name, 0));
    CHECK_ERR(ENODEV, memfd_create("huge", 4 | 22 << 26)); /* of a size that no processor has */
}

static void test(void)
{
    advice();
    remapped();
    keys();
    policies();
    moved();
    others_memory();
    names();
}
