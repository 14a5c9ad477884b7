/* system.c - the system as a whole: its name, its state, its end; randomness;
 * prctl. */
#include "arch/preempt.h"
#include "arch/clock.h"
#include "arch/hypercall.h"
#include "arch/machine.h"
#include "arch/random.h"
#include "arch/uaccess.h"
#include "fs/inode.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/mm.h"
#include "proc/pid_ns.h"
#include "proc/process.h"
#include "proc/signal.h"
#include "proc/task.h"
#include "proc/user_dispatch.h"
#include "proc/watched.h"
#include "proc/uts.h"
#include "sched/load.h"
#include "sched/sched.h"
#include "arch/syscall.h"
#include "sys/caps.h"
#include "sys/prctl_mm.h"
#include "sys/seccomp.h"
#include "shared/prctl.h"
#include "trace/boot_stage.h"
#include <linux/capability.h>
#include <linux/personality.h>
#include <linux/prctl.h>
#include <linux/random.h>
#include <linux/reboot.h>
#include <linux/sysinfo.h>

/* <linux/prctl.h> of some systems is older. */
#ifndef PR_GET_AUXV
#define PR_GET_AUXV 0x41555856
#endif
#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_GET_MDWE 66
#endif

SYSCALL1(uname, uaddr_t, at)
{
    uint32_t persona = current->cred.personality;
    struct new_utsname copy;

    uts_get(&copy);
    if (unlikely(persona & UNAME26))
        uts_make_old(&copy);
    if (unlikely((persona & PER_MASK) == PER_LINUX32))
        strlcpy(copy.machine, "i686", sizeof copy.machine);
    return put_user(copy, at);
}

static long set_name(enum uts_name which, uaddr_t from, size_t n)
{
    char new[__NEW_UTS_LEN + 1] = "";

    if (!capable())
        return -EPERM;
    if (n > __NEW_UTS_LEN)
        return -EINVAL;
    if (copy_from_user(new, from, n) != 0)
        return -EFAULT;
    uts_set(which, new);
    return 0;
}

SYSCALL2(sethostname, uaddr_t, name, size_t, n) { return set_name(UTS_HOST, name, n); }

SYSCALL2(setdomainname, uaddr_t, name, size_t, n) { return set_name(UTS_DOMAIN, name, n); }

SYSCALL1(sysinfo, uaddr_t, at)
{
    struct frame_counts f;
    struct sysinfo s;

    frame_count(&f);
    memset(&s, 0, sizeof s);
    s.uptime = (__kernel_long_t)(clock_mono_ns() / NSEC_PER_SEC);
    for (unsigned i = 0; i < 3; i++)
        s.loads[i] = (__kernel_ulong_t)sched_loadavg(i);
    s.totalram = f.total * PAGE_SIZE;
    s.freeram = f.free * PAGE_SIZE;
    s.sharedram = __atomic_load_n(&file_pages, __ATOMIC_RELAXED) * PAGE_SIZE;
    s.mem_unit = 1;
    s.procs = (uint16_t)MIN(nthreads_total, 65535u);
    return put_user(s, at);
}

/* --- the end ------------------------------------------------------------------ */

static void __attribute__((noreturn)) end(enum hc_exit_kind kind)
{
    boot_stage(BOOT_command_exit);
    machine_exit(0, kind);
}

/* In a PID namespace it is the end of that: its init seems to be killed by the signal that says which one. */
static SLOW_PATH long end_namespace(uint32_t cmd)
{
    if (cmd == LINUX_REBOOT_CMD_RESTART || cmd == LINUX_REBOOT_CMD_RESTART2)
        pid_ns_reboot(SIGHUP);
    if (cmd == LINUX_REBOOT_CMD_HALT || cmd == LINUX_REBOOT_CMD_POWER_OFF)
        pid_ns_reboot(SIGINT);
    return -EINVAL;
}

SYSCALL4(reboot, uint32_t, magic1, uint32_t, magic2, uint32_t, cmd, uaddr_t, arg)
{
    (void)arg;
    if (!has_cap(CAP_SYS_BOOT))
        return -EPERM;
    if (magic1 != LINUX_REBOOT_MAGIC1 ||
        (magic2 != LINUX_REBOOT_MAGIC2 && magic2 != LINUX_REBOOT_MAGIC2A &&
         magic2 != LINUX_REBOOT_MAGIC2B && magic2 != LINUX_REBOOT_MAGIC2C))
        return -EINVAL;
    if (pid_ns_here() != NULL)
        return end_namespace(cmd);
    switch (cmd) {
    case LINUX_REBOOT_CMD_CAD_ON: /* a serial console has no Ctrl-Alt-Del */
    case LINUX_REBOOT_CMD_CAD_OFF: return 0;
    case LINUX_REBOOT_CMD_RESTART:
    case LINUX_REBOOT_CMD_RESTART2: end(HC_EXIT_REBOOT);
    case LINUX_REBOOT_CMD_HALT: end(HC_EXIT_HALT);
    case LINUX_REBOOT_CMD_POWER_OFF: end(HC_EXIT_POWEROFF);
    }
    return -EINVAL;
}

