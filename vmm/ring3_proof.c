/* ring3_proof.c - see ring3_proof.h.
 *
 * A VM of 128 KiB runs a stub, a kernel and a program that do, each once, what docs/native.md
 * rests on.  The code below lies in one page, which is mapped three times: for the stub in root
 * slot 511, for the kernel in slot 255 of its root, for the program in slot 0 of its own.
 *
 *   step  trap                       shown by it
 *   0     interrupt in HLT           the doorbell took and gave RAX; with IF off in ring 3 it waited;
 *                                    in ring 0 it pushes its frame at T
 *   1     SYSCALL                    at LSTAR in ring 0, or as #PF there.  The program has read its page
 *                                    before; the kernel puts another one there by a plain store
 *   2     CLI: #GP                   the program has read the other page; IF is on in its frame
 *   3     read of the kernel: #PF    and it is still on
 *   4     INT3
 *   5     UD2, after POPF without IF
 *   6     a jump to the kernel's own INT3: #PF
 *
 * In each the program's GS base must be what the kernel gave it by WRGSBASE. */
#include "vmm/ring3_proof.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/hypercall.h"
#include "shared/pte.h"
#include "vmm/trial.h"

#define RAM_BYTES 0x20000u
#define LIMIT_US  300000

/* Physical addresses. */
#define ROOT_PROGRAM   0x1000u
#define ROOT_KERNEL    0x2000u
#define STUB_TABLES    0x3000u /* three levels each */
#define KERNEL_TABLES  0x6000u
#define PROGRAM_TABLES 0x9000u
#define CODE           0xc000u
#define DATA           0xd000u
#define PAGE_A         0xe000u
#define PAGE_B         0xf000u
#define IDT            0x10000u

/* Where they are mapped. */
#define STUB_VA    0xffffffff80000000u /* code, data, IDT */
#define KERNEL_VA  0x7f8000000000u     /* code, data, the program's lowest table, doorbell */
#define PROGRAM_VA 0x400000u           /* code, page A or B */

/* In the data page. */
#define TSS_AT 0x100u
#define TRAP_T 0x400u /* frames end here; behind it: */
#define READY  0x00u  /* into the kernel */
#define OUT    0x28u  /* RAX, then a frame: to the program */
#define STEP   0x58u

enum { P = PTE_P, W = PTE_W, U = PTE_U, A = PTE_A, D = PTE_D };
#define NX (1ull << 63)

#define STRING_(x) #x
#define STRING(x)  STRING_(x)
#define SAYS_ASKED 1
#define SAYS_TAKEN 2
#define SAYS_GOOD  3

