/* What a program says about its own memory: PR_SET_MM (where /proc and brk look), PR_SET_MDWE (no new code), and
 * PR_MCE_KILL, which is kept and told. */
#include "check.h"
#include <sys/prctl.h>
#include <sys/shm.h>

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_GET_MDWE 66
#endif
#ifndef PR_GET_AUXV
#define PR_GET_AUXV 0x41555856
#endif
#define MM(what, ...) prctl(PR_SET_MM, PR_SET_MM_##what, __VA_ARGS__)
#define AT            ((char *)0x12340000)

static char text[4096];

static ssize_t whole(const char *path)
{
    int fd = open(path, O_RDONLY);
    ssize_t n = read(fd, text, sizeof(text));

    close(fd);
    return n;
}

/* Fields of /proc/self/stat, from 1 on, as distances from AT. */
static void say_places(const char *when)
{
    static const int fields[] = { 26, 27, 28, 45, 46, 47, 48, 49, 50, 51 };
    unsigned long v[64] = { 0 };
    int n = 3;

    for (char *t = strtok(strrchr(slurp("/proc/self/stat"), ')') + 4, " "); t && n < 60;
         t = strtok(NULL, " "))
        v[++n] = strtoul(t, NULL, 10);
    SAY("%s:", when);
    for (unsigned i = 0; i < sizeof(fields) / sizeof(*fields); i++)
        SAY(" %#lx", v[fields[i]] - (unsigned long)AT);
    SAY("\n");
}

static struct prctl_mm_map places(void)
{
    uint64_t at = (uint64_t)AT;

    return (struct prctl_mm_map){ .start_code = at,
                                  .end_code = at + 0x1000,
                                  .start_data = at + 0x100,
                                  .end_data = at + 0x1100,
                                  .start_brk = at + 0x10000,
                                  .brk = at + 0x10000,
                                  .start_stack = at + 0x2000,
                                  .arg_start = at,
                                  .arg_end = at + 12,
                                  .env_start = at + 0x3000,
                                  .env_end = at + 0x3004,
                                  .exe_fd = -1 };
}

static void map_checks(void)
{
    unsigned size = 0;
    struct prctl_mm_map m = places();

    CHECK(MM(MAP_SIZE, &size, 0, 0) == 0 && size == sizeof(m));
    CHECK_ERR(EFAULT, MM(MAP_SIZE, 8, 0, 0));
    CHECK_ERR(EINVAL, MM(MAP_SIZE, &size, 0, 1));
    CHECK_ERR(EINVAL, MM(MAP, &m, sizeof(m) - 1, 0));
    CHECK_ERR(EFAULT, MM(MAP, 8, sizeof(m), 0));
    CHECK_ERR(EINVAL, MM(ARG_START, AT, 1, 0));
    m.end_code = m.start_code;
    CHECK_ERR(EINVAL, MM(MAP, &m, sizeof(m), 0));
    m = places();
    m.brk--;
    CHECK_ERR(EINVAL, MM(MAP, &m, sizeof(m), 0));
    m = places();
    m.env_end = 1ul << 47;
    CHECK_ERR(EINVAL, MM(MAP, &m, sizeof(m), 0));
    m.env_end = 0x1000;
    CHECK_ERR(EINVAL, MM(MAP, &m, sizeof(m), 0));
    m = places();
    m.auxv_size = 16;
    CHECK_ERR(EINVAL, MM(MAP, &m, sizeof(m), 0));
    m.auxv = (void *)8;
    CHECK_ERR(EFAULT, MM(MAP, &m, sizeof(m), 0));
    m.auxv_size = 1000;
    CHECK_ERR(EINVAL, MM(MAP, &m, sizeof(m), 0));
    m = places();
    m.exe_fd = 99;
    CHECK_ERR(EBADF, MM(MAP, &m, sizeof(m), 0));
    struct rlimit l = { 0x1fff, RLIM_INFINITY };
    CHECK(setrlimit(RLIMIT_DATA, &l) == 0);
    m = places();
    m.brk += 0x1000;
    CHECK_ERR(EINVAL, MM(MAP, &m, sizeof(m), 0));
    l.rlim_cur = RLIM_INFINITY;
    CHECK(setrlimit(RLIMIT_DATA, &l) == 0);
}

