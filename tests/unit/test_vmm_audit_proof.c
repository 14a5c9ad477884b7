/* The trial before --audit=trap: whatever the host refuses, and whatever its KVM makes of read-only tables but
 * what is wanted, the answer is a reason, and nothing stays open or mapped.  KVM is this file's: a vCPU that
 * keeps what it has read of a table until it is made to forget. */
#include <dirent.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

static int fake_ioctl(int fd, unsigned long request, ...);
static void *fake_mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset);
static int fake_munmap(void *at, size_t n);
#define ioctl  fake_ioctl
#define mmap   fake_mmap
#define munmap fake_munmap
#include "vmm/trial.c"
#include "vmm/audit_proof.c"
#undef ioctl
#undef mmap
#undef munmap

#define RUN_BYTES 0x3000

static struct {
    unsigned calls, fail_at; /* the call that the host refuses, from 1 on; 0: none */
    struct kvm_run *run;
    uint8_t *ram;
    int mapped;
    enum { READS, STORES, FLUSHES } next;
    uint64_t branch, leaf; /* of its shadow; 0: not read yet */
    /* what is not as it should be */
    bool walks, dies, ignores_moves, at_the_store, in_halves, another_value;
} host;

static bool refused(void) { return ++host.calls == host.fail_at; }

bool host_walks_tables(void) { return host.walks; }

static void *fake_mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset)
{
    if (refused())
        return MAP_FAILED;
    void *p = mmap(at, n, prot, flags, fd, offset);
    host.mapped += p != MAP_FAILED;
    if (fd >= 0)
        host.run = p;
    else
        host.ram = p;
    return p;
}

static int fake_munmap(void *at, size_t n)
{
    host.mapped--;
    return munmap(at, n);
}

static uint64_t word(uint64_t at)
{
    uint64_t w;
    memcpy(&w, host.ram + at, sizeof(w));
    return w;
}

static void port(uint16_t nr, uint8_t value)
{
    host.run->exit_reason = KVM_EXIT_IO;
    host.run->io.port = nr;
    host.run->io.data_offset = 0x1000;
    ((uint8_t *)host.run)[0x1000] = value;
}

/* The program reads; what the shadow lacks comes from memory. */
static void read_page(void)
{
    if (host.branch == 0)
        host.branch = word(BRANCH);
    if (host.leaf == 0)
        host.leaf = word((host.branch & ~0xfffull) + 8);
    if (host.leaf == 0)
        port(PORT_FAULT, 0);
    else
        port(PORT_READ, host.ram[host.leaf & ~0xfffull]);
}

static void store(void)
{
    struct kvm_run *run = host.run;
    uint64_t value = word(WANTED + 8) + (host.another_value ? 8 : 0);
    run->exit_reason = KVM_EXIT_MMIO;
    run->mmio.is_write = 1;
    run->mmio.phys_addr = word(WANTED) - TABLES_VA + TABLES;
    run->mmio.len = host.in_halves ? 4 : 8;
    memcpy(run->mmio.data, &value, 8);
    run->s.regs.regs.rip = va_of(audit_stored) - (host.at_the_store ? 3 : 0);
}

static int run_vcpu(void)
{
    if (host.dies) {
        host.run->exit_reason = KVM_EXIT_SHUTDOWN;
        return 0;
    }
    switch (host.next++) {
    case READS: read_page(); break;
    case STORES: store(); break;
    default: port(PORT_FLUSHED, 0); host.next = READS;
    }
    return 0;
}

static int fake_ioctl(int fd, unsigned long request, ...)
{
    va_list ap;
    va_start(ap, request);
    void *arg = va_arg(ap, void *);
    va_end(ap);
    (void)fd;
    if (refused())
        return -1;
    switch (request) {
    case KVM_CREATE_VM: return open("/dev/null", O_RDWR | O_CLOEXEC);
    case KVM_CREATE_VCPU: {
        int vcpu = memfd_create("vcpu", MFD_CLOEXEC);
        assert_int_equal(ftruncate(vcpu, RUN_BYTES), 0);
        return vcpu;
    }
    case KVM_GET_VCPU_MMAP_SIZE: return RUN_BYTES;
    case KVM_GET_SREGS: memset(arg, 0, sizeof(struct kvm_sregs)); return 0;
    case KVM_GET_SUPPORTED_CPUID: ((struct kvm_cpuid2 *)arg)->nent = 0; return 0;
    case KVM_SET_USER_MEMORY_REGION:
        if (!host.ignores_moves)
            host.branch = host.leaf = 0;
        return 0;
    case KVM_RUN: return run_vcpu();
    default: return 0;
    }
}

static unsigned open_fds(void)
{
    unsigned n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (readdir(d) != NULL)
        n++;
    closedir(d);
    return n;
}

/* With `host` as it was made. */
static const char *answer(void)
{
    unsigned fds = open_fds();
    const char *why = audit_proof(0);
    assert_int_equal(host.mapped, 0);
    assert_int_equal(open_fds(), fds);
    return why;
}

#define ON_A_HOST_THAT(what) (memset(&host, 0, sizeof(host)), host.what = true, answer())

static void test_each_refusal(void **state)
{
    (void)state;
    memset(&host, 0, sizeof(host));
    assert_null(answer());
    unsigned calls = host.calls;
    assert_in_range(calls, 60, 200);
    for (unsigned i = 1; i <= calls; i++) {
        memset(&host, 0, sizeof(host));
        host.fail_at = i;
        if (answer() == NULL)
            fail_msg("call %u of %u refused: no reason", i, calls);
    }
}

static void test_each_lie(void **state)
{
    (void)state;
    assert_ptr_equal(ON_A_HOST_THAT(walks), cannot_walk);
    assert_int_equal(host.calls, 0); /* nothing was tried */
    assert_ptr_equal(ON_A_HOST_THAT(dies), cannot_walk);
    assert_ptr_equal(ON_A_HOST_THAT(ignores_moves), not_seen);
    assert_ptr_equal(ON_A_HOST_THAT(at_the_store), not_trapped);
    assert_ptr_equal(ON_A_HOST_THAT(in_halves), not_trapped);
    assert_ptr_equal(ON_A_HOST_THAT(another_value), not_trapped);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_each_refusal),
                                        cmocka_unit_test(test_each_lie) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
