/* loop.c - loop devices: a regular file as a block device (/dev/loop0 to 7, /dev/loop-control).
 *
 * There is no cache between device and file: a read or write of the device is one of the file, so
 * nothing is ever to be synced.  What is behind a device changes under loop_lock; who reads or writes
 * takes a reference to the file under it and goes on without.  The nodes are made when somebody looks
 * for them (devfs_later()), so a boot that nobody wants them of does not pay for them. */
#include "fs/loop.h"
#include "arch/uaccess.h"
#include "fs/devfs.h"
#include "fs/device.h"
#include "fs/fd.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/pages_io.h"
#include "fs/tmpfs.h"
#include "lib/string.h"
#include "sched/task.h"
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <linux/major.h>

#define SECTOR 512u
#define READ_AHEAD \
    256u /* sectors, as Linux begins; what is told is kept, and there is nothing to read ahead of */
#define CONTROL_NODE 237u /* LOOP_CTRL_MINOR */
#define CAN_SET      (LO_FLAGS_AUTOCLEAR | LO_FLAGS_PARTSCAN)
#define CAN_CONFIG   (CAN_SET | LO_FLAGS_READ_ONLY | LO_FLAGS_DIRECT_IO)

static struct spinlock loop_lock = SPINLOCK_INIT(LOCK_event);

struct loop {            /* [loop_lock] */
    struct file *behind; /* NULL: it is free */
    uint64_t offset, limit, size;
    uint32_t flags, block; /* LO_FLAGS_*; bytes of a block */
    uint32_t openers;
    uint32_t read_ahead; /* sectors, as told; 0: never */
    bool readonly;       /* BLKROSET */
    uint8_t name[LO_NAME_SIZE];
};

static struct loop loops[LOOP_DEVICES];

static struct loop *loop_of(const struct file *f) { return &loops[f->inode->rdev & 0xff]; }

/* What the device sees of a file: whole sectors. */
static uint64_t bytes_seen(const struct file *f, uint64_t offset, uint64_t limit)
{
    uint64_t size = __atomic_load_n(&f->inode->size, __ATOMIC_RELAXED);

    size = size > offset ? size - offset : 0;
    if (limit)
        size = MIN(size, limit);
    return size & ~(uint64_t)(SECTOR - 1);
}

/* loop_lock held, or a moment is as good as another */
static bool is_readonly(const struct loop *lo)
{
    return lo->readonly || lo->flags & LO_FLAGS_READ_ONLY;
}

static uint32_t block_of(const struct loop *lo) { return lo->block ? lo->block : SECTOR; }
static uint32_t read_ahead_of(const struct loop *lo)
{
    return lo->read_ahead ? lo->read_ahead : READ_AHEAD;
}

bool loop_view(uint32_t nr, struct loop_view *v, struct file **behind)
{
    const struct loop *lo = &loops[nr];

    spin_lock(&loop_lock);
    struct file *f = lo->behind;
    *v = (struct loop_view){ .size = lo->size,
                             .offset = lo->offset,
                             .limit = lo->limit,
                             .flags = lo->flags,
                             .block = block_of(lo),
                             .read_ahead = read_ahead_of(lo),
                             .readonly = is_readonly(lo) };
    if (f && behind)
        file_get(f);
    spin_unlock(&loop_lock);
    if (behind)
        *behind = f;
    return f != NULL;
}

/* --- reading and writing ---------------------------------------------------------------------- */

/* The file, with a reference, and where in it `pos` is; *room: how many bytes from there. */
static struct file *loop_enter(struct loop *lo, uint64_t pos, uint64_t *at, uint64_t *room)
{
    struct file *f;

    spin_lock(&loop_lock);
    f = lo->behind;
    if (f)
        file_get(f);
    *at = lo->offset + pos;
    *room = f && pos < lo->size ? lo->size - pos : 0;
    spin_unlock(&loop_lock);
    return f;
}

static long loop_read(struct file *f, struct uio *u, uint64_t *pos)
{
    uint64_t at, room;
    struct file *behind = loop_enter(loop_of(f), *pos, &at, &room);
    long n = 0;

    if (!behind)
        return 0;
    u->left = MIN(u->left, room);
    if (u->left)
        n = behind->ops->read(behind, u, &at);
    if (n > 0)
        *pos += (uint64_t)n;
    file_put(behind);
    return n;
}

