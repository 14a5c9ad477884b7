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
#include <time.h>
#include <unistd.h>

#include "shared/pte.h"
#include "vmm/trial.h"

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

enum { P = PTE_P, W = PTE_W, U = PTE_U, A = PTE_A, D = PTE_D };

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

static struct trial t = TRIAL_NONE; /* its memory ends with the table */
static unsigned reads, traps, stale, needless, slots;
static double slot_us;

static void must(const char *what, bool done)
{
    if (!done) {
        perror(what);
        exit(2);
    }
}

static void put(uint64_t at, uint64_t value) { trial_put(&t, at, value); }

static void set_slot(uint32_t flags, uint64_t bytes)
{
    must("memslot", trial_slot(&t, 1, flags, TABLE, bytes, TABLE));
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
    t.ram[PAGE_A] = 0xa;
    t.ram[PAGE_B] = 0xb;
}

static uint64_t va_of(const char *label) { return STUB_VA + (uint64_t)(label - trap_code); }

static void make_data(void)
{
    trial_gdt(&t, DATA);
    put(DATA + 0x104, STUB_VA + 0x1e00); /* the TSS's RSP0 */
    memcpy(t.ram + CODE, trap_code, (size_t)(trap_end - trap_code));
    trial_gate(&t, IDT, 3, va_of(trap_bp), 3);
    trial_gate(&t, IDT, 14, va_of(trap_pf), 3);
}

static void create(bool read_only)
{
    const struct trial_start start = { .rip = PROGRAM + (uint64_t)(trap_program - trap_code),
                                       .gdt = STUB_VA + 0x1000,
                                       .tss = STUB_VA + 0x1100,
                                       .idt = STUB_VA + 0x2000,
                                       .cr3 = ROOT,
                                       .cr4 = 1u << 5,  /* PAE */
                                       .efer = 0xd01 }; /* SCE LME LMA NXE */
    int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    must("/dev/kvm", kvm >= 0);
    must("a VM", trial_begin(&t, kvm, RAM_BYTES + 0x1000));
    must("memslot", trial_slot(&t, 0, 0, 0, RAM_BYTES, 0));
    set_slot(read_only ? KVM_MEM_READONLY : 0, 0x1000);
    must("a vCPU", trial_vcpu(&t, kvm));
    make_tables();
    make_data();
    must("registers", trial_start(&t, &start));
    close(kvm);
}

/* Until ring 0 is at a port, which is returned, with what was read there. */
static unsigned next_port(bool anew, uint8_t *value)
{
    for (;;) {
        const struct kvm_run *run = t.run;
        must("KVM_RUN", ioctl(t.vcpu, KVM_RUN, 0) == 0);
        if (run->exit_reason == KVM_EXIT_IO) {
            *value = *((const uint8_t *)run + run->io.data_offset);
            return run->io.port;
        }
        if (run->exit_reason != KVM_EXIT_MMIO || !run->mmio.is_write ||
            run->mmio.phys_addr < TABLE || run->mmio.phys_addr > TABLE + 0xff8) {
            printf("cannot: exit %u\n", run->exit_reason);
            exit(1);
        }
        memcpy(t.ram + run->mmio.phys_addr, run->mmio.data, run->mmio.len);
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
        memcpy(&entry, t.ram + TABLE + 8, sizeof(entry));
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
    trial_end(&t);
    printf("%u reads, %u stores trapped, %u old translations used, %u needless faults, %.0f us a "
           "slot\n",
           reads, traps, stale, needless, slots > 0 ? slot_us / slots : 0.0);
    return 0;
}
