/* links: vmm/hypercall.c vmm/bulk.c vmm/gmem.c vmm/stop.c vmm/tasks.c vmm/pagewalk.c vmm/trace/lib/*.c */
/* Hypercalls with any arguments, on a machine whose memory holds anything: nothing outside of
 * it is touched.  Then the reports look at the records of tasks and at page tables there.
 * The tracer and the console have targets and tests of their own; here they check that
 * what they are given is in memory. */
#include "fuzz.h"

#include <errno.h>
#include <stdarg.h>

#include "shared/trace_schema.h"
#include "vmm/audit.h"
#include "vmm/bootlog.h"
#include "vmm/console.h"
#include "vmm/hypercall.h"
#include "vmm/pagewalk.h"
#include "vmm/say.h"
#include "vmm/tracer_keep.h"
#include "vmm/world.h"
#include "vmm/tasks.h"
#include "vmm/tracer.h"
#include "vmm/tracer_calls.h"
#include "vmm/vm.h"

#define RAM      (1u << 20)
#define CALLS    8
#define INPUT_AT 0x1000 /* the rest of the input lies there, and page tables at the same place */

static struct gmem *mem;

void say(const char *fmt, ...) { (void)fmt; }
void say_more(const char *fmt, ...) { (void)fmt; }
void say_note(const char *fmt, ...) { (void)fmt; }
void bootlog_mark(struct vm *vm, enum boot_stage stage, uint64_t pte_writes, uint64_t faults)
{
    (void)vm, (void)pte_writes, (void)faults;
    MUST(stage < BOOT_STAGE_MAX);
}
uint32_t console_size(const struct console *c)
{
    (void)c;
    return 0;
}
void console_output(struct console *c, const void *bytes, size_t len)
{
    (void)c;
    fwrite(bytes, 1, len, nowhere());
}
int tracer_open(struct tracer *t, unsigned cpu)
{
    (void)t;
    MUST(cpu < 2);
    return 0;
}
int tracer_cpu_online(struct tracer *t, unsigned cpu, int64_t found, uint64_t error)
{
    (void)t, (void)found;
    MUST(cpu < 2 && error <= INT64_MAX);
    return 0;
}
/* No trace of a part is kept here. */
void world_stop(struct vcpu *v) { (void)v; }
void world_go(struct vcpu *v) { (void)v; }
int keep_doorbell(struct keep *k, unsigned cpu, uint64_t bytes, uint64_t first, uint64_t last)
{
    (void)k, (void)cpu, (void)bytes, (void)first, (void)last;
    return 0;
}
int tracer_doorbell(struct tracer *t, unsigned cpu, uint64_t bytes, uint64_t first, uint64_t last)
{
    (void)t, (void)first, (void)last;
    MUST(cpu == 1);
    return bytes > TRACE_WINDOW_BYTES ? -EINVAL : 0;
}
int64_t tracer_checkpoint(const struct tracer_caller *c, uint64_t root_pfn, uint64_t tsc)
{
    (void)root_pfn, (void)tsc;
    MUST(c->cpu == 1 && c->mem == mem);
    return -EINVAL;
}
int tracer_event(const struct tracer_caller *c, const struct kvm_regs *r, uint64_t tsc)
{
    (void)r, (void)tsc;
    MUST(c->cpu == 1 && c->mem == mem);
    return 0;
}
/* Without --audit nobody calls these. */
int audit_tables(struct vcpu *v, uint64_t first, uint64_t end)
{
    (void)v, (void)first, (void)end;
    return 0;
}
void audit_written(struct vcpu *v, uint64_t gpa, uint64_t bytes)
{
    (void)v, (void)gpa, (void)bytes;
}
int audit_begin(struct vcpu *v, bool is_flush)
{
    (void)v, (void)is_flush;
    abort();
}
void audit_last(struct audit *a, bool at_rest)
{
    (void)a;
    (void)at_rest;
}
bool audit_is_over(const struct audit *a)
{
    (void)a;
    return false;
}
uint64_t keep_stopped(const struct keep *k)
{
    (void)k;
    return 0;
}
void audit_end(struct vcpu *v)
{
    (void)v;
    abort();
}

static void call(struct vcpu *v, struct input *in)
{
    struct kvm_regs *r = &v->run->s.regs.regs;
    uint8_t shape = (uint8_t)take_number(in, 1);
    __u64 *args[] = { &r->rdi, &r->rsi, &r->rdx, &r->r10 };
    r->rax = take_number(in, 1);
    for (unsigned i = 0; i < 4; i++) /* near the memory's ends, or anything */
        *args[i] = shape >> i & 1      ? take_number(in, 8)
                   : shape >> i & 0x10 ? RAM - take_number(in, 2)
                                       : take_number(in, 2) << (shape >> 7 ? 4 : 0);
    hypercall(v);
}

static void look(struct vm *vm, struct input *in)
{
    struct kvm_sregs s = { .cr0 = 1ull << 31, .cr4 = 1u << 5, .cr3 = INPUT_AT };
    struct task_name name;
    uint64_t gpa, va = take_number(in, 8);
    char buf[64];
    s.efer = 1u << 10;
    if (va & 1)
        s.cr4 |= 1u << 12;
    pagewalk(mem, &s, va, &gpa, nowhere());
    MUST(pagewalk_read(mem, &s, va, buf, sizeof(buf)) <= sizeof(buf));
    tasks_running(vm, (unsigned)(va & 127), &name);
    MUST(memchr(name.comm, '\0', sizeof(name.comm)) != NULL);
    tasks_print(vm, nowhere());
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct options opt;
    static struct kvm_run run;
    struct vcpu cpu[2] = { 0 };
    struct vm vm = { .opt = &opt, .ncpus = 2, .vcpu = cpu, .trace_base = 1ull << 32 };
    struct input in = { data, size };

    if (gmem_create(&mem, RAM) != 0 || stop_init(&vm.stop) != 0)
        abort();
    vm.mem = mem;
    vm.tsc_khz = 1000000;
    cpu[1] = (struct vcpu){ .vm = &vm, .index = 1, .run = &run };
    unsigned flags = (unsigned)take_number(&in, 1);
    if (flags & 8)
        vm.tracer = (struct tracer *)&vm; /* never looked into here */
    uint8_t *at = gmem_span(mem, INPUT_AT, 0x8000);
    memcpy(at, data, size < 0x8000 ? size : 0x8000);
    if (flags & 16)
        atomic_store(&vm.inspect, INPUT_AT + 8);
    for (unsigned i = 0; i < (flags & 7) + 1 && in.left > 0; i++)
        call(&cpu[1], &in);
    look(&vm, &in);
    stop_destroy(&vm.stop);
    gmem_destroy(mem);
    return 0;
}
