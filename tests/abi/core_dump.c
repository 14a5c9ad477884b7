/* core_dump.c - a signal whose default is a core dump writes one, and says so, exactly if
 * the limit, the program and the place let it: the core bit of the status, CLD_DUMPED, and what is
 * in the file.  Linux is no judge of files where its core_pattern is not "core". */
#include "check.h"

#include <elf.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/procfs.h>

/* Linux's headers are not there for musl. */
#define NT_SIGINFO 0x53494749
#define NT_FILE    0x46494c45

#define MARK       "what the program had in mind"
#define NO_MARK    "what it asked to keep to itself"
#define BIG        (64l << 20)
#define MANY_PAGES 64

static char *core_text;
static long core_bytes;
static char in_bss[64];

static void limit(rlim_t bytes)
{
    struct rlimit r;

    CHECK(getrlimit(RLIMIT_CORE, &r) == 0);
    r.rlim_cur = bytes;
    CHECK(setrlimit(RLIMIT_CORE, &r) == 0);
}

static int map_core(void)
{
    int fd = open("core", O_RDONLY | O_NOFOLLOW);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) != 0 || st.st_size < PAGE)
        return 0;
    core_bytes = st.st_size;
    core_text = mmap(NULL, core_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    return core_text != MAP_FAILED;
}

/* The child that runs the statements dies of sig, and leaves a core or not. */
#define DIES(sig, core, ...) check_end(START(__VA_ARGS__), sig, core, __LINE__)
enum core { NO_CORE, CORE };

static void check_end(pid_t pid, int sig, enum core core, int line)
{
    siginfo_t info = { 0 };
    int before = *check_failures;

    CHECK(waitid(P_PID, pid, &info, WEXITED | WNOWAIT) == 0);
    int status = status_of(pid);
    CHECK_EQ(info.si_code, core == CORE ? CLD_DUMPED : CLD_KILLED);
    CHECK_EQ(info.si_status, sig);
    CHECK_EQ(status, core == CORE ? sig | 0x80 : sig);
    CHECK(!WIFEXITED(status) && !WCOREDUMP(status) == (core == NO_CORE));
    if (core == CORE)
        CHECK(unlink("core") == 0);
    if (*check_failures != before)
        SAY("     in line %d\n", line);
}

static void send_self(int sig)
{
    syscall(SYS_tgkill, getpid(), (pid_t)syscall(SYS_gettid), sig);
    pause();
}

static Elf64_Ehdr *header(void) { return (Elf64_Ehdr *)core_text; }

static Elf64_Phdr *segment(int i) { return (Elf64_Phdr *)(core_text + header()->e_phoff) + i; }

/* Note number `nth` of that type; NULL: there are no more. */
static void *find_note(uint32_t type, int nth)
{
    Elf64_Phdr *p = segment(0);

    for (size_t at = p->p_offset; at < p->p_offset + p->p_filesz;) {
        Elf64_Nhdr *n = (Elf64_Nhdr *)(core_text + at);
        size_t data = at + sizeof(*n) + ((n->n_namesz + 3) & ~3u);

        if (n->n_type == type && nth-- == 0)
            return core_text + data;
        at = data + ((n->n_descsz + 3) & ~3u);
    }
    return NULL;
}

static int count_notes(uint32_t type)
{
    int n = 0;

    while (find_note(type, n) != NULL)
        n++;
    return n;
}

/* The bytes of the program at that address, in the file; NULL: they are not there. */
static const char *memory(const void *address)
{
    uint64_t at = (uint64_t)address;

    for (int i = 1; i < header()->e_phnum; i++) {
        Elf64_Phdr *p = segment(i);
        if (at >= p->p_vaddr && at - p->p_vaddr < p->p_filesz)
            return core_text + p->p_offset + (at - p->p_vaddr);
    }
    return NULL;
}

static int has(const void *address, const char *text)
{
    const char *m = memory(address);

    return m != NULL && strcmp(m, text) == 0;
}

