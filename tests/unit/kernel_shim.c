/* kernel_shim.c - see kernel_shim.h. */
#include "kernel_shim.h"
#include "arch/clock.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "arch/layout.h"
#include <asm/prctl.h>
#include <asm/unistd.h>

#define FRAMES 65536

int vprintf(const char *fmt, va_list ap); /* the C library's */

static struct cpu cpu;
struct task shim_task;
struct process shim_process;
long shim_fail_after = -1;
static long objects, frames_used;
static pfn_t next_frame = 1;
static uint32_t refs[FRAMES];

void shim_init(void)
{
    cpu.self = &cpu;
    cpu.holder = 1;
    cpu.running = &shim_task;
    shim_task.proc = &shim_process;
    for (unsigned i = 0; i < ARRAY_SIZE(shim_process.rlim); i++)
        shim_process.rlim[i].rlim_cur = shim_process.rlim[i].rlim_max = UINT64_MAX;
    long ret = __NR_arch_prctl;

    __asm__ volatile("syscall" : "+a"(ret) : "D"(ARCH_SET_GS), "S"(&cpu) : "rcx", "r11", "memory");
    if (ret != 0)
        __builtin_abort();
}

unsigned shim_random(void)
{
    static uint64_t x = 88172645463325252ull;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return (unsigned)(x >> 32);
}

void panic(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    __builtin_printf("\n");
    __builtin_abort();
}

/* --- others run --- */

void preempt_point(void) { cpu.work_left = 1000; }
bool preempt_killed(void) { return false; }

/* --- memory --- */

/* As kmap.c has them where the kernel is linked, but for the direct map: frames have memory. */
static char arena[FRAMES][4096] __attribute__((aligned(4096)));
const uint64_t kernel_base = 0xffffffff80000000, direct_map = (uint64_t)arena;
const uint64_t vmap_base = 0xffffffffc0000000;
uint64_t user_end = 0x00007ffffffff000;

static bool fails(void)
{
    if (shim_fail_after < 0)
        return false;
    return shim_fail_after == 0 || shim_fail_after-- == 0;
}

void *kmalloc(size_t n)
{
    void *p = n > KMALLOC_MAX || fails() ? NULL : __builtin_malloc(n);

    objects += p != NULL;
    return p;
}

void *kzalloc(size_t n)
{
    void *p = kmalloc(n);

    return p ? memset(p, 0, n) : NULL;
}

void kfree(void *p)
{
    objects -= p != NULL;
    __builtin_free(p);
}

long shim_objects(void) { return objects; }
long shim_frames(void) { return frames_used; }

pfn_t frame_alloc(void)
{
    if (fails() || next_frame == FRAMES)
        return 0;
    frames_used++;
    refs[next_frame] = 1;
    return next_frame++;
}

pfn_t frame_alloc_zeroed(void)
{
    pfn_t pfn = frame_alloc();
    if (pfn)
        memset(arena[pfn], 0, sizeof(arena[pfn]));
    return pfn;
}
void frame_get(pfn_t pfn) { refs[pfn]++; }

void frame_put(pfn_t pfn)
{
    ASSERT(refs[pfn] > 0);
    if (--refs[pfn] == 0 && --frames_used == 0)
        next_frame = 1; /* none is in use: from the start again */
}

uint32_t frame_refs(pfn_t pfn) { return refs[pfn]; }
void frame_count(struct frame_counts *c)
{
    *c = (struct frame_counts){ .total = FRAMES, .free = FRAMES };
}

/* --- locks and time --- */

void mutex_setup(struct mutex *m) { memset(m, 0, sizeof(*m)); }

void mutex_lock(struct mutex *m)
{
    ASSERT(!m->owner);
    m->owner = &shim_task;
}

void mutex_release(struct mutex *m)
{
    ASSERT(m->owner);
    m->owner = NULL;
}

void spin_lock_slow(struct spinlock *l) { panic("spinlock %p taken twice", (void *)l); }
uint64_t clock_real_ns(void)
{
    static uint64_t now = 1000000000ull;

    return now += 1000; /* no two moments are the same */
}
