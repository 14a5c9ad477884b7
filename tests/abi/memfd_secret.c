/* Memory of memfd_secret(2): its own process reaches it, and nobody else by any call. */
#include "check.h"

#include <sys/ptrace.h>
#include <sys/sendfile.h>
#include <sys/statfs.h>
#include <sys/uio.h>

static int secret(unsigned flags) { return (int)syscall(447, flags); }

#define TELL(call) \
    do { \
        errno = 0; \
        long r_ = (long)(call); \
        SAY("%s: %s %d\n", #call, r_ == -1 ? "fails" : "done", errno); \
    } while (0)

static long status_kb(const char *key)
{
    char text[8192], *at;
    int fd = open("/proc/self/status", O_RDONLY);
    ssize_t n = read(fd, text, sizeof text - 1);

    close(fd);
    text[n < 0 ? 0 : n] = 0;
    at = strstr(text, key);
    return at ? strtol(at + strlen(key), NULL, 10) : -1;
}

/* The line of /proc/self/maps for that address, from its rights on, without device and inode. */
static void say_mapping(const void *p)
{
    char line[512], rights[8], name[256] = "";
    FILE *f = fopen("/proc/self/maps", "r");
    unsigned long start, end;

    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "%lx-%lx %7s %*s %*s %*s %255[^\n]", &start, &end, rights, name) >= 3 &&
            start == (unsigned long)p)
            SAY("mapped %lu pages %s %s\n", (end - start) / PAGE, rights, name);
    fclose(f);
}

