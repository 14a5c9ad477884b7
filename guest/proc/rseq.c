/* rseq.c - restartable sequences: rseq(2).
 *
 * A thread registers a struct rseq in its memory.  The kernel keeps the number of the CPU
 * there, and when a thread that is between the two ends of a critical section (rseq_cs)
 * has lost the CPU, or gets a signal, it goes on at the section's abort address instead.
 *
 * glibc registers one in every thread, so what it costs counts.  Nothing is done until
 * rseq_event is set, a byte that the way to user mode looks at together with sig_pending.
 * switch_machine() sets it, for the two cases in which user memory can be wrong:
 *   - the thread comes to another CPU than it was on: the number is old;
 *   - it loses the CPU in a trap (a turn's end, a fault that waits), so it may be in a
 *     critical section.  In a system call it cannot be: there must be none in a section.
 * A thread that waits in calls, and stays on its CPU, costs a switch a few instructions. */
#include "proc/rseq.h"
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "proc/signal.h"

#include <asm/siginfo.h>
#include <linux/rseq.h>

#define FIELD(at, name) ((at) + offsetof(struct rseq, name))
#define BYTES           sizeof(struct rseq)
_Static_assert(sizeof(struct rseq) == 32, "what glibc registers");

static int tell_cpu(struct task *t)
{
    uint32_t ids[2] = { HERE->id, HERE->id }; /* cpu_id_start, cpu_id */

    return copy_to_user(FIELD(t->rseq.at, cpu_id_start), ids, sizeof ids);
}

static bool sound(const struct task *t, const struct rseq_cs *cs)
{
    uint32_t signature;
    uint64_t end;

    return cs->start_ip < USER_END && cs->abort_ip < USER_END && cs->version == 0 &&
           !__builtin_add_overflow(cs->start_ip, cs->post_commit_offset, &end) && end < USER_END &&
           cs->abort_ip - cs->start_ip >= cs->post_commit_offset && cs->flags == 0 &&
           get_user(signature, cs->abort_ip - sizeof signature) == 0 &&
           signature == t->rseq.signature;
}

/* Who has left the section without saying so is not asked again. */
static int settle_section(struct task *t, struct regs *r)
{
    struct rseq_cs cs;
    uint64_t at;
    uint32_t flags;

    if (get_user(at, FIELD(t->rseq.at, rseq_cs)) != 0)
        return -EFAULT;
    if (at == 0)
        return 0;
    if (at >= USER_END || get_user(cs, at) != 0 || !sound(t, &cs))
        return -EFAULT;
    bool inside = r->rip - cs.start_ip < cs.post_commit_offset;
    if (inside && (get_user(flags, FIELD(t->rseq.at, flags)) != 0 || flags != 0))
        return -EFAULT;
    if (put_user((uint64_t)0, FIELD(t->rseq.at, rseq_cs)) != 0)
        return -EFAULT;
    if (inside)
        r->rip = cs.abort_ip;
    return 0;
}

void rseq_return(struct regs *r)
{
    struct task *t = current;

    __atomic_fetch_and(&t->rseq_event, (uint8_t)~RETURN_RSEQ,
                       __ATOMIC_RELAXED); /* before: a fault below may cost the CPU again */
    if (t->rseq.at != 0 && (settle_section(t, r) != 0 || tell_cpu(t) != 0))
        signal_force(SIGSEGV, SI_KERNEL, 0);
}

bool rseq_signal(struct regs *r) { return settle_section(current, r) == 0; }

void rseq_fork(struct task *t, bool shares_memory)
{
    struct task *me = current;

    if (shares_memory)
        return;
    t->rseq = me->rseq;
    t->rseq_event = me->rseq_event;
    t->rec->cpu = HERE->id; /* which is the number in the copy, unless rseq_event is set */
}

/* --- the call ------------------------------------------------------------------- */

static long leave(struct task *t)
{
    static const uint32_t none[2] = { 0, (uint32_t)RSEQ_CPU_ID_UNINITIALIZED };

    if (copy_to_user(FIELD(t->rseq.at, cpu_id_start), none, sizeof none) != 0)
        return -EFAULT;
    t->rseq = (struct rseq_state){ 0 };
    return 0;
}

SYSCALL4(rseq, uaddr_t, at, uint32_t, len, int, flags, uint32_t, signature)
{
    struct task *t = current;
    bool same = t->rseq.at != 0 && t->rseq.at == at && t->rseq.len == len;

    if (flags != 0 && flags != RSEQ_FLAG_UNREGISTER)
        return -EINVAL;
    if (flags != 0 || t->rseq.at != 0) {
        if (!same)
            return -EINVAL;
        if (t->rseq.signature != signature)
            return -EPERM;
        return flags != 0 ? leave(t) : -EBUSY;
    }
    if (len < BYTES || at % __alignof__(struct rseq) != 0)
        return -EINVAL;
    if (!user_range(at, len))
        return -EFAULT;
    struct rseq first = { .cpu_id_start = HERE->id, .cpu_id = HERE->id };
    /* before: who comes to another CPU in a fault below hears of it */
    t->rseq = (struct rseq_state){ .at = at, .len = len, .signature = signature };
    if (copy_to_user(at, &first, offsetof(struct rseq, flags)) != 0) {
        t->rseq.at = 0;
        return -EFAULT;
    }
    return 0;
}