static void signals(void)
{
    static const int core[] = { SIGQUIT, SIGILL,  SIGTRAP, SIGABRT, SIGBUS,
                                SIGFPE,  SIGSEGV, SIGXCPU, SIGXFSZ, SIGSYS };

    for (size_t i = 0; i < sizeof(core) / sizeof(core[0]); i++)
        DIES(core[i], CORE, send_self(core[i]));
    DIES(SIGTERM, NO_CORE, send_self(SIGTERM));
    DIES(SIGKILL, NO_CORE, send_self(SIGKILL));
    DIES(SIGSEGV, CORE, *(volatile char *)8 = 1);
    DIES(SIGSEGV, CORE, handle(SIGSEGV, _exit, 0);
         __asm__ volatile("mov $8, %%rsp; push %%rax" ::
                              : "memory")); /* no stack for it */
    /* The parent goes on, with its memory as the child left it. */
    CHECK_EQ(CHILD(volatile int seen = 0; int status = VCHILD(seen = 1; *(volatile char *)8 = 1);
                   _exit(seen == 1 && status == (SIGSEGV | 0x80) ? 7 : 8)),
             EXITED(7));
    CHECK(unlink("core") == 0);
}

/* Who may, and where. */
static void conditions(void)
{
    struct rlimit none = { 0, 0 };
    struct stat st;

    DIES(SIGABRT, NO_CORE, limit(0); send_self(SIGABRT));
    DIES(SIGABRT, NO_CORE, limit(PAGE - 1); send_self(SIGABRT));
    CHECK(access("core", F_OK) != 0);
    CHECK_EQ(CHILD(limit(PAGE); send_self(SIGABRT)), SIGABRT | 0x80);
    CHECK(stat("core", &st) == 0 && st.st_size <= PAGE);
    CHECK_EQ(CHILD(limit(5 * PAGE); send_self(SIGABRT)), SIGABRT | 0x80);
    CHECK(stat("core", &st) == 0 && st.st_blocks <= 5 * PAGE / 512);
    CHECK(unlink("core") == 0);
    DIES(SIGABRT, NO_CORE, CHECK(prctl(PR_SET_DUMPABLE, 0) == 0); send_self(SIGABRT));
    DIES(SIGABRT, CORE, CHECK(prctl(PR_SET_DUMPABLE, 1) == 0); send_self(SIGABRT));
    DIES(SIGABRT, NO_CORE, CHECK(setuid(1000) == 0); send_self(SIGABRT));
    DIES(SIGABRT, CORE, CHECK(setuid(1000) == 0); CHECK(prctl(PR_SET_DUMPABLE, 1) == 0);
         send_self(SIGABRT));
    DIES(SIGABRT, NO_CORE, CHECK(chdir("/proc") == 0); send_self(SIGABRT));
    DIES(SIGABRT, CORE, setrlimit(RLIMIT_FSIZE, &none); send_self(SIGABRT)); /* an empty one */
    CHECK_EQ(CHILD(umask(0400); send_self(SIGABRT)), SIGABRT);
    CHECK(stat("core", &st) == 0 && st.st_size == 0 && (st.st_mode & 0777) == 0200);
    CHECK_EQ(CHILD(umask(077); send_self(SIGABRT)), SIGABRT | 0x80);
    CHECK(stat("core", &st) == 0 && st.st_mode == (S_IFREG | 0600) && st.st_nlink == 1);
    CHECK(st.st_uid == geteuid() && st.st_size > PAGE);

    /* What has the name goes, but what it leads to stays. */
    write_file("victim", "kept");
    unlink("core");
    CHECK(symlink("victim", "core") == 0);
    DIES(SIGABRT, CORE, send_self(SIGABRT));
    CHECK(link("victim", "core") == 0);
    DIES(SIGABRT, CORE, send_self(SIGABRT));
    CHECK(strcmp(slurp("victim"), "kept") == 0);
    CHECK(mkdir("core", 0700) == 0);
    DIES(SIGABRT, NO_CORE, send_self(SIGABRT));
    CHECK(rmdir("core") == 0);
}

