/* seccomp_notify.c - a filter asks another program: SECCOMP_RET_USER_NOTIF, its listener and the ioctls of that.
 *
 * A call that is asked about is a record on the stack of the task that made it, in the listener's tree, by number:
 *
 *     asked  -> received -> answered      RECV, SEND; or by the listener's end: ENOSYS
 *
 * All of it is under the listener's lock, and whoever makes a step wakes the task, which looks again.  The task
 * takes its record out before it goes on, so whoever finds one by its number finds a task that waits.
 *
 * A descriptor for it (ADDFD) is a record on the stack of the one who gives it, in the list of the call: the task
 * puts it into its own table when it looks.  While it does so without the lock, the giver waits for that alone.
 *
 * The listener lives as long as its filter or its file; either says when it ends. */
#include "proc/pid_ns.h"
#include "proc/seccomp_notify.h"
#include "arch/preempt.h"
#include "arch/uaccess.h"
#include "fs/anon_inode.h"
#include "fs/fd.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/poll.h"
#include "lib/rbtree.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "proc/task.h"
#include <linux/ioctl.h>
#include <linux/magic.h>

/* <linux/seccomp.h> of some systems is older. */
#define NOTIF_SET_FLAGS          SECCOMP_IOW(4, uint64_t)
#define NOTIF_ID_VALID_WRONG_DIR SECCOMP_IOR(2, uint64_t)
#define SYNC_WAKE_UP             1u

struct listener {
    struct refcount refs; /* [a] the filter, the file */
    struct spinlock lock;
    bool closed;          /* [lock] no file: nobody answers */
    bool filter_gone;     /* [a] nobody asks any more */
    uint64_t last_id;     /* [lock] */
    struct rb_root calls; /* [lock] by id */
    struct list asked;    /* [lock] those of them that nobody has received, the oldest first */
    uint64_t nreceived;   /* [lock] how many of them are that and not answered */
    struct waitq wait;    /* who receives or polls */
};

enum call_state { ASKED, RECEIVED, ANSWERED };
struct call { /* all but the task [lock] */
    struct rb_node by_id;
    struct list link; /* in asked, while it is that */
    struct task *task;
    const struct seccomp_data *data; /* [k] */
    uint64_t id;
    enum call_state state;
    bool goes_on; /* the answer: make the call */
    int64_t value;
    struct list gifts;
};

enum gift_state { OFFERED, BEING_TAKEN, TAKEN };
struct gift { /* [call's lock] */
    struct list link;
    struct task *task;
    struct seccomp_notif_addfd how; /* [k] */
    struct file *file;              /* [k] */
    enum gift_state state;
    long result;
};

static struct superblock listener_sb = ANON_INODES("seccomp notify");

static void put(struct listener *l)
{
    if (ref_put(&l->refs))
        kfree(l);
}

/* --- who asks ---------------------------------------------------------------------- */

/* l->lock held, as below.  Where calls are counted and listed by their state. */
static void set_state(struct listener *l, struct call *c, enum call_state state)
{
    l->nreceived += (state == RECEIVED) - (c->state == RECEIVED);
    list_remove(&c->link);
    if (state == ASKED)
        list_push_front(&l->asked, &c->link); /* who is given back is among the oldest */
    c->state = state;
}

static void begin(struct listener *l, struct call *c)
{
    struct rb_node *last = rb_last(&l->calls);

    c->id = ++l->last_id; /* the greatest */
    rb_insert(&l->calls, last, last != NULL ? &last->right : &l->calls.node, &c->by_id);
    list_push_back(&l->asked, &c->link);
}

static void gift_over(struct gift *g, long result)
{
    struct task *t = g->task;

    list_remove(&g->link);
    g->result = result;
    task_get(t);
    __atomic_store_n(&g->state, TAKEN, __ATOMIC_RELEASE); /* from here on it may be gone */
    wake_task(t);
    task_put(t);
}

static long install(struct gift *g)
{
    uint32_t flags = g->how.newfd_flags;
    long rc;

    if (g->how.flags & SECCOMP_ADDFD_FLAG_SETFD) {
        rc = fd_replace((int)g->how.newfd, g->file, flags);
        return rc == 0 ? (long)g->how.newfd : rc;
    }
    rc = fd_alloc(0, flags);
    if (rc >= 0) {
        file_get(g->file);
        fd_install((int)rc, g->file);
    }
    return rc;
}

