/* initrd.c - see initrd.h.
 *
 * An image is what Linux takes for one: cpio archives in newc format one after the other,
 * each of them plain or compressed, with zeros between.  (A distribution's begins with
 * microcode, plain, and goes on compressed.)  A kernel gets it plain: decoders do
 * not belong into a kernel that counts its boot in instructions, and what is
 * refused here is one line and not a panic.  Only guest.elf, which says so by a note, gets
 * its image so; what another kernel can read is its own affair, and the file goes to it as it is.
 *
 * A plain file is looked through and then mapped into the guest, as it is.  Anything else is
 * brought into memory first, at most as much as the guest could hold: a FIFO may never
 * end, and some bytes may unpack to terabytes.  Decoders run in a sandboxed child
 * (unpack.c), for this is before the VM's own sandbox. */
#include "vmm/initrd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/archive.h"
#include "vmm/gmem.h"
#include "vmm/say.h"
#include "vmm/unpack.h"

#define ENTRY_BYTES 512u /* what a kernel keeps of each entry */
#define MIB(bytes)  ((unsigned long long)(bytes) >> 20)

struct view {
    const uint8_t *at;
    size_t bytes;
};

static uint64_t most(const struct options *opt)
{
    return opt->memory < GMEM_LOW_MAX ? opt->memory : GMEM_LOW_MAX;
}

static bool refused(const char *path, int err)
{
    say("%s: %s", path, strerror(err));
    return false;
}

/* A pipe, say.  The new descriptor, or -errno; -EFBIG: more than `limit`. */
static int read_into_memory(int from, uint64_t limit)
{
    static char buf[65536];
    ssize_t n;
    uint64_t sum = 0;
    int to = memfd_create("initrd", MFD_CLOEXEC);
    int err = to < 0 ? -errno : 0;
    while (err == 0 && (n = read(from, buf, sizeof(buf))) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 || write(to, buf, (size_t)n) != n)
            err = n < 0 || errno != 0 ? -errno : -ENOSPC;
        else if ((sum += (uint64_t)n) > limit)
            err = -EFBIG;
    }
    if (err != 0 && to >= 0)
        close(to);
    return err != 0 ? err : to;
}

static int open_source(const struct options *opt)
{
    struct stat st;
    const char *path = opt->initrd;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0) {
        refused(path, errno);
    } else if (S_ISDIR(st.st_mode)) {
        say("%s: is a directory; --initrd wants a cpio archive", path);
    } else if (S_ISCHR(st.st_mode)) {
        say("%s: is a device; --initrd wants a cpio archive", path);
    } else if (S_ISREG(st.st_mode)) {
        return fd;
    } else {
        int copy = read_into_memory(fd, most(opt));
        close(fd);
        if (copy == -EFBIG)
            say("%s: is larger than guest RAM, of which %llu MiB can hold it; try a larger -m",
                path, MIB(most(opt)));
        else if (copy < 0)
            refused(path, -copy);
        return copy;
    }
    if (fd >= 0)
        close(fd);
    return -1;
}

static bool map(const char *path, int fd, struct view *v)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return refused(path, errno);
    *v = (struct view){ NULL, (size_t)st.st_size };
    if (v->bytes == 0) {
        say("%s: is empty; --initrd wants a cpio archive", path);
        return false;
    }
    void *at = mmap(NULL, v->bytes, PROT_READ, MAP_PRIVATE | MAP_NORESERVE, fd, 0);
    if (at == MAP_FAILED)
        return refused(path, errno);
    v->at = at;
    return true;
}

/* format: of what the bytes that were looked at come from; NULL: the file. */
static bool complain(const char *path, const struct archive *a, const char *format)
{
    const char *wrong = a->wrong != NULL  ? a->wrong
                        : a->entries == 0 ? "neither a cpio archive (newc) nor a compressed one"
                        : a->open         ? "it is cut off: there is no TRAILER!!!"
                                          : "what follows the archive is none";
    if (format != NULL)
        say("%s: in what its %s data hold, byte %zu: %s", path, format, a->at, wrong);
    else
        say("%s: byte %zu: %s", path, a->at, wrong);
    return false;
}

static bool fits(const struct options *opt, const struct image *kernel, const struct archive *a,
                 size_t bytes)
{
    uint64_t need = image_least_memory(kernel, opt->cpus) + bytes + a->copied +
                    (uint64_t)a->entries * ENTRY_BYTES;
    if (need <= opt->memory)
        return true;
    say("%s: needs about %llu MiB of guest RAM; try -m %lluM", opt->initrd, MIB(need),
        MIB(need + need / 4) + 1);
    return false;
}