static void the_file(void)
{
    struct stat st;
    struct statfs fs;
    char text[64] = "", path[32];

    TELL(secret(1));
    TELL(secret(~0u));
    int fd = secret(O_CLOEXEC);
    SAY("descriptor flags %d, file flags %x\n", fcntl(fd, F_GETFD), fcntl(fd, F_GETFL) & ~0100000);
    CHECK(fstat(fd, &st) == 0);
    SAY("mode %o links %d size %lld\n", st.st_mode, (int)st.st_nlink, (long long)st.st_size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    CHECK(readlink(path, text, sizeof text - 1) > 0);
    SAY("name %s\n", text);
    TELL(fstatfs(fd, &fs));
    TELL(read(fd, text, 1));
    TELL(write(fd, text, 1));
    TELL(pread(fd, text, 1, 0));
    TELL(lseek(fd, 0, SEEK_END));
    TELL(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0));
    TELL(fallocate(fd, 0, 0, PAGE));
    TELL(fcntl(fd, F_GET_SEALS));
    TELL(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
    TELL(fsync(fd));
    TELL(ftruncate(fd, -1));
    TELL(ftruncate(fd, 3 * PAGE));
    TELL(ftruncate(fd, 3 * PAGE));
    TELL(ftruncate(fd, 4 * PAGE));
    TELL(ftruncate(fd, 0));
    TELL(fchmod(fd, 0600));
    CHECK(fstat(fd, &st) == 0);
    SAY("size %lld blocks %d\n", (long long)st.st_size, (int)st.st_blocks);
    close(fd);
}

static char *map_secret(int pages, int *fd)
{
    *fd = secret(0);
    CHECK(ftruncate(*fd, pages * PAGE) == 0);
    char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
    CHECK(p != MAP_FAILED);
    return p;
}

static void the_memory(void)
{
    int fd, into[2];
    long locked = status_kb("VmLck:");
    char *p = map_secret(2, &fd), *q, text[8] = "", vec[2];

    say_mapping(p);
    SAY("locked %ld kB\n", status_kb("VmLck:") - locked);
    CHECK(p[0] == 0 && p[PAGE] == 0);
    strcpy(p, "secret");
    q = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
    CHECK(strcmp(q, "secret") == 0);
    CHECK(pipe(into) == 0);
    TELL(write(into[1], p, 7));
    CHECK(read(into[0], text, 7) == 7 && strcmp(text, "secret") == 0);
    TELL(write(into[1], "hidden", 7));
    TELL(read(into[0], p, 7));
    CHECK(strcmp(q, "hidden") == 0);
    TELL(mincore(p, 2 * PAGE, (void *)vec));
    TELL(mlock(p, PAGE));
    TELL(munlock(p, 2 * PAGE));
    SAY("locked %ld kB\n", status_kb("VmLck:") - locked);
    TELL(madvise(p, PAGE, MADV_DODUMP));
    TELL(madvise(p, PAGE, MADV_DONTNEED));
    TELL(madvise(p, PAGE, MADV_COLD));
    TELL(madvise(p, PAGE, MADV_REMOVE));
    TELL(madvise(p, PAGE, 23 /* MADV_POPULATE_WRITE */));
    TELL(mprotect(p, PAGE, PROT_READ));
    TELL(mprotect(p, PAGE, PROT_READ | PROT_EXEC));
    TELL(mprotect(p, PAGE, PROT_READ | PROT_WRITE));
    TELL(mremap(p, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE) != MAP_FAILED);
    munmap(q, PAGE);
    SAY("locked %ld kB\n", status_kb("VmLck:") - locked);
    close(fd);
    close(into[0]);
    close(into[1]);
}

static void not_by_others(void)
{
    int fd, into[2], status, mem = open("/proc/self/mem", O_RDWR);
    char *p = map_secret(2, &fd), text[8] = "";
    struct iovec mine = { text, 7 }, theirs = { p, 7 };

    strcpy(p, "secret");
    TELL(process_vm_readv(getpid(), &mine, 1, &theirs, 1, 0));
    TELL(process_vm_writev(getpid(), &mine, 1, &theirs, 1, 0));
    TELL(pread(mem, text, 7, (off_t)(uintptr_t)p));
    TELL(pwrite(mem, text, 7, (off_t)(uintptr_t)p));
    CHECK(pipe(into) == 0);
    TELL(sendfile(into[1], fd, NULL, 7));
    TELL(splice(fd, NULL, into[1], NULL, 7, 0));
    TELL(syscall(SYS_futex, p, 1, 1, NULL, NULL, 0));
    TELL(syscall(SYS_futex, p, 129, 1, NULL, NULL, 0));
    pid_t child = fork();
    if (child == 0) {
        CHECK(strcmp(p, "secret") == 0);
        p[PAGE] = 1;
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        raise(SIGSTOP);
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFSTOPPED(status));
    CHECK(p[PAGE] == 1);
    TELL(ptrace(PTRACE_PEEKDATA, child, p, NULL));
    TELL(ptrace(PTRACE_POKEDATA, child, p, NULL));
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    close(into[0]);
    close(into[1]);
    close(mem);
    close(fd);
    CHECK(strcmp(p, "secret") == 0);
}

static void limits(void)
{
    int fd = secret(0), status;
    CHECK(ftruncate(fd, PAGE) == 0);
    char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    pid_t child;

    CHECK(p != MAP_FAILED);
    p[0] = 1;
    if ((child = fork()) == 0) {
        p[PAGE] = 1;
        _exit(0);
    }
    waitpid(child, &status, 0);
    SAY("beyond the end: signal %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    if ((child = fork()) == 0) {
        struct rlimit none = { 3 * PAGE, 3 * PAGE };
        setrlimit(RLIMIT_MEMLOCK, &none);
        if (setuid(65534) != 0)
            _exit(1);
        int own = secret(0);
        CHECK(ftruncate(own, 8 * PAGE) == 0);
        TELL(mmap(NULL, 8 * PAGE, PROT_READ, MAP_SHARED, own, 0));
        _exit(0);
    }
    waitpid(child, &status, 0);
    close(fd);
}

static void test(void)
{
    int fd = secret(0);

    if (fd < 0) {
        SAY("# memfd_secret is not there: %s\n", strerror(errno));
        return;
    }
    close(fd);
    the_file();
    the_memory();
    not_by_others();
    limits();
}
