/* trap.c - what KVM does with a page table in a read-only memslot, where each store of a kernel to it would be
 * an exit: whether the stores come, all of them, and what programs see afterwards.
 *
 *   trap KIND SLOT        a line: reads, trapped stores, old translations used, faults too many, us a slot
 *
 * KIND changes: an entry leads to another page; appears: it was 0, and the program faults.
 * SLOT rw: an ordinary one; ro: read-only, the VMM stores what was trapped; again: the slot is deleted and made
 * anew after each store.  The machine is what a VMM has: interrupt controllers, one vCPU.
 *
 * A program in ring 3 reads a byte, executes INT3, and begins again; ring 0 says at a port what was read,
 * stores the entry that it finds in DATA, and executes INVLPG. */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define RAM_BYTES 0x20000u
#define TABLE     0x20000u /* the lowest table of the program, in its own slot */
#define ROOT      0x1000u
#define LOW       0x2000u
#define HIGH      0x4000u
#define CODE      0xc000u
#define DATA      0xd000u
#define PAGE_A    0xe000u
#define PAGE_B    0xf000u
#define IDT       0x10000u
#define STUB_VA   0xffffffff80000000u /* code, data, IDT, the table */
#define PROGRAM   0x400000u           /* code, and the page that is read */
#define ENTRY     (DATA + 0xf00)
#define ROUNDS    40
#define PATIENCE  3 /* faults at one entry that is there */

enum { P = 1, W = 2, U = 4, A = 0x20, D = 0x40 };

/* clang-format off */
__asm__(".pushsection .rodata\n"
    ".intel_syntax noprefix\n"
    "trap_code:\n"
    "trap_bp: out 0x80, al; push rcx; push rdx; jmp 1f\n"
    "trap_pf: add rsp, 8; out 0x81, al; push rcx; push rdx\n"
    "1:  mov rcx, 0xffffffff80001f00; mov rdx, [rcx]\n"
    "    mov rcx, 0xffffffff80003008; mov [rcx], rdx\n"
    "    mov rcx, 0x401000; invlpg [rcx]; pop rdx; pop rcx; iretq\n"
    "trap_program: mov al, byte ptr [0x401000]; int3; jmp trap_program\n"
    "trap_end:\n"
    ".att_syntax prefix\n"
    ".popsection\n");
/* clang-format on */
extern const char trap_code[], trap_bp[], trap_pf[], trap_program[], trap_end[];

static int kvm, vm, vcpu;
static uint8_t *ram, *table;
static struct kvm_run *run;
static unsigned reads, traps, stale, needless, slots;
static double slot_us;

static int must(const char *what, int result)
{
    if (result < 0) {
        perror(what);
        exit(2);
    }
    return result;
}

static void put(uint64_t at, uint64_t value)
{
    memcpy(at >= TABLE ? table + (at - TABLE) : ram + at, &value, sizeof(value));
}

static void set_slot(uint32_t flags, uint64_t bytes)
{
    struct kvm_userspace_memory_region slot = { .slot = 1,
                                                .flags = flags,
                                                .guest_phys_addr = TABLE,
                                                .memory_size = bytes,
                                                .userspace_addr = (uintptr_t)table };
    must("memslot", ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot));
}

static void slot_anew(void)
{
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    set_slot(KVM_MEM_READONLY, 0);
    set_slot(KVM_MEM_READONLY, 0x1000);
    clock_gettime(CLOCK_MONOTONIC, &b);
    slot_us += (double)(b.tv_sec - a.tv_sec) * 1e6 + (double)(b.tv_nsec - a.tv_nsec) / 1e3;
    slots++;
}

static void make_tables(void)
{
    const uint64_t lower = P | W | A, page = P | A | D;
    put(ROOT, LOW | lower | U);
    put(LOW, (LOW + 0x1000) | lower | U);
    put(LOW + 0x1000 + 2 * 8, TABLE | lower | U);
    put(TABLE, CODE | page | U);
    put(ROOT + 511 * 8, HIGH | lower);
    put(HIGH + 510 * 8, (HIGH + 0x1000) | lower);
    put(HIGH + 0x1000, (HIGH + 0x2000) | lower);
    put(HIGH + 0x2000, CODE | page);
    put(HIGH + 0x2008, DATA | page | W);
    put(HIGH + 0x2010, IDT | page);
    put(HIGH + 0x2018, TABLE | page | W);
    ram[PAGE_A] = 0xa;
    ram[PAGE_B] = 0xb;
}

static void make_gate(unsigned vector, const char *handler)
{
    uint64_t at = STUB_VA + (uint64_t)(handler - trap_code);
    put(IDT + vector * 16,
        (at & 0xffff) | 0x10ull << 16 | 0xee00ull << 32 | (at >> 16 & 0xffff) << 48);
    put(IDT + vector * 16 + 8, at >> 32);
}

static void make_data(void)
{
    static const uint64_t gdt[] = {
        0, 0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0, 0x00cff3000000ffff, 0x00affb000000ffff
    };
    memcpy(ram + DATA, gdt, sizeof(gdt));
    put(DATA + 0x104, STUB_VA + 0x1e00); /* the TSS's RSP0 */
    memcpy(ram + CODE, trap_code, (size_t)(trap_end - trap_code));
    make_gate(3, trap_bp);
    make_gate(14, trap_pf);
}