/* Output of the unpacking: a file in memory, and where in it the next part goes. */
struct output {
    int fd;
    uint8_t *at;
    size_t room, used;
};

static bool make_output(const struct options *opt, struct output *o)
{
    o->room = (size_t)most(opt);
    o->used = 0;
    o->fd = memfd_create("initrd", MFD_CLOEXEC);
    if (o->fd < 0 || ftruncate(o->fd, (off_t)o->room) != 0)
        return refused(opt->initrd, errno);
    void *at = mmap(NULL, o->room, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, o->fd, 0);
    if (at == MAP_FAILED)
        return refused(opt->initrd, errno);
    o->at = at;
    return true;
}

/* A part as it is, up to where it ceases to be cpio.  False: it does not fit. */
static bool copy_plain(struct output *o, const uint8_t *from, size_t n)
{
    if (n > o->room - o->used)
        return false;
    memcpy(o->at + o->used, from, n);
    o->used += n;
    return true;
}

static void align_output(struct output *o)
{
    size_t next = (o->used + GMEM_PAGE - 1) & ~(size_t)(GMEM_PAGE - 1);
    if (next > o->room)
        next = o->room;
    memset(o->at + o->used, 0, next - o->used); /* decoders leave there what they like */
    o->used = next;
}

static bool unpack_parts(const struct options *opt, const struct view *v, struct output *o,
                         const char **format)
{
    for (size_t at = 0; at < v->bytes; align_output(o)) {
        struct archive a;
        struct unpacked u;
        archive_look(&a, v->at + at, v->bytes - at);
        size_t from = at;
        at += a.at;
        if (a.wrong != NULL ||
            (at < v->bytes && unpack_format(v->at + at, v->bytes - at) == NULL)) {
            a.at = at;
            return complain(opt->initrd, &a, NULL);
        }
        if (!copy_plain(o, v->at + from, a.entries > 0 ? a.at : 0)) {
            say("%s: is larger than guest RAM; try a larger -m", opt->initrd);
            return false;
        }
        align_output(o);
        if (at == v->bytes)
            return true;
        const char *name = *format = unpack_format(v->at + at, v->bytes - at);
        if (!unpack(v->at + at, v->bytes - at, o->at + o->used, o->room - o->used, opt->seccomp,
                    &u)) {
            say("%s: the %s data at byte %zu: %s", opt->initrd, name, at, u.wrong);
            return false;
        }
        at += u.taken;
        o->used += u.made;
    }
    return true;
}

/* The image unpacked, as a file in memory; -1 after a line on stderr. */
static int unpacked_image(const struct options *opt, const struct image *kernel,
                          const struct view *v)
{
    struct output o = { .fd = -1, .at = NULL };
    const char *format = NULL;
    struct archive a;
    bool ok = make_output(opt, &o) && unpack_parts(opt, v, &o, &format);
    if (ok) {
        archive_look(&a, o.at, o.used);
        ok = a.wrong == NULL && a.at == o.used && a.entries > 0 && !a.open
                 ? fits(opt, kernel, &a, o.used)
                 : complain(opt->initrd, &a, format);
        if (ok && ftruncate(o.fd, (off_t)o.used) != 0)
            ok = refused(opt->initrd, errno);
    }
    if (o.at != NULL)
        munmap(o.at, o.room);
    if (ok)
        return o.fd;
    if (o.fd >= 0)
        close(o.fd);
    return -1;
}

bool initrd_open(const struct options *opt, const struct image *kernel, struct boot_module *m)
{
    struct view v = { NULL, 0 };
    struct archive a;
    struct stat st;
    int fd = open_source(opt);
    if (fd < 0)
        return false;
    bool ok = map(opt->initrd, fd, &v);
    if (ok && kernel->is_ours) {
        archive_look(&a, v.at, v.bytes);
        if (a.wrong == NULL && a.at < v.bytes) {
            int plain = unpacked_image(opt, kernel, &v);
            close(fd);
            fd = plain;
            ok = fd >= 0;
        } else {
            ok = a.wrong == NULL && a.entries > 0 && !a.open ? fits(opt, kernel, &a, v.bytes)
                                                             : complain(opt->initrd, &a, NULL);
        }
    }
    if (v.at != NULL)
        munmap((void *)v.at, v.bytes);
    if (ok && fstat(fd, &st) == 0) {
        *m = (struct boot_module){ .fd = fd, .bytes = (uint64_t)st.st_size, .word = "root" };
        return true;
    }
    if (fd >= 0)
        close(fd);
    return false;
}
