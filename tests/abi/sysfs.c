/* /sys: sets of CPUs agree with each other, with affinity and with names; topology and caches are consistent;
 * the node has what the machine has; devices are those of /dev; what readdir shows can be looked up; nobody
 * makes names or writes what cannot be written. */
#include "check.h"
#include <dirent.h>
#include <limits.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#define SYSFS_MAGIC 0x62656572 /* linux/magic.h, which musl has not */

#define CPU  "/sys/devices/system/cpu"
#define NODE "/sys/devices/system/node"
#define CPUS 256

struct set {
    unsigned char has[CPUS];
    int count, bad;
};

static struct set empty(void) { return (struct set){ 0 }; }

static void add(struct set *s, long cpu)
{
    if (cpu < 0 || cpu >= CPUS) {
        s->bad = 1;
    } else {
        s->count += !s->has[cpu];
        s->has[cpu] = 1;
    }
}

static int same(const struct set *a, const struct set *b)
{
    return !a->bad && !b->bad && memcmp(a->has, b->has, CPUS) == 0;
}

static int within(const struct set *a, const struct set *b)
{
    for (int i = 0; i < CPUS; i++)
        if (a->has[i] && !b->has[i])
            return 0;
    return 1;
}

__attribute__((format(printf, 1, 2))) static const char *file(const char *format, ...)
{
    char path[256];
    va_list args;

    va_start(args, format);
    vsnprintf(path, sizeof(path), format, args);
    va_end(args);
    return slurp(path);
}

/* "0-2,5" and a newline. */
static struct set list(const char *text)
{
    struct set s = empty();
    char *at = (char *)text;

    s.bad = *text == '\0';
    while (*at != '\n' && *at != '\0' && !s.bad) {
        long from = strtol(at, &at, 10), to = from;
        if (*at == '-')
            to = strtol(at + 1, &at, 10);
        for (; from <= to && !s.bad; from++)
            add(&s, from);
        s.bad |= *at != ',' && *at != '\n';
        at += *at == ',';
    }
    return s;
}

/* "f,ffffffff": 32 CPUs a group, the lowest last. */
static struct set map(const char *text)
{
    struct set s = empty();
    const char *end = strchr(text, '\n');
    long base = 0;

    s.bad = end == NULL;
    while (end != NULL && end > text && !s.bad) {
        const char *group = end;
        while (group > text && group[-1] != ',')
            group--;
        unsigned long bits = strtoul(group, NULL, 16);
        s.bad = end - group > 8 || (group > text && end - group == 0);
        for (int i = 0; i < 32; i++)
            if (bits >> i & 1)
                add(&s, base + i);
        base += 32;
        end = group > text ? group - 1 : text;
    }
    return s;
}

static struct set list_of(const char *dir, int nr, const char *name)
{
    return list(file("%s%d/%s", dir, nr, name));
}

static struct set map_of(const char *dir, int nr, const char *name)
{
    return map(file("%s%d/%s", dir, nr, name));
}

/* A number and a newline; else -1. */
static long number(const char *text)
{
    char *end;
    long value = strtol(text, &end, 10);

    return end > text && strcmp(end, "\n") == 0 ? value : -1;
}

/* The numbers of the members of a directory that are PREFIX and a number. */
static struct set members(const char *dir, const char *prefix)
{
    struct set s = empty();
    DIR *d = opendir(dir);
    struct dirent *e;
    char *end;

    CHECK(d != NULL);
    while (d != NULL && (e = readdir(d)) != NULL)
        if (strncmp(e->d_name, prefix, strlen(prefix)) == 0) {
            long nr = strtol(e->d_name + strlen(prefix), &end, 10);
            if (end > e->d_name + strlen(prefix) && *end == '\0')
                add(&s, nr);
        }
    if (d != NULL)
        closedir(d);
    return s;
}

/* --- CPUs ------------------------------------------------------------------------- */

static struct set online;

static void cpu_sets(void)
{
    struct set present = list(slurp(CPU "/present")), possible = list(slurp(CPU "/possible")),
               offline = list(slurp(CPU "/offline")), named = members(CPU, "cpu"), mine = empty();
    cpu_set_t affinity;

    online = list(slurp(CPU "/online"));
    CHECK(!online.bad && online.count >= 1 && online.count <= CPUS);
    CHECK(within(&online, &present) && within(&present, &possible));
    CHECK(same(&named, &present));
    for (int i = 0; i < CPUS; i++)
        CHECK(!(online.has[i] && offline.has[i]));
    CHECK(number(slurp(CPU "/kernel_max")) + 1 >= possible.count);
    CHECK(sched_getaffinity(0, sizeof(affinity), &affinity) == 0);
    for (int i = 0; i < CPUS; i++)
        if (CPU_ISSET(i, &affinity))
            add(&mine, i);
    CHECK(mine.count >= 1 && within(&mine, &online));
    CHECK(mine.has[sched_getcpu()]);
}

