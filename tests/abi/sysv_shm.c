/* System V shared memory: one memory for all who attach it; attachments are counted through fork, exec, exit, munmap
 * in parts and mremap; a removed segment lives until the last of them is gone, and its identifier with it; where and how
 * it may be attached; rights, limits, reports are Linux's. */
#include "check.h"

#include <grp.h>
#include <sys/ipc.h>
#include <sys/shm.h>

#define SHM_DEST_ 01000
#ifndef SHM_STAT
#define SHM_STAT 13
#endif
#define SHM_INFO_ 14

static int make(size_t size)
{
    int id = shmget(IPC_PRIVATE, size, 0600 | IPC_CREAT);

    CHECK(id >= 0);
    return id;
}

static struct shmid_ds stat_of(int id)
{
    struct shmid_ds d = { 0 };

    CHECK_EQ(shmctl(id, IPC_STAT, &d), 0);
    return d;
}

static long attached(int id) { return (long)stat_of(id).shm_nattch; }
static void end(int id) { CHECK_EQ(shmctl(id, IPC_RMID, NULL), 0); }
static int is_gone(int id)
{
    struct shmid_ds d;
    return shmctl(id, IPC_STAT, &d) == -1 && (errno == EINVAL || errno == EIDRM);
}

static void shares(void)
{
    int id = make(3 * PAGE + 5);
    char *a = shmat(id, NULL, 0), *b = shmat(id, NULL, 0);

    CHECK(a != (void *)-1 && b != (void *)-1 && a != b);
    CHECK_EQ(attached(id), 2);
    strcpy(a + 2 * PAGE, "the same");
    CHECK(strcmp(b + 2 * PAGE, "the same") == 0);
    CHECK_EQ(CHILD(CHECK_EQ(attached(id), 4); strcpy(b, "child"); CHECK_EQ(shmdt(a), 0);
                   CHECK_EQ(attached(id), 3)),
             0);
    CHECK(strcmp(a, "child") == 0);
    CHECK_EQ(attached(id), 2);
    CHECK_EQ(stat_of(id).shm_segsz, 3 * PAGE + 5);
    CHECK_EQ(stat_of(id).shm_cpid, getpid());
    a[4 * PAGE - 1] = 1; /* the last page is all there */
    CHECK_EQ(shmdt(a), 0);
    CHECK_ERR(EINVAL, shmdt(a));
    CHECK_ERR(EINVAL, shmdt(b + 1));
    CHECK_EQ(stat_of(id).shm_lpid, getpid());
    CHECK_EQ(VCHILD(CHECK_EQ(attached(id), 1)), 0);
    CHECK_EQ(shmdt(b), 0);
    CHECK_EQ(attached(id), 0);
    end(id);
    CHECK(is_gone(id));
}

static void removed(void)
{
    key_t key = own_key(1);
    int id = shmget(key, PAGE, 0600 | IPC_CREAT | IPC_EXCL), p[2];
    char *a = shmat(id, NULL, 0);

    a[0] = 7;
    end(id);
    CHECK_ERR(ENOENT, shmget(key, PAGE, 0));
    CHECK_EQ(stat_of(id).shm_perm.mode, 0600 | SHM_DEST_);
    CHECK_EQ(stat_of(id).shm_perm.__key, 0);
    char *b = shmat(id, NULL, 0); /* it can still be attached */
    CHECK(b != (void *)-1 && b[0] == 7);
    CHECK_EQ(pipe(p), 0);
    pid_t child = START(char c; close(p[1]); CHECK_EQ(read(p[0], &c, 1), 0));
    close(p[0]);
    CHECK_EQ(shmdt(a), 0);
    CHECK_EQ(shmdt(b), 0);
    CHECK_EQ(attached(id), 2); /* the child's */
    close(p[1]);
    CHECK_EQ(status_of(child), 0);
    CHECK(is_gone(id));
    CHECK(shmat(id, NULL, 0) == (void *)-1);
    id = make(PAGE);
    child = START(shmat(id, NULL, 0); execlp("true", "true", (char *)NULL));
    CHECK_EQ(status_of(child), 0);
    CHECK_EQ(attached(id), 0);
    end(id);
    CHECK(is_gone(id));
}

