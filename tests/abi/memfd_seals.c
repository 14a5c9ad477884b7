/* A memfd and its seals: who may seal, what each seal forbids to descriptors and to mappings,
 * what is refused while a mapping could still write, and running what was written. */
#include "check.h"

#define ALLOW_SEALING 2
#define NOEXEC_SEAL   8
#define EXEC          16
#define SEAL_EXEC     0x20

static int make(unsigned flags)
{
    int fd = syscall(SYS_memfd_create, "sealed", flags);

    CHECK(fd >= 0 && ftruncate(fd, 2 * PAGE) == 0);
    return fd;
}

static int seals(int fd) { return fcntl(fd, F_GET_SEALS); }
static int seal(int fd, int what) { return fcntl(fd, F_ADD_SEALS, what); }

static int reopened(int fd, int flags)
{
    char name[64];

    snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    return open(name, flags);
}

static void *map(int fd, int prot, int flags) { return mmap(NULL, PAGE, prot, flags, fd, 0); }
#define CHECK_NOMAP(err, ...) CHECK(map(__VA_ARGS__) == MAP_FAILED && errno == (err))

static void who_may(void)
{
    int pipes[2], fd = make(0);

    CHECK_EQ(seals(fd), F_SEAL_SEAL);
    CHECK_ERR(EPERM, seal(fd, F_SEAL_WRITE));
    fd = make(ALLOW_SEALING);
    CHECK_EQ(seals(fd), 0);
    CHECK_ERR(EINVAL, seal(fd, 0x1000));
    CHECK_ERR(EPERM, seal(reopened(fd, O_RDONLY), F_SEAL_GROW));
    CHECK(seal(reopened(fd, O_RDWR), F_SEAL_GROW) == 0);
    CHECK(seal(fd, F_SEAL_SEAL) == 0);
    CHECK_ERR(EPERM, seal(fd, F_SEAL_WRITE));
    CHECK_ERR(EPERM, seal(fd, F_SEAL_SEAL));
    CHECK_EQ(seals(fd), F_SEAL_SEAL | F_SEAL_GROW);
    CHECK(pipe(pipes) == 0);
    CHECK_ERR(EINVAL, seals(pipes[0]));
    CHECK_ERR(EINVAL, seal(pipes[1], F_SEAL_GROW));
    CHECK_ERR(EINVAL, seals(open("/", O_RDONLY)));
    CHECK_ERR(EBADF, seals(reopened(fd, O_PATH)));
    CHECK_ERR(EBADF, seals(-1));
    CHECK_ERR(EINVAL, syscall(SYS_memfd_create, "x", EXEC | NOEXEC_SEAL));
    CHECK_ERR(EINVAL, syscall(SYS_memfd_create, "x", 0x4000));
}

static void sizes(void)
{
    static char two[2 * PAGE];
    int fd = make(ALLOW_SEALING);

    CHECK(seal(fd, F_SEAL_GROW) == 0);
    CHECK_ERR(EPERM, ftruncate(fd, 2 * PAGE + 1));
    CHECK_ERR(EPERM, fallocate(fd, 0, PAGE, PAGE + 1));
    CHECK_ERR(EPERM, fallocate(fd, FALLOC_FL_KEEP_SIZE, PAGE, PAGE + 1));
    CHECK(fallocate(fd, 0, 0, 2 * PAGE) == 0);
    CHECK_EQ(pwrite(fd, two, 2 * PAGE, 0), 2 * PAGE);
    CHECK_EQ(pwrite(fd, two, 2 * PAGE, PAGE), PAGE);
    CHECK_EQ(pwrite(fd, two, 2, 2 * PAGE - 1), 1);
    CHECK_ERR(EPERM, pwrite(fd, two, 1, 2 * PAGE));
    CHECK(ftruncate(fd, 2 * PAGE) == 0 && ftruncate(fd, PAGE + 10) == 0);
    CHECK_ERR(EPERM, pwrite(fd, two, 20, PAGE)); /* all of a page or nothing */
    fd = make(ALLOW_SEALING);
    CHECK(seal(fd, F_SEAL_SHRINK) == 0);
    CHECK_ERR(EPERM, ftruncate(fd, PAGE));
    CHECK_ERR(EPERM, reopened(fd, O_RDWR | O_TRUNC));
    CHECK(ftruncate(fd, 3 * PAGE) == 0);
    CHECK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE) == 0);
}

