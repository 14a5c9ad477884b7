/* MADV_REMOVE and a punched hole: the file has a hole there, whoever maps it sees zeros, and the memory
 * is free; copies that private mappings made stay, and so does everything beside it. */
#include "check.h"

#include <sys/shm.h>

#define RW    (PROT_READ | PROT_WRITE)
#define PAGES 8

static long blocks(int fd)
{
    struct stat st;
    CHECK(fstat(fd, &st) == 0);
    CHECK(st.st_size == PAGES * PAGE);
    return st.st_blocks / 8;
}

static int file(void)
{
    int fd = memfd_create("file", MFD_ALLOW_SEALING);
    CHECK(fd >= 0 && ftruncate(fd, PAGES * PAGE) == 0);
    for (int i = 0; i < PAGES; i++)
        CHECK(pwrite(fd, &(char){ i + 1 }, 1, i * PAGE) == 1);
    return fd;
}

/* Page i reads as its number, but for [from, to), which is zero. */
static void hole(const char *p, int from, int to)
{
    for (int i = 0; i < PAGES; i++)
        CHECK_EQ(p[i * PAGE], i >= from && i < to ? 0 : i + 1);
}

static void of_a_file(void)
{
    int fd = file();
    char *p = mmap(NULL, PAGES * PAGE, RW, MAP_SHARED, fd, 0);
    char *q = mmap(NULL, PAGES * PAGE, PROT_READ, MAP_SHARED, fd, 0);
    char *own = mmap(NULL, PAGES * PAGE, RW, MAP_PRIVATE, fd, 0);
    char byte = 9, vec[PAGES];

    hole(p, 0, 0);
    hole(q, 0, 0);
    hole(own, 0, 0);
    own[3 * PAGE] = 4; /* a copy */
    own[5 * PAGE] = 6;
    CHECK_EQ(blocks(fd), PAGES);
    CHECK(madvise(p + 2 * PAGE, 3 * PAGE, MADV_REMOVE) == 0);
    CHECK_EQ(blocks(fd), PAGES - 3);
    CHECK(mincore(p, PAGES * PAGE, (void *)vec) == 0);
    for (int i = 0; i < PAGES; i++)
        CHECK_EQ(vec[i] & 1, i < 2 || i > 4);
    CHECK(pread(fd, &byte, 1, 2 * PAGE) == 1 && byte == 0);
    CHECK(lseek(fd, 0, SEEK_HOLE) == 2 * PAGE && lseek(fd, 2 * PAGE, SEEK_DATA) == 5 * PAGE);
    hole(p, 2, 5);
    hole(q, 2, 5);
    CHECK(own[2 * PAGE] == 0 && own[3 * PAGE] == 4 && own[4 * PAGE] == 0 && own[5 * PAGE] == 6);
    p[2 * PAGE] = 33;
    CHECK(q[2 * PAGE] == 33 && own[2 * PAGE] == 33);
    own[2 * PAGE] = 1;
    CHECK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGES * PAGE) == 0);
    CHECK_EQ(blocks(fd), 0);
    hole(p, 0, PAGES);
    CHECK(own[2 * PAGE] == 1 && own[3 * PAGE] == 4 && own[5 * PAGE] == 6);
    CHECK(own[0] == 0 && own[6 * PAGE] == 0);

    q = mmap(NULL, 3 * PAGE, RW, MAP_SHARED, fd, 4 * PAGE); /* a part, at its place in the file */
    memset(p, 5, PAGES * PAGE);
    CHECK(madvise(q + PAGE, PAGE, MADV_REMOVE) == 0);
    CHECK(p[4 * PAGE] == 5 && p[5 * PAGE] == 0 && p[6 * PAGE] == 5);
    CHECK(mprotect(p, PAGE, PROT_READ) == 0); /* what could be made writable may be removed */
    CHECK(madvise(p, PAGE, MADV_REMOVE) == 0);
    CHECK(mprotect(p, PAGE, PROT_NONE) == 0 && madvise(p, PAGE, MADV_REMOVE) == 0);
    CHECK(q[0] == 5);
    close(fd);
}