static void parts(void)
{
    int id = make(6 * PAGE);
    char *a = shmat(id, NULL, 0);

    CHECK_EQ(munmap(a + 2 * PAGE, PAGE), 0);
    CHECK_EQ(attached(id), 2);
    CHECK_EQ(mprotect(a, PAGE, PROT_READ), 0);
    CHECK_EQ(attached(id), 3);
    CHECK_EQ(shmdt(a), 0);
    CHECK_EQ(attached(id), 0);
    a = shmat(id, NULL, 0);
    a[5 * PAGE] = 5;
    char *moved = mremap(a, 6 * PAGE, 6 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, map_pages(8));
    CHECK(moved != MAP_FAILED && moved[5 * PAGE] == 5);
    CHECK_EQ(attached(id), 1);
    CHECK_EQ(shmdt(moved), 0);
    CHECK_EQ(attached(id), 0);
    a = shmat(id, NULL, 0);
    CHECK_EQ(munmap(a, PAGE), 0);
    CHECK_EQ(shmdt(a), 0); /* what is left of it */
    CHECK_EQ(attached(id), 0);
    end(id);
}

static void places(void)
{
    int id = make(2 * PAGE);
    char *hole = map_pages(4);

    CHECK(shmat(id, hole, 0) == (void *)-1 && errno == EINVAL); /* something is there */
    CHECK(shmat(id, hole + 3 * PAGE, 0) == (void *)-1 && errno == EINVAL);
    CHECK(shmat(id, hole, SHM_REMAP) == hole);
    CHECK_EQ(shmdt(hole), 0);
    CHECK(shmat(id, hole + 5, 0) == (void *)-1 && errno == EINVAL);
    CHECK(shmat(id, hole + 5, SHM_RND) == hole);
    CHECK_EQ(shmdt(hole), 0);
    CHECK(shmat(id, NULL, SHM_REMAP) == (void *)-1 && errno == EINVAL);
    CHECK(shmat(-1, NULL, 0) == (void *)-1 && errno == EINVAL);
    char *r = shmat(id, NULL, SHM_RDONLY);
    CHECK_EQ(r[0], 0);
    CHECK_DIES(SIGSEGV, r[0] = 1);
    CHECK_ERR(EACCES, mprotect(r, PAGE, PROT_READ | PROT_WRITE));
    CHECK_EQ(shmdt(r), 0);
    unsigned char *x = shmat(id, NULL, SHM_EXEC);
    x[0] = 0xc3;
    ((void (*)(void))x)();
    CHECK_EQ(shmdt(x), 0);
    x = shmat(id, NULL, 0);
    CHECK_DIES(SIGSEGV, ((void (*)(void))x)());
    end(id);
}

static void rights(void)
{
    int id = shmget(IPC_PRIVATE, PAGE, 0640 | IPC_CREAT);
    struct shmid_ds d = stat_of(id);

    CHECK_EQ(CHILD(CHECK_EQ(setgid(1000), 0); CHECK_EQ(setuid(1000), 0);
                   CHECK(shmat(id, NULL, SHM_RDONLY) == (void *)-1 && errno == EACCES);
                   CHECK_ERR(EPERM, shmctl(id, IPC_RMID, NULL));
                   CHECK_ERR(EACCES, shmctl(id, IPC_STAT, &d))),
             0);
    d.shm_perm.uid = 1000;
    d.shm_perm.mode = 0400;
    CHECK_EQ(shmctl(id, IPC_SET, &d), 0);
    CHECK_EQ(CHILD(CHECK_EQ(setuid(1000), 0); CHECK(shmat(id, NULL, SHM_RDONLY) != (void *)-1);
                   CHECK(shmat(id, NULL, 0) == (void *)-1 && errno == EACCES);
                   CHECK_EQ(shmctl(id, SHM_LOCK, NULL), 0);
                   CHECK_EQ(stat_of(id).shm_perm.mode, 02400);
                   CHECK_EQ(shmctl(id, SHM_UNLOCK, NULL), 0)),
             0);
    CHECK_EQ(stat_of(id).shm_perm.mode, 0400);
    end(id);
    CHECK_ERR(EINVAL, shmget(IPC_PRIVATE, 0, 0600 | IPC_CREAT));
    id = shmget(own_key(2), PAGE, 0600 | IPC_CREAT);
    CHECK_EQ(shmget(own_key(2), 0, 0), id);
    CHECK_ERR(EINVAL, shmget(own_key(2), 2 * PAGE, 0));
    CHECK_ERR(EEXIST, shmget(own_key(2), PAGE, IPC_CREAT | IPC_EXCL));
    end(id);
    CHECK_ERR(ENOMEM, shmget(IPC_PRIVATE, 1ul << 52, 0600 | IPC_CREAT));
    CHECK_ERR(EINVAL, shmctl(0, 4711, NULL));
}

