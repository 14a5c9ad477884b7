/* main.c - the order in which the kernel comes up, and PID 1's way to its program.
 *
 * Each step needs only those before it.  The thread that boots becomes the boot
 * CPU's idle task. */
#include "arch/apic.h"
#include "arch/clock.h"
#include "arch/irq.h"
#include "arch/pvh.h"
#include "arch/hypercall.h"
#include "entry/smp.h"
#include "entry/trap.h"
#include "event/async.h"
#include "event/epoll.h"
#include "event/inotify.h"
#include "event/timerfd.h"
#include "event/userfaultfd.h"
#include "fs/dentry.h"
#include "fs/fd.h"
#include "fs/file.h"
#include "fs/file_open.h"
#include "fs/init.h"
#include "lib/cmdline.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "ipc/sem.h"
#include "mm/memcheck.h"
#include "mm/frame.h"
#include "mm/frame_pool.h"
#include "mm/kmap.h"
#include "mm/mm.h"
#include "mm/mutant.h"
#include "mm/tlb.h"
#include "mm/vdso.h"
#include "net/rights.h"
#include "proc/exec.h"
#include "proc/exit.h"
#include "proc/fork.h"
#include "proc/task.h"
#include "procfs/procfs.h"
#include "sched/sched.h"
#include "sched/times.h"
#include "sys/dispatch.h"
#include "sysfs/sysfs.h"
#include "trace/boot_stage.h"
#include "trace/trace.h"
#include "tty/tty.h"

#define RUN_PATH "/bin/run" /* as the VMM's command line has it */

void kmain(paddr_t start_info); /* called by boot.asm */

/* Descriptors 0, 1 and 2. */
static void open_console(void)
{
    struct file *f;
    if (file_open_kernel("/dev/console", O_RDWR, 0, &f) != 0) {
        kprintf("no /dev/console: init runs without standard input and output\n");
        return;
    }
    for (int i = 0; i < 3; i++) {
        if (i > 0)
            file_get(f);
        fd_open_add(f, 0);
    }
}

/* What runs a COMMAND is there whatever the root is. */
static long exec_builtin_run(void)
{
    struct file *f;
    long err = fs_builtin_open("bin", "run", &f);
    if (err != 0)
        return err;
    int fd = fd_open_add(f, O_CLOEXEC);
    return fd < 0 ? fd : exec_kernel_fd(fd, RUN_PATH, cmdline.argv, cmdline.envp);
}

/* 0: PID 1 is this program now, and begins when its kernel thread returns. */
static long try_init(const char *path)
{
    cmdline.argv[0] = path;
    task_enter_kernel(current); /* once it is a user task, this is its system time */
    long err = exec_kernel(path, cmdline.argv, cmdline.envp);
    if (err == -ENOENT && strcmp(path, RUN_PATH) == 0)
        err = exec_builtin_run();
    if (err == 0) {
        smp_finish();
        vdso_init();
        boot_stage(BOOT_first_user_instruction);
        task_leave_kernel(current);
    }
    return err;
}

/* There is nothing to run: the image or the command line is at fault, and nothing in here that a
 * report could explain.  As a shell says it: 126 cannot be executed, 127 not found. */
static void __attribute__((noreturn)) end_without_init(long err)
{
    end_machine((err == -ENOENT ? 127 : 126) << 8);
}

/* It would stop at the first of these, with a word or two. */
static void refuse_systemd(const char *path)
{
    if (strcmp(current->mm->image.exe->path.dentry->name, "systemd") != 0)
        return;
    kprintf("%s is systemd, which needs control groups, and they are not here: run a "
            "COMMAND, or init=PATH, or install sysvinit or OpenRC in the tree\n",
            path);
    end_without_init(-ENOEXEC);
}

/* PID 1, still in the kernel.  Returning means: go on in user mode, as exec_kernel
 * has prepared. */
static void init_thread(void)
{
    static const char *const usual[] = { "/init", "/sbin/init", "/etc/init", "/bin/init",
                                         "/bin/sh" };
    if (cmdline.too_many) {
        kprintf("too many words for init on the kernel command line\n");
        end_without_init(-E2BIG);
    }
    open_console();
    long err = -ENOENT, worst = -ENOENT;
    if (cmdline.init != NULL) {
        if ((err = try_init(cmdline.init)) == 0)
            return;
        kprintf("init=%s: error %ld\n", cmdline.init, -err);
        end_without_init(err);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(usual); i++) {
        if ((err = try_init(usual[i])) == 0) {
            refuse_systemd(usual[i]);
            return;
        }
        if (err != -ENOENT) {
            kprintf("%s: error %ld\n", usual[i], -err);
            worst = err;
        }
    }
    kprintf("no init found: try init=PATH on the kernel command line\n");
    end_without_init(worst);
}

static void start_trace(void)
{
    if (!trace_wanted())
        return;
    trace_cpu_init(0, map_window);
    trace_start(kernel_mm.root, tables_start, tables_end);
}

/* arch/ knows nobody above it. */
static void register_interrupts(void)
{
    irq_register(IRQ_TIMER, timer_interrupt);
    irq_register(IRQ_RESCHED, sched_asked);
    irq_register(IRQ_TLB, tlb_serve);
    cpu_on_poll(tlb_poll);
}

void kmain(paddr_t start_info)
{
    cpu_init_bsp();
    trap_init();
    boot_stage(BOOT_kernel_entry);
    pvh_init(start_info);
    frame_init();
    mm_init();
    hypercall_init(map_device);
    boot_stage(BOOT_paging);
    start_trace();
    boot_stage(BOOT_memory);
    apic_init(map_device);
    register_interrupts();
    clock_init();
    task_init();
    sched_init();
    syscall_init();
    smp_start();
    boot_stage(BOOT_cpus);
    tty_init();
    procfs_register();
    sysfs_register();
    async_init();
    epoll_init();
    timerfd_init();
    inotify_init_hooks();
    userfaultfd_init();
    rights_init();
    sem_undo_init();
    fs_init();
    clock_finish();
    tty_start();
#if MEMCHECK
    memcheck_selftest();
#endif
#if MUTANTS
    mutant_init();
#endif
    int err = kernel_init_start(init_thread);
    if (err != 0)
        panic("PID 1: error %d", -err);
    sched_idle();
}