/* Unprivileged, and without a capability. */
static void map_all(void)
{
    struct prctl_mm_map m = places();
    uint64_t auxv[] = { 6, 4096, 5, 77, 0, 0, 9, 9 };

    m.auxv = (void *)auxv;
    m.auxv_size = sizeof(auxv);
    CHECK(MM(MAP, &m, sizeof(m), 0) == 0);
    say_places("places");
    SAY("arguments %zd", whole("/proc/self/cmdline"));
    SAY(" %s %s\n", text, text + 6);
    SAY("environment %zd", whole("/proc/self/environ"));
    SAY(" %s\n", text);
    SAY("auxv %zd\n", whole("/proc/self/auxv"));
    CHECK(memcmp(text, auxv, 48) == 0);
    CHECK(prctl(PR_GET_AUXV, text, 64, 0, 0) > 64 && memcmp(text, auxv, 64) == 0);
    CHECK((char *)syscall(SYS_brk, 0) == AT + 0x10000);
    CHECK((char *)syscall(SYS_brk, AT + 0x13000) == AT + 0x13000);
    AT[0x12fff] = 1;
    CHECK((char *)syscall(SYS_brk, AT + 0x10800) == AT + 0x10800);
    CHECK_DIES(SIGSEGV, AT[0x11000] = 1);
    CHECK((char *)syscall(SYS_brk, AT + 0xf000) == AT + 0x10800);
    CHECK(setresuid(65534, 65534, 65534) == 0);
    CHECK(MM(MAP, &m, sizeof(m), 0) == 0);
    m.exe_fd = 99;
    CHECK_ERR(EPERM, MM(MAP, &m, sizeof(m), 0));
    CHECK_ERR(EPERM, MM(ARG_START, AT, 0, 0));
    CHECK_ERR(EPERM, MM(AUXV, 8, 0, 0));
    CHECK_ERR(EPERM, prctl(PR_SET_MM, 99, AT, 0, 0));
}

/* Each by itself needs CAP_SYS_RESOURCE, which not everybody has who judges. */
static void one_by_one(void)
{
    uint64_t auxv[60] = { 6, 4096, 5, 77 };

    if (MM(AUXV, auxv, 32, 0) != 0 && errno == EPERM) {
        SAY("# without CAP_SYS_RESOURCE\n");
        return;
    }
    CHECK(prctl(PR_GET_AUXV, text, 0, 0, 0) == 448);
    CHECK(MM(AUXV, auxv, 448, 0) == 0);
    CHECK_EQ(whole("/proc/self/auxv"), 48);
    CHECK_ERR(EINVAL, MM(AUXV, auxv, 449, 0));
    CHECK_ERR(EFAULT, MM(AUXV, 8, 16, 0));
    CHECK_ERR(EINVAL, prctl(PR_SET_MM, 0, AT, 0, 0));
    CHECK_ERR(EINVAL, prctl(PR_SET_MM, 99, AT, 0, 0));
    CHECK_ERR(EINVAL, MM(ARG_START, 0x1000, 0, 0));
    CHECK_ERR(EINVAL, MM(ARG_START, -1L, 0, 0));
    CHECK(MM(ARG_START, AT, 0, 0) == 0 && MM(ARG_END, AT + 6, 0, 0) == 0);
    CHECK_ERR(EINVAL, MM(ARG_END, AT - 1, 0, 0));
    CHECK(whole("/proc/self/cmdline") == 6 && strcmp(text, "hello") == 0);
    CHECK(MM(ENV_START, AT + 0x3000, 0, 0) == 0 && MM(ENV_END, AT + 0x3004, 0, 0) == 0);
    CHECK(whole("/proc/self/environ") == 4 && strcmp(text, "A=b") == 0);
    CHECK(MM(START_CODE, 0x20000, 0, 0) == 0 && MM(END_CODE, AT, 0, 0) == 0);
    CHECK(MM(START_DATA, AT, 0, 0) == -1); /* behind its end */
    CHECK(MM(START_STACK, AT, 0, 0) == 0);
    CHECK(MM(START_BRK, AT + 0x10000, 0, 0) == 0 || errno == EINVAL);
}

static void program(void)
{
    char name[] = "/tmp/exe.XXXXXX";
    int w = mkstemp(name), fd = open(name, O_RDONLY);

    if (MM(EXE_FILE, -1, 0, 0) == -1 && errno == EPERM) {
        SAY("# without CAP_SYS_RESOURCE\n");
    } else {
        CHECK_ERR(EBADF, MM(EXE_FILE, -1, 0, 0));
        CHECK_ERR(EACCES, MM(EXE_FILE, open("/", O_RDONLY), 0, 0));
        CHECK_ERR(EACCES, MM(EXE_FILE, fd, 0, 0)); /* nobody may run it */
        CHECK(fchmod(w, 0755) == 0);
        CHECK_ERR(EACCES, MM(EXE_FILE, fd, 0, 0)); /* somebody may write it */
        close(w);
        CHECK_ERR(EBUSY, MM(EXE_FILE, fd, 0, 0)); /* this program is mapped */
    }
    unlink(name);
}

