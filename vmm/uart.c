/* uart.c - a 16550A at COM1, as far as a console needs one.
 *
 * Source: the register descriptions of the PC16550D data sheet.  The receiver
 * has the 16-byte FIFO; the transmitter is always empty, since a byte is gone
 * when OUT returns.  No baud timing, no parity, no break.  Modem lines read
 * as connected, except in loop-back, where they follow MCR; the far end can ring (RI,
 * a pulse) and hang up (DCD falls).  CTS and DSR never change.
 *
 * As on PCs, OUT2 connects the interrupt pin to IRQ 4.  A driver that has
 * enabled the receiver's interrupt and OUT2 listens; only then does the far
 * end send, so neither probing nor a FIFO reset at start-up loses input.
 *
 * The interrupt line is computed in irq_wanted() alone; whatever touches a
 * register ends in update_irq(). */
#include "vmm/uart.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

enum { REG_DATA, REG_IER, REG_IIR_FCR, REG_LCR, REG_MCR, REG_LSR, REG_MSR, REG_SCR, REG_COUNT };

#define IER_RX         0x01
#define IER_TX         0x02
#define IER_MODEM      0x08
#define IER_MASK       0x0f
#define IIR_MODEM      0x00
#define IIR_NONE       0x01
#define IIR_TX         0x02
#define IIR_RX         0x04
#define IIR_RX_TIMEOUT 0x0c
#define IIR_FIFO       0xc0
#define FCR_ENABLE     0x01
#define FCR_CLEAR_RX   0x02
#define LCR_DLAB       0x80
#define MCR_OUT2       0x08
#define MCR_LOOP       0x10
#define MCR_MASK       0x1f
#define LSR_DATA       0x01
#define LSR_OVERRUN    0x02
#define LSR_TX_EMPTY   0x60 /* THRE and TEMT */
#define MSR_RING_OVER  0x04 /* TERI, DDCD: since MSR was read last */
#define MSR_DCD_CHANGE 0x08
#define MSR_DCD        0x80
#define MSR_CONNECTED  0xb0 /* DCD, DSR, CTS */

#define FIFO_SIZE 16

struct uart {
    pthread_mutex_t lock;    /* guards everything below but wires */
    struct uart_wires wires; /* fixed at creation */
    uint8_t ier, lcr, mcr, scr, dll, dlm;
    bool fifo_on, overrun, tx_event; /* tx_event: empty, and not yet told by IIR */
    bool hung_up;
    uint8_t modem_events; /* MSR_RING_OVER, MSR_DCD_CHANGE */
    unsigned trigger;     /* FIFO level that counts as "received data" */
    uint8_t fifo[FIFO_SIZE];
    unsigned head, level;
    bool line; /* what the interrupt line was set to last */
};

int uart_create(struct uart **out, const struct uart_wires *wires)
{
    struct uart *u = calloc(1, sizeof(*u));
    if (u == NULL)
        return -ENOMEM;
    pthread_mutex_init(&u->lock, NULL);
    u->wires = *wires;
    u->dll = 1;
    u->trigger = 1;
    *out = u;
    return 0;
}

void uart_destroy(struct uart *u) { free(u); }

static uint8_t interrupt_id(const struct uart *u)
{
    if ((u->ier & IER_RX) && u->level >= u->trigger)
        return IIR_RX;
    if ((u->ier & IER_RX) && u->level > 0)
        return IIR_RX_TIMEOUT; /* no more came for four characters' time: at once here */
    if ((u->ier & IER_TX) && u->tx_event)
        return IIR_TX;
    if ((u->ier & IER_MODEM) && u->modem_events != 0)
        return IIR_MODEM;
    return IIR_NONE;
}

static bool irq_wanted(const struct uart *u)
{
    return interrupt_id(u) != IIR_NONE && (u->mcr & MCR_OUT2) && !(u->mcr & MCR_LOOP);
}

static void update_irq(struct uart *u)
{
    bool line = irq_wanted(u);
    if (line != u->line) {
        u->line = line;
        u->wires.irq(u->wires.ctx, line);
    }
}

static unsigned capacity(const struct uart *u) { return u->fifo_on ? FIFO_SIZE : 1; }

static bool driver_listens(const struct uart *u)
{
    return (u->ier & IER_RX) && (u->mcr & MCR_OUT2) && !(u->mcr & MCR_LOOP);
}

static void push(struct uart *u, uint8_t byte)
{
    if (u->level == capacity(u)) {
        u->overrun = true;
        return;
    }
    u->fifo[(u->head + u->level++) % FIFO_SIZE] = byte;
}

static uint8_t pull(struct uart *u)
{
    if (u->level == 0)
        return 0;
    uint8_t byte = u->fifo[u->head];
    u->head = (u->head + 1) % FIFO_SIZE;
    u->level--;
    return byte;
}

/* In loop-back the four outputs of MCR come in as MSR's CTS, DSR, RI, DCD. */
static uint8_t read_msr(struct uart *u)
{
    if (!(u->mcr & MCR_LOOP)) {
        uint8_t events = u->modem_events;
        u->modem_events = 0;
        return (u->hung_up ? MSR_CONNECTED & ~MSR_DCD : MSR_CONNECTED) | events;
    }
    return (uint8_t)((u->mcr & 0x02) << 3 | (u->mcr & 0x01) << 5 | (u->mcr & 0x04) << 4 |
                     (u->mcr & 0x08) << 4);
}