static long loop_write(struct file *f, struct uio *u, uint64_t *pos)
{
    struct loop *lo = loop_of(f);
    uint64_t at, room;
    struct file *behind = loop_enter(lo, *pos, &at, &room);
    long n = is_readonly(lo) ? -EPERM : u->left && !room ? -ENOSPC : 0;

    if (!behind)
        return n;
    u->left = MIN(u->left, room);
    if (!n && u->left)
        n = behind->ops->write(behind, u, &at);
    if (n > 0)
        *pos += (uint64_t)n;
    file_put(behind);
    return n;
}

static long loop_seek(struct file *f, int64_t off, int whence)
{
    int64_t size = (int64_t)loop_of(f)->size;

    if (whence == SEEK_CUR ? __builtin_add_overflow((int64_t)f->pos, off, &off)
                           : whence == SEEK_END && __builtin_add_overflow(size, off, &off))
        return -EINVAL;
    if (whence > SEEK_END || off < 0 || off > size)
        return -EINVAL;
    return (long)(f->pos = (uint64_t)off);
}

/* --- what is behind it ------------------------------------------------------------------------ */

static int can_be_behind(const struct file *f)
{
    return S_ISREG(f->inode->mode) && f->ops == &tmpfs_file_ops ? 0 : -EINVAL;
}

static bool block_size_good(uint32_t n) { return n >= SECTOR && n <= PAGE_SIZE && !(n & (n - 1)); }

/* Takes over f's reference where it succeeds. */
static int bind(struct loop *lo, struct file *f, const struct loop_config *c, bool readonly)
{
    int err = 0;

    spin_lock(&loop_lock);
    if (lo->behind) {
        err = -EBUSY;
    } else {
        lo->behind = f;
        lo->offset = c->info.lo_offset;
        lo->limit = c->info.lo_sizelimit;
        lo->size = bytes_seen(f, lo->offset, lo->limit);
        lo->flags = c->info.lo_flags | (readonly ? LO_FLAGS_READ_ONLY : 0);
        lo->block = c->block_size ? c->block_size : SECTOR;
        memcpy(lo->name, c->info.lo_file_name, sizeof(lo->name));
        lo->name[sizeof(lo->name) - 1] = 0;
    }
    spin_unlock(&loop_lock);
    return err;
}

static int info_good(const struct loop_info64 *info)
{
    if (info->lo_encrypt_type || info->lo_encrypt_key_size > LO_KEY_SIZE)
        return -EINVAL;
    return (int64_t)info->lo_offset < 0 || (int64_t)info->lo_sizelimit < 0 ? -EOVERFLOW : 0;
}

static long configure(struct file *f, const struct loop_config *c)
{
    struct file *behind = fd_get((int)c->fd);
    long err;

    if (!behind)
        return -EBADF;
    err = behind->flags & O_PATH ? -EBADF : can_be_behind(behind);
    if (!err && (c->info.lo_flags & ~(uint32_t)CAN_CONFIG ||
                 (c->block_size && !block_size_good(c->block_size))))
        err = -EINVAL;
    if (!err)
        err = info_good(&c->info);
    if (!err)
        err = bind(loop_of(f), behind, c, !file_writable(behind) || !file_writable(f));
    if (err)
        file_put(behind);
    return err;
}

static long set_fd(struct file *f, uaddr_t fd)
{
    return configure(f, &(struct loop_config){ .fd = (uint32_t)fd });
}

static long configure_from(struct file *f, uaddr_t from)
{
    struct loop_config c; /* 304 bytes */

    return copy_from_user(&c, from, sizeof(c)) != 0 ? -EFAULT : configure(f, &c);
}

/* loop_lock held.  What was behind it, which the caller puts without the lock. */
static struct file *unbind(struct loop *lo)
{
    struct file *f = lo->behind;

    *lo = (struct loop){ .openers = lo->openers, .read_ahead = lo->read_ahead };
    return f;
}