/* Other processes have it mapped: the parent, and a child that has written. */
static void of_others(void)
{
    char *p = map_shared(PAGES * PAGE), *turn = map_shared(PAGE);

    for (int i = 0; i < PAGES; i++)
        p[i * PAGE] = i + 1;
    pid_t child = START({
        hole(p, 0, 0);
        turn[0] = 1;
        CHECK(WAIT_UNTIL(*(volatile char *)turn == 2));
        hole(p, 1, 4);
        CHECK(madvise(p, PAGES * PAGE, MADV_REMOVE) == 0);
    });
    CHECK(WAIT_UNTIL(*(volatile char *)turn == 1));
    CHECK(madvise(p + PAGE, 3 * PAGE, MADV_REMOVE) == 0);
    hole(p, 1, 4);
    turn[0] = 2;
    CHECK_EQ(status_of(child), 0);
    hole(p, 0, PAGES);
}

static void of_a_segment(void)
{
    int id = shmget(IPC_PRIVATE, 2 * PAGE, 0600);
    char *p = shmat(id, NULL, 0), *r = shmat(id, NULL, SHM_RDONLY);

    CHECK(shmctl(id, IPC_RMID, NULL) == 0);
    p[0] = 1;
    p[PAGE] = 2;
    CHECK_ERR(EACCES, madvise(r, PAGE, MADV_REMOVE));
    CHECK(madvise(p, PAGE, MADV_REMOVE) == 0);
    CHECK(p[0] == 0 && p[PAGE] == 2 && r[0] == 0);
}

static void refused(void)
{
    int fd = file(), only_read;
    char path[32], *p = map_pages(4), *s;

    CHECK_ERR(EINVAL, madvise(p, PAGE, MADV_REMOVE)); /* of no file */
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    only_read = open(path, O_RDONLY);
    s = mmap(NULL, PAGES * PAGE, RW, MAP_PRIVATE, fd, 0);
    s[0] = 1;
    CHECK_ERR(EACCES, madvise(s, PAGE, MADV_REMOVE));
    s = mmap(NULL, PAGES * PAGE, PROT_READ, MAP_SHARED, only_read, 0);
    CHECK_ERR(EACCES, madvise(s, PAGE, MADV_REMOVE));
    hole(s, 0, 0);
    s = mmap(NULL, PAGES * PAGE, RW, MAP_SHARED, fd, 0);
    CHECK_ERR(EINVAL, madvise(s + 1, PAGE, MADV_REMOVE));
    CHECK(mlock(s, PAGE) == 0);
    CHECK_ERR(EINVAL, madvise(s, 2 * PAGE, MADV_REMOVE));
    hole(s, 0, 0);
    CHECK(munlock(s, PAGE) == 0 && madvise(s, 0, MADV_REMOVE) == 0);

    /* a gap is told, and what is around it done; what comes after a mapping that may not is left */
    CHECK(munmap(s + 2 * PAGE, PAGE) == 0);
    CHECK_ERR(ENOMEM, madvise(s + PAGE, 3 * PAGE, MADV_REMOVE));
    CHECK(s[PAGE] == 0 && s[3 * PAGE] == 0 && s[4 * PAGE] == 5);
    CHECK(mmap(s + 5 * PAGE, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
          MAP_FAILED);
    CHECK_ERR(EINVAL, madvise(s + 4 * PAGE, 4 * PAGE, MADV_REMOVE));
    CHECK(s[4 * PAGE] == 0 && s[6 * PAGE] == 7);
    CHECK_ERR(ENOMEM, madvise(s + 2 * PAGE, PAGE, MADV_REMOVE));

    CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE) == 0);
    CHECK_ERR(EPERM, madvise(s + 6 * PAGE, PAGE, MADV_REMOVE));
    CHECK_EQ(s[6 * PAGE], 7);
    close(fd);
}

static void test(void)
{
    of_a_file();
    of_others();
    of_a_segment();
    refused();
}