/* CPU is in it, everybody in it has the same, and it is told both ways. */
static void group(int cpu, const char *map_name, const char *list_name, struct set *out)
{
    struct set as_map = map_of(CPU "/cpu", cpu, map_name);

    *out = list_of(CPU "/cpu", cpu, list_name);
    CHECK(same(&as_map, out));
    CHECK(out->has[cpu] && within(out, &online));
    for (int i = 0; i < CPUS; i++)
        if (out->has[i]) {
            struct set other = list_of(CPU "/cpu", i, list_name);
            CHECK(same(&other, out));
        }
}

static void topology(int cpu)
{
    struct set core, threads, package, siblings;
    char path[96];

    group(cpu, "topology/core_cpus", "topology/core_cpus_list", &core);
    group(cpu, "topology/thread_siblings", "topology/thread_siblings_list", &threads);
    group(cpu, "topology/package_cpus", "topology/package_cpus_list", &package);
    group(cpu, "topology/core_siblings", "topology/core_siblings_list", &siblings);
    CHECK(same(&core, &threads) && same(&package, &siblings));
    CHECK(within(&core, &package));
    long id = number(file(CPU "/cpu%d/topology/physical_package_id", cpu));
    long core_id = number(file(CPU "/cpu%d/topology/core_id", cpu));
    CHECK(id >= 0 && core_id >= 0);
    for (int i = 0; i < CPUS; i++)
        if (online.has[i]) {
            long other = number(file(CPU "/cpu%d/topology/physical_package_id", i));
            CHECK_EQ(other == id, package.has[i]);
            if (core.has[i])
                CHECK_EQ(number(file(CPU "/cpu%d/topology/core_id", i)), core_id);
        }
    snprintf(path, sizeof(path), CPU "/cpu%d/topology/none", cpu);
    CHECK_ERR(ENOENT, open(path, O_RDONLY));
}

static void caches(int cpu)
{
    for (int i = 0; i < 8; i++) {
        char dir[96], type[32] = "";
        struct stat st;

        snprintf(dir, sizeof(dir), CPU "/cpu%d/cache/index%d", cpu, i);
        if (stat(dir, &st) != 0)
            break;
        CHECK(S_ISDIR(st.st_mode));
        CHECK(sscanf(file("%s/type", dir), "%31s", type) == 1);
        CHECK(strcmp(type, "Data") == 0 || strcmp(type, "Instruction") == 0 ||
              strcmp(type, "Unified") == 0);
        long level = number(file("%s/level", dir));
        CHECK(level >= 1 && level <= 4);
        long line = number(file("%s/coherency_line_size", dir)),
             ways = number(file("%s/ways_of_associativity", dir)),
             sets = number(file("%s/number_of_sets", dir)),
             parts = number(file("%s/physical_line_partition", dir)), size;
        char unit;
        CHECK(sscanf(file("%s/size", dir), "%ld%c", &size, &unit) == 2 && unit == 'K');
        if (line > 0 && ways > 0 && sets > 0 && parts > 0)
            CHECK_EQ(line * ways * sets * parts, size * 1024);
        struct set listed = list(file("%s/shared_cpu_list", dir)),
                   mapped = map(file("%s/shared_cpu_map", dir));
        CHECK(same(&listed, &mapped) && listed.has[cpu] && within(&listed, &online));
    }
}

/* --- nodes ------------------------------------------------------------------------ */

static long in_meminfo(const char *text, const char *name)
{
    const char *at = strstr(text, name);

    return at != NULL ? strtol(at + strlen(name), NULL, 10) : -1;
}

