/* /proc/cpuinfo: a block for each CPU, the rows that programs look for in it, in Linux's order; what it says of
 * this CPU is what the CPU itself says; its place in the package is what /sys says. */
#include "check.h"
#include <cpuid.h>

static const char *const rows[] = {
    "processor",
    "vendor_id",
    "cpu family",
    "model",
    "model name",
    "stepping",
    "cpu MHz",
    "cache size",
    "physical id",
    "siblings",
    "core id",
    "cpu cores",
    "apicid",
    "initial apicid",
    "fpu",
    "fpu_exception",
    "cpuid level",
    "wp",
    "flags",
    "bugs",
    "bogomips",
    "clflush size",
    "cache_alignment",
    "address sizes",
    "power management",
};
#define ROWS (sizeof rows / sizeof rows[0])

static char text[1 << 20];

/* The value in the row of that name of the block that begins at `block`; "" : there is none. */
static const char *value_of(const char *block, const char *name)
{
    static char value[8192];
    const char *end = strstr(block, "\n\n");

    value[0] = 0;
    for (const char *at = block; at != NULL && at < end + 1; at = strchr(at, '\n') + 1) {
        size_t n = strlen(name);
        if (strncmp(at, name, n) == 0 && (at[n] == '\t' || at[n] == ':')) {
            const char *from = strchr(at, ':') + 1;
            from += *from == ' ';
            snprintf(value, sizeof value, "%.*s", (int)(strchr(at, '\n') - from), from);
            break;
        }
    }
    return value;
}

static int has_flag(const char *flags, const char *name)
{
    char all[8300], word[64];

    snprintf(all, sizeof all, " %s ", flags);
    snprintf(word, sizeof word, " %s ", name);
    return strstr(all, word) != NULL;
}

/* Rows are there, each once, in that order; others may lie between. */
static void check_order(const char *block)
{
    const char *at = block, *end = strstr(block, "\n\n");

    for (size_t i = 0; i < ROWS; i++) {
        size_t n = strlen(rows[i]);
        while (at < end && !(strncmp(at, rows[i], n) == 0 && (at[n] == '\t' || at[n] == ':')))
            at = strchr(at, '\n') + 1;
        if (at >= end)
            SAY("no row %s in its place\n", rows[i]);
        CHECK(at < end);
    }
}

static long sys_number(const char *name)
{
    char path[128], number[32] = "";

    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/topology/%s", name);
    int fd = open(path, O_RDONLY);
    CHECK(fd >= 0);
    CHECK(read(fd, number, sizeof number - 1) > 0);
    close(fd);
    return atol(number);
}

/* A flag is listed only where the processor says so.  (A program may see more than the kernel, where
 * CPUID is not trapped.) */
static void check_flags(const char *block)
{
    const struct {
        unsigned leaf, reg, bit;
        const char *name;
        int must;
    } some[] = { { 1, 3, 25, "sse", 1 },         { 1, 2, 20, "sse4_2", 0 },
                 { 1, 2, 28, "avx", 0 },         { 1, 2, 31, "hypervisor", 0 },
                 { 7, 1, 5, "avx2", 0 },         { 7, 1, 16, "avx512f", 0 },
                 { 7, 1, 8, "bmi2", 0 },         { 0x80000001, 2, 5, "abm", 0 },
                 { 0x80000001, 3, 29, "lm", 1 }, { 0x80000001, 3, 27, "rdtscp", 0 },
                 { 7, 2, 10, "vpclmulqdq", 0 },  { 7, 2, 22, "rdpid", 0 } };
    const char *flags = value_of(block, "flags");

    for (size_t i = 0; i < sizeof some / sizeof some[0]; i++) {
        unsigned r[4] = { 0 };
        __get_cpuid_count(some[i].leaf, 0, &r[0], &r[1], &r[2], &r[3]);
        int told = r[some[i].reg] >> some[i].bit & 1, listed = has_flag(flags, some[i].name);
        if (listed > told || (some[i].must && !listed))
            SAY("%s: CPUID says %d, and it is %d here\n", some[i].name, told, listed);
        CHECK(listed <= told && listed >= some[i].must);
    }
}

static void test(void)
{
    unsigned blocks = 0, a = 0, b = 0, c = 0, d = 0;
    size_t n = 0;
    ssize_t got;
    int fd = open("/proc/cpuinfo", O_RDONLY);

    CHECK(fd >= 0);
    while (n < sizeof text - 1 && (got = read(fd, text + n, sizeof text - 1 - n)) > 0)
        n += (size_t)got;
    close(fd);
    for (const char *at = text, *end; (end = strstr(at, "\n\n")) != NULL; at = end + 2, blocks++) {
        CHECK_EQ(atol(value_of(at, "processor")), blocks);
        check_order(at);
    }
    CHECK_EQ(blocks, sysconf(_SC_NPROCESSORS_ONLN));

    CHECK_EQ(atol(value_of(text, "physical id")), sys_number("physical_package_id"));
    CHECK_EQ(atol(value_of(text, "core id")), sys_number("core_id"));
    CHECK(atol(value_of(text, "siblings")) >= atol(value_of(text, "cpu cores")));
    CHECK(atol(value_of(text, "cache size")) > 0);
    CHECK(strcmp(value_of(text, "wp"), "yes") == 0);
    __get_cpuid(0, &a, &b, &c, &d);
    CHECK_EQ(atol(value_of(text, "cpuid level")), a);
    __get_cpuid(1, &a, &b, &c, &d);
    CHECK_EQ(atol(value_of(text, "clflush size")), (b >> 8 & 255) * 8);
    check_flags(text);
    SAY("%zu rows are there\n", ROWS);
}