/* clang-format off */
__asm__(".pushsection .rodata\n"
    ".intel_syntax noprefix\n"
    ".balign 16\n"
    "proof_code:\n"
    /* --- the stub --- */
    "s_irq:  mov [rsp-16], rax; mov eax, 0x2000; mov cr3, rax; mov eax, 0x40; add rsp, 40; iretq\n"
    "s_ud:   mov [rsp-16], rax; mov eax, 0x2000; mov cr3, rax; mov eax, 6; add rsp, 40; iretq\n"
    "s_pf:   push rax; mov eax, 0x2000; mov cr3, rax; mov eax, 14; add rsp, 56; iretq\n"
    "s_gp:   push rax; mov eax, 0x2000; mov cr3, rax; mov eax, 13; add rsp, 56; iretq\n"
    "s_bp:   test dword ptr [rsp+16], 0x201; jnz 1f; mov cr3, rax; add rsp, 40 + 0x28; pop rax; iretq\n"
    "1:      test byte ptr [rsp+17], 2; jnz 2f; jmp r11\n"
    "2:      mov [rsp-16], rax; mov eax, 0x2000; mov cr3, rax; mov eax, 3; add rsp, 40; iretq\n"
    "s_halt: add rsp, 40; sti; hlt; cli; sub rsp, 40; iretq\n"
    "s_call: swapgs; mov gs:[-16], rsp; rdgsbase rsp; swapgs\n"
    "        mov qword ptr [rsp-40], 0; mov eax, 0x2000; mov cr3, rax; mov eax, 14; iretq\n"
    /* --- the kernel --- */
    "k_start:\n"
    "        mov rbx, 0x7f8000003000; mov eax, " STRING(SAYS_ASKED) "; mov [rbx], eax\n"
    "        cmp rax, " STRING(SAYS_TAKEN) "; jne k_bad\n"
    "        mov ecx, 1000\n"
    "1:      dec ecx; jnz 1b\n"
    "        lea r11, [rip + s_halt]\n"
    "        mov rax, 0xffffffff80000000 - 0x7f8000000000; add r11, rax; stc; int3\n"
    "k_bad:  mov rbx, 0x7f8000003000; xor eax, eax; mov [rbx], eax; jmp k_bad\n"
    "k_entry:\n"
    "        mov rdx, [rsp+0x58]; lea rcx, [rip + k_want]; movzx ecx, byte ptr [rcx+rdx]\n"
    "        cmp eax, ecx; jne k_bad\n"
    "        inc qword ptr [rsp+0x58]\n"
    "        test edx, edx; jz k_halted\n"
    "        rdgsbase rcx; cmp rcx, 0x1111; jne k_bad\n"
    "        xor ecx, ecx; wrgsbase rcx\n"
    "        cmp edx, 1; je k_call\n"
    "        test byte ptr [rsp-23], 2; jz k_bad\n"
    "        cmp edx, 6; jne k_out\n"
    "        mov rbx, 0x7f8000003000; mov eax, " STRING(SAYS_GOOD) "; mov [rbx], eax; jmp k_bad\n"
    "k_halted:\n"
    "        test byte ptr [rsp-32], 3; jnz k_bad\n"
    "        lea r15, [rip + p_start]; mov rcx, 0x400000 - 0x7f8000000000; add r15, rcx; jmp k_out\n"
    "k_call: mov rbx, 0x7f8000002000; mov ecx, 0xf067; mov [rbx+8], rcx\n"
    "k_out:  mov [rsp+0x30], r15; mov ecx, 0x1111; wrgsbase rcx; mov eax, 0x1000; clc\n"
    "k_gate: int3\n"
    "k_want: .byte 0x40, 14, 13, 14, 3, 6, 14\n"
    /* --- the program: r15 is where it goes on --- */
    "p_start:\n"
    "        cmp byte ptr [0x401000], 0xa; jne p_bad; lea r15, [rip + 1f]; syscall\n"
    "1:      cmp byte ptr [0x401000], 0xb; jne p_bad; lea r15, [rip + 1f]; cli\n"
    "1:      lea r15, [rip + 1f]; mov rax, 0x7f8000000000; mov al, [rax]\n"
    "1:      lea r15, [rip + 1f]; int3\n"
    "1:      lea r15, [rip + 1f]; push 2; popf; ud2\n"
    "1:      lea rax, [rip + k_gate]; mov rcx, 0x7f8000000000 - 0x400000; add rax, rcx; jmp rax\n"
    "p_bad:  hlt\n"
    "proof_end:\n"
    ".att_syntax prefix\n"
    ".popsection\n");
/* clang-format on */

extern const char proof_code[], proof_end[], s_irq[], s_ud[], s_pf[], s_gp[], s_bp[], s_call[],
    k_start[], k_entry[];

struct frame {
    uint64_t rip, cs, rflags, rsp, ss;
};

static uint64_t offset_of(const char *label) { return (uint64_t)(label - proof_code); }

/* Three levels for the 2 MiB at va, below that slot of the root. */
static void link_tables(const struct trial *t, uint64_t root, uint64_t tables, uint64_t va,
                        uint64_t bits)
{
    trial_put(t, root + (va >> 39 & 511) * 8, tables | bits);
    trial_put(t, tables + (va >> 30 & 511) * 8, (tables + 0x1000) | bits);
    trial_put(t, tables + 0x1000 + (va >> 21 & 511) * 8, (tables + 0x2000) | bits);
}

static void map_page(const struct trial *t, uint64_t tables, unsigned page, uint64_t at,
                     uint64_t bits)
{
    trial_put(t, tables + 0x2000 + page * 8, at | bits | P | A | D);
}

