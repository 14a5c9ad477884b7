/* vdso.c - the code that programs find in their memory: what time it is, without a call.
 *
 * Not part of the kernel: linked into $O/vdso.so, whose one page vdso_image.asm puts into
 * the kernel's image and mm/vdso.c into address spaces, behind the page of data.  What it
 * cannot know it asks the kernel. */
#include "arch/vvar.h"

#include <asm/unistd.h>
#include <linux/time.h>
#include <linux/time_types.h>

#define HIDDEN       __attribute__((visibility("hidden")))
#define NSEC_PER_SEC 1000000000ull

extern const volatile struct vvar vvar_page HIDDEN;

static long call(long nr, long a, long b, long c)
{
    long ret;

    __asm__ volatile("syscall"
                     : "=a"(ret)
                     : "0"(nr), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return ret;
}

/* LFENCE: the counter is not read before what the program did before. */
static uint64_t ns_since(uint64_t tsc_base, uint64_t ns_per_tick)
{
    uint64_t lo, hi;

    __asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
    return (uint64_t)((unsigned __int128)((hi << 32 | lo) - tsc_base) * ns_per_tick >> 32);
}

/* CLOCK_MONOTONIC.  False: the kernel is to be asked. */
static int mono_ns(uint64_t *ns)
{
    uint32_t changes;

    if (vvar_page.ns_per_tick == 0)
        return 0;
    do {
        changes = vvar_page.changes;
        *ns = ns_since(vvar_page.tsc_base, vvar_page.ns_per_tick);
    } while (changes != vvar_page.changes);
    return 1;
}

static int raw_ns(uint64_t *ns)
{
    if (vvar_page.changes == 0)
        return mono_ns(ns);
    *ns = ns_since(vvar_page.raw_tsc_base, vvar_page.raw_ns_per_tick);
    return 1;
}

enum kind { KIND_none, KIND_real, KIND_mono, KIND_raw };

static enum kind kind_of(int id)
{
    switch (id) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE: return KIND_real;
    case CLOCK_MONOTONIC_RAW: return KIND_raw;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME: return KIND_mono;
    default: return KIND_none;
    }
}

int __vdso_clock_gettime(int id, struct __kernel_timespec *ts);
int __vdso_clock_gettime(int id, struct __kernel_timespec *ts)
{
    enum kind kind = kind_of(id);
    uint64_t ns;

    if (kind == KIND_none || !(kind == KIND_raw ? raw_ns(&ns) : mono_ns(&ns)))
        return (int)call(__NR_clock_gettime, id, (long)ts, 0);
    if (kind == KIND_real)
        ns += vvar_page.real_base;
    ts->tv_sec = (long long)(ns / NSEC_PER_SEC);
    ts->tv_nsec = (long long)(ns % NSEC_PER_SEC);
    return 0;
}

int __vdso_clock_getres(int id, struct __kernel_timespec *ts);
int __vdso_clock_getres(int id, struct __kernel_timespec *ts)
{
    return (int)call(__NR_clock_getres, id, (long)ts, 0);
}

int __vdso_gettimeofday(struct timeval *tv, void *zone);
int __vdso_gettimeofday(struct timeval *tv, void *zone)
{
    uint64_t ns;

    if (zone || !mono_ns(&ns))
        return (int)call(__NR_gettimeofday, (long)tv, (long)zone, 0);
    if (!tv)
        return 0;
    uint64_t us = (ns + vvar_page.real_base) / 1000;
    tv->tv_sec = (long)(us / 1000000);
    tv->tv_usec = (long)(us % 1000000);
    return 0;
}

long __vdso_time(long *at);
long __vdso_time(long *at)
{
    uint64_t ns;

    if (!mono_ns(&ns))
        return call(__NR_time, (long)at, 0, 0);
    long now = (long)((ns + vvar_page.real_base) / NSEC_PER_SEC);
    if (at)
        *at = now;
    return now;
}

/* Nothing that a program can read tells one CPU from another on every host. */
long __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused);
long __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused)
{
    if (vvar_page.ncpus != 1)
        return call(__NR_getcpu, (long)cpu, (long)node, (long)unused);
    if (cpu)
        *cpu = 0;
    if (node)
        *node = 0;
    return 0;
}

#define WEAK(name) __attribute__((weak, alias("__vdso_" #name)))
int clock_gettime(int id, struct __kernel_timespec *ts) WEAK(clock_gettime);
int clock_getres(int id, struct __kernel_timespec *ts) WEAK(clock_getres);
int gettimeofday(struct timeval *tv, void *zone) WEAK(gettimeofday);
long time(long *at) WEAK(time);
long getcpu(unsigned *cpu, unsigned *node, void *unused) WEAK(getcpu);
