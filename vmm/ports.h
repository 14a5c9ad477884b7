/* ports.h - the I/O port bus: which device answers at which port.
 * Devices are added before the first vCPU runs; after that any vCPU thread
 * may call ports_io(), and each device takes its own lock. */
#ifndef VMM_PORTS_H
#define VMM_PORTS_H

#include <stdbool.h>
#include <stdint.h>

struct port_device {
    const char *name;
    uint16_t first, count;
    void *dev;
    /* One byte at port first + reg; wider accesses come as several bytes. */
    uint8_t (*in)(void *dev, uint16_t reg);
    void (*out)(void *dev, uint16_t reg, uint8_t value);
};

#define PORTS_MAX 8

struct ports {
    struct port_device device[PORTS_MAX];
    unsigned n;
    uint64_t unknown; /* accesses that no device answered */
};

void ports_add(struct ports *p, struct port_device device);
/* One access of `size` bytes (1, 2, 4).  A port without a device reads as all
 * ones and ignores writes; either is counted. */
void ports_io(struct ports *p, bool is_out, uint16_t port, uint8_t *data, unsigned size);

#endif
