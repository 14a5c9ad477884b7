/* The vDSO: an ELF image that AT_SYSINFO_EHDR names, with functions of version LINUX_2.6 that
 * tell what the calls tell; two mappings, [vvar] and [vdso], of which the program may do what
 * it likes, before it has used them and after. */
#include "check.h"
#include <elf.h>
#include <sys/auxv.h>
#include <sys/time.h>

static const Elf64_Ehdr *image;
static const Elf64_Sym *symbols;
static const char *strings;
static const Elf64_Word *hash;
static const Elf64_Half *versions;
static const Elf64_Verdef *definitions;

static void find_tables(void)
{
    const Elf64_Phdr *ph = (void *)((char *)image + image->e_phoff);
    const Elf64_Dyn *d = NULL;
    size_t base = (size_t)image;

    for (int i = 0; i < image->e_phnum; i++) {
        if (ph[i].p_type == PT_LOAD)
            base = (size_t)image + ph[i].p_offset - ph[i].p_vaddr;
        else if (ph[i].p_type == PT_DYNAMIC)
            d = (void *)((char *)image + ph[i].p_offset);
    }
    for (; d && d->d_tag != DT_NULL; d++) {
        void *p = (void *)(base + d->d_un.d_ptr);
        switch (d->d_tag) {
        case DT_SYMTAB: symbols = p; break;
        case DT_STRTAB: strings = p; break;
        case DT_HASH: hash = p; break;
        case DT_VERSYM: versions = p; break;
        case DT_VERDEF: definitions = p; break;
        }
    }
}

static int has_version(int index, const char *name)
{
    const Elf64_Verdef *d = definitions;

    while (d->vd_ndx != (index & 0x7fff) || (d->vd_flags & VER_FLG_BASE)) {
        if (d->vd_next == 0)
            return 0;
        d = (void *)((char *)d + d->vd_next);
    }
    const Elf64_Verdaux *aux = (void *)((char *)d + d->vd_aux);
    return strcmp(strings + aux->vda_name, name) == 0;
}

/* All symbols, whatever the hash. */
static void *function(const char *name)
{
    for (unsigned i = 0; symbols && versions && definitions; i++) {
        if (hash ? i >= hash[1] : i >= 12)
            break;
        if (symbols[i].st_shndx != SHN_UNDEF && strcmp(strings + symbols[i].st_name, name) == 0 &&
            has_version(versions[i], "LINUX_2.6"))
            return (char *)image + symbols[i].st_value;
    }
    return NULL;
}

static long long ns(const struct timespec *t) { return t->tv_sec * 1000000000ll + t->tv_nsec; }

static int (*vdso_gettime)(clockid_t, struct timespec *);

static void clocks(void)
{
    static const clockid_t ids[] = { CLOCK_REALTIME,           CLOCK_MONOTONIC,
                                     CLOCK_MONOTONIC_RAW,      CLOCK_BOOTTIME,
                                     CLOCK_REALTIME_COARSE,    CLOCK_MONOTONIC_COARSE,
                                     CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID };
    struct timespec before, between, after;

    for (unsigned k = 0; k < sizeof ids / sizeof *ids; k++)
        for (int i = 0; i < 50; i++) {
            CHECK(syscall(SYS_clock_gettime, ids[k], &before) == 0);
            CHECK(vdso_gettime(ids[k], &between) == 0);
            CHECK(syscall(SYS_clock_gettime, ids[k], &after) == 0);
            CHECK(ns(&before) <= ns(&between) && ns(&between) <= ns(&after));
            CHECK(between.tv_nsec >= 0 && between.tv_nsec < 1000000000);
        }
    CHECK(vdso_gettime(77, &between) == -EINVAL);
}

static void others(void)
{
    int (*day)(struct timeval *, void *) = function("__vdso_gettimeofday");
    time_t (*seconds)(time_t *) = function("__vdso_time");
    long (*cpu)(unsigned *, unsigned *, void *) = function("__vdso_getcpu");
    int (*res)(clockid_t, struct timespec *) = function("__vdso_clock_getres");
    struct timeval tv, tv2;
    struct timespec r1, r2;
    unsigned number = 1000, node = 1000;
    time_t now, same;

    CHECK(day && seconds && cpu && res);
    CHECK(syscall(SYS_gettimeofday, &tv, NULL) == 0 && day(&tv2, NULL) == 0);
    CHECK(tv2.tv_sec * 1000000 + tv2.tv_usec >= tv.tv_sec * 1000000 + tv.tv_usec);
    now = seconds(&same);
    CHECK(now == same && now - time(NULL) <= 1 && time(NULL) - now <= 1);
    CHECK(cpu(&number, &node, NULL) == 0 && number < 1000 && node < 1000);
    CHECK(cpu(NULL, NULL, NULL) == 0);
    CHECK(res(CLOCK_MONOTONIC, &r1) == 0 && syscall(SYS_clock_getres, CLOCK_MONOTONIC, &r2) == 0);
    CHECK(ns(&r1) == ns(&r2));
}

