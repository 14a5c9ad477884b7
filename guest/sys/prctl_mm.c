/* prctl_mm.c - what a program says about its own memory: PR_SET_MM and PR_SET_MDWE of prctl(2).
 * A program that was restored (CRIU) or writes itself a title (setproctitle) tells where its code, heap, arguments
 * and environment are.  Nothing but /proc and brk(2) believes it, so whatever it says cannot do harm to others:
 * all places are user addresses, and in order. */
#include "sys/prctl_mm.h"
#include "arch/uaccess.h"
#include "fs/dentry.h"
#include "fs/fd.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/mount.h"
#include "lib/string.h"
#include "mm/vma.h"
#include "sched/task.h"
#include <linux/auxvec.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <linux/prctl.h>

#define REFUSE_EXEC_GAIN 1u /* PR_MDWE_*, newer than some systems' headers */
#define NO_INHERIT       2u

/* As in struct prctl_mm_map and from the beginning of struct mm_image on. */
enum place {
    CODE,
    CODE_END,
    DATA,
    DATA_END,
    BRK_START,
    BRK,
    STACK,
    ARGS,
    ARGS_END,
    ENV,
    ENV_END,
    PLACES
};
_Static_assert(offsetof(struct mm_image, env_end) == ENV_END * 8, "the image begins with them");
_Static_assert(offsetof(struct prctl_mm_map, auxv) == PLACES * 8, "and so does what is told");

static uaddr_t *places_of(struct mm *mm) { return &mm->image.code_start; }

static bool user_place(uaddr_t at) { return at >= MMAP_MIN_ADDR && at < USER_END; }

static bool are_places(const uaddr_t p[PLACES])
{
    uint64_t data_limit = current->proc->rlim[RLIMIT_DATA].rlim_cur;

    for (unsigned i = 0; i < PLACES; i++)
        if (!user_place(p[i]))
            return false;
    return p[CODE] < p[CODE_END] && p[DATA] <= p[DATA_END] && p[BRK_START] <= p[BRK] &&
           p[ARGS] <= p[ARGS_END] && p[ENV] <= p[ENV_END] &&
           p[BRK] - p[BRK_START] + p[DATA_END] - p[DATA] <= data_limit;
}

/* One place more. */
static long set_place(struct mm *mm, uint64_t what, uaddr_t at)
{
    static const uint8_t place[PR_SET_MM_ENV_END + 1] = {
        [PR_SET_MM_START_CODE] = CODE,   [PR_SET_MM_END_CODE] = CODE_END,
        [PR_SET_MM_START_DATA] = DATA,   [PR_SET_MM_END_DATA] = DATA_END,
        [PR_SET_MM_START_STACK] = STACK, [PR_SET_MM_START_BRK] = BRK_START,
        [PR_SET_MM_BRK] = BRK,           [PR_SET_MM_ARG_START] = ARGS,
        [PR_SET_MM_ARG_END] = ARGS_END,  [PR_SET_MM_ENV_START] = ENV,
        [PR_SET_MM_ENV_END] = ENV_END,
    };
    uaddr_t p[PLACES];

    if (!user_place(at) || what == 0 || what > PR_SET_MM_ENV_END)
        return -EINVAL;
    memcpy(p, places_of(mm), sizeof(p));
    p[place[what]] = at;
    if (!are_places(p))
        return -EINVAL;
    if (place[what] >= STACK && !vma_find(mm, at))
        return -EFAULT;
    memcpy(places_of(mm), p, sizeof(p));
    return 0;
}

/* The vector ends with the room for it at the latest. */
static void set_auxv(struct mm_image *i, const uint64_t v[AUXV_BYTES / 8], size_t bytes)
{
    size_t n = 0;

    memcpy(i->auxv, v, bytes);
    memset(i->auxv + AUXV_BYTES - 16, 0, 16);
    v = (const uint64_t *)i->auxv;
    while (v[n] != AT_NULL)
        n += 2;
    i->auxv_bytes = (uint16_t)((n + 2) * 8);
}

static long get_auxv(uint64_t v[AUXV_BYTES / 8], uaddr_t from, size_t bytes)
{
    memset(v, 0, AUXV_BYTES);
    return bytes > AUXV_BYTES ? -EINVAL : copy_from_user(v, from, bytes) != 0 ? -EFAULT : 0;
}

static bool runs_from(struct mm *mm, const struct file *f)
{
    for (struct vma *v = f ? vma_find(mm, 0) : NULL; v; v = vma_next(v))
        if (v->file && v->file->path.dentry == f->path.dentry && v->file->path.mnt == f->path.mnt)
            return true;
    return false;
}

