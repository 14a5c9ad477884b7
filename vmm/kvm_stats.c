/* kvm_stats.c - see kvm_stats.h.  The file is a header, descriptions and numbers, and says of
 * each where it begins; it is read whole, and what it says is checked against its size. */
#include "vmm/kvm_stats.h"

#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define BYTES_MAX 65536u

int kvm_stats_open(int vcpu_fd)
{
#ifdef KVM_GET_STATS_FD
    return ioctl(vcpu_fd, KVM_GET_STATS_FD, 0);
#else
    (void)vcpu_fd;
    return -1;
#endif
}

#ifdef KVM_GET_STATS_FD
static uint64_t find(const uint8_t *text, size_t bytes, const char *name)
{
    struct kvm_stats_header h;
    struct kvm_stats_desc d;
    if (bytes < sizeof(h))
        return 0;
    memcpy(&h, text, sizeof(h));
    size_t step = sizeof(d) + h.name_size;
    for (uint32_t i = 0; i < h.num_desc; i++) {
        size_t at = h.desc_offset + i * step;
        if (at > bytes || bytes - at < step)
            return 0;
        memcpy(&d, text + at, sizeof(d));
        if (strncmp((const char *)text + at + sizeof(d), name, h.name_size) != 0)
            continue;
        size_t value = (size_t)h.data_offset + d.offset;
        uint64_t v = 0;
        if (value <= bytes && bytes - value >= sizeof(v))
            memcpy(&v, text + value, sizeof(v));
        return v;
    }
    return 0;
}

uint64_t kvm_stats_read(int fd, const char *name)
{
    uint8_t *text = malloc(BYTES_MAX);
    size_t bytes = 0;
    ssize_t n;
    while (text != NULL && fd >= 0 && bytes < BYTES_MAX &&
           (n = pread(fd, text + bytes, BYTES_MAX - bytes, (off_t)bytes)) > 0)
        bytes += (size_t)n;
    uint64_t v = text != NULL ? find(text, bytes, name) : 0;
    free(text);
    return v;
}
#else
uint64_t kvm_stats_read(int fd, const char *name)
{
    (void)fd, (void)name;
    return 0;
}
#endif