/* l->lock held, and given up meanwhile. */
static void take_gift(struct listener *l, struct call *c)
{
    struct gift *g = list_first(&c->gifts, struct gift, link);
    bool answers = g->how.flags & SECCOMP_ADDFD_FLAG_SEND;

    g->state = BEING_TAKEN;
    spin_unlock(&l->lock);
    long rc = install(g);
    spin_lock(&l->lock);
    if (answers && rc >= 0)
        c->value = rc;
    else if (answers && !l->closed)
        set_state(l, c, RECEIVED);
    gift_over(g, rc);
}

/* l->lock held: until it is answered, or -ERESTARTSYS. */
static int wait_answer(struct listener *l, struct call *c, bool killable)
{
    int rc = 0;

    for (;;) {
        while (!list_empty(&c->gifts))
            take_gift(l, c);
        if (c->state == ANSWERED)
            return 0;
        if (rc != 0)
            return rc;
        bool kill_only = killable && c->state == RECEIVED;
        spin_unlock(&l->lock);
        rc = block(BLOCK_seccomp, 0, kill_only ? BLOCK_KILLABLE : BLOCK_INTERRUPTIBLE, NO_DEADLINE);
        spin_lock(&l->lock);
        if (killable && c->state == RECEIVED && !kill_only)
            rc = 0; /* it was received before the signal: that is to be fatal now */
    }
}

bool listener_asks(struct listener *l, struct regs *r, const struct seccomp_data *data,
                   bool killable)
{
    struct call c = { .task = current, .data = data, .value = -ENOSYS };
    int rc = 0;

    list_init(&c.gifts);
    spin_lock(&l->lock);
    if (!l->closed) {
        begin(l, &c);
        spin_unlock(&l->lock);
        waitq_wake_for(&l->wait, EPOLLIN | EPOLLRDNORM);
        spin_lock(&l->lock);
        rc = wait_answer(l, &c, killable);
        set_state(l, &c, ANSWERED);
        rb_erase(&l->calls, &c.by_id);
        while (!list_empty(&c.gifts))
            gift_over(list_first(&c.gifts, struct gift, link), -ESRCH);
    }
    spin_unlock(&l->lock);
    if (rc == 0 && c.goes_on)
        return true;
    r->rax = (uint64_t)(rc != 0 ? rc : c.value);
    return false;
}

/* --- who answers --------------------------------------------------------------------- */

/* l->lock held.  NULL: nobody. */
static struct call *by_id(struct listener *l, uint64_t id)
{
    struct rb_node *n = l->calls.node;

    while (n != NULL) {
        struct call *c = rb_entry(n, struct call, by_id);
        if (c->id == id)
            return c;
        n = id < c->id ? n->left : n->right;
    }
    return NULL;
}

static bool to_receive(struct listener *l)
{
    spin_lock(&l->lock);
    bool is = l->filter_gone || !list_empty(&l->asked);
    spin_unlock(&l->lock);
    return is;
}

/* -ENOENT: there is none. */
static int receive(struct listener *l, struct seccomp_notif *n)
{
    spin_lock(&l->lock);
    struct call *c = NULL;
    if (!list_empty(&l->asked)) {
        c = list_first(&l->asked, struct call, link);
        n->id = c->id;
        n->pid = pid_told(c->task->tid);
        n->data = *c->data;
        set_state(l, c, RECEIVED);
        wake_task(c->task); /* it may be that only SIGKILL is to end its wait now */
    }
    bool gone = l->filter_gone;
    spin_unlock(&l->lock);
    return c != NULL ? 0 : gone ? -ENOENT : -EAGAIN;
}

/* Nobody has it: others may. */
static void give_back(struct listener *l, uint64_t id)
{
    spin_lock(&l->lock);
    struct call *c = by_id(l, id);
    if (c != NULL && c->state == RECEIVED) {
        set_state(l, c, ASKED);
        wake_task(c->task);
    }
    spin_unlock(&l->lock);
    waitq_wake_for(&l->wait, EPOLLIN | EPOLLRDNORM);
}