/* --- randomness --------------------------------------------------------------- */

/* The generator is seeded at boot, so both pools are one and none ever waits. */
SYSCALL3(getrandom, uaddr_t, buf, size_t, n, unsigned, flags)
{
    char some[256];
    size_t done = 0;

    if ((flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE)) ||
        (flags & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE))
        return -EINVAL;
    n = MIN(n, (size_t)INT32_MAX & PAGE_MASK);
    while (done < n) {
        size_t now = MIN(n - done, sizeof some);
        random_bytes(some, now);
        if (copy_to_user(buf + done, some, now) != 0)
            return done != 0 ? (long)done : -EFAULT;
        done += now;
        if (done == n)
            break;
        preempt_point(); /* without a VMM's entropy these bytes take 20,000 instructions */
        if (done % PAGE_SIZE == 0 && current->sig_pending)
            break;
    }
    return (long)done;
}

/* --- prctl -------------------------------------------------------------------- */

static long set_comm(uaddr_t from)
{
    struct task *t = current;
    char comm[COMM_LEN];

    long n = strncpy_from_user(comm, from, sizeof comm);
    if (n == -EFAULT)
        return n;
    comm[COMM_LEN - 1] = '\0'; /* longer names are cut */
    spin_lock(&t->lock);
    memcpy(t->rec->comm, comm, sizeof comm);
    spin_unlock(&t->lock);
    return 0;
}

static long set_reaper(bool on)
{
    spin_lock(&tree_lock);
    current->proc->subreaper = on;
    spin_unlock(&tree_lock);
    return 0;
}

static long set_tsc(uint64_t mode)
{
    if (mode == PR_TSC_SIGSEGV)
        __atomic_fetch_or(&current->rseq_event, RETURN_NO_TSC, __ATOMIC_RELAXED);
    else if (mode == PR_TSC_ENABLE)
        __atomic_fetch_and(&current->rseq_event, (uint8_t)~RETURN_NO_TSC, __ATOMIC_RELAXED);
    else
        return -EINVAL;
    spin_lock(&tree_lock);
    task_watch(current);
    spin_unlock(&tree_lock);
    return 0;
}

/* This kernel mitigates nothing, so there is nothing to choose: as on a Linux that was told so. */
static long get_speculation(uint64_t which)
{
    switch (which) {
    case PR_SPEC_STORE_BYPASS:
    case PR_SPEC_INDIRECT_BRANCH: return PR_SPEC_ENABLE;
    case PR_SPEC_L1D_FLUSH: return PR_SPEC_FORCE_DISABLE;
    }
    return -ENODEV;
}

static long set_speculation(uint64_t which, uint64_t to)
{
    switch (which) {
    case PR_SPEC_STORE_BYPASS: return -ENXIO;
    case PR_SPEC_INDIRECT_BRANCH:
        return to == PR_SPEC_ENABLE                                   ? 0
               : to == PR_SPEC_DISABLE || to == PR_SPEC_FORCE_DISABLE ? -EPERM
                                                                      : -ERANGE;
    case PR_SPEC_L1D_FLUSH: return -EPERM;
    }
    return -ENODEV;
}

/* Whether the task wants to hear at once of memory that is lost.  None is here: it is kept and told. */
static long set_memory_error(uint64_t what, uint64_t policy)
{
    struct cred *cred = &current->cred;

    if (what == PR_MCE_KILL_CLEAR && policy == 0)
        cred->memory_error &= ~MEMORY_ERROR_CHOSEN;
    if (what != PR_MCE_KILL_SET)
        return what == PR_MCE_KILL_CLEAR && policy == 0 ? 0 : -EINVAL;
    cred->memory_error |= MEMORY_ERROR_CHOSEN; /* as on Linux also where the policy is none */
    if (policy > PR_MCE_KILL_DEFAULT)
        return -EINVAL;
    cred->memory_error = policy == PR_MCE_KILL_DEFAULT ? 0 : MEMORY_ERROR_CHOSEN | (unsigned)policy;
    return 0;
}

static long get_memory_error(void)
{
    unsigned is = current->cred.memory_error;

    return is & MEMORY_ERROR_CHOSEN ? (long)(is & PR_MCE_KILL_EARLY) : PR_MCE_KILL_DEFAULT;
}

static long get_auxv(uaddr_t to, uint64_t room)
{
    return copy_to_user(to, current->mm->image.auxv, MIN(room, (uint64_t)AUXV_BYTES)) != 0
               ? -EFAULT
               : (long)AUXV_BYTES;
}