/* Others that have it open keep it for as long. */
static long clear_fd(struct loop *lo)
{
    struct file *f = NULL;
    long err = 0;

    spin_lock(&loop_lock);
    if (!lo->behind)
        err = -ENXIO;
    else if (lo->openers > 1)
        lo->flags |= LO_FLAGS_AUTOCLEAR;
    else
        f = unbind(lo);
    spin_unlock(&loop_lock);
    if (f)
        file_put(f);
    return err;
}

static int loop_open(struct inode *in __attribute__((unused)), struct file *f)
{
    spin_lock(&loop_lock);
    loop_of(f)->openers++;
    spin_unlock(&loop_lock);
    return 0;
}

static void loop_release(struct file *f)
{
    struct loop *lo = loop_of(f);
    struct file *behind = NULL;

    spin_lock(&loop_lock);
    if (--lo->openers == 0 && lo->flags & LO_FLAGS_AUTOCLEAR)
        behind = unbind(lo);
    spin_unlock(&loop_lock);
    if (behind)
        file_put(behind);
}

/* Both files of one size, below a device that nobody writes. */
static long change_fd(struct loop *lo, uaddr_t fd)
{
    struct file *f = fd_get((int)fd), *old = f;
    long err = f && !(f->flags & O_PATH) ? can_be_behind(f) : -EBADF;

    if (!err) {
        spin_lock(&loop_lock);
        if (!lo->behind)
            err = -ENXIO;
        else if (!(lo->flags & LO_FLAGS_READ_ONLY) ||
                 bytes_seen(f, lo->offset, lo->limit) !=
                     bytes_seen(lo->behind, lo->offset, lo->limit))
            err = -EINVAL;
        else
            old = lo->behind, lo->behind = f;
        spin_unlock(&loop_lock);
    }
    if (old)
        file_put(old);
    return err;
}

/* --- its state -------------------------------------------------------------------------------- */

static long status_get(struct loop *lo, struct loop_info64 *info)
{
    *info = (struct loop_info64){ .lo_number = (uint32_t)(lo - loops) };
    spin_lock(&loop_lock);
    const struct inode *in = lo->behind ? lo->behind->inode : NULL;
    if (in) {
        info->lo_device = in->sb->dev;
        info->lo_inode = in->ino;
        info->lo_offset = lo->offset;
        info->lo_sizelimit = lo->limit;
        info->lo_flags = lo->flags;
        memcpy(info->lo_file_name, lo->name, sizeof(lo->name));
    }
    spin_unlock(&loop_lock);
    return in ? 0 : -ENXIO;
}

static long status_set(struct loop *lo, const struct loop_info64 *info)
{
    long err = info_good(info);

    spin_lock(&loop_lock);
    if (!lo->behind) {
        err = -ENXIO;
    } else if (!err) {
        lo->offset = info->lo_offset;
        lo->limit = info->lo_sizelimit;
        lo->size = bytes_seen(lo->behind, lo->offset, lo->limit);
        /* once asked for, PARTSCAN stays */
        lo->flags = (lo->flags & ~(uint32_t)LO_FLAGS_AUTOCLEAR) | (info->lo_flags & CAN_SET);
        memcpy(lo->name, info->lo_file_name, sizeof(lo->name));
        lo->name[sizeof(lo->name) - 1] = 0;
    }
    spin_unlock(&loop_lock);
    return err;
}

static long status_to_user(struct loop *lo, uaddr_t to, bool old)
{
    struct loop_info64 info;
    long err = status_get(lo, &info);

    if (err || !old)
        return err ? err : copy_to_user(to, &info, sizeof(info));
    if (info.lo_offset > INT32_MAX)
        return -EOVERFLOW;
    struct loop_info o = {
        .lo_number = (int)info.lo_number,
        .lo_device = (__kernel_old_dev_t)info.lo_device,
        .lo_inode = info.lo_inode,
        .lo_offset = (int)info.lo_offset,
        .lo_flags = (int)info.lo_flags,
    };
    memcpy(o.lo_name, info.lo_file_name, sizeof(o.lo_name));
    return copy_to_user(to, &o, sizeof(o));
}

