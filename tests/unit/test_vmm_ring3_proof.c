/* The proof that a kernel can run in ring 3: whatever the host refuses and whatever the proof's vCPU says
 * instead of what it should, the answer is no, nothing stays open or mapped, and nothing is remembered.  KVM is
 * this file's. */
#include <dirent.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static int fake_ioctl(int fd, unsigned long request, ...);
static void *fake_mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset);
static int fake_munmap(void *at, size_t n);
#define ioctl  fake_ioctl
#define mmap   fake_mmap
#define munmap fake_munmap
#include "vmm/trial.c"
#include "vmm/ring3_proof.c"
#undef ioctl
#undef mmap
#undef munmap

#define RUN_BYTES 0x3000

static struct {
    unsigned calls, fail_at; /* the call that the host refuses, from 1 on; 0: none */
    unsigned runs;
    struct kvm_run *run;
    int mapped;
    /* what the vCPU does at each KVM_RUN */
    uint32_t reason[2];
    uint64_t address, word[2];
    bool is_write, takes_msi;
} host;

static bool refused(void) { return ++host.calls == host.fail_at; }

static void *fake_mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset)
{
    if (refused())
        return MAP_FAILED;
    void *p = mmap(at, n, prot, flags, fd, offset);
    host.mapped += p != MAP_FAILED;
    if (fd >= 0)
        host.run = p;
    return p;
}

static int fake_munmap(void *at, size_t n)
{
    host.mapped--;
    return munmap(at, n);
}

static int run_vcpu(void)
{
    unsigned i = host.runs++;
    if (i == 1 && host.run->s.regs.regs.rax != SAYS_TAKEN)
        return -1; /* the doorbell's answer must be there */
    host.run->exit_reason = host.reason[i & 1];
    host.run->mmio.phys_addr = host.address;
    host.run->mmio.is_write = host.is_write;
    host.run->s.regs.regs.rax = host.word[i & 1];
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
    case KVM_SET_MSRS: return (int)((struct kvm_msrs *)arg)->nmsrs;
    case KVM_GET_SREGS: memset(arg, 0, sizeof(struct kvm_sregs)); return 0;
    case KVM_GET_LAPIC: memset(arg, 0, sizeof(struct kvm_lapic_state)); return 0;
    case KVM_GET_SUPPORTED_CPUID: ((struct kvm_cpuid2 *)arg)->nent = 0; return 0;
    case KVM_SIGNAL_MSI: return host.takes_msi;
    case KVM_RUN: return run_vcpu();
    default: return 0;
    }
}

/* A host on which all holds. */
static void good_host(void)
{
    memset(&host, 0, sizeof(host));
    host.reason[0] = host.reason[1] = KVM_EXIT_MMIO;
    host.address = HC_DOORBELL;
    host.word[0] = SAYS_ASKED;
    host.word[1] = SAYS_GOOD;
    host.is_write = host.takes_msi = true;
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

static char dir[] = "/tmp/ring3_proof_XXXXXX", memory[256];

static bool is_there(void) { return access(memory, F_OK) == 0; }

static void expect_no(const char *what)
{
    unsigned fds = open_fds();
    unlink(memory);
    if (ring3_proof(0))
        fail_msg("%s: the answer is yes", what);
    assert_false(is_there());
    assert_int_equal(host.mapped, 0);
    assert_int_equal(open_fds(), fds);
}

static void test_each_refusal(void **state)
{
    char what[40];
    (void)state;
    good_host();
    unlink(memory);
    assert_true(ring3_proof(0));
    unsigned calls = host.calls;
    assert_in_range(calls, 15, 100);
    for (unsigned i = 1; i <= calls; i++) {
        good_host();
        host.fail_at = i;
        snprintf(what, sizeof(what), "call %u of %u refused", i, calls);
        expect_no(what);
    }
}

static void test_each_lie(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        good_host();
        host.reason[i] = KVM_EXIT_INTERNAL_ERROR;
        expect_no("another exit");
        for (uint64_t word = 0; word < 5; word++) {
            good_host();
            if (word == host.word[i])
                continue;
            host.word[i] = word;
            expect_no("another word");
        }
    }
    good_host();
    host.address += 8;
    expect_no("another doorbell");
    good_host();
    host.is_write = false;
    expect_no("a read of it");
    good_host();
    host.takes_msi = false;
    expect_no("the interrupt is blocked");
}

/* A file of that content; then the proof must be made again, or not. */
static void write_memory(const char *text, mode_t mode)
{
    unlink(memory);
    int fd = open(memory, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void test_memory(void **state)
{
    char id[64], elsewhere[300];
    (void)state;
    assert_true(boot_id(id, sizeof(id)));
    good_host();
    unlink(memory);
    assert_true(ring3_proof(0));
    assert_true(is_there());
    good_host();
    assert_true(ring3_proof(0));
    assert_int_equal(host.calls, 0); /* remembered */

    struct stat st;
    assert_int_equal(stat(memory, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    const struct {
        const char *text;
        mode_t mode;
        bool believed;
    } file[] = { { id, 0600, true },
                 { id, 0620, false },
                 { id, 0602, false },
                 { "another", 0600, false },
                 { "", 0600, false } };
    for (unsigned i = 0; i < sizeof(file) / sizeof(file[0]); i++) {
        good_host();
        write_memory(file[i].text, file[i].mode);
        assert_true(ring3_proof(0));
        assert_int_equal(host.calls == 0, file[i].believed);
    }
    snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", dir);
    assert_int_equal(rename(memory, elsewhere), 0);
    assert_int_equal(symlink(elsewhere, memory), 0);
    good_host();
    assert_true(ring3_proof(0));
    assert_int_not_equal(host.calls, 0);
    unlink(elsewhere);
    unlink(memory);
    assert_int_equal(mkdir(memory, 0700), 0); /* nor can it be remembered then */
    good_host();
    assert_true(ring3_proof(0));
    assert_int_not_equal(host.calls, 0);
    assert_int_equal(rmdir(memory), 0);
    setenv("XDG_RUNTIME_DIR", "/nowhere/at/all", 1);
    good_host();
    assert_true(ring3_proof(0));
    assert_int_not_equal(host.calls, 0);
    setenv("XDG_RUNTIME_DIR", dir, 1);
    DIR *d = opendir(dir);
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        assert_int_equal(e->d_name[0], '.'); /* no half of a file stays */
    closedir(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_each_refusal),
                                        cmocka_unit_test(test_each_lie),
                                        cmocka_unit_test(test_memory) };
    if (mkdtemp(dir) == NULL || setenv("XDG_RUNTIME_DIR", dir, 1) != 0 ||
        !memory_path(memory, sizeof(memory)))
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rmdir(dir);
    return failed;
}