static void nodes(void)
{
    struct set all = list(slurp(NODE "/online")), named = members(NODE, "node"), cpus = empty();
    long memory = 0;

    CHECK(same(&all, &named));
    for (int n = 0; n < CPUS; n++) {
        char dir[96];

        if (!all.has[n])
            continue;
        snprintf(dir, sizeof(dir), NODE "/node%d", n);
        struct set listed = list(file("%s/cpulist", dir)), mapped = map(file("%s/cpumap", dir)),
                   linked = members(dir, "cpu");
        CHECK(same(&listed, &mapped) && same(&listed, &linked));
        for (int cpu = 0; cpu < CPUS; cpu++)
            if (listed.has[cpu]) {
                char link[128], there[128];
                struct stat a, b;
                CHECK(!cpus.has[cpu]);
                add(&cpus, cpu);
                snprintf(link, sizeof(link), "%s/cpu%d", dir, cpu);
                snprintf(there, sizeof(there), CPU "/cpu%d", cpu);
                CHECK(stat(link, &a) == 0 && stat(there, &b) == 0 && a.st_ino == b.st_ino);
                snprintf(link, sizeof(link), CPU "/cpu%d/node%d", cpu, n);
                CHECK(stat(link, &a) == 0 && stat(dir, &b) == 0 && a.st_ino == b.st_ino);
            }
        int distances = 0, place = 0, i = 0, value, used;
        for (int k = 0; k < n; k++)
            place += all.has[k];
        for (const char *at = file("%s/distance", dir); sscanf(at, "%d%n", &value, &used) == 1;
             at += used, i++) {
            distances++;
            CHECK(value >= 10);
            if (i == place)
                CHECK_EQ(value, 10);
        }
        CHECK_EQ(distances, all.count);
        long total = in_meminfo(file("%s/meminfo", dir), "MemTotal:"),
             left = in_meminfo(file("%s/meminfo", dir), "MemFree:");
        CHECK(total >= 0 && left >= 0 && left <= total);
        memory += total;
    }
    CHECK(same(&cpus, &online));
    CHECK(memory > 0); /* of what is hotplugged a node may not know */
}

/* --- devices ---------------------------------------------------------------------- */

static void devices(void)
{
    static const char *const name[] = { "null", "zero", "full", "random", "urandom" };

    for (unsigned i = 0; i < sizeof(name) / sizeof(name[0]); i++) {
        char path[96], want[32];
        struct stat st, by_class, by_number;

        snprintf(path, sizeof(path), "/dev/%s", name[i]);
        CHECK(stat(path, &st) == 0);
        snprintf(want, sizeof(want), "%u:%u\n", major(st.st_rdev), minor(st.st_rdev));
        CHECK(strcmp(file("/sys/class/mem/%s/dev", name[i]), want) == 0);
        snprintf(path, sizeof(path), "/sys/class/mem/%s", name[i]);
        CHECK(stat(path, &by_class) == 0);
        snprintf(path, sizeof(path), "/sys/dev/char/%u:%u", major(st.st_rdev), minor(st.st_rdev));
        CHECK(stat(path, &by_number) == 0 && by_number.st_ino == by_class.st_ino);
        snprintf(want, sizeof(want), "DEVNAME=%s\n", name[i]);
        CHECK(strstr(file("%s/uevent", path), want) != NULL);
        snprintf(path + strlen(path), 16, "/subsystem");
        CHECK(stat(path, &by_number) == 0 && stat("/sys/class/mem", &by_class) == 0);
        CHECK_EQ(by_number.st_ino, by_class.st_ino);
    }
    struct ifreq r = { .ifr_name = "lo" };
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK(ioctl(s, SIOCGIFMTU, &r) == 0);
    CHECK_EQ(number(slurp("/sys/class/net/lo/mtu")), r.ifr_mtu);
    CHECK(ioctl(s, SIOCGIFINDEX, &r) == 0);
    CHECK_EQ(number(slurp("/sys/class/net/lo/ifindex")), r.ifr_ifindex);
    CHECK(strcmp(slurp("/sys/class/net/lo/type"), "772\n") == 0);
    close(s);
    char c;
    int fd = open("/sys/class/net/lo/duplex", O_RDONLY); /* it has no cable */
    CHECK_ERR(EINVAL, read(fd, &c, 1));
    close(fd);
}

/* --- names and files -------------------------------------------------------------- */

/* What readdir shows is what stat finds, and links are counted. */
static void walk(const char *dir, int depth)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    struct stat st;
    unsigned subdirs = 0;

    CHECK(d != NULL);
    while (d != NULL && (e = readdir(d)) != NULL) {
        char path[PATH_MAX];
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
        CHECK(lstat(path, &st) == 0);
        CHECK_EQ(st.st_ino, e->d_ino);
        CHECK_EQ(e->d_type, (st.st_mode & S_IFMT) >> 12);
        CHECK_EQ(st.st_size, S_ISREG(st.st_mode) ? 4096 : 0);
        if (S_ISLNK(st.st_mode))
            CHECK(stat(path, &st) == 0); /* it leads somewhere */
        else if (S_ISDIR(st.st_mode) && ++subdirs && depth > 0)
            walk(path, depth - 1);
    }
    if (d != NULL)
        closedir(d);
    CHECK(lstat(dir, &st) == 0);
    CHECK_EQ(st.st_nlink, subdirs + 2);
}