static long status_from_user(struct loop *lo, uaddr_t from, bool old)
{
    struct loop_info64 info = { 0 };
    struct loop_info o;

    if (!old)
        return copy_from_user(&info, from, sizeof(info)) != 0 ? -EFAULT : status_set(lo, &info);
    if (copy_from_user(&o, from, sizeof(o)) != 0)
        return -EFAULT;
    info.lo_offset = (uint64_t)(int64_t)o.lo_offset;
    info.lo_flags = (uint32_t)o.lo_flags;
    info.lo_encrypt_type = (uint32_t)o.lo_encrypt_type;
    info.lo_encrypt_key_size = (uint32_t)o.lo_encrypt_key_size;
    memcpy(info.lo_file_name, o.lo_name, sizeof(o.lo_name));
    return status_set(lo, &info);
}

static long change_state(struct loop *lo, uint32_t cmd, uint64_t arg)
{
    long err = 0;

    spin_lock(&loop_lock);
    if (!lo->behind)
        err = -ENXIO;
    else if (cmd == LOOP_SET_CAPACITY)
        lo->size = bytes_seen(lo->behind, lo->offset, lo->limit);
    else if (cmd == LOOP_SET_DIRECT_IO)
        lo->flags = (lo->flags & ~(uint32_t)LO_FLAGS_DIRECT_IO) | (arg ? LO_FLAGS_DIRECT_IO : 0);
    else if (arg > UINT32_MAX || !block_size_good((uint32_t)arg))
        err = -EINVAL;
    else
        lo->block = (uint32_t)arg;
    spin_unlock(&loop_lock);
    return err;
}

static long own_ioctl(struct file *f, uint32_t cmd, uaddr_t arg)
{
    struct loop *lo = loop_of(f);

    if (cmd != LOOP_SET_FD && cmd != LOOP_CONFIGURE && cmd != LOOP_CHANGE_FD &&
        cmd != LOOP_GET_STATUS && cmd != LOOP_GET_STATUS64 && !file_writable(f) && !capable())
        return -EPERM;
    switch (cmd) {
    case LOOP_SET_FD: return set_fd(f, arg);
    case LOOP_CONFIGURE: return configure_from(f, arg);
    case LOOP_CLR_FD: return clear_fd(lo);
    case LOOP_CHANGE_FD: return change_fd(lo, arg);
    case LOOP_GET_STATUS:
    case LOOP_GET_STATUS64: return status_to_user(lo, arg, cmd == LOOP_GET_STATUS);
    case LOOP_SET_STATUS:
    case LOOP_SET_STATUS64: return status_from_user(lo, arg, cmd == LOOP_SET_STATUS);
    }
    return change_state(lo, cmd, arg);
}

/* --- what can be asked of any disk ------------------------------------------------------------ */

static long zero_range(struct file *f, uaddr_t from)
{
    struct loop *lo = loop_of(f);
    uint64_t range[2], at, room;
    long err = file_writable(f) ? 0 : -EBADF;

    if (!err && copy_from_user(range, from, sizeof(range)) != 0)
        err = -EFAULT;
    if (err)
        return err;
    struct file *behind = loop_enter(lo, range[0], &at, &room);
    if (!behind)
        return -EINVAL;
    if ((range[0] | range[1]) & (SECTOR - 1) || range[1] == 0 || range[1] > room)
        err = -EINVAL;
    else if (is_readonly(lo))
        err = -EPERM;
    else
        err =
            inode_allocate(behind->inode, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, range[1]);
    file_put(behind);
    return err;
}

static long set_readonly(struct loop *lo, uaddr_t from)
{
    int to;

    if (!capable())
        return -EACCES;
    if (get_user(to, from) != 0)
        return -EFAULT;
    spin_lock(&loop_lock);
    lo->readonly = to != 0;
    spin_unlock(&loop_lock);
    return 0;
}

static long set_read_ahead(struct loop *lo, uint64_t sectors)
{
    if (!capable())
        return -EACCES;
    spin_lock(&loop_lock);
    lo->read_ahead = (uint32_t)(sectors * SECTOR / PAGE_SIZE * (PAGE_SIZE / SECTOR));
    spin_unlock(&loop_lock);
    return 0;
}