SYSCALL5(prctl, int, op, uint64_t, a, uint64_t, b, uint64_t, c, uint64_t, d)
{
    struct task *t = current;
    char comm[COMM_LEN] = "";

    switch (op) {
    case PR_SET_NAME: return set_comm(a);
    case PR_GET_NAME:
        strlcpy(comm, t->rec->comm, sizeof comm);
        return copy_to_user(a, comm, sizeof comm);
    case PR_SET_PDEATHSIG:
        if (a > SIG_MAX)
            return -EINVAL;
        t->pdeath_signal = (uint32_t)a;
        return 0;
    case PR_GET_PDEATHSIG: return put_user(t->pdeath_signal, a);
    case PR_SET_DUMPABLE:
        if (a > 1)
            return -EINVAL;
        t->mm->image.dumpable = (uint16_t)a;
        return 0;
    case PR_GET_DUMPABLE: return t->mm->image.dumpable;
    case PR_SET_NO_NEW_PRIVS:
        if (a != 1 || b || c || d)
            return -EINVAL;
        t->no_new_privs = true;
        return 0;
    case PR_GET_NO_NEW_PRIVS: return a || b || c || d ? -EINVAL : t->no_new_privs;
    case PR_SET_SECCOMP:
        if (a != SECCOMP_MODE_STRICT && a != SECCOMP_MODE_FILTER)
            return -EINVAL;
        return seccomp_set(a == SECCOMP_MODE_STRICT ? SECCOMP_SET_MODE_STRICT
                                                    : SECCOMP_SET_MODE_FILTER,
                           0, a == SECCOMP_MODE_STRICT ? 0 : b);
    case PR_GET_SECCOMP: return t->seccomp_mode;
    case PR_SET_FORK_TABLES:
        if ((a != FORK_TABLES_COPY && a != FORK_TABLES_SHARE) || b || c || d)
            return -EINVAL;
        t->proc->fork_shares = a == FORK_TABLES_SHARE;
        return 0;
    case PR_GET_FORK_TABLES: return t->proc->fork_shares ? FORK_TABLES_SHARE : FORK_TABLES_COPY;
    case PR_SET_CHILD_SUBREAPER: return set_reaper(a != 0);
    case PR_GET_CHILD_SUBREAPER: return put_user((int)t->proc->subreaper, a);
    case PR_GET_TIMING: return PR_TIMING_STATISTICAL;
    case PR_SET_TIMING: return a == PR_TIMING_STATISTICAL ? 0 : -EINVAL;
    case PR_TASK_PERF_EVENTS_DISABLE:
    case PR_TASK_PERF_EVENTS_ENABLE: return 0; /* all that there are */
    case PR_GET_TID_ADDRESS: return put_user(t->clear_child_tid, a);
    case PR_SET_TIMERSLACK: task_set_slack(t, a); return 0;
    case PR_GET_TIMERSLACK: return (long)task_slack(t);
    case PR_SET_THP_DISABLE:
        if (b || c || d)
            return -EINVAL;
        mm_set_kept(t->mm, MM_KEPT_SMALL, a != 0);
        return 0;
    case PR_GET_TSC:
        return put_user(t->rseq_event & RETURN_NO_TSC ? PR_TSC_SIGSEGV : PR_TSC_ENABLE, a);
    case PR_SET_TSC: return set_tsc(a);
    case PR_GET_AUXV: return c || d ? -EINVAL : get_auxv(a, b);
    case PR_SET_SYSCALL_USER_DISPATCH: return user_dispatch_set(t, a, b, c, d);
    case PR_GET_SPECULATION_CTRL: return b || c || d ? -EINVAL : get_speculation(a);
    case PR_SET_SPECULATION_CTRL: return c || d ? -EINVAL : set_speculation(a, b);
    case PR_GET_THP_DISABLE: return a || b || c || d ? -EINVAL : (t->mm->kept & MM_KEPT_SMALL) != 0;
    case PR_SET_MM: return set_mm(a, b, c, d);
    case PR_SET_MDWE: return b || c || d ? -EINVAL : set_no_new_code(a);
    case PR_GET_MDWE: return a || b || c || d ? -EINVAL : no_new_code();
    case PR_MCE_KILL: return c || d ? -EINVAL : set_memory_error(a, b);
    case PR_MCE_KILL_GET: return a || b || c || d ? -EINVAL : get_memory_error();
    default: return caps_prctl(op, a, b, c, d);
    }
}

/* Of the flags, ADDR_NO_RANDOMIZE, READ_IMPLIES_EXEC, STICKY_TIMEOUTS and UNAME26 mean something here, and of the
 * numbers PER_LINUX32, to uname(2). */
SYSCALL1(personality, uint32_t, persona)
{
    uint32_t old = current->cred.personality;

    if (persona != UINT32_MAX)
        current->cred.personality = persona;
    return old;
}