static void make_tables(const struct trial *t)
{
    uint64_t lower = P | W | A;
    link_tables(t, ROOT_KERNEL, STUB_TABLES, STUB_VA, lower);
    link_tables(t, ROOT_PROGRAM, STUB_TABLES, STUB_VA, lower);
    link_tables(t, ROOT_KERNEL, KERNEL_TABLES, KERNEL_VA, lower | U);
    link_tables(t, ROOT_PROGRAM, PROGRAM_TABLES, PROGRAM_VA, lower | U);
    map_page(t, STUB_TABLES, 0, CODE, 0);
    map_page(t, STUB_TABLES, 1, DATA, W | NX);
    map_page(t, STUB_TABLES, 2, IDT, NX);
    map_page(t, KERNEL_TABLES, 0, CODE, U);
    map_page(t, KERNEL_TABLES, 1, DATA, U | W | NX);
    map_page(t, KERNEL_TABLES, 2, PROGRAM_TABLES + 0x2000, U | W | NX);
    map_page(t, KERNEL_TABLES, 3, HC_DOORBELL, U | W | NX);
    map_page(t, PROGRAM_TABLES, 0, CODE, U);
    map_page(t, PROGRAM_TABLES, 1, PAGE_A, U | W);
    t->ram[PAGE_A] = 0xa;
    t->ram[PAGE_B] = 0xb;
}

static void make_gate(const struct trial *t, unsigned vector, const char *stub, unsigned dpl)
{
    trial_gate(t, IDT, vector, STUB_VA + offset_of(stub), dpl);
}

static void put_frame(const struct trial *t, uint64_t at, uint64_t rip, uint64_t rflags,
                      uint64_t rsp)
{
    struct frame f = { rip, 0x33, rflags, rsp, 0x2b };
    memcpy(t->ram + at, &f, sizeof(f));
}

static void make_data(const struct trial *t)
{
    trial_gdt(t, DATA);
    trial_put(t, DATA + TSS_AT + 4, STUB_VA + 0x1000 + TRAP_T);
    put_frame(t, DATA + TRAP_T + READY, KERNEL_VA + offset_of(k_entry), 2,
              KERNEL_VA + 0x1000 + TRAP_T);
    put_frame(t, DATA + TRAP_T + OUT + 8, 0, 0x202, PROGRAM_VA + 0x1800);
    memcpy(t->ram + CODE, proof_code, (size_t)(proof_end - proof_code));
    make_gate(t, 3, s_bp, 3);
    make_gate(t, 6, s_ud, 0);
    make_gate(t, 13, s_gp, 0);
    make_gate(t, 14, s_pf, 0);
    make_gate(t, 0x40, s_irq, 0);
}

static bool set_msrs(const struct trial *t)
{
    const struct kvm_msr_entry entry[] = {
        { .index = 0xc0000081, .data = 0x23ull << 48 | 0x10ull << 32 }, /* STAR */
        { .index = 0xc0000082, .data = STUB_VA + offset_of(s_call) },   /* LSTAR */
        { .index = 0xc0000084, .data = 0x47700 },                       /* SFMASK */
        { .index = 0xc0000102, .data = STUB_VA + 0x1000 + TRAP_T },     /* KERNEL_GS_BASE */
    };
    const unsigned n = sizeof(entry) / sizeof(entry[0]);
    struct kvm_msrs *msrs = calloc(1, sizeof(*msrs) + sizeof(entry));
    if (msrs == NULL)
        return false;
    msrs->nmsrs = n;
    memcpy(msrs->entries, entry, sizeof(entry));
    bool ok = ioctl(t->vcpu, KVM_SET_MSRS, msrs) == (int)n;
    free(msrs);
    return ok;
}

/* Its local APIC takes interrupts. */
static bool enable_apic(const struct trial *t)
{
    struct kvm_lapic_state apic;
    if (ioctl(t->vcpu, KVM_GET_LAPIC, &apic) != 0)
        return false;
    uint32_t svr = 0x1ff;
    memcpy(apic.regs + 0xf0, &svr, sizeof(svr));
    return ioctl(t->vcpu, KVM_SET_LAPIC, &apic) == 0;
}

