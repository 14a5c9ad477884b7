/* mend.c - see mend.h.
 *
 * What is lost is found by asking the kernel to read one byte of a file's last page for pwrite(2), which
 * says EFAULT where a load would be a SIGBUS; where the loss begins, by bisection.  Zeros come from a
 * second range of the same size, never touched before, moved over the lost pages: the sandbox lets nobody
 * map.  No lock of the C library is taken. */
#include "vmm/root/mend.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shared/root_index.h"
#include "vmm/gmem.h"
#include "vmm/say.h"

bool root_mend_prepare(struct root_image *im)
{
    if (im->nfiles == 0)
        return true;
    im->probe = memfd_create("probe", MFD_CLOEXEC);
    void *spare = mmap(NULL, im->data, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (im->probe >= 0 && spare != MAP_FAILED) {
        im->spare = spare;
        return true;
    }
    say("--root %s: %s", im->name, strerror(errno));
    return false;
}

static bool is_lost(const struct root_image *im, uint64_t page)
{
    return pwrite(im->probe, im->at + page * GMEM_PAGE, 1, 0) < 0 && errno == EFAULT;
}

static void mend_file(struct root_image *im, const struct root_file *f)
{
    char line[160];
    uint64_t low = f->page, high = f->page + f->pages - 1;
    while (low < high) { /* the first page that is lost */
        uint64_t mid = low + (high - low) / 2;
        if (is_lost(im, mid))
            high = mid;
        else
            low = mid + 1;
    }
    uint64_t at = low * GMEM_PAGE, bytes = (f->page + f->pages - low) * GMEM_PAGE;
    struct root_inode *in = (void *)(im->at + im->data + sizeof(struct root_header) +
                                     (uint64_t)f->inode * sizeof(struct root_inode));
    __atomic_store_n(&in->lost, (uint32_t)(low - f->page + 1), __ATOMIC_RELEASE);
    mremap(im->spare + at, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, im->at + at);
    int n =
        snprintf(line, sizeof(line),
                 "vmm: --root: a file became shorter while the VM ran: inode %u lost %llu bytes\n",
                 f->inode + 1, (unsigned long long)bytes);
    ssize_t ignored = write(STDERR_FILENO, line, (size_t)n);
    (void)ignored;
}

bool root_mend(struct root_image *im, unsigned *seen)
{
    if (im->nfiles == 0)
        return false;
    while (__atomic_exchange_n(&im->mending, true, __ATOMIC_ACQUIRE))
        sched_yield();
    for (uint32_t i = 0; i < im->nfiles; i++) {
        const struct root_file *f = &im->file[i];
        if (is_lost(im, f->page + f->pages - 1)) {
            mend_file(im, f);
            im->mended++;
        }
    }
    bool news = *seen != im->mended;
    *seen = im->mended;
    __atomic_store_n(&im->mending, false, __ATOMIC_RELEASE);
    return news;
}