static void writing(void)
{
    int fd = make(ALLOW_SEALING), pipes[2];
    char *shared = map(fd, PROT_READ | PROT_WRITE, MAP_SHARED);

    CHECK_ERR(EBUSY, seal(fd, F_SEAL_WRITE));
    CHECK(mprotect(shared, PAGE, PROT_READ) == 0);
    CHECK_ERR(EBUSY, seal(fd, F_SEAL_WRITE));
    CHECK_EQ(CHILD(munmap(shared, PAGE); CHECK_ERR(EBUSY, seal(fd, F_SEAL_WRITE))), 0);
    munmap(shared, PAGE);
    char *readable = map(fd, PROT_READ, MAP_SHARED);
    CHECK_ERR(EBUSY, seal(fd, F_SEAL_WRITE));
    munmap(readable, PAGE);
    readable = map(reopened(fd, O_RDONLY), PROT_READ, MAP_SHARED);
    char *private = map(fd, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    private[0] = 'p';
    CHECK(seal(fd, F_SEAL_WRITE) == 0);
    CHECK_EQ(seals(fd), F_SEAL_WRITE);
    CHECK_ERR(EPERM, write(fd, "x", 1));
    CHECK_EQ(write(fd, "x", 0), 0);
    CHECK_ERR(EPERM, fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE));
    CHECK(pipe(pipes) == 0 && write(pipes[1], "x", 1) == 1);
    CHECK(ftruncate(fd, PAGE) == 0 && ftruncate(fd, 4 * PAGE) == 0);
    CHECK_NOMAP(EPERM, fd, PROT_READ | PROT_WRITE, MAP_SHARED);
    readable = map(fd, PROT_READ, MAP_SHARED);
    CHECK(readable != MAP_FAILED);
    CHECK_ERR(EACCES, mprotect(readable, PAGE, PROT_READ | PROT_WRITE));
    CHECK(map(fd, PROT_READ | PROT_WRITE, MAP_PRIVATE) != MAP_FAILED);
    private[1] = 'q';
}

static void future_writing(void)
{
    int fd = make(ALLOW_SEALING);
    char *before = map(fd, PROT_READ | PROT_WRITE, MAP_SHARED), c = 0;

    CHECK(seal(fd, F_SEAL_FUTURE_WRITE) == 0);
    CHECK_ERR(EPERM, write(fd, "x", 1));
    CHECK_NOMAP(EPERM, fd, PROT_READ | PROT_WRITE, MAP_SHARED);
    char *after = map(fd, PROT_READ, MAP_SHARED);
    CHECK_ERR(EACCES, mprotect(after, PAGE, PROT_READ | PROT_WRITE));
    before[3] = 'w';
    CHECK(pread(fd, &c, 1, 3) == 1 && c == 'w' && after[3] == 'w');
    CHECK(mprotect(before, PAGE, PROT_READ) == 0 &&
          mprotect(before, PAGE, PROT_READ | PROT_WRITE) == 0);
    CHECK_ERR(EBUSY, seal(fd, F_SEAL_WRITE));
    munmap(before, PAGE);
    CHECK(seal(fd, F_SEAL_WRITE) == 0);
}

static void executing(void)
{
    struct stat s;
    int fd = make(NOEXEC_SEAL);

    CHECK(fstat(fd, &s) == 0);
    SAY("mode %o seals %#x\n", s.st_mode, seals(fd));
    CHECK_ERR(EPERM, fchmod(fd, 0755));
    CHECK(fchmod(fd, 0600) == 0);
    CHECK(write(fd, "x", 1) == 1);
    fd = make(EXEC);
    CHECK(fstat(fd, &s) == 0);
    SAY("mode %o seals %#x\n", s.st_mode, seals(fd));
    fd = make(ALLOW_SEALING);
    CHECK(seal(fd, SEAL_EXEC) == 0);
    SAY("seals %#x\n", seals(fd));
    CHECK_ERR(EPERM, write(fd, "x", 1));
    CHECK_ERR(EPERM, fchmod(fd, 0600));
    fd = make(ALLOW_SEALING);
    CHECK(fchmod(fd, 0600) == 0 && seal(fd, SEAL_EXEC) == 0);
    SAY("seals %#x\n", seals(fd));
    CHECK_ERR(EPERM, fchmod(fd, 0700));
}

/* What was written can be run while it is open; but not while somebody opened it again. */
static void run(void)
{
    static char buf[65536];
    char *args[] = { "x", NULL }, *env[] = { "ENDS=7", NULL };
    int fd = syscall(SYS_memfd_create, "program", 0), from = open("/proc/self/exe", O_RDONLY);
    ssize_t n;

    while ((n = read(from, buf, sizeof(buf))) > 0)
        CHECK(write(fd, buf, n) == n);
    CHECK_EQ(CHILD(fexecve(fd, args, env); _exit(errno)), EXITED(7));
    int again = reopened(fd, O_RDWR);
    CHECK(again >= 0);
    CHECK_EQ(CHILD(fexecve(fd, args, env); _exit(errno)), EXITED(ETXTBSY));
    close(again);
    CHECK_EQ(CHILD(fexecve(fd, args, env); _exit(errno)), EXITED(7));
    CHECK(fchmod(fd, 0600) == 0);
    CHECK_EQ(CHILD(fexecve(fd, args, env); _exit(errno)), EXITED(EACCES));
}

__attribute__((constructor)) static void the_program(void)
{
    if (getenv("ENDS") != NULL)
        _exit(7);
}

static void test(void)
{
    who_may();
    sizes();
    writing();
    future_writing();
    executing();
    run();
}
