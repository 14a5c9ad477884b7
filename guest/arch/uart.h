/* uart.h - the console's line. */
#ifndef ARCH_UART_H
#define ARCH_UART_H

#include "lib/base.h"

#define UART_PIN 4 /* COM1's interrupt, ISA and IOAPIC alike */

/* Any CPU; what is written in one call stands together. */
void console_write(const char *s, size_t n);
/* Text, whose newlines get their return; in pieces of some 300 bytes. */
void console_say(const char *text, size_t n);
/* The same without its lock, for a panic.  s: in the image or the direct map. */
void uart_send(const char *s, size_t n);

/* Who takes what is received, from the interrupt: at most as many bytes as there is room
 * for.  Room of 0: console_hold() has been called. */
struct console_reader {
    size_t (*room)(void);
    void (*input)(const uint8_t *from, size_t n);
    void (*ended)(void);                           /* after the last byte: no more comes */
    void (*resized)(uint16_t rows, uint16_t cols); /* the far end's terminal */
};
/* Interrupts come from here on, through the IOAPIC. */
void console_init_irq(const struct console_reader *reader);
void console_hold(bool on); /* no receive interrupt while on: the sender waits */

#endif
