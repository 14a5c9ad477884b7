/* Threads and processes in the same files at the same time: descriptors that are closed while
 * others use them, one position for all, names that come and go, pages under truncation, locks,
 * pipes and poll without a lost wake-up, /proc about processes that end. */
#include "threads.h"
#include <dirent.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/sendfile.h>

enum { THREADS = 4, ROUNDS = 64 };

static int run_threads(void *(*fn)(void *))
{
    pthread_t t[THREADS];
    int failed = 0;

    for (long i = 0; i < THREADS; i++)
        t[i] = start(fn, (void *)i);
    for (int i = 0; i < THREADS; i++)
        failed += join(t[i]) != 0;
    return failed;
}

/* --- one position: every record is read, and written, exactly once --- */

static int shared_fd;
enum { RECORDS = THREADS * ROUNDS };
static unsigned char seen[RECORDS];

static void *write_records(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t rec = (uint64_t)(long)arg * ROUNDS + i;
        if (write(shared_fd, &rec, sizeof(rec)) != sizeof(rec))
            return (void *)1;
    }
    return NULL;
}

static void *read_records(void *arg)
{
    uint64_t rec;

    (void)arg;
    while (read(shared_fd, &rec, sizeof(rec)) == sizeof(rec)) {
        if (rec >= RECORDS)
            return (void *)1;
        __atomic_fetch_add(&seen[rec], 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

static int all_once(void)
{
    int right = 0;

    for (int i = 0; i < RECORDS; i++)
        right += seen[i] == 1;
    return right == RECORDS;
}

static void one_position(void)
{
    shared_fd = open("records", O_RDWR | O_CREAT, 0600);
    CHECK_EQ(run_threads(write_records), 0);
    CHECK_EQ(lseek(shared_fd, 0, SEEK_CUR), RECORDS * 8);
    CHECK_EQ(lseek(shared_fd, 0, SEEK_SET), 0);
    CHECK_EQ(run_threads(read_records), 0);
    CHECK(all_once());
    close(shared_fd);
}

/* --- descriptors that are closed and replaced in use --- */

static void *open_close(void *arg)
{
    int fds[2], fd, kept = (int)(long)arg;

    for (int i = 0; i < ROUNDS; i++) {
        char c = 'x';
        if (kept == 0) {
            fd = open("records", O_RDONLY | O_CLOEXEC);
            if (fd < 0 || (read(fd, &c, 1) != 1 && errno != EBADF))
                return (void *)1;
            close(fd);
        } else if (kept == 1) {
            if (pipe(fds) != 0)
                return (void *)1;
            (void)!write(fds[1], &c, 1);
            close(fds[0]);
            close(fds[1]);
        } else if (kept == 2) {
            if (dup2(STDOUT_FILENO, 40) < 0 && errno != EBUSY)
                return (void *)1;
        } else {
            close(40);
            fstat(40, &(struct stat){ 0 });
            lseek(40, 0, SEEK_CUR);
        }
    }
    return NULL;
}

/* A record lock of a descriptor that another thread closes does not stay. */
static void *lock_or_close(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1 };
        int fd = shared_fd;
        if ((long)arg % 2 == 0)
            fcntl(fd, F_SETLK, &l);
        else
            dup2(shared_fd, 41), fcntl(41, F_SETLK, &l), close(41);
    }
    return NULL;
}

static void descriptors(void)
{
    CHECK_EQ(run_threads(open_close), 0);
    close(40);
    shared_fd = open("records", O_RDWR);
    CHECK_EQ(run_threads(lock_or_close), 0);
    close(shared_fd);
    CHECK_EQ(CHILD({
                 struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
                 int fd = open("records", O_RDWR);
                 CHECK_EQ(fcntl(fd, F_SETLK, &l), 0);
             }),
             0);
}

/* --- names --- */

static void *names(void *arg)
{
    char mine[16], text[64];
    struct stat st;
    DIR *d;

    snprintf(mine, sizeof(mine), "n%ld", (long)arg);
    for (int i = 0; i < ROUNDS; i++) {
        int fd = open(mine, O_RDWR | O_CREAT | O_EXCL, 0600);
        if (fd < 0)
            return (void *)1;
        close(fd);
        if (rename(mine, "common") != 0)
            return (void *)2;
        stat("common", &st);
        if (mkdir("dir", 0700) == 0 || errno == EEXIST) {
            snprintf(text, sizeof(text), "dir/%s", mine);
            symlink("../common", text);
            stat(text, &st);
            unlink(text);
            rmdir("dir");
        }
        if (i % 16 == 0 && (d = opendir(".")) != NULL) {
            while (readdir(d) != NULL)
                ;
            closedir(d);
        }
        link("common", mine);
        unlink(mine);
    }
    return NULL;
}

/* --- pages under truncation --- */

static char *map;
static volatile int stop;

static void *truncate_it(void *arg)
{
    char page[PAGE];

    memset(page, 7, sizeof(page));
    for (int i = 0; i < ROUNDS; i++) {
        if ((long)arg == 0) {
            if (ftruncate(shared_fd, i % 2 ? 8 * PAGE : PAGE + 100) != 0)
                return (void *)1;
        } else if ((long)arg == 1) {
            if (pwrite(shared_fd, page, PAGE, i % 8 * PAGE) != PAGE)
                return (void *)1;
        } else {
            char got[64];
            ssize_t n = pread(shared_fd, got, sizeof(got), i % 8 * PAGE);
            for (ssize_t k = 0; k < n; k++)
                if (got[k] != 0 && got[k] != 7)
                    return (void *)2;
            if (map[i % PAGE] != 0 && map[i % PAGE] != 7) /* its first page always stays */
                return (void *)3;
        }
    }
    return NULL;
}

static void pages(void)
{
    shared_fd = open("pages", O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK_EQ(ftruncate(shared_fd, 8 * PAGE), 0);
    map = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, shared_fd, 0);
    CHECK_EQ(run_threads(truncate_it), 0);
    munmap(map, 8 * PAGE);
    close(shared_fd);
}

/* --- pipes and poll: what is written arrives, and who waits is woken --- */

static int lane[THREADS][2];

static void *send_bytes(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        char c = (char)i;
        if (write(lane[((long)arg + i) % THREADS][1], &c, 1) != 1)
            return (void *)1;
        if (i % 32 == 0)
            sched_yield();
    }
    return NULL;
}