/* Where it is, from /proc/self/maps; 0: nowhere. */
static unsigned long mapped(const char *name, char rights[5])
{
    char line[512];
    unsigned long from = 0, start;
    FILE *f = fopen("/proc/self/maps", "r");

    while (fgets(line, sizeof line, f)) {
        char r[5];
        if (strstr(line, name) && sscanf(line, "%lx-%*x %4s", &start, r) == 2) {
            from = start;
            strcpy(rights, r);
        }
    }
    fclose(f);
    return from;
}

static void mappings(void)
{
    char rights[5] = "";

    CHECK(mapped("[vdso]", rights) == (unsigned long)image);
    SAY("[vdso] %s\n", rights);
    CHECK(mapped("[vvar]", rights) != 0);
    SAY("[vvar] %s\n", rights);
}

/* Linux may be built so that nobody can change them. */
static int sealed(void)
{
    if (mprotect((void *)image, PAGE, PROT_READ) == 0)
        return mprotect((void *)image, PAGE, PROT_READ | PROT_EXEC) != 0;
    SAY("# this kernel has sealed its vDSO: nothing is changed there\n");
    return 1;
}

/* A write to the code is this process's own. */
static void own_copy(void)
{
    char *code = (char *)image;
    int status;

    CHECK(mprotect(code, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        code[EI_PAD] = 7;
        _exit(code[EI_PAD] == 7 && vdso_gettime(CLOCK_MONOTONIC, &(struct timespec){ 0 }) == 0 ? 0
                                                                                               : 1);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK(code[EI_PAD] == 0);
    CHECK(mprotect(code, PAGE, PROT_READ | PROT_EXEC) == 0);
}

/* In a program that has not touched it yet. */
static void untouched(const char *what)
{
    char rights[5] = "";
    struct timespec t;

    if (strcmp(what, "unmap") == 0) {
        CHECK(munmap((void *)image, PAGE) == 0);
        CHECK(mapped("[vdso]", rights) == 0);
        CHECK_DIES(SIGSEGV, *(volatile char *)image);
        CHECK(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t) == 0);
    } else if (strcmp(what, "replace") == 0) {
        char *p = mmap((void *)image, PAGE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        CHECK(p == (void *)image && p[0] == 0 && p[PAGE - 1] == 0);
        p[0] = 1;
        CHECK(mapped("[vdso]", rights) == 0);
    } else if (strcmp(what, "protect") == 0) {
        CHECK(mprotect((void *)image, PAGE, PROT_NONE) == 0);
        CHECK_DIES(SIGSEGV, *(volatile char *)image);
    } else if (strcmp(what, "taken") == 0) {
        CHECK_ERR(EEXIST, (long)mmap((void *)image, PAGE, PROT_READ,
                                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
        CHECK(memcmp(image->e_ident, ELFMAG, SELFMAG) == 0);
    } else if (strcmp(what, "kernel") == 0) { /* the kernel reads it for us */
        int ends[2];
        char head[4];
        CHECK(pipe(ends) == 0 && write(ends[1], image, 4) == 4 && read(ends[0], head, 4) == 4);
        CHECK(memcmp(head, ELFMAG, 4) == 0);
    } else {
        int status;
        pid_t pid = fork();
        if (pid == 0)
            _exit(memcmp(image->e_ident, ELFMAG, SELFMAG) != 0);
        CHECK(waitpid(pid, &status, 0) == pid && status == 0);
        CHECK(memcmp(image->e_ident, ELFMAG, SELFMAG) == 0);
    }
}

static void test(void)
{
    static const char *const ways[] = { "taken", "kernel", "fork", "unmap", "replace", "protect" };
    const char *way = getenv("VDSO_TEST");
    int status;

    image = (void *)getauxval(AT_SYSINFO_EHDR);
    CHECK(image != NULL && (size_t)image % PAGE == 0);
    if (way != NULL) {
        untouched(way);
        return;
    }
    CHECK(memcmp(image->e_ident, ELFMAG, SELFMAG) == 0 && image->e_type == ET_DYN);
    find_tables();
    vdso_gettime = function("__vdso_clock_gettime");
    CHECK(vdso_gettime != NULL);
    clocks();
    others();
    mappings();
    int changes = !sealed();
    if (changes)
        own_copy();
    for (unsigned i = 0; i < (changes ? 6 : 3); i++) {
        setenv("VDSO_TEST", ways[i], 1);
        pid_t pid = vfork();
        if (pid == 0) {
            execl("/proc/self/exe", "vdso", NULL);
            _exit(99);
        }
        CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    }
}