static uint8_t read_iir(struct uart *u)
{
    uint8_t id = interrupt_id(u);
    if (id == IIR_TX)
        u->tx_event = false; /* reading IIR acknowledges this source */
    return id | (u->fifo_on ? IIR_FIFO : 0);
}

static uint8_t read_lsr(struct uart *u)
{
    uint8_t lsr = LSR_TX_EMPTY | (u->level > 0 ? LSR_DATA : 0) | (u->overrun ? LSR_OVERRUN : 0);
    u->overrun = false;
    return lsr;
}

static uint8_t uart_in(void *dev, uint16_t reg)
{
    struct uart *u = dev;
    uint8_t value = 0;
    bool room = false;
    pthread_mutex_lock(&u->lock);
    switch (reg) {
    case REG_DATA:
        if (u->lcr & LCR_DLAB) {
            value = u->dll;
        } else {
            value = pull(u);
            room = u->level == 0;
        }
        break;
    case REG_IER: value = (u->lcr & LCR_DLAB) ? u->dlm : u->ier; break;
    case REG_IIR_FCR: value = read_iir(u); break;
    case REG_LCR: value = u->lcr; break;
    case REG_MCR: value = u->mcr; break;
    case REG_LSR: value = read_lsr(u); break;
    case REG_MSR: value = read_msr(u); break;
    case REG_SCR: value = u->scr; break;
    }
    update_irq(u);
    pthread_mutex_unlock(&u->lock);
    if (room)
        u->wires.room(u->wires.ctx);
    return value;
}

static void write_fcr(struct uart *u, uint8_t value)
{
    static const uint8_t triggers[4] = { 1, 4, 8, 14 };
    bool on = value & FCR_ENABLE;
    if (on != u->fifo_on || (on && (value & FCR_CLEAR_RX)))
        u->level = 0;
    u->fifo_on = on;
    u->trigger = on ? triggers[value >> 6] : 1;
}

static void write_ier(struct uart *u, uint8_t value)
{
    if (!(u->ier & IER_TX) && (value & IER_TX))
        u->tx_event = true; /* the transmitter is empty: that is an event now */
    u->ier = value & IER_MASK;
}

/* Returns true when the byte is to go out of the far end. */
static bool write_data(struct uart *u, uint8_t value)
{
    u->tx_event = true;
    if (u->mcr & MCR_LOOP)
        push(u, value);
    return !(u->mcr & MCR_LOOP);
}

static void uart_out(void *dev, uint16_t reg, uint8_t value)
{
    struct uart *u = dev;
    bool send = false;
    pthread_mutex_lock(&u->lock);
    bool listened = driver_listens(u);
    switch (reg) {
    case REG_DATA:
        if (u->lcr & LCR_DLAB)
            u->dll = value;
        else
            send = write_data(u, value);
        break;
    case REG_IER:
        if (u->lcr & LCR_DLAB)
            u->dlm = value;
        else
            write_ier(u, value);
        break;
    case REG_IIR_FCR: write_fcr(u, value); break;
    case REG_LCR: u->lcr = value; break;
    case REG_MCR: u->mcr = value & MCR_MASK; break;
    case REG_SCR: u->scr = value; break;
    }
    bool room = !listened && driver_listens(u);
    update_irq(u);
    pthread_mutex_unlock(&u->lock);
    if (send)
        u->wires.send(u->wires.ctx, value);
    if (room)
        u->wires.room(u->wires.ctx);
}

struct port_device uart_ports(struct uart *u, uint16_t base)
{
    return (struct port_device){
        .name = "uart", .first = base, .count = REG_COUNT, .dev = u, .in = uart_in, .out = uart_out
    };
}

size_t uart_room(struct uart *u)
{
    pthread_mutex_lock(&u->lock);
    size_t room = driver_listens(u) ? capacity(u) - u->level : 0;
    pthread_mutex_unlock(&u->lock);
    return room;
}

void uart_receive(struct uart *u, const uint8_t *bytes, size_t n)
{
    pthread_mutex_lock(&u->lock);
    for (size_t i = 0; i < n; i++)
        push(u, bytes[i]);
    update_irq(u);
    pthread_mutex_unlock(&u->lock);
}

void uart_ring(struct uart *u)
{
    pthread_mutex_lock(&u->lock);
    u->modem_events |= MSR_RING_OVER;
    update_irq(u);
    pthread_mutex_unlock(&u->lock);
}

enum uart_hung_up uart_hang_up(struct uart *u)
{
    enum uart_hung_up result = UART_BUSY;
    pthread_mutex_lock(&u->lock);
    if (driver_listens(u) && u->level == 0) {
        result = (u->ier & IER_MODEM) ? UART_HUNG_UP : UART_DEAF;
        if (result == UART_HUNG_UP && !u->hung_up) {
            u->hung_up = true;
            u->modem_events |= MSR_DCD_CHANGE;
            update_irq(u);
        }
    }
    pthread_mutex_unlock(&u->lock);
    return result;
}
