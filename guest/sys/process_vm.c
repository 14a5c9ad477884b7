/* process_vm.c - process_vm_readv(2) and process_vm_writev(2): another process's memory, by the rules
 * of ptrace(2), though it need not stop. */
#include "sys/process_vm.h"
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "fs/uio.h"
#include "mm/access.h"
#include "mm/heap.h"
#include "proc/pid.h"
#include "proc/pid_ns.h"
#include "proc/process.h"
#include "proc/task.h"
#include <linux/uio.h>

int process_memory(int pid, struct mm **mm)
{
    int err = -ESRCH;

    *mm = NULL;
    spin_lock(&tree_lock);
    struct task *t = pid > 0 ? task_named((uint32_t)pid) : NULL;
    if (t != NULL)
        task_get(t);
    spin_unlock(&tree_lock);
    if (t == NULL)
        return -ESRCH;
    if (!task_may_attach(t))
        err = -EPERM;
    else if ((*mm = task_get_mm(t)) != NULL)
        err = 0;
    task_put(t);
    return err;
}

#define PART 1024u

/* Between the caller's pieces, in u, and one range of the other.  Bytes moved; fewer: a bad address. */
static long move(struct mm *mm, uaddr_t at, size_t n, struct uio *u, bool write, char *part)
{
    size_t done = 0;

    while (done < n && u->left > 0) {
        size_t want = MIN(MIN(n - done, u->left), PART - (at + done) % PART);
        long got = write ? uio_get(u, part, want) : mm_read(mm, at + done, part, want);
        if (got > 0)
            got =
                write ? mm_write(mm, at + done, part, (size_t)got) : uio_put(u, part, (size_t)got);
        if (got <= 0)
            return done > 0 ? (long)done : -EFAULT;
        done += (size_t)got;
        if ((size_t)got < want)
            break;
    }
    return (long)done;
}

static long move_all(struct mm *mm, struct uio *u, uaddr_t iov, uint64_t n, bool write)
{
    char *part = kmalloc(PART);
    struct iovec one;
    long done = 0;

    if (part == NULL)
        return -ENOMEM;
    for (uint64_t i = 0; i < n && u->left > 0; i++) {
        if (get_user(one, iov + i * sizeof one) != 0) {
            done = done > 0 ? done : -EFAULT;
            break;
        }
        long got = move(mm, (uaddr_t)one.iov_base, one.iov_len, u, write, part);
        if (got < 0 || ((size_t)got < one.iov_len && u->left > 0)) {
            done = done > 0 || got > 0 ? done + MAX(got, 0) : got;
            break;
        }
        done += got;
    }
    kfree(part);
    return done;
}

/* Can the other's pieces be ranges at all?  0, -EFAULT or -EINVAL. */
static int check_pieces(uaddr_t iov, uint64_t n)
{
    struct iovec one;

    for (uint64_t i = 0; i < n; i++) {
        if (get_user(one, iov + i * sizeof one) != 0)
            return -EFAULT;
        if ((int64_t)one.iov_len < 0)
            return -EINVAL;
    }
    return 0;
}

static long process_vm(int pid, uaddr_t here, uint64_t nhere, uaddr_t there, uint64_t nthere,
                       uint64_t flags, bool write)
{
    struct uio_vector v;
    struct mm *mm;

    if (flags != 0 || nhere > UIO_MAXIOV || nthere > UIO_MAXIOV)
        return -EINVAL;
    long bytes = uio_vector_get(&v, here, nhere), rc = bytes;
    if (bytes < 0)
        return bytes;
    if (bytes > 0 && (rc = check_pieces(there, nthere)) != 0)
        bytes = rc;
    if (bytes > 0 && nthere > 0 && (rc = process_memory(pid, &mm)) == 0) {
        rc = move_all(mm, &v.u, there, nthere, write);
        mm_put(mm, PT_exit_teardown);
    } else if (bytes > 0 && nthere == 0) {
        rc = 0;
    }
    uio_vector_put(&v);
    return rc;
}

SYSCALL6(process_vm_readv, int, pid, uaddr_t, here, uint64_t, nhere, uaddr_t, there, uint64_t,
         nthere, uint64_t, flags)
{
    return process_vm(pid, here, nhere, there, nthere, flags, false);
}

SYSCALL6(process_vm_writev, int, pid, uaddr_t, here, uint64_t, nhere, uaddr_t, there, uint64_t,
         nthere, uint64_t, flags)
{
    return process_vm(pid, here, nhere, there, nthere, flags, true);
}
