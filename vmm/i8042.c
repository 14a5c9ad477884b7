/* i8042.c - the keyboard controller, of which PCs use one line: reset.
 * Source: the command list of the 8042 in the PC/AT technical reference.
 * Command 0xfe pulses the CPU's reset pin; here that ends the VM.  No keyboard
 * and no mouse: the status port says "nothing to read, ready for a command".
 * Ports 0x61 to 0x63 are not the controller's: all ones. */
#include "vmm/devices.h"

#define REG_DATA        0 /* port 0x60 */
#define REG_STATUS      4 /* port 0x64, seen from 0x60 */
#define CMD_PULSE_RESET 0xfe
#define STATUS_SYSTEM   0x04 /* self-test passed */

static uint8_t i8042_in(void *dev, uint16_t reg)
{
    (void)dev;
    switch (reg) {
    case REG_STATUS: return STATUS_SYSTEM;
    case REG_DATA: return 0;
    }
    return 0xff;
}

static void i8042_out(void *dev, uint16_t reg, uint8_t value)
{
    struct reset_line *line = dev;
    if (reg == REG_STATUS && value == CMD_PULSE_RESET)
        line->reset(line->ctx);
}

struct port_device i8042_ports(struct reset_line *line)
{
    return (struct port_device){
        .name = "i8042", .first = 0x60, .count = 5, .dev = line, .in = i8042_in, .out = i8042_out
    };
}
