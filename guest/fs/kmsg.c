/* kmsg.c - /dev/kmsg: a read gives one record of the log, a write makes one.
 * The file's place in the log is file.private; two that read it at once may get the same record. */
#include "fs/kmsg.h"
#include "arch/klog.h"
#include "arch/uart.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/poll.h"
#include "fs/uio.h"
#include "lib/printf.h"
#include "mm/heap.h"
#include "sched/block.h"
#include <linux/fs.h>

#define WRITE_MAX     1024u
#define LEVEL_DEFAULT 4u
#define FACILITY_USER 1u

uint32_t kmsg_console_level = 7;

static struct waitq wait = WAITQ_INIT(wait);

void kmsg_wake(void) { waitq_wake_for(&wait, EPOLLIN | EPOLLRDNORM); }

int kmsg_wait(uint64_t at)
{
    return WAIT_EVENT(&wait, klog_end() != at, BLOCK_kmsg, 0, BLOCK_INTERRUPTIBLE, NO_DEADLINE);
}

static uint64_t place(const struct file *f)
{
    return (uint64_t)__atomic_load_n(&f->private, __ATOMIC_RELAXED);
}

static void set_place(struct file *f, uint64_t at)
{
    __atomic_store_n(&f->private, (void *)at, __ATOMIC_RELAXED);
}

static int kmsg_open(struct inode *in __attribute__((unused)), struct file *f)
{
    set_place(f, klog_first());
    return 0;
}

/* --- reading ----------------------------------------------------------------------- */

/* Into a page: every byte of the text may take four there. */
static size_t format(const struct klog_record *r, char *line)
{
    size_t n =
        (size_t)ksnprintf(line, PAGE_SIZE, "%u,%lu,%lu,-;", r->priority, r->seq, r->ns / 1000);

    for (unsigned i = 0; i < r->len; i++) {
        unsigned char c = (unsigned char)r->text[i];
        if (c < ' ' || c >= 127 || c == '\\')
            n += (size_t)ksnprintf(line + n, PAGE_SIZE - n, "\\x%02x", c);
        else
            line[n++] = (char)c;
    }
    line[n++] = '\n';
    return n;
}
_Static_assert(4 * KLOG_TEXT_MAX + 64 <= PAGE_SIZE, "a record as a line");

static long read_record(struct file *f, struct uio *u, struct klog_record *r, char *line)
{
    uint64_t at = place(f);
    int err;

    while ((err = klog_next(&at, r)) == -EAGAIN) {
        if (f->flags & O_NONBLOCK)
            return -EAGAIN;
        if ((err = kmsg_wait(at)) != 0)
            return err;
    }
    set_place(f, at); /* as on Linux, also if there is no room for it */
    if (err != 0)
        return err;
    size_t n = format(r, line);
    if (n > u->left)
        return -EINVAL;
    return uio_put(u, line, n) == (long)n ? (long)n : -EFAULT;
}

static long kmsg_read(struct file *f, struct uio *u, uint64_t *pos __attribute__((unused)))
{
    struct klog_record *r = kmalloc(sizeof(*r));
    char *line = kmalloc(PAGE_SIZE);
    long n = r && line ? read_record(f, u, r, line) : -ENOMEM;

    kfree(r);
    kfree(line);
    return n;
}

static long kmsg_seek(struct file *f, int64_t off, int whence)
{
    if (off != 0)
        return -ESPIPE;
    switch (whence) {
    case SEEK_SET: set_place(f, klog_first()); return 0;
    case SEEK_DATA: set_place(f, klog_cleared()); return 0;
    case SEEK_END: set_place(f, klog_end()); return 0;
    }
    return -EINVAL;
}

static uint32_t kmsg_poll(struct file *f, struct poll_table *pt)
{
    poll_wait(pt, &wait);
    uint64_t at = place(f);
    if (at == klog_end())
        return 0;
    return EPOLLIN | EPOLLRDNORM | (at < klog_first() ? EPOLLERR | EPOLLPRI : 0);
}

/* --- writing ----------------------------------------------------------------------- */

/* "<priority>text": what stands before the text, whose facility is never the kernel's. */
static const char *take_priority(const char *s, unsigned *priority)
{
    unsigned given = 0;
    const char *digit = s + 1;

    *priority = FACILITY_USER << 3 | LEVEL_DEFAULT;
    if (*s != '<')
        return s;
    for (; *digit >= '0' && *digit <= '9'; digit++)
        given = given * 10 + (unsigned)(*digit - '0');
    if (*digit != '>')
        return s;
    unsigned facility = given >> 3 & 0xff;
    *priority = (facility != 0 ? facility : FACILITY_USER) << 3 | (given & 7);
    return digit + 1;
}

static long kmsg_write(struct file *f, struct uio *u, uint64_t *pos)
{
    size_t n = u->left;
    unsigned priority;

    (void)f, (void)pos;
    if (n > WRITE_MAX)
        return -EINVAL;
    char *line = kmalloc(WRITE_MAX + 2);
    if (line == NULL)
        return -ENOMEM;
    long err = uio_get_whole(u, line, n);
    if (err >= 0) {
        line[n] = '\0';
        const char *text = take_priority(line, &priority);
        size_t len = (size_t)(line + n - text);
        klog_put(priority, text, len);
        kmsg_wake();
        if ((priority & 7) < __atomic_load_n(&kmsg_console_level, __ATOMIC_RELAXED)) {
            if (len == 0 || text[len - 1] != '\n')
                line[n] = '\n', len++;
            console_say(text, len);
        }
    }
    kfree(line);
    return err < 0 ? err : (long)n;
}

const struct file_ops kmsg_ops = {
    .open = kmsg_open,
    .read = kmsg_read,
    .write = kmsg_write,
    .poll = kmsg_poll,
    .seek = kmsg_seek,
    .nonseekable = true,
};
