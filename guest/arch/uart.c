/* uart.c - the console: a 16550 at COM1.
 * Source: the register summary of the PC16550D data sheet.  Output goes through
 * the VMM where it offers that, a whole buffer a call, because an exit for each
 * byte is what makes a console slow; else byte by byte into the transmitter.
 * Input is always the UART's receive interrupt, drained before it is handed on,
 * because an echo for each byte would cost as much; while the terminal has no
 * room the interrupt is off, the FIFO fills, and the far end waits.  Speed and format are what the
 * loader left: a virtual line has none.
 *
 * The modem lines say what is no byte.  When the far end drops the carrier (DCD), its
 * input has ended; it does so only after the last byte has been read.  When it rings
 * (RI), it has something to tell: its size, which the VMM knows.
 *
 * CPUs.  The lock makes one console_write() whole, on the line and in `bounce`.  The
 * interrupt comes to the boot CPU only, and nobody else reads the receiver.  The
 * interrupt's enable bit is console_hold()'s caller's: tty.lock. */
#include "arch/uart.h"
#include "arch/apic.h"
#include "arch/cpu.h"
#include "arch/hypercall.h"
#include "arch/irq.h"
#include "arch/klog.h"
#include "arch/layout.h"
#include "arch/msr.h"
#include "arch/regs.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "sync/lock.h"

#define COM1             0x3f8
#define REG_DATA         0
#define REG_IER          1
#define REG_IIR          2 /* read */
#define REG_FCR          2 /* write */
#define REG_MCR          4
#define REG_LSR          5
#define REG_MSR          6
#define IER_RX           0x01
#define IER_MODEM        0x08
#define IER_LISTEN       (IER_RX | IER_MODEM)
#define IIR_ID           0x0f
#define IIR_MODEM        0x00 /* MSR has changed, and nothing else is the matter */
#define IIR_RX           0x04 /* the FIFO holds TRIGGER bytes at least */
#define FCR_ENABLE       0x01
#define FCR_TRIGGER_14   0xc0
#define TRIGGER          14
#define FIFO_SIZE        16
#define MCR_DTR_RTS_OUT2 0x0b /* OUT2 lets the interrupt line through on a PC */
#define LSR_DR           0x01
#define LSR_THRE         0x20
#define MSR_RING_OVER    0x04 /* since MSR was read last */
#define MSR_DCD_CHANGED  0x08
#define MSR_DCD          0x80

static struct spinlock lock = SPINLOCK_INIT(LOCK_console); /* one write at a time, and `bounce` */
static char bounce[256];
static const struct console_reader *reader; /* [k] before the first interrupt */

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
    if ((uintptr_t)s < vmap_base) {
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

/* The line is raw: a newline needs its return. */
void console_say(const char *text, size_t n)
{
    char line[320];

    while (n > 0) {
        size_t used = 0;
        for (; n > 0 && used + 2 <= sizeof(line); n--, text++) {
            if (*text == '\n')
                line[used++] = '\r';
            line[used++] = *text;
        }
        console_write(line, used);
    }
}

/* What is said in one call stands together, whatever other CPUs say. */
void kprintf(const char *fmt, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    size_t n = MIN((size_t)kvsnprintf(text, sizeof(text), fmt, ap), sizeof(text) - 1);
    va_end(ap);
    klog_put(KLOG_KERNEL, text, n);
    console_say(text, n);
}

/* Takes up to `room` bytes that wait.  Reading the status of each costs as much
 * as the byte: when the FIFO says that it is full to its trigger, it need not be asked. */
static size_t drain(uint8_t *to, size_t room, uint8_t *id)
{
    *id = inb(COM1 + REG_IIR) & IIR_ID;
    size_t sure = *id == IIR_RX ? TRIGGER : 0;
    size_t n = 0;

    while (n < room && (n < sure || (inb(COM1 + REG_LSR) & LSR_DR)))
        to[n++] = inb(COM1 + REG_DATA);
    return n;
}

static void modem_lines_changed(void)
{
    uint8_t msr = inb(COM1 + REG_MSR);

    if ((msr & MSR_RING_OVER) && hc_present) {
        long size = hypercall(HC_CONSOLE_SIZE, 0, 0, 0, 0);
        if (size > 0)
            reader->resized((uint16_t)(size >> 16), (uint16_t)size);
    }
    if ((msr & MSR_DCD_CHANGED) && !(msr & MSR_DCD))
        reader->ended();
}

/* The line is an edge for the IOAPIC: it must have been low when we leave, by an
 * empty FIFO and a read of MSR, or by the interrupt switched off. */
static void interrupt(void)
{
    uint8_t bytes[FIFO_SIZE], id;
    size_t room, n;
    bool changed;

    HERE->uart_irqs++;
    do {
        room = MIN(reader->room(), sizeof(bytes));
        n = room > 0 ? drain(bytes, room, &id) : 0;
        reader->input(bytes, n);
        changed = room > 0 && n == 0 && id == IIR_MODEM;
        if (changed)
            modem_lines_changed();
    } while (n > 0 || changed);
}

void console_hold(bool on) { outb(COM1 + REG_IER, on ? 0 : IER_LISTEN); }

void console_init_irq(const struct console_reader *who)
{
    reader = who;
    irq_register(IRQ_BASE + UART_PIN, interrupt);
    outb(COM1 + REG_FCR, FCR_ENABLE | FCR_TRIGGER_14);
    outb(COM1 + REG_MCR, MCR_DTR_RTS_OUT2);
    ioapic_route(UART_PIN, IRQ_BASE + UART_PIN);
    outb(COM1 + REG_IER, IER_LISTEN); /* last: a byte that waits already is an edge now */
}
