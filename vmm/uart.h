/* uart.h - the serial port at COM1.  The guest's side comes through the port
 * bus; the console's side are uart_room() and uart_receive().  Any thread may
 * call any function. */
#ifndef VMM_UART_H
#define VMM_UART_H

#include <stddef.h>
#include <stdint.h>

#include "vmm/ports.h"

struct uart;

struct uart_wires {
    void *ctx;
    void (*irq)(void *ctx, int level);     /* the interrupt line changed */
    void (*send)(void *ctx, uint8_t byte); /* a byte left the transmitter */
    void (*room)(void *ctx);               /* uart_room() may have grown */
};

int uart_create(struct uart **out, const struct uart_wires *wires); /* 0 or -errno */
void uart_destroy(struct uart *u);
struct port_device uart_ports(struct uart *u, uint16_t base);

/* How many bytes the receiver takes now.  0 as long as no driver listens, so
 * that input which is there before the guest's driver waits for it. */
size_t uart_room(struct uart *u);
/* At most uart_room() bytes. */
void uart_receive(struct uart *u, const uint8_t *bytes, size_t n);

/* The carrier falls, once the driver has taken all that was received.  BUSY: not yet, and
 * `room` tells when to try again; DEAF: the driver has not asked to hear of modem lines. */
enum uart_hung_up { UART_BUSY, UART_DEAF, UART_HUNG_UP };
enum uart_hung_up uart_hang_up(struct uart *u);
void uart_ring(struct uart *u); /* a pulse on RI */

#endif
