/* ports.c - see ports.h.  A handful of devices: a walk along an array. */
#include "vmm/ports.h"

#include <assert.h>
#include <stddef.h>

void ports_add(struct ports *p, struct port_device device)
{
    assert(p->n < PORTS_MAX);
    p->device[p->n++] = device;
}

static struct port_device *find(struct ports *p, uint16_t port)
{
    for (unsigned i = 0; i < p->n; i++) {
        struct port_device *d = &p->device[i];
        if (port >= d->first && port - d->first < d->count)
            return d;
    }
    return NULL;
}

void ports_io(struct ports *p, bool is_out, uint16_t port, uint8_t *data, unsigned size)
{
    for (unsigned i = 0; i < size; i++) {
        struct port_device *d = find(p, (uint16_t)(port + i));
        if (d == NULL)
            __atomic_fetch_add(&p->unknown, 1, __ATOMIC_RELAXED);
        if (is_out && d != NULL)
            d->out(d->dev, (uint16_t)(port + i - d->first), data[i]);
        else if (!is_out)
            data[i] = d != NULL ? d->in(d->dev, (uint16_t)(port + i - d->first)) : 0xff;
    }
}