static void poll_lanes(void)
{
    struct pollfd p[THREADS];
    pthread_t t[THREADS];
    int got = 0;

    for (int i = 0; i < THREADS; i++) {
        CHECK_EQ(pipe2(lane[i], O_NONBLOCK), 0);
        p[i] = (struct pollfd){ .fd = lane[i][0], .events = POLLIN };
    }
    for (long i = 0; i < THREADS; i++)
        t[i] = start(send_bytes, (void *)i);
    while (got < THREADS * ROUNDS) {
        char buf[16];
        if (poll(p, THREADS, 20000) <= 0)
            break;
        for (int i = 0; i < THREADS; i++) {
            ssize_t n = p[i].revents & POLLIN ? read(lane[i][0], buf, sizeof(buf)) : 0;
            got += n > 0 ? n : 0;
        }
    }
    CHECK_EQ(got, THREADS * ROUNDS);
    for (int i = 0; i < THREADS; i++) {
        CHECK_EQ(join(t[i]), 0);
        close(lane[i][0]);
        close(lane[i][1]);
    }
}

/* Bytes go round a ring of pipes, one process each. */
static void ring(void)
{
    pid_t child[THREADS];
    char c = 1;

    for (int i = 0; i < THREADS; i++)
        CHECK_EQ(pipe(lane[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        child[i] = fork();
        if (child[i] == 0) {
            for (int n = 0; n < ROUNDS; n++)
                if (read(lane[i][0], &c, 1) != 1 ||
                    (i + 1 < THREADS && write(lane[i + 1][1], &c, 1) != 1))
                    _exit(1);
            _exit(0);
        }
    }
    for (int n = 0; n < ROUNDS; n++)
        CHECK_EQ(write(lane[0][1], &c, 1), 1);
    for (int i = 0; i < THREADS; i++) {
        CHECK_EQ(status_of(child[i]), 0);
        close(lane[i][0]);
        close(lane[i][1]);
    }
}

/* --- flock: one at a time, and a change of kind wakes who waits for the old one --- */

static int *inside;

static void locks(void)
{
    pid_t child[THREADS];

    inside = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < THREADS; i++) {
        child[i] = fork();
        if (child[i] == 0) {
            int fd = open("records", O_RDWR);
            for (int n = 0; n < ROUNDS / 2; n++) {
                if (flock(fd, LOCK_SH) != 0 || flock(fd, LOCK_EX) != 0)
                    _exit(1);
                if (__atomic_add_fetch(inside, 1, __ATOMIC_SEQ_CST) != 1)
                    _exit(2);
                __atomic_sub_fetch(inside, 1, __ATOMIC_SEQ_CST);
                flock(fd, LOCK_UN);
            }
            _exit(0);
        }
    }
    for (int i = 0; i < THREADS; i++)
        CHECK_EQ(status_of(child[i]), 0);
}

/* --- /proc about processes that end --- */

static void *look_around(void *arg)
{
    static const char *const file[] = { "stat",  "status", "maps", "cmdline",
                                        "wchan", "limits", "statm" };
    char path[300], text[512];

    (void)arg;
    while (!stop) {
        DIR *d = opendir("/proc");
        struct dirent *e;
        while (d && (e = readdir(d)) != NULL) {
            if (atoi(e->d_name) < getpid()) /* also what is no number */
                continue;
            for (unsigned i = 0; i < sizeof(file) / sizeof(*file); i++) {
                snprintf(path, sizeof(path), "/proc/%s/%s", e->d_name, file[i]);
                int fd = open(path, O_RDONLY);
                while (fd >= 0 && read(fd, text, sizeof(text)) > 0)
                    ;
                if (fd >= 0)
                    close(fd);
            }
            snprintf(path, sizeof(path), "/proc/%s/fd/0", e->d_name);
            (void)!readlink(path, text, sizeof(text));
            snprintf(path, sizeof(path), "/proc/%s/cwd", e->d_name);
            (void)!readlink(path, text, sizeof(text));
        }
        if (d)
            closedir(d);
    }
    return NULL;
}

static void others_end(void)
{
    pthread_t looker = start(look_around, NULL);

    for (int i = 0; i < 6; i++) {
        pid_t child[3];
        for (int k = 0; k < 3; k++) {
            child[k] = fork();
            if (child[k] == 0)
                _exit(k);
        }
        for (int k = 0; k < 3; k++)
            CHECK_EQ(status_of(child[k]), k << 8);
    }
    stop = 1;
    CHECK_EQ(join(looker), 0);
}

static void *copy_both(void *arg)
{
    int *fd = arg;

    return (void *)(long)(copy_file_range(fd[0], NULL, fd[1], NULL, 64, 0) < 0);
}

/* Two copies in opposite directions lock the same two positions. */
static void copies(void)
{
    int a = open("records", O_RDWR), b = open("copy", O_RDWR | O_CREAT, 0600);
    int there[2] = { a, b }, back[2] = { b, a };

    for (int i = 0; i < ROUNDS; i++) {
        pthread_t t = start(copy_both, there), u = start(copy_both, back);
        CHECK_EQ(join(t), 0);
        CHECK_EQ(join(u), 0);
    }
    close(a);
    close(b);
}

static void test(void)
{
    one_position();
    descriptors();
    CHECK_EQ(run_threads(names), 0);
    pages();
    poll_lanes();
    ring();
    locks();
    copies();
    others_end();
}
