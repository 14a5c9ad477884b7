/* links: vmm/uart.c */
/* The serial port loses no input before a driver listens, tells its interrupts
 * in the data sheet's order, and passes a driver's probing in loop-back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "vmm/uart.h"

static int irq_line, rooms;
static char sent[64];
static size_t nsent;

static void irq(void *ctx, int level)
{
    (void)ctx;
    irq_line = level;
}

static void send(void *ctx, uint8_t byte)
{
    (void)ctx;
    sent[nsent++ % sizeof(sent)] = (char)byte;
}

static void room(void *ctx)
{
    (void)ctx;
    rooms++;
}

static struct uart *uart;
static struct port_device port;

static int setup(void **state)
{
    struct uart_wires wires = { NULL, irq, send, room };
    (void)state;
    irq_line = rooms = 0;
    nsent = 0;
    assert_int_equal(uart_create(&uart, &wires), 0);
    port = uart_ports(uart, 0x3f8);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    uart_destroy(uart);
    return 0;
}

static void out(uint16_t reg, uint8_t value) { port.out(port.dev, reg, value); }

static uint8_t in(uint16_t reg) { return port.in(port.dev, reg); }

static void listen(void)
{
    out(2, 0x07);
    out(4, 0x0b);
    out(1, 0x01);
}

static void nothing_is_sent_to_a_driver_that_does_not_listen(void **state)
{
    (void)state;
    assert_int_equal(uart_room(uart), 0);
    out(1, 0x01);
    assert_int_equal(uart_room(uart), 0);
    listen();
    assert_int_equal(uart_room(uart), 16);
    assert_true(rooms > 0);
    out(4, 0x1b);
    assert_int_equal(uart_room(uart), 0);
}

static void received_bytes_come_in_order_with_an_interrupt(void **state)
{
    (void)state;
    listen();
    uart_receive(uart, (const uint8_t *)"abc", 3);
    assert_int_equal(irq_line, 1);
    assert_int_equal(in(2) & 0x0f, 0x04);
    assert_int_equal(in(5) & 1, 1);
    assert_int_equal(in(0), 'a');
    assert_int_equal(in(0), 'b');
    rooms = 0;
    assert_int_equal(in(0), 'c');
    assert_int_equal(rooms, 1);
    assert_int_equal(irq_line, 0);
    assert_int_equal(in(2) & 0x0f, 0x01);
}

static void fewer_bytes_than_the_trigger_are_a_timeout(void **state)
{
    (void)state;
    listen();
    out(2, 0xc1); /* trigger at 14 */
    uart_receive(uart, (const uint8_t *)"x", 1);
    assert_int_equal(irq_line, 1);
    assert_int_equal(in(2) & 0x0f, 0x0c);
}

static void transmitter_interrupts_once_per_event(void **state)
{
    (void)state;
    out(4, 0x0b);
    out(1, 0x02);
    assert_int_equal(irq_line, 1);
    assert_int_equal(in(2) & 0x0f, 0x02);
    assert_int_equal(irq_line, 0);
    out(0, 'z');
    assert_int_equal(nsent, 1);
    assert_int_equal(sent[0], 'z');
    assert_int_equal(irq_line, 1);
}

static void loop_back_passes_a_probe(void **state)
{
    (void)state;
    out(4, 0x1a);
    assert_int_equal(in(6) & 0xf0, 0x90);
    out(0, 'q');
    assert_int_equal(nsent, 0);
    assert_int_equal(in(0), 'q');
    out(7, 0x5a);
    assert_int_equal(in(7), 0x5a);
    out(3, 0x83);
    out(0, 0x0c);
    assert_int_equal(in(0), 0x0c);
}

static void listen_to_modem(void)
{
    out(2, 0xc7);
    out(4, 0x0b);
    out(1, 0x09);
}

static void the_carrier_falls_after_the_last_byte(void **state)
{
    (void)state;
    assert_int_equal(uart_hang_up(uart), UART_BUSY); /* nobody listens yet */
    listen_to_modem();
    uart_receive(uart, (const uint8_t *)"x", 1);
    assert_int_equal(uart_hang_up(uart), UART_BUSY);
    assert_int_equal(in(6), 0xb0);
    assert_int_equal(in(0), 'x');
    assert_int_equal(irq_line, 0);
    assert_int_equal(uart_hang_up(uart), UART_HUNG_UP);
    assert_int_equal(irq_line, 1);
    assert_int_equal(in(2) & 0x0f, 0x00);
    assert_int_equal(in(6), 0x38); /* no DCD, and it has changed */
    assert_int_equal(irq_line, 0);
    assert_int_equal(in(6), 0x30);
    assert_int_equal(uart_hang_up(uart), UART_HUNG_UP);
    assert_int_equal(irq_line, 0); /* once */
}

static void a_driver_that_does_not_ask_for_modem_lines_is_not_told(void **state)
{
    (void)state;
    listen();
    assert_int_equal(uart_hang_up(uart), UART_DEAF);
    assert_int_equal(irq_line, 0);
    assert_int_equal(in(6), 0xb0);
}

static void a_ring_waits_for_the_driver_and_is_told_last(void **state)
{
    (void)state;
    uart_ring(uart);
    assert_int_equal(irq_line, 0);
    listen_to_modem();
    assert_int_equal(irq_line, 1);
    uart_receive(uart, (const uint8_t *)"x", 1);
    assert_int_equal(in(2) & 0x0f, 0x0c); /* data comes first */
    in(0);
    assert_int_equal(in(2) & 0x0f, 0x00);
    assert_int_equal(irq_line, 1);
    assert_int_equal(in(6), 0xb4);
    assert_int_equal(irq_line, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_sent_to_a_driver_that_does_not_listen),
        TEST(received_bytes_come_in_order_with_an_interrupt),
        TEST(fewer_bytes_than_the_trigger_are_a_timeout),
        TEST(transmitter_interrupts_once_per_event),
        TEST(loop_back_passes_a_probe),
        TEST(the_carrier_falls_after_the_last_byte),
        TEST(a_driver_that_does_not_ask_for_modem_lines_is_not_told),
        TEST(a_ring_waits_for_the_driver_and_is_told_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