/* --- a process with threads --- */

static volatile pid_t tids[2];
static volatile int turning_now;

static void *waits(void *arg)
{
    int never[2];
    char c;

    CHECK(pipe(never) == 0);
    *(volatile pid_t *)arg = (pid_t)syscall(SYS_gettid);
    read(never[0], &c, 1); /* for ever */
    return NULL;
}

static void *turns(void *arg)
{
    __asm__ volatile("movabs $0x1122334455667788, %%r12; movl $1, (%0); 1: pause; jmp 1b"
                     :
                     : "r"(arg)
                     : "r12", "memory");
    return NULL;
}

/* Is that thread in read(2), asleep? */
static int reads(pid_t tid)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", (int)tid);
    return tid != 0 && strncmp(slurp(path), "0 ", 2) == 0 && state_of(tid) == 'S';
}

struct shown {
    char *marked, *kept, *shared, *many;
};

static void die_with_threads(struct shown *s)
{
    pthread_t t;

    strcpy(in_bss, MARK);
    strcpy(s->marked, MARK);
    strcpy(s->kept, NO_MARK);
    strcpy(s->shared, MARK);
    strcpy(s->many + (MANY_PAGES - 1) * PAGE, MARK); /* holes before it */
    CHECK(madvise(s->kept, PAGE, MADV_DONTDUMP) == 0);
    CHECK(mprotect(s->marked, PAGE, PROT_NONE) == 0);
    for (int i = 0; i < 2; i++)
        CHECK(pthread_create(&t, NULL, waits, (void *)&tids[i]) == 0);
    CHECK(pthread_create(&t, NULL, turns, (void *)&turning_now) == 0);
    CHECK(WAIT_UNTIL(turning_now && reads(tids[0]) && reads(tids[1])));
    syscall(SYS_tgkill, getpid(), gettid(), SIGQUIT);
    _exit(1);
}

