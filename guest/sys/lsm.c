/* lsm.c - which security modules there are, and what they know of the caller: the one that every Linux has,
 * capabilities, which knows nothing that these calls tell. */
#include "arch/syscall.h"
#include "arch/uaccess.h"

#define CAPABILITY  100ull /* LSM_ID_*, LSM_FLAG_* */
#define FLAG_SINGLE 1u

struct context { /* struct lsm_ctx */
    uint64_t id, flags, len, text_len;
};

SYSCALL3(lsm_list_modules, uaddr_t, ids, uaddr_t, size, uint32_t, flags)
{
    uint32_t room;

    if (flags)
        return -EINVAL;
    if (get_user(room, size) != 0 || put_user((uint32_t)sizeof(CAPABILITY), size) != 0)
        return -EFAULT;
    if (room < sizeof(CAPABILITY))
        return -E2BIG;
    return put_user(CAPABILITY, ids) != 0 ? -EFAULT : 1;
}

SYSCALL4(lsm_get_self_attr, uint32_t, attribute, uaddr_t, to, uaddr_t, size, uint32_t, flags)
{
    struct context c;
    uint32_t room;

    if (!attribute || !size)
        return -EINVAL;
    if (get_user(room, size) != 0)
        return -EFAULT;
    if (flags && (flags != FLAG_SINGLE || !to))
        return -EINVAL;
    if (flags && get_user(c, to) != 0)
        return -EFAULT;
    if (flags && !c.id)
        return -EINVAL;
    return put_user(0u, size) != 0 ? -EFAULT : -EOPNOTSUPP;
}

SYSCALL4(lsm_set_self_attr, uint32_t, attribute, uaddr_t, from, uint32_t, size, uint32_t, flags)
{
    struct context c;

    (void)attribute;
    if (flags || size < sizeof(c))
        return -EINVAL;
    if (size > PAGE_SIZE)
        return -E2BIG;
    if (get_user(c, from) != 0)
        return -EFAULT;
    return c.len > size || c.text_len > UINT64_MAX - sizeof(c) || c.len < c.text_len + sizeof(c)
               ? -EINVAL
               : -EOPNOTSUPP;
}