static bool create(struct trial *t, int kvm)
{
    const struct trial_start s = {
        .rip = KERNEL_VA + offset_of(k_start), /* in ring 3 already, as the kernel */
        .rsp = KERNEL_VA + 0x1000 + TRAP_T,
        .gdt = STUB_VA + 0x1000,
        .tss = STUB_VA + 0x1000 + TSS_AT,
        .idt = STUB_VA + 0x2000,
        .cr3 = ROOT_KERNEL,
        .cr4 = 1u << 5 | 1u << 9 | 1u << 16, /* PAE OSFXSR FSGSBASE */
        .efer = 0xd01,                       /* SCE LME LMA NXE */
    };
    if (!trial_begin(t, kvm, RAM_BYTES) || !trial_slot(t, 0, 0, 0, RAM_BYTES, 0) ||
        !trial_vcpu(t, kvm))
        return false;
    make_tables(t);
    make_data(t);
    return enable_apic(t) && set_msrs(t) && trial_start(t, &s);
}

/* What the kernel says at the doorbell; -1: something else has happened. */
static int next_word(const struct trial *t)
{
    const struct kvm_run *run = t->run;
    if (ioctl(t->vcpu, KVM_RUN, 0) != 0 || run->exit_reason != KVM_EXIT_MMIO ||
        run->mmio.phys_addr != HC_DOORBELL || !run->mmio.is_write)
        return -1;
    return (int)run->s.regs.regs.rax;
}

static bool runs(const struct trial *t)
{
    struct kvm_msi msi = { .address_lo = 0xfee00000, .data = 0x40 };
    if (next_word(t) != SAYS_ASKED || ioctl(t->vm, KVM_SIGNAL_MSI, &msi) <= 0)
        return false;
    t->run->s.regs.regs.rax = SAYS_TAKEN;
    t->run->kvm_dirty_regs |= KVM_SYNC_X86_REGS;
    return next_word(t) == SAYS_GOOD;
}

/* --- once a boot of the host ----------------------------------------------------------- */

/* The file that remembers: it holds the host's boot ID, and belongs to this user alone. */
static bool memory_path(char *path, size_t room)
{
    const char *dir = getenv("XDG_RUNTIME_DIR");
    int n = snprintf(path, room, "%s/forkscope-ring3-1-%u", dir != NULL ? dir : "/tmp",
                     (unsigned)getuid());
    return n > 0 && (size_t)n < room;
}

static bool read_small(int fd, char *text, size_t room)
{
    ssize_t n = fd >= 0 ? read(fd, text, room - 1) : -1;
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    return n > 0;
}

static bool boot_id(char *id, size_t room)
{
    return read_small(open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC), id, room);
}

static bool is_remembered(const char *path, const char *id)
{
    char text[64];
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_uid != getuid() ||
                    (st.st_mode & 022) != 0)) {
        close(fd);
        return false;
    }
    return read_small(fd, text, sizeof(text)) && strcmp(text, id) == 0;
}

/* If that cannot be, the proof is made again next time. */
static void remember(const char *path, const char *id)
{
    char fresh[300];
    int n = snprintf(fresh, sizeof(fresh), "%s.%d", path, (int)getpid());
    int fd = n > 0 && (size_t)n < sizeof(fresh)
                 ? open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)
                 : -1;
    if (fd < 0)
        return;
    ssize_t done = write(fd, id, strlen(id));
    close(fd);
    if (done != (ssize_t)strlen(id) || rename(fresh, path) != 0)
        unlink(fresh);
}

static bool prove(int kvm)
{
    struct trial t = TRIAL_NONE;
    trial_limit(&t, LIMIT_US);
    bool ok = create(&t, kvm) && runs(&t);
    trial_unlimit(&t);
    trial_end(&t);
    return ok;
}

bool ring3_proof(int kvm)
{
    char path[256], id[64];
    bool can_remember = memory_path(path, sizeof(path)) && boot_id(id, sizeof(id));
    if (can_remember && is_remembered(path, id))
        return true;
    bool ok = prove(kvm);
    if (ok && can_remember)
        remember(path, id);
    return ok;
}
