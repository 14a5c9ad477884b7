/* uart.c - the console: a 16550 at COM1.
 * Source: the register summary of the PC16550D data sheet.  Output goes through
 * the VMM where it offers that, a whole buffer a call, because an exit for each
 * byte is what makes a console slow; else byte by byte into the transmitter.
 * Input is always the UART's receive interrupt.  Speed and format are what the
 * loader left: a virtual line has none. */
#include "arch/device.h"
#include "arch/hypercall.h"
#include "arch/machine.h"
#include "arch/msr.h"
#include "fs/tty.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/layout.h"
#include "proc/lock.h"

#define COM1        0x3f8
#define REG_DATA    0
#define REG_IER     1
#define REG_FCR     2
#define REG_MCR     4
#define REG_LSR     5
#define IER_RX      0x01
#define FCR_ENABLE  0x01
#define MCR_DTR_RTS_OUT2 0x0b       /* OUT2 lets the interrupt line through on a PC */
#define LSR_DR      0x01
#define LSR_THRE    0x20

static struct spinlock lock = SPINLOCK_INIT;    /* one write at a time, and `bounce` */
static char bounce[256];

void uart_send(const char *s, size_t n)
{
    if (hc_present) {
        hypercall(HC_CONSOLE_WRITE, virt_to_phys(s), n, 0, 0);
        return;
    }
    for (; n > 0; n--, s++) {
        while (!(inb(COM1 + REG_LSR) & LSR_THRE))
            cpu_relax_poll();
        outb(COM1 + REG_DATA, (uint8_t)*s);
    }
}

/* A stack or another mapped address is not where virt_to_phys() thinks. */
void console_write(const char *s, size_t n)
{
    spin_lock(&lock);
    if ((uintptr_t)s < VMAP_BASE) {
        uart_send(s, n);
    } else {
        for (size_t part; n > 0; s += part, n -= part) {
            part = MIN(n, sizeof(bounce));
            memcpy(bounce, s, part);
            uart_send(bounce, part);
        }
    }
    spin_unlock(&lock);
}

void kprintf(const char *fmt, ...)
{
    char text[256];
    va_list ap;
    va_start(ap, fmt);
    int n = kvsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    const char *s = text, *end = text + MIN((size_t)n, sizeof(text) - 1);
    while (s < end) {                   /* the line is raw: a newline needs its return */
        const char *nl = s;
        while (nl < end && *nl != '\n')
            nl++;
        console_write(s, (size_t)(nl - s));
        if (nl < end)
            console_write("\r\n", 2);
        s = nl + 1;
    }
}

void uart_interrupt(void)
{
    while (inb(COM1 + REG_LSR) & LSR_DR)
        console_input(inb(COM1 + REG_DATA));
}

void console_init_irq(void)
{
    outb(COM1 + REG_FCR, FCR_ENABLE);
    outb(COM1 + REG_MCR, MCR_DTR_RTS_OUT2);
    ioapic_route(UART_PIN, IRQ_BASE + UART_PIN);
    outb(COM1 + REG_IER, IER_RX);   /* last: a byte that waits already is an edge now */
}
