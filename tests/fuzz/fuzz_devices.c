/* links: vmm/ports.c vmm/uart.c vmm/rtc.c vmm/i8042.c */
/* Any accesses to the serial port, the clock and the keyboard controller, while input comes,
 * the terminal rings and hangs up: the receiver takes what it had room for, and interrupt
 * levels alternate. */
#include "fuzz.h"

#include "vmm/devices.h"
#include "vmm/uart.h"

static int level;
static unsigned resets;

static void irq(void *ctx, int now)
{
    (void)ctx;
    MUST(now == 0 || now == 1);
    level = now;
}
static void send(void *ctx, uint8_t byte) { (void)ctx, (void)byte; }
static void room(void *ctx) { (void)ctx; }
static void reset(void *ctx)
{
    (void)ctx;
    resets++;
}

static void access_port(struct ports *p, struct input *in, uint8_t op)
{
    static const uint16_t base[] = { 0x3f8, 0x70, 0x60, 0 };
    uint8_t data[4];
    uint16_t port = base[op >> 2 & 3];
    unsigned size = 1u << (op >> 4) % 3;
    port = (uint16_t)(port + take_number(in, port == 0 ? 2 : 1) % 9);
    take(in, data, sizeof(data) < size ? sizeof(data) : size);
    ports_io(p, op & 1, port, data, size);
}

static void far_end(struct uart *u, struct input *in, uint8_t op)
{
    uint8_t bytes[64];
    size_t n = uart_room(u);
    if (op & 4) {
        uart_ring(u);
    } else if (op & 8) {
        uart_hang_up(u);
    } else {
        n = n < sizeof(bytes) ? n : sizeof(bytes);
        take(in, bytes, n);
        uart_receive(u, bytes, n);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { data, size };
    struct ports ports = { .n = 0 };
    struct uart *uart;
    struct rtc rtc = { 0 };
    struct uart_wires wires = { NULL, irq, send, room };
    struct reset_line line = { NULL, reset };
    level = 0;
    if (uart_create(&uart, &wires) != 0)
        abort();
    ports_add(&ports, uart_ports(uart, 0x3f8));
    ports_add(&ports, i8042_ports(&line));
    ports_add(&ports, rtc_ports(&rtc));
    while (in.left > 0) {
        uint8_t op = (uint8_t)take_number(&in, 1);
        if (op & 2)
            far_end(uart, &in, op);
        else
            access_port(&ports, &in, op);
    }
    uart_destroy(uart);
    return 0;
}
