/* devices.h - the small devices without a far end of their own. */
#ifndef VMM_DEVICES_H
#define VMM_DEVICES_H

#include "vmm/ports.h"

struct reset_line {
    void *ctx;
    void (*reset)(void *ctx); /* called on a vCPU thread */
};
/* i8042.c */
struct port_device i8042_ports(struct reset_line *line); /* ports 0x60..0x64 */

struct rtc {
    uint8_t index; /* the register that port 0x71 shows */
};
/* rtc.c */
struct port_device rtc_ports(struct rtc *rtc); /* ports 0x70, 0x71 */

#endif
