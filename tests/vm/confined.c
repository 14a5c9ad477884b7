/* confined.c - tries what vmm's sandbox forbids, from inside.
 *
 *     confined main|vcpu|trap|tool|keep
 *                           enters that filter and tries each system call there is, in a child
 *                           each; prints those that came back
 *     confined deny         tries arguments; prints those that should have ended the child, or
 *                           should not have
 *     confined drop         gives up privileges and prints what is left
 *     confined landlock     status 0 if this kernel has it
 *
 * All calls have the arguments -1, with which those that are allowed fail or end the child. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/kvm.h>
#include <linux/landlock.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "vmm/options.h"
#include "vmm/privilege.h"
#include "vmm/sandbox.h"
#include "vmm/trace/lib/syscalls.h"

#define CALLS 600 /* more than Linux has */

typedef long (*attempt)(void);

/* True if the sandbox ended it. */
static bool dies(enum sandbox_role role, long nr, attempt try)
{
    int status = 0;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        /* rt_sigreturn with no frame, or a call that ends us, may do as it likes */
        alarm(5);
        if (freopen("/dev/null", "w", stderr) == NULL || !sandbox_enter(role))
            _exit(99);
        if (try != NULL)
            try();
        else
            syscall(nr, -1L, -1L, -1L, -1L, -1L, -1L);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 99)
        exit(99);
    return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_VMM;
}

static void all_calls(enum sandbox_role role)
{
    for (long nr = 0; nr < CALLS; nr++) {
        const char *name = syscall_name((unsigned)nr);
        if (!dies(role, nr, NULL))
            printf("%s%.0ld\n", name != NULL ? name : "number ", name != NULL ? 0 : nr);
    }
}

static long map_code(void)
{
    return (long)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
static long map_data(void)
{
    return (long)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
static long make_code(void)
{
    static char page[8192];
    return mprotect((char *)((uintptr_t)(page + 4095) & ~4095ul), 4096, PROT_READ | PROT_EXEC);
}
static long signal_parent(void) { return syscall(SYS_tgkill, getppid(), getppid(), 0); }
static long signal_self(void) { return syscall(SYS_tgkill, getpid(), gettid(), 0); }
static long open_file(void)
{
    if (open("/etc/passwd", O_RDONLY) >= 0 || errno != EACCES)
        raise(SIGKILL), pause();
    return 0;
}

static long request;
static long do_request(void) { return syscall(SYS_ioctl, -1, request, 0); }

static const char *const roles[SANDBOX_ROLES] = { "main", "vcpu", "trap", "tool", "keep" };

static void expect(const char *name, enum sandbox_role role, attempt try, bool death)
{
    if (dies(role, 0, try) != death)
        printf("%s in %s: %s\n", name, roles[role], death ? "was not stopped" : "was stopped");
}

static void expect_request(const char *name, unsigned long nr, bool in_main, bool in_vcpu)
{
    request = (long)nr;
    expect(name, SANDBOX_MAIN, do_request, !in_main);
    expect(name, SANDBOX_VCPU, do_request, !in_vcpu);
    expect(name, SANDBOX_TRAP, do_request, !in_vcpu && nr != KVM_SET_USER_MEMORY_REGION);
}

static void arguments(void)
{
    for (enum sandbox_role role = 0; role < SANDBOX_ROLES; role++) {
        expect("executable memory", role, map_code, true);
        expect("memory", role, map_data, false);
        expect("memory made executable", role, make_code, true);
        expect("a signal to another process", role, signal_parent, true);
        expect("a signal to itself", role, signal_self, false);
        if (role != SANDBOX_KEEP) /* for it the file system is closed, see keep_privileges() */
            expect("a file", role, open_file, false);
    }
#define REQUEST(name, in_main, in_vcpu) expect_request(#name, name, in_main, in_vcpu)
    REQUEST(KVM_RUN, false, true);
    REQUEST(KVM_IRQ_LINE, true, true);
    REQUEST(KVM_GET_SREGS, true, true);
    REQUEST(KVM_GET_REGS, true, true);
    REQUEST(KVM_TRANSLATE, false, true);
    REQUEST(TCGETS, true, true);
    REQUEST(TIOCGWINSZ, true, false);
    REQUEST(KVM_CREATE_VM, false, false);
    REQUEST(KVM_CREATE_VCPU, false, false);
    REQUEST(KVM_CREATE_DEVICE, false, false);
    REQUEST(KVM_SET_USER_MEMORY_REGION, false, false);
    REQUEST(KVM_SET_REGS, false, false);
    REQUEST(KVM_SET_SREGS, false, false);
    REQUEST(KVM_SET_MSRS, false, false);
    REQUEST(KVM_SET_GUEST_DEBUG, false, false);
    REQUEST(KVM_IOEVENTFD, false, false);
    REQUEST(KVM_SIGNAL_MSI, false, false);
    REQUEST(TIOCSTI, false, false);
    REQUEST(TIOCSCTTY, false, false);
}

static const char *said(int result) { return result >= 0 ? "works" : strerror(errno); }

/* vmm-root --keep: beneath its directory, and nowhere else. */
static void keep_privileges(void)
{
    struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];
    char dir[] = "/tmp/confined.XXXXXX";
    int fd = mkdtemp(dir) != NULL ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd < 0 || !privilege_drop_but(&fd, 1))
        exit(99);
    syscall(SYS_capget, &head, caps);
    printf("capabilities but DAC_OVERRIDE: %x\n",
           (caps[0].effective | caps[0].permitted) & ~(1u << CAP_DAC_OVERRIDE));
    printf("a file in its directory: %s\n", said(openat(fd, "f", O_CREAT | O_WRONLY, 0600)));
    printf("a directory in it: %s\n", said(mkdirat(fd, "d", 0700)));
    printf("a new name: %s\n", said(renameat(fd, "f", fd, "g")));
    printf("a hard link: %s\n", said(linkat(fd, "g", fd, "d/g", 0)));
    printf("a FIFO: %s\n", said(mkfifoat(fd, "p", 0600)));
    printf("a file beside it: %s\n", said(openat(fd, "../confined.new", O_CREAT | O_WRONLY, 0600)));
    printf("a file elsewhere: %s\n", said(open("/etc/passwd", O_RDONLY)));
    printf("removing: %s\n",
           said(unlinkat(fd, "d/g", 0) | unlinkat(fd, "d", AT_REMOVEDIR) | unlinkat(fd, "g", 0)));
    printf("%s\n", dir);
}