static long notif_recv(struct listener *l, uaddr_t to)
{
    static const struct seccomp_notif empty;
    struct seccomp_notif n;
    int rc;

    if (get_user(n, to) != 0)
        return -EFAULT;
    if (memcmp(&n, &empty, sizeof n) != 0)
        return -EINVAL;
    while ((rc = receive(l, &n)) == -EAGAIN)
        if ((rc = WAIT_EVENT(&l->wait, to_receive(l), BLOCK_seccomp_recv, 0, BLOCK_INTERRUPTIBLE,
                             NO_DEADLINE)) != 0)
            return rc;
    if (rc != 0)
        return rc;
    waitq_wake_for(&l->wait, EPOLLOUT | EPOLLWRNORM);
    if (put_user(n, to) == 0)
        return 0;
    give_back(l, n.id);
    return -EFAULT;
}

static long notif_send(struct listener *l, uaddr_t from)
{
    struct seccomp_notif_resp a;

    if (get_user(a, from) != 0)
        return -EFAULT;
    bool goes_on = a.flags & SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    if ((a.flags & ~(uint32_t)SECCOMP_USER_NOTIF_FLAG_CONTINUE) ||
        (goes_on && (a.error != 0 || a.val != 0)))
        return -EINVAL;
    spin_lock(&l->lock);
    struct call *c = by_id(l, a.id);
    int rc = c == NULL ? -ENOENT : c->state != RECEIVED ? -EINPROGRESS : 0;
    if (rc == 0) {
        set_state(l, c, ANSWERED);
        c->goes_on = goes_on;
        c->value = a.error != 0 ? a.error : a.val;
        wake_task(c->task);
    }
    spin_unlock(&l->lock);
    return rc;
}

static long id_valid(struct listener *l, uaddr_t from)
{
    uint64_t id;

    if (get_user(id, from) != 0)
        return -EFAULT;
    spin_lock(&l->lock);
    struct call *c = by_id(l, id);
    bool is = c != NULL && c->state == RECEIVED;
    spin_unlock(&l->lock);
    return is ? 0 : -ENOENT;
}

/* l->lock held.  The call that g is for, which is answered by it if g says so. */
static int offer(struct listener *l, struct gift *g)
{
    struct call *c = by_id(l, g->how.id);

    if (c == NULL)
        return -ENOENT;
    if (c->state != RECEIVED)
        return -EINPROGRESS;
    if (g->how.flags & SECCOMP_ADDFD_FLAG_SEND) {
        if (!list_empty(&c->gifts))
            return -EBUSY;
        set_state(l, c, ANSWERED);
        c->goes_on = false;
    }
    list_push_back(&c->gifts, &g->link);
    wake_task(c->task);
    return 0;
}

/* Interrupted: takes the offer back, if it is not being taken. */
static bool withdraw(struct listener *l, struct gift *g)
{
    spin_lock(&l->lock);
    bool mine = g->state == OFFERED;
    if (mine) {
        list_remove(&g->link);
        struct call *c = by_id(l, g->how.id);
        if (c != NULL && g->how.flags & SECCOMP_ADDFD_FLAG_SEND)
            set_state(l, c, RECEIVED);
    }
    spin_unlock(&l->lock);
    return mine;
}

static long give(struct listener *l, struct gift *g)
{
    enum block_how how = BLOCK_INTERRUPTIBLE;

    spin_lock(&l->lock);
    int rc = offer(l, g);
    spin_unlock(&l->lock);
    if (rc != 0)
        return rc;
    while (__atomic_load_n(&g->state, __ATOMIC_ACQUIRE) != TAKEN) {
        rc = block(BLOCK_seccomp_recv, 0, how, NO_DEADLINE);
        if (rc != 0 && withdraw(l, g))
            return rc;
        if (rc != 0)
            how = BLOCK_UNINTERRUPTIBLE;
    }
    return g->result;
}

static long add_fd(struct listener *l, uaddr_t from, uint32_t size)
{
    struct gift g = { .task = current };

    if (size < sizeof g.how || size >= PAGE_SIZE)
        return -EINVAL;
    int rc = copy_struct_from_user(&g.how, sizeof g.how, from, size);
    if (rc != 0)
        return rc;
    if ((g.how.newfd_flags & ~(uint32_t)O_CLOEXEC) ||
        (g.how.flags & ~(uint32_t)(SECCOMP_ADDFD_FLAG_SETFD | SECCOMP_ADDFD_FLAG_SEND)) ||
        (g.how.newfd != 0 && !(g.how.flags & SECCOMP_ADDFD_FLAG_SETFD)))
        return -EINVAL;
    WITH_FILE(file, (int)g.how.srcfd);
    if (file == NULL || file->flags & O_PATH)
        return -EBADF;
    g.file = file;
    return give(l, &g);
}