static void set_registers(void)
{
    struct kvm_sregs s;
    struct kvm_segment code = {
        .selector = 0x33, .limit = ~0u, .type = 0xb, .present = 1, .dpl = 3, .s = 1, .l = 1, .g = 1
    };
    struct kvm_segment data = {
        .selector = 0x2b, .limit = ~0u, .type = 3, .present = 1, .dpl = 3, .db = 1, .s = 1, .g = 1
    };
    struct kvm_regs r = { .rip = PROGRAM + (uint64_t)(trap_program - trap_code), .rflags = 2 };
    must("KVM_GET_SREGS", ioctl(vcpu, KVM_GET_SREGS, &s));
    s.cs = code;
    s.ds = s.es = s.fs = s.gs = s.ss = data;
    s.tr = (struct kvm_segment){
        .selector = 0x40, .base = STUB_VA + 0x1100, .limit = 0x67, .type = 0xb, .present = 1
    };
    s.gdt.base = STUB_VA + 0x1000;
    s.gdt.limit = 0x37;
    s.idt.base = STUB_VA + 0x2000;
    s.idt.limit = 0xfff;
    s.cr3 = ROOT;
    s.cr4 = 1u << 5;
    s.efer = 0xd01;
    s.cr0 = 0x80010033;
    must("KVM_SET_SREGS", ioctl(vcpu, KVM_SET_SREGS, &s));
    must("KVM_SET_REGS", ioctl(vcpu, KVM_SET_REGS, &r));
}

static void create(bool read_only)
{
    struct kvm_cpuid2 *t = calloc(1, sizeof(*t) + 256 * sizeof(t->entries[0]));
    t->nent = 256;
    kvm = must("/dev/kvm", open("/dev/kvm", O_RDWR | O_CLOEXEC));
    vm = must("KVM_CREATE_VM", ioctl(kvm, KVM_CREATE_VM, 0));
    ram =
        mmap(NULL, RAM_BYTES + 0x1000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    table = ram + RAM_BYTES;
    struct kvm_userspace_memory_region slot = { .memory_size = RAM_BYTES,
                                                .userspace_addr = (uintptr_t)ram };
    must("memslot", ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot));
    set_slot(read_only ? KVM_MEM_READONLY : 0, 0x1000);
    must("KVM_CREATE_IRQCHIP", ioctl(vm, KVM_CREATE_IRQCHIP, 0));
    vcpu = must("KVM_CREATE_VCPU", ioctl(vm, KVM_CREATE_VCPU, 0));
    must("KVM_GET_SUPPORTED_CPUID", ioctl(kvm, KVM_GET_SUPPORTED_CPUID, t));
    must("KVM_SET_CPUID2", ioctl(vcpu, KVM_SET_CPUID2, t));
    int bytes = must("size of kvm_run", ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0));
    run = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
    make_tables();
    make_data();
    set_registers();
    free(t);
}

/* Until ring 0 is at a port, which is returned, with what was read there. */
static unsigned next_port(bool anew, uint8_t *value)
{
    for (;;) {
        must("KVM_RUN", ioctl(vcpu, KVM_RUN, 0));
        if (run->exit_reason == KVM_EXIT_IO) {
            *value = *((uint8_t *)run + run->io.data_offset);
            return run->io.port;
        }
        if (run->exit_reason != KVM_EXIT_MMIO || !run->mmio.is_write ||
            run->mmio.phys_addr < TABLE || run->mmio.phys_addr > TABLE + 0xff8) {
            printf("cannot: exit %u\n", run->exit_reason);
            exit(1);
        }
        memcpy(table + (run->mmio.phys_addr - TABLE), run->mmio.data, run->mmio.len);
        traps++;
        if (anew)
            slot_anew();
    }
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    bool appears = strcmp(argv[1], "appears") == 0, anew = strcmp(argv[2], "again") == 0;
    const uint64_t page[2] = { PAGE_A | P | U | A | D, PAGE_B | P | U | A | D };
    unsigned patience = 0;
    alarm(20);
    create(strcmp(argv[2], "rw") != 0);
    put(TABLE + 8, appears ? 0 : page[0]);
    while (reads < ROUNDS) {
        uint8_t value;
        uint64_t entry;
        unsigned port = next_port(anew, &value);
        memcpy(&entry, table + 8, sizeof(entry));
        if (port == 0x81) { /* a fault: is there an entry? */
            needless += entry != 0;
            patience = entry != 0 ? patience + 1 : 0;
            if (patience == PATIENCE) {
                printf("stuck: the program faults again and again at an entry that is there; %u "
                       "stores "
                       "trapped\n",
                       traps);
                return 0;
            }
            put(ENTRY, page[reads % 2]);
            continue;
        }
        stale += value != (reads % 2 == 0 ? 0xa : 0xb) || entry == 0;
        reads++;
        put(ENTRY, appears ? 0 : page[reads % 2]);
    }
    printf("%u reads, %u stores trapped, %u old translations used, %u needless faults, %.0f us a "
           "slot\n",
           reads, traps, stale, needless, slots > 0 ? slot_us / slots : 0.0);
    return 0;
}
