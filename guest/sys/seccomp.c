/* seccomp.c - seccomp(2), and what prctl(2) has of it. */
#include "sys/seccomp.h"
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "proc/seccomp.h"

#define FLAGS_KNOWN \
    (SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW | \
     SECCOMP_FILTER_FLAG_TSYNC_ESRCH | SECCOMP_FILTER_FLAG_NEW_LISTENER | \
     SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)

static long set_filter(uint32_t flags, uaddr_t at)
{
    struct {
        uint16_t len;
        uint64_t filter;
    } prog; /* struct sock_fprog */
    _Static_assert(sizeof prog == sizeof(struct sock_fprog), "Linux's");

    bool listened = flags & SECCOMP_FILTER_FLAG_NEW_LISTENER;

    if ((flags & ~(uint32_t)FLAGS_KNOWN) ||
        (listened && (flags & SECCOMP_FILTER_FLAG_TSYNC) && /* which of the two would be told? */
         !(flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH)) ||
        (!listened && (flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)))
        return -EINVAL;
    if (get_user(prog, at) != 0)
        return -EFAULT;
    return seccomp_add_filter(prog.filter, prog.len, flags);
}

static long action_avail(uint32_t flags, uaddr_t at)
{
    uint32_t action;

    if (flags != 0)
        return -EINVAL;
    if (get_user(action, at) != 0)
        return -EFAULT;
    return seccomp_action_known(action) ? 0 : -EOPNOTSUPP;
}

static long notif_sizes(uint32_t flags, uaddr_t at)
{
    static const struct seccomp_notif_sizes sizes = { sizeof(struct seccomp_notif),
                                                      sizeof(struct seccomp_notif_resp),
                                                      sizeof(struct seccomp_data) };

    if (flags != 0)
        return -EINVAL;
    return copy_to_user(at, &sizes, sizeof sizes) != 0 ? -EFAULT : 0;
}

long seccomp_set(uint32_t op, uint32_t flags, uaddr_t args)
{
    switch (op) {
    case SECCOMP_SET_MODE_STRICT: return flags != 0 || args != 0 ? -EINVAL : seccomp_set_strict();
    case SECCOMP_SET_MODE_FILTER: return set_filter(flags, args);
    case SECCOMP_GET_ACTION_AVAIL: return action_avail(flags, args);
    case SECCOMP_GET_NOTIF_SIZES: return notif_sizes(flags, args);
    }
    return -EINVAL;
}

SYSCALL3(seccomp, uint32_t, op, uint32_t, flags, uaddr_t, args)
{
    return seccomp_set(op, flags, args);
}