static long disk_ioctl(struct file *f, uint32_t cmd, uaddr_t arg)
{
    struct loop *lo = loop_of(f);
    int block = (int)block_of(lo);

    switch (cmd) {
    case BLKGETSIZE64: return put_user(lo->size, arg);
    case BLKGETSIZE: return put_user(lo->size / SECTOR, arg);
    case BLKSSZGET:
    case BLKPBSZGET:
    case BLKIOMIN: return put_user(block, arg);
    case BLKBSZGET: return put_user((int)PAGE_SIZE, arg);
    case BLKIOOPT:
    case BLKALIGNOFF:
    case BLKDISCARDZEROES: return put_user(0, arg);
    case BLKROTATIONAL: return put_user((uint16_t)0, arg);
    case BLKROGET: return put_user((int)is_readonly(lo), arg);
    case BLKROSET: return set_readonly(lo, arg);
    case BLKRAGET:
    case BLKFRAGET: return !arg ? -EINVAL : put_user((uint64_t)read_ahead_of(lo), arg);
    case BLKRASET:
    case BLKFRASET: return set_read_ahead(lo, arg);
    case BLKFLSBUF: return capable() ? 0 : -EACCES;
    case BLKDISCARD:
    case BLKZEROOUT: return zero_range(f, arg);
    }
    return -EINVAL; /* as Linux says it of these */
}

static long loop_ioctl(struct file *f, uint32_t cmd, uaddr_t arg)
{
    return cmd >= LOOP_SET_FD && cmd <= LOOP_CONFIGURE ? own_ioctl(f, cmd, arg)
                                                       : disk_ioctl(f, cmd, arg);
}

/* --- /dev/loop-control ------------------------------------------------------------------------ */

static long control_ioctl(struct file *f __attribute__((unused)), uint32_t cmd, uaddr_t arg)
{
    bool there = arg < LOOP_DEVICES;

    switch (cmd) {
    case LOOP_CTL_ADD: return there ? -EEXIST : (int64_t)arg < 0 ? -EINVAL : -ENOSPC;
    case LOOP_CTL_REMOVE: return there ? -EBUSY : (int64_t)arg < 0 ? -EINVAL : -ENODEV;
    case LOOP_CTL_GET_FREE:
        for (long i = 0; i < (long)LOOP_DEVICES; i++)
            if (!__atomic_load_n(&loops[i].behind, __ATOMIC_RELAXED))
                return i;
        return -ENOSPC;
    }
    return -ENOSYS; /* as Linux says it here */
}

static const struct file_ops loop_ops = {
    .open = loop_open,
    .read = loop_read,
    .write = loop_write,
    .ioctl = loop_ioctl,
    .seek = loop_seek,
    .release = loop_release,
};
static const struct file_ops control_ops = { .ioctl = control_ioctl, .seek = NULL };

#define NODE(n) \
    { \
        "loop" #n, S_IFBLK | 0600, DEV(LOOP_MAJOR, n), &loop_ops, NULL \
    }
static const struct device nodes[] = {
    NODE(0),
    NODE(1),
    NODE(2),
    NODE(3),
    NODE(4),
    NODE(5),
    NODE(6),
    NODE(7),
    { "loop-control", S_IFCHR | 0600, DEV(MISC_MAJOR, CONTROL_NODE), &control_ops, NULL },
};

static const struct device *find_loop(uint32_t minor)
{
    return minor < LOOP_DEVICES ? &nodes[minor] : NULL;
}

static const struct device *find_control(uint32_t minor)
{
    return minor == CONTROL_NODE ? &nodes[LOOP_DEVICES] : NULL;
}

void loop_register(void)
{
    static struct device_major disks = { .major = LOOP_MAJOR, .block = true, .find = find_loop };
    static struct device_major control = { .major = MISC_MAJOR, .find = find_control };
    static struct device_table table = { .device = nodes, .n = ARRAY_SIZE(nodes) };

    _Static_assert(ARRAY_SIZE(nodes) == LOOP_DEVICES + 1, "and the control node");
    device_register_major(&disks);
    device_register_major(&control);
    devfs_later(&table);
}