static void contents(void)
{
    static const struct {
        uint32_t type;
        int count;
    } notes[] = { { NT_PRSTATUS, 4 }, { NT_PRPSINFO, 1 }, { NT_SIGINFO, 1 },
                  { NT_AUXV, 1 },     { NT_FILE, 1 },     { NT_FPREGSET, 4 } };
    char exe[256] = "";
    struct shown s = { map_pages(1), map_pages(1), map_shared(PAGE), map_pages(MANY_PAGES) };
    char *unmarked = map_pages(1);
    struct stat st;

    strcpy(unmarked, MARK);
    CHECK(madvise(unmarked, PAGE, MADV_DONTDUMP) == 0);
    CHECK(madvise(unmarked, PAGE, MADV_DODUMP) == 0);
    unlink("core");
    pid_t pid = START(die_with_threads(&s));
    CHECK_EQ(status_of(pid), SIGQUIT | 0x80);
    CHECK(stat("core", &st) == 0);
    if (!map_core()) {
        CHECK(!"there is a core");
        return;
    }
    CHECK(memcmp(core_text, ELFMAG, SELFMAG) == 0);
    CHECK(header()->e_type == ET_CORE && header()->e_machine == EM_X86_64);
    CHECK(segment(0)->p_type == PT_NOTE);
    for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++)
        CHECK_EQ(count_notes(notes[i].type), notes[i].count);
    CHECK(count_notes(NT_X86_XSTATE) == 4 || count_notes(NT_X86_XSTATE) == 0);

    /* Every segment lies in the file. */
    for (int i = 0; i < header()->e_phnum; i++)
        CHECK(segment(i)->p_offset + segment(i)->p_filesz <= (uint64_t)core_bytes);
    CHECK(has(in_bss, MARK));
    CHECK(has(s.marked, MARK)); /* though nobody could read it */
    CHECK(has(s.shared, MARK));
    CHECK(has(unmarked, MARK));
    CHECK(has(s.many + (MANY_PAGES - 1) * PAGE, MARK));
    CHECK(memory(s.many) != NULL && *memory(s.many) == 0);
    CHECK(memory(s.kept) == NULL);
    CHECK((st.st_blocks + MANY_PAGES / 2 * 8) * 512 < st.st_size + 32 * PAGE); /* holes */

    struct elf_prstatus *one = find_note(NT_PRSTATUS, 0);
    CHECK(one->pr_cursig == SIGQUIT && ((uint64_t *)one->pr_reg)[15] == SYS_tgkill);
    CHECK_EQ(one->pr_pid, pid);
    CHECK_EQ(one->pr_ppid, getpid());
    CHECK(one->pr_fpvalid);
    CHECK(memory((void *)((uint64_t *)one->pr_reg)[19]) != NULL); /* its stack */
    int turning = 0, reading = 0;
    for (int i = 1; (one = find_note(NT_PRSTATUS, i)) != NULL; i++) {
        uint64_t *r = (uint64_t *)one->pr_reg;
        turning += r[3] == 0x1122334455667788;
        reading += r[15] == SYS_read;
        CHECK(one->pr_pid != pid && r[21] != 0 && memory((void *)r[21]) != NULL); /* FS: its TLS */
    }
    CHECK(turning == 1 && reading == 2);

    struct elf_prpsinfo *ps = find_note(NT_PRPSINFO, 0);
    siginfo_t *info = find_note(NT_SIGINFO, 0);
    CHECK_EQ(info->si_signo, SIGQUIT);
    CHECK_EQ(info->si_code, SI_TKILL);
    CHECK_EQ(info->si_pid, pid);
    CHECK(strcmp(ps->pr_fname, "core_dump") == 0 && ps->pr_pid == pid);
    uint64_t *files = find_note(NT_FILE, 0);
    CHECK(readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0);
    CHECK(files[1] == PAGE && strcmp((char *)(files + 2 + 3 * files[0]), exe) == 0);
    /* The program's first page, by which a debugger knows it. */
    CHECK(memory((void *)files[2]) != NULL && memcmp(memory((void *)files[2]), ELFMAG, 4) == 0);
}

/* A dump of much memory is ended by SIGKILL, which is what the process died of, then. */
static void killed(void)
{
    int killed = 0;

    for (int i = 0; i < 10; i++) {
        pid_t pid = START(char *p = map_pages(4096); memset(p, 1, 4096 * PAGE);
                          kill(getpid(), SIGSTOP); kill(getpid(), SIGABRT));
        int status;

        CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
        unlink("core");
        kill(pid, SIGCONT);
        CHECK(WAIT_UNTIL(access("core", F_OK) == 0));
        kill(pid, SIGTERM); /* does nothing */
        kill(pid, SIGKILL);
        status = status_of(pid);
        CHECK(status == SIGKILL || status == (SIGABRT | 0x80));
        killed += status == SIGKILL;
    }
    CHECK(killed > 0);
}

static void test(void)
{
    char dir[] = "/tmp/core_dump.XXXXXX";

    struct rlimit most;

    CHECK(getrlimit(RLIMIT_CORE, &most) == 0);
    if (most.rlim_max < BIG || strcmp(slurp("/proc/sys/kernel/core_pattern"), "core\n") != 0 ||
        strcmp(slurp("/proc/sys/kernel/core_uses_pid"), "0\n") != 0) {
        SAY("# core_pattern is not \"core\", or the hard limit is small: checked is only that a "
            "limit "
            "of 0 means no core\n");
        DIES(SIGABRT, NO_CORE, limit(0); send_self(SIGABRT));
        return;
    }
    CHECK(mkdtemp(dir) != NULL && chmod(dir, 0777) == 0 && chdir(dir) == 0);
    limit(BIG);
    signals();
    conditions();
    contents();
    killed();
    unlink("core");
    unlink("victim");
    CHECK(chdir("/") == 0 && rmdir(dir) == 0);
}