static void refusals(void)
{
    CHECK_ERR(EACCES, open(CPU "/online", O_WRONLY));
    CHECK_ERR(EACCES, open(CPU "/online", O_RDWR));
    CHECK_ERR(EACCES, open("/sys/none", O_WRONLY | O_CREAT, 0644));
    CHECK_ERR(ENOENT, open("/sys/none", O_RDONLY));
    CHECK_ERR(ENOTDIR, open(CPU "/online/none", O_RDONLY));
    CHECK_ERR(EPERM, mkdir("/sys/none", 0755));
    CHECK_ERR(EPERM, symlink("a", "/sys/none"));
    CHECK_ERR(EPERM, mknod("/sys/none", S_IFIFO | 0600, 0));
    CHECK_ERR(EPERM, rmdir("/sys/block"));
    CHECK_ERR(EPERM, unlink(CPU "/online"));
    CHECK_ERR(EPERM, rename(CPU "/online", CPU "/none"));
    CHECK_ERR(EEXIST, mkdir("/sys/block", 0755));
    CHECK_EQ(CHILD(CHECK(setuid(1234) == 0); CHECK_ERR(EACCES, mkdir("/sys/none", 0755));
                   CHECK_ERR(EACCES, unlink(CPU "/online"));
                   CHECK(open(CPU "/online", O_RDONLY) >= 0)),
             0);
}

/* One reader, however it reads, sees one text. */
static void reading(void)
{
    char whole[256], piece[256];
    int fd = open(CPU "/online", O_RDONLY);
    ssize_t all = read(fd, whole, sizeof(whole)), n = 0;

    CHECK(all > 1 && whole[all - 1] == '\n');
    CHECK_EQ(read(fd, piece, 1), 0);
    CHECK(lseek(fd, 0, SEEK_SET) == 0);
    while (n < all && read(fd, piece + n, 1) == 1)
        n++;
    CHECK(n == all && memcmp(piece, whole, (size_t)n) == 0);
    CHECK_EQ(pread(fd, piece, sizeof(piece), 1), all - 1);
    CHECK_EQ(pread(fd, piece, sizeof(piece), 4096), 0);
    CHECK_ERR(ENODEV, (long)mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0));
    close(fd);
}

/* One word of each choice is chosen, and another one is not taken. */
static void huge_pages(void)
{
    static const char *const name[] = { "enabled", "defrag" };

    for (int i = 0; i < 2; i++) {
        char path[96];
        const char *text = file("/sys/kernel/mm/transparent_hugepage/%s", name[i]);
        const char *open_at = strchr(text, '['), *shut = strchr(text, ']');
        CHECK(open_at != NULL && shut > open_at + 1 && shut == strrchr(text, ']'));
        CHECK(strstr(text, "always") && strstr(text, "madvise"));
        snprintf(path, sizeof(path), "/sys/kernel/mm/transparent_hugepage/%s", name[i]);
        int fd = open(path, O_WRONLY);
        CHECK_ERR(EINVAL, write(fd, "sometimes\n", 10));
        close(fd);
    }
    long size = number(slurp("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size"));
    CHECK_EQ(size, 2 << 20);
}

static void test(void)
{
    struct statfs fs;
    struct stat st;

    CHECK(statfs("/sys", &fs) == 0 && fs.f_type == SYSFS_MAGIC);
    CHECK(fs.f_blocks == 0 && fs.f_bfree == 0 && fs.f_files == 0 && fs.f_bsize == PAGE);
    CHECK(stat("/sys", &st) == 0 && st.st_mode == (S_IFDIR | 0555) && st.st_ino == 1);
    cpu_sets();
    for (int cpu = 0; cpu < CPUS; cpu++)
        if (online.has[cpu]) {
            topology(cpu);
            caches(cpu);
        }
    nodes();
    devices();
    walk(CPU "/cpu0/topology", 0);
    walk(CPU "/cpu0/cache", 1);
    walk(CPU, 0);
    walk("/sys/class/mem", 0);
    walk("/sys/class", 0);
    walk("/sys", 0);
    refusals();
    reading();
    huge_pages();
}