/* /proc/PID/exe: another file, when nothing of the present one is mapped any more.  It is opened once more, as what
 * keeps others from writing it must not end before the program does. */
static long set_exe(struct mm *mm, int fd)
{
    struct file *f = fd_get(fd), *old = NULL;
    long err = 0;

    if (!f)
        return -EBADF;
    if (!S_ISREG(f->inode->mode) || !f->path.dentry ||
        (f->path.mnt && f->path.mnt->flags & MS_NOEXEC))
        err = -EACCES;
    if (!err)
        err = inode_permission(f->inode, MAY_EXEC);
    if (!err) {
        struct file *given = f;

        err = file_new(&given->path, O_RDONLY, &f);
        if (err)
            f = NULL;
        file_put(given);
    }
    if (!err && file_deny_write(f) != 0)
        err = -EACCES;
    if (!err) {
        mutex_lock(&mm->lock);
        err = runs_from(mm, mm->image.exe) ? -EBUSY : 0;
        if (!err) {
            old = mm->image.exe;
            mm->image.exe = f;
            f = NULL;
        }
        mutex_unlock(&mm->lock);
    }
    if (f)
        file_put(f);
    if (old)
        file_put(old);
    return err;
}

static long set_map(struct mm *mm, uaddr_t from, uint64_t bytes)
{
    struct prctl_mm_map m;
    uint64_t auxv[AUXV_BYTES / 8];
    long err = 0;

    if (bytes != sizeof(m))
        return -EINVAL;
    if (copy_from_user(&m, from, sizeof(m)) != 0)
        return -EFAULT;
    if (!are_places((const uaddr_t *)&m) || (m.auxv_size != 0 && !m.auxv))
        return -EINVAL;
    if (m.auxv_size != 0)
        err = get_auxv(auxv, (uaddr_t)m.auxv, m.auxv_size);
    if (!err && (int)m.exe_fd != -1)
        err = has_cap(CAP_SYS_ADMIN) || has_cap(CAP_CHECKPOINT_RESTORE) ? set_exe(mm, (int)m.exe_fd)
                                                                        : -EPERM;
    if (err)
        return err;
    mutex_lock(&mm->lock);
    memcpy(places_of(mm), &m, PLACES * sizeof(uaddr_t));
    if (m.auxv_size != 0)
        set_auxv(&mm->image, auxv, AUXV_BYTES);
    mutex_unlock(&mm->lock);
    return 0;
}

long set_mm(uint64_t what, uint64_t a, uint64_t b, uint64_t c)
{
    struct mm *mm = current->mm;
    uint64_t auxv[AUXV_BYTES / 8];
    long err;

    if (c || (b && what != PR_SET_MM_AUXV && what != PR_SET_MM_MAP && what != PR_SET_MM_MAP_SIZE))
        return -EINVAL;
    if (what == PR_SET_MM_MAP_SIZE)
        return put_user((uint32_t)sizeof(struct prctl_mm_map), a);
    if (what == PR_SET_MM_MAP)
        return set_map(mm, a, b);
    if (!has_cap(CAP_SYS_RESOURCE))
        return -EPERM;
    if (what == PR_SET_MM_EXE_FILE)
        return set_exe(mm, (int)a);
    err = what == PR_SET_MM_AUXV ? get_auxv(auxv, a, b) : 0;
    if (err)
        return err;
    mutex_lock(&mm->lock);
    if (what == PR_SET_MM_AUXV)
        set_auxv(&mm->image, auxv, b);
    else
        err = set_place(mm, what, a);
    mutex_unlock(&mm->lock);
    return err;
}

long no_new_code(void)
{
    const struct mm *mm = current->mm;

    return mm->kept & MM_KEPT_NO_NEW_CODE ? REFUSE_EXEC_GAIN : mm->no_new_code;
}

/* Once chosen, it stays. */
long set_no_new_code(uint64_t bits)
{
    struct mm *mm = current->mm;
    long err = 0;

    if (bits > (REFUSE_EXEC_GAIN | NO_INHERIT) || bits == NO_INHERIT)
        return -EINVAL;
    mutex_lock(&mm->lock);
    if (no_new_code() && no_new_code() != (long)bits)
        err = -EPERM;
    else if (bits & NO_INHERIT)
        mm->no_new_code = (uint8_t)bits;
    else if (bits)
        mm_set_kept(mm, MM_KEPT_NO_NEW_CODE, true);
    mutex_unlock(&mm->lock);
    return err;
}