static void reports(void)
{
    struct shminfo lim;
    struct shm_info {
        int used_ids;
        unsigned long shm_tot, shm_rss, shm_swp, swap_attempts, swap_successes;
    } sums;
    struct shmid_ds d;
    int id = shmget(0x00abcdef, 5 * PAGE, 0600 | IPC_CREAT), found = 0;
    char *a = shmat(id, NULL, 0), want[200];

    memset(a, 1, 2 * PAGE);
    int top = shmctl(0, IPC_INFO, (void *)&lim);
    CHECK(top >= 0);
    SAY("%lu %lu %lu %lu %lu\n", lim.shmmax, lim.shmmin, lim.shmmni, lim.shmseg, lim.shmall);
    CHECK_EQ(shmctl(0, SHM_INFO_, (void *)&sums), top);
    CHECK(sums.used_ids >= 1 && sums.shm_tot >= 5 && sums.shm_rss >= 2);
    for (int at = 0; at <= top; at++)
        found += shmctl(at, SHM_STAT, &d) == id && d.shm_nattch == 1;
    CHECK_EQ(found, 1);
    snprintf(want, sizeof want, "%10d %10d   600 %21ld %5d %5d      1     0     0     0     0 ",
             0x00abcdef, id, 5 * PAGE, getpid(), getpid());
    CHECK(strstr(slurp("/proc/sysvipc/shm"), want) != NULL);
    snprintf(want, sizeof want, " %21ld %21u\n", 2 * PAGE, 0u);
    CHECK(strstr(slurp("/proc/sysvipc/shm"), want) != NULL);
    SAY("%.*s\n", (int)strcspn(slurp("/proc/sysvipc/shm"), "\n"), slurp("/proc/sysvipc/shm"));
    CHECK(strstr(slurp("/proc/self/maps"), "/SYSV00abcdef (deleted)\n") != NULL);
    CHECK_EQ(shmdt(a), 0);
    end(id);
}

/* A large segment that many have: tables are shared at fork, and it stays one memory. */
static void forks(void)
{
    size_t size = 8l << 20;
    int id = make(size);
    int *a = shmat(id, NULL, 0);

    for (size_t i = 0; i < size / sizeof(int); i += PAGE / sizeof(int))
        a[i] = (int)i;
    for (int n = 0; n < 8; n++)
        CHECK_EQ(CHILD(for (size_t i = 0; i < size / sizeof(int); i += PAGE / sizeof(int)) a[i]++;
                       CHECK_EQ(attached(id), 2)),
                 0);
    long wrong = 0;
    for (size_t i = 0; i < size / sizeof(int); i += PAGE / sizeof(int))
        wrong += a[i] != (int)i + 8;
    CHECK_EQ(wrong, 0);
    end(id);
    CHECK_EQ(attached(id), 1);
}

/* /proc/sys/kernel/shm_next_id: the number that the next segment gets, once; where it is in use, another. */
static void next_id(void)
{
    const char *file = "/proc/sys/kernel/shm_next_id";
    char text[16];

    SAY("%s", slurp(file));
    CHECK_ERR(EINVAL, put_text(file, "-1"));
    CHECK_ERR(EINVAL, put_text(file, "2147483648"));
    int wish = 77 * 32768 + 311;
    snprintf(text, sizeof text, "%d", wish);
    CHECK(put_text(file, text) > 0);
    int id = make(PAGE), other;
    CHECK_EQ(id, wish);
    SAY("%s", slurp(file));
    CHECK(put_text(file, text) > 0);
    other = make(PAGE);
    CHECK(other >= 0 && other != id);
    end(other);
    end(id);
    CHECK((id = make(PAGE)) != wish);
    end(id);
    CHECK_EQ(CHILD(CHECK_EQ(setuid(1), 0); CHECK(put_text(file, text) < 0)), 0);
}

/* Who may not lock memory, and is not in the group that may, may not ask for huge pages. */
static void huge(void)
{
    CHECK_EQ(CHILD(CHECK_EQ(setgroups(0, NULL), 0); CHECK_EQ(setgid(1), 0); CHECK_EQ(setuid(1), 0);
                   CHECK_ERR(EPERM, shmget(IPC_PRIVATE, 1 << 21, 0600 | IPC_CREAT | SHM_HUGETLB))),
             0);
}

static void test(void)
{
    next_id();
    huge();
    shares();
    removed();
    parts();
    places();
    rights();
    reports();
    forks();
}