static void privileges(void)
{
    struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];
    char file[] = "/tmp/confined.XXXXXX";
    int own = mkostemp(file, O_CLOEXEC);
    dup2(own, 200);
    dup2(own, 100);
    fcntl(200, F_SETFD, FD_CLOEXEC);
    if (own < 0 || !privilege_drop() || !privilege_limit())
        exit(99);
    printf("inherited descriptor: %s\n", said(fcntl(100, F_GETFD)));
    printf("own descriptor: %s\n", said(fcntl(200, F_GETFD)));
    printf("write to it: %s\n", said((int)write(200, "x", 1)));
    printf("cut it: %s\n", said(ftruncate(200, 0)));
    syscall(SYS_capget, &head, caps);
    printf("capabilities: %x\n", caps[0].effective | caps[0].permitted | caps[1].effective |
                                     caps[1].permitted | caps[0].inheritable);
    printf("another descriptor: %s\n", said(fcntl(STDOUT_FILENO, F_DUPFD, own + 1)));
    close(own); /* its number is below the limit */
    printf("reading a file: %s\n", said(open("/etc/passwd", O_RDONLY)));
    printf("reading a directory: %s\n", said(open("/", O_RDONLY | O_DIRECTORY)));
    printf("removing a file: %s\n", said(unlink(file)));
    printf("making a file: %s\n", said(open("/tmp/confined.new", O_CREAT | O_WRONLY, 0600)));
    printf("making a directory: %s\n", said(mkdir("/tmp/confined.new", 0700)));
    printf("executing: %s\n", said(execl("/bin/true", "true", NULL)));
    printf("%s\n", file);
}

int main(int argc, char **argv)
{
    const char *what = argc == 2 ? argv[1] : "";
    signal(SIGTTIN, SIG_IGN);
    signal(SIGTTOU, SIG_IGN);
    if (strcmp(what, "main") == 0)
        all_calls(SANDBOX_MAIN);
    else if (strcmp(what, "vcpu") == 0)
        all_calls(SANDBOX_VCPU);
    else if (strcmp(what, "trap") == 0)
        all_calls(SANDBOX_TRAP);
    else if (strcmp(what, "tool") == 0)
        all_calls(SANDBOX_TOOL);
    else if (strcmp(what, "keep") == 0)
        all_calls(SANDBOX_KEEP);
    else if (strcmp(what, "deny") == 0)
        arguments();
    else if (strcmp(what, "drop") == 0)
        privileges();
    else if (strcmp(what, "beneath") == 0)
        keep_privileges();
    else if (strcmp(what, "landlock") == 0)
        return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) < 1;
    else
        return 2;
    return 0;
}