static long listener_ioctl(struct file *f, uint32_t cmd, uaddr_t arg)
{
    struct listener *l = f->private;

    switch (cmd) {
    case SECCOMP_IOCTL_NOTIF_RECV: return notif_recv(l, arg);
    case SECCOMP_IOCTL_NOTIF_SEND: return notif_send(l, arg);
    case SECCOMP_IOCTL_NOTIF_ID_VALID:
    case NOTIF_ID_VALID_WRONG_DIR: return id_valid(l, arg);
    case NOTIF_SET_FLAGS: return arg & ~(uint64_t)SYNC_WAKE_UP ? -EINVAL : 0; /* a wake is one */
    }
    if (_IOC_TYPE(cmd) == SECCOMP_IOC_MAGIC && _IOC_NR(cmd) == _IOC_NR(SECCOMP_IOCTL_NOTIF_ADDFD) &&
        _IOC_DIR(cmd) == _IOC_WRITE)
        return add_fd(l, arg, _IOC_SIZE(cmd));
    return -EINVAL;
}

static uint32_t listener_poll(struct file *f, struct poll_table *pt)
{
    struct listener *l = f->private;

    poll_wait(pt, &l->wait);
    spin_lock(&l->lock);
    uint32_t ready = (!list_empty(&l->asked) ? EPOLLIN | EPOLLRDNORM : 0) |
                     (l->nreceived != 0 ? EPOLLOUT | EPOLLWRNORM : 0) |
                     (l->filter_gone ? EPOLLHUP : 0);
    spin_unlock(&l->lock);
    return ready;
}

/* --- beginning and end ----------------------------------------------------------------- */

#define END_BATCH 32u
#define WORK_END  200u /* instructions for one, about (arch/preempt.h) */

/* l->lock held.  The oldest call that is younger than `id`; NULL: none. */
static struct call *younger(struct listener *l, uint64_t id)
{
    struct call *found = NULL;

    for (struct rb_node *n = l->calls.node; n != NULL;) {
        struct call *c = rb_entry(n, struct call, by_id);
        if (c->id > id)
            found = c;
        n = c->id > id ? n->left : n->right;
    }
    return found;
}

static void listener_release(struct file *f)
{
    struct listener *l = f->private;
    struct call *c;
    uint64_t id = 0;

    do {
        spin_lock(&l->lock);
        l->closed = true; /* the tree only shrinks from here on */
        for (unsigned n = 0; (c = younger(l, id)) != NULL && n < END_BATCH; n++) {
            id = c->id;
            set_state(l, c, ANSWERED); /* with its first value, ENOSYS, if not by somebody */
            wake_task(c->task);
        }
        spin_unlock(&l->lock);
        preempt_tell(END_BATCH * WORK_END);
    } while (c != NULL);
    put(l);
}

static const struct file_ops listener_ops = {
    .ioctl = listener_ioctl,
    .poll = listener_poll,
    .release = listener_release,
    .seek = anon_inode_seek,
    .nonseekable = true,
};

int listener_new(struct listener **out, int *fd, struct file **f)
{
    struct listener *l = kzalloc(sizeof *l);

    if (l == NULL)
        return -ENOMEM;
    spin_class(&l->lock, LOCK_event);
    list_init(&l->asked);
    waitq_init(&l->wait);
    ref_init(&l->refs, 2);
    *fd = fd_alloc(0, O_CLOEXEC);
    int err = *fd < 0 ? *fd : anon_inode_open(&listener_sb, &listener_ops, O_RDWR, l, f);
    if (err == 0) {
        *out = l;
        return 0;
    }
    if (*fd >= 0)
        fd_cancel(*fd);
    kfree(l);
    return err;
}

void listener_cancel(int fd, struct file *f)
{
    fd_cancel(fd);
    file_put(f);
}

void listener_filter_gone(struct listener *l)
{
    __atomic_store_n(&l->filter_gone, true, __ATOMIC_RELEASE);
    waitq_wake_for(&l->wait, EPOLLHUP);
    put(l);
}
