/* core_filter.c - what is in a core file is what /proc/PID/coredump_filter says: private memory that was
 * written, shared memory without a name, private and shared mappings of files, first pages of ELF files.
 * The vDSO is always in it. */
#include "check.h"

#include <elf.h>
#include <sys/auxv.h>

#define WRITTEN_PRIVATE 1
#define SHARED_UNNAMED  2
#define FILE_PRIVATE    4
#define FILE_SHARED     8
#define ELF_HEADERS     16

static char *core;

/* How many bytes from `at` on are in the file? */
static long bytes_of(const void *at)
{
    Elf64_Ehdr *h = (Elf64_Ehdr *)core;
    Elf64_Phdr *p = (Elf64_Phdr *)(core + h->e_phoff);
    uint64_t a = (uint64_t)at;

    for (int i = 1; i < h->e_phnum; i++)
        if (a >= p[i].p_vaddr && a - p[i].p_vaddr < p[i].p_filesz)
            return (long)(p[i].p_vaddr + p[i].p_filesz - a);
    return 0;
}

static const char *text_of(const void *at)
{
    Elf64_Ehdr *h = (Elf64_Ehdr *)core;
    Elf64_Phdr *p = (Elf64_Phdr *)(core + h->e_phoff);
    uint64_t a = (uint64_t)at;

    for (int i = 1; i < h->e_phnum; i++)
        if (a >= p[i].p_vaddr && a - p[i].p_vaddr < p[i].p_filesz)
            return core + p[i].p_offset + (a - p[i].p_vaddr);
    return "";
}

static void *map_file(const char *name, int flags)
{
    int fd = open(name, O_RDWR | O_CREAT, 0600);

    CHECK(ftruncate(fd, 2 * PAGE) == 0 && pwrite(fd, name, strlen(name) + 1, PAGE) > 0);
    void *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);
    CHECK(p != MAP_FAILED);
    close(fd);
    return p;
}

static void dump(unsigned filter)
{
    char text[16], *priv = map_pages(2), *shared = map_shared(2 * PAGE);
    char *of_file = map_file("private", MAP_PRIVATE), *of_shared = map_file("shared", MAP_SHARED);
    char *elf = (char *)(getauxval(AT_PHDR) & ~(PAGE - 1)),
         *vdso = (char *)getauxval(AT_SYSINFO_EHDR);
    struct stat st;

    strcpy(priv + PAGE, "mine");
    strcpy(shared + PAGE, "ours");
    snprintf(text, sizeof(text), "%u", filter);
    write_file("/proc/self/coredump_filter", text);
    unlink("core");
    CHECK_EQ(CHILD(raise(SIGABRT)), SIGABRT | 0x80);
    write_file("/proc/self/coredump_filter", "0x33");
    int fd = open("core", O_RDONLY);
    CHECK(fd >= 0 && fstat(fd, &st) == 0);
    core = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (core == MAP_FAILED)
        return;
    SAY("%u: written %ld %s, shared %ld %s, of a file %ld %s %ld %s, of the program %ld\n", filter,
        bytes_of(priv), text_of(priv + PAGE), bytes_of(shared), text_of(shared + PAGE),
        bytes_of(of_file), text_of(of_file + PAGE), bytes_of(of_shared), text_of(of_shared + PAGE),
        filter & FILE_PRIVATE ? 0 : bytes_of(elf));
    CHECK(vdso == NULL || bytes_of(vdso) >= PAGE);
    munmap(core, st.st_size);
    munmap(priv, 2 * PAGE);
    munmap(shared, 2 * PAGE);
    munmap(of_file, 2 * PAGE);
    munmap(of_shared, 2 * PAGE);
}

static void test(void)
{
    char dir[] = "/tmp/core_filter.XXXXXX";
    struct rlimit r;

    CHECK(getrlimit(RLIMIT_CORE, &r) == 0);
    if (r.rlim_max < 1 << 26 || strcmp(slurp("/proc/sys/kernel/core_pattern"), "core\n") != 0) {
        SAY("# core_pattern is not \"core\", or the hard limit is small\n");
        return;
    }
    r.rlim_cur = 1 << 26;
    CHECK(setrlimit(RLIMIT_CORE, &r) == 0);
    CHECK(mkdtemp(dir) != NULL && chdir(dir) == 0);
    dump(0);
    dump(WRITTEN_PRIVATE);
    dump(SHARED_UNNAMED);
    dump(FILE_PRIVATE);
    dump(FILE_SHARED);
    dump(ELF_HEADERS);
    dump(0x33);
    dump(0x1ff);
    unlink("core");
    unlink("private");
    unlink("shared");
    CHECK(chdir("/") == 0 && rmdir(dir) == 0);
}
