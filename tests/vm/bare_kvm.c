/* bare_kvm.c - the least that any VMM must do before the first KVM_RUN, with the
 * memory, irqchip, vCPU, CPUID and thread that vmm makes, too.  tests/vm/start.t
 * compares vmm with it.  Writes a byte to stderr just before KVM_RUN, and ends
 * with status 0 when the guest has executed its two instructions. */
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define RAM_BYTES (256ul << 20)
#define CODE_AT   0x1000u
#define ENTRIES   256

static int vcpu;

static int must(const char *what, int result)
{
    if (result < 0) {
        perror(what);
        exit(1);
    }
    return result;
}

static void *run(void *unused)
{
    must("write", (int)write(STDERR_FILENO, ".", 1));
    must("KVM_RUN", ioctl(vcpu, KVM_RUN, 0));
    return unused;
}

static void set_registers(void)
{
    struct kvm_sregs s;
    struct kvm_regs r = { .rip = CODE_AT, .rflags = 2 };
    must("KVM_GET_SREGS", ioctl(vcpu, KVM_GET_SREGS, &s));
    s.cs.base = 0;
    s.cs.selector = 0;
    must("KVM_SET_SREGS", ioctl(vcpu, KVM_SET_SREGS, &s));
    must("KVM_SET_REGS", ioctl(vcpu, KVM_SET_REGS, &r));
}

int main(void)
{
    static const uint8_t code[] = { 0xb0, 0x00, 0xe6, 0xf4 }; /* mov al, 0; out 0xf4, al */
    int kvm = must("/dev/kvm", open("/dev/kvm", O_RDWR | O_CLOEXEC));
    int vm = must("KVM_CREATE_VM", ioctl(kvm, KVM_CREATE_VM, 0));
    uint8_t *ram = mmap(NULL, RAM_BYTES, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    struct kvm_userspace_memory_region slot = {
        .memory_size = RAM_BYTES,
        .userspace_addr = (uintptr_t)ram,
    };
    must("memory", ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot));
    must("KVM_CREATE_IRQCHIP", ioctl(vm, KVM_CREATE_IRQCHIP, 0));
    vcpu = must("KVM_CREATE_VCPU", ioctl(vm, KVM_CREATE_VCPU, 0));
    int bytes = must("size of kvm_run", ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0));
    struct kvm_run *state = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
    struct kvm_cpuid2 *cpuid = calloc(1, sizeof(*cpuid) + ENTRIES * sizeof(cpuid->entries[0]));
    cpuid->nent = ENTRIES;
    must("KVM_GET_SUPPORTED_CPUID", ioctl(kvm, KVM_GET_SUPPORTED_CPUID, cpuid));
    must("KVM_SET_CPUID2", ioctl(vcpu, KVM_SET_CPUID2, cpuid));
    memcpy(ram + CODE_AT, code, sizeof(code));
    set_registers();

    pthread_t thread;
    must("thread", -pthread_create(&thread, NULL, run, NULL));
    pthread_join(thread, NULL);
    return state->exit_reason != KVM_EXIT_IO;
}