static void *map(int prot) { return mmap(NULL, PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }

static long bits(void) { return prctl(PR_GET_MDWE, 0, 0, 0, 0); }

static void inherited(long all)
{
    CHECK_EQ(bits(), all);
    CHECK(all ? map(7) == MAP_FAILED && errno == EACCES : map(7) != MAP_FAILED);
}

static void no_new_code(void)
{
    char *wx = map(7), *x = map(5), *r = map(1);
    int id = shmget(IPC_PRIVATE, PAGE, 0700);

    if (bits() == -1 || linux_before(6, 6, "PR_MDWE_NO_INHERIT"))
        return;
    CHECK_ERR(EINVAL, prctl(PR_GET_MDWE, 1, 0, 0, 0));
    CHECK_ERR(EINVAL, prctl(PR_SET_MDWE, 4, 0, 0, 0));
    CHECK_ERR(EINVAL, prctl(PR_SET_MDWE, 2, 0, 0, 0));
    CHECK_ERR(EINVAL, prctl(PR_SET_MDWE, 1, 1, 0, 0));
    CHECK(prctl(PR_SET_MDWE, 0, 0, 0, 0) == 0 && bits() == 0);
    CHILD(CHECK(prctl(PR_SET_MDWE, 3, 0, 0, 0) == 0); inherited(3);
          CHECK_ERR(EPERM, prctl(PR_SET_MDWE, 1, 0, 0, 0)); CHILD(inherited(0)));
    CHECK(prctl(PR_SET_MDWE, 1, 0, 0, 0) == 0);
    inherited(1);
    CHILD(inherited(1));
    CHECK_ERR(EPERM, prctl(PR_SET_MDWE, 0, 0, 0, 0));
    CHECK_ERR(EPERM, prctl(PR_SET_MDWE, 3, 0, 0, 0));
    CHECK(map(5) != MAP_FAILED);
    CHECK_ERR(EACCES, map(6));
    CHECK_ERR(EACCES, mprotect(wx, PAGE, 7));
    CHECK(mprotect(wx, PAGE, 5) == 0 && mprotect(x, PAGE, 5) == 0);
    CHECK_ERR(EACCES, mprotect(x, PAGE, 7));
    CHECK(mprotect(x, PAGE, 1) == 0);
    CHECK_ERR(EACCES, mprotect(x, PAGE, 5));
    CHECK_ERR(EACCES, mprotect(r, PAGE, 4));
    CHECK(mprotect(r, PAGE, 3) == 0);
    CHECK_ERR(EACCES, shmat(id, NULL, SHM_EXEC));
    CHECK((x = shmat(id, NULL, SHM_EXEC | SHM_RDONLY)) != (char *)-1 && shmdt(x) == 0);
    shmctl(id, IPC_RMID, NULL);
}

/* As many arguments as no memory holds. */
static void endless(void)
{
    struct prctl_mm_map m = places();
    size_t size = 1ul << 36;
    char *p = mmap(NULL, size, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    CHECK(p != MAP_FAILED);
    memcpy(p, "begin", 5);
    memcpy(p + size / 2, "there", 5);
    m.arg_start = m.env_start = (uint64_t)p;
    m.arg_end = m.env_end = (uint64_t)p + size;
    CHECK(MM(MAP, &m, sizeof(m), 0) == 0);
    CHECK(whole("/proc/self/cmdline") == sizeof(text) && memcmp(text, "begin", 6) == 0);
    CHECK(whole("/proc/self/environ") == sizeof(text) && memcmp(text, "begin", 6) == 0);
    int fd = open("/proc/self/cmdline", O_RDONLY);
    CHECK_EQ(pread(fd, text, 5, (off_t)(size / 2)), 5);
    CHECK(memcmp(text, "there", 5) == 0);
    CHECK_EQ(pread(fd, text, 100, (off_t)size - 7), 7);
    CHECK_EQ(pread(fd, text, 100, (off_t)size), 0);
}

static void memory_errors(void)
{
#define SET(...) prctl(PR_MCE_KILL, __VA_ARGS__)
#define GET()    prctl(PR_MCE_KILL_GET, 0, 0, 0, 0)
    CHECK(GET() == PR_MCE_KILL_DEFAULT);
    CHECK_ERR(EINVAL, prctl(PR_MCE_KILL_GET, 1, 0, 0, 0));
    CHECK(SET(PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0) == 0 && GET() == PR_MCE_KILL_EARLY);
    CHILD(CHECK(GET() == PR_MCE_KILL_EARLY));
    CHECK(SET(PR_MCE_KILL_SET, PR_MCE_KILL_LATE, 0, 0) == 0 && GET() == PR_MCE_KILL_LATE);
    CHECK(SET(PR_MCE_KILL_SET, PR_MCE_KILL_DEFAULT, 0, 0) == 0 && GET() == PR_MCE_KILL_DEFAULT);
    CHECK_ERR(EINVAL, SET(PR_MCE_KILL_SET, 9, 0, 0));
    CHECK(GET() == PR_MCE_KILL_LATE);
    CHECK_ERR(EINVAL, SET(PR_MCE_KILL_CLEAR, 1, 0, 0));
    CHECK_ERR(EINVAL, SET(PR_MCE_KILL_CLEAR, 0, 1, 0));
    CHECK_ERR(EINVAL, SET(7, 0, 0, 0));
    CHECK(SET(PR_MCE_KILL_CLEAR, 0, 0, 0) == 0 && GET() == PR_MCE_KILL_DEFAULT);
}

static void test(void)
{
    CHECK(mmap(AT, 0x10000, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == AT);
    memcpy(AT, "hello\0world", 12);
    memcpy(AT + 0x3000, "A=b", 4);
    map_checks();
    CHILD(map_all());
    CHILD(one_by_one());
    CHILD(endless());
    program();
    CHILD(no_new_code());
    memory_errors();
}
