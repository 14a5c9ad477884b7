/* machine.c - the two ways in which a machine ends: because it is told to, or by panic. */
#include "arch/machine.h"
#include "arch/apic.h"
#include "arch/cpu.h"
#include "arch/hypercall.h"
#include "arch/layout.h"
#include "arch/msr.h"
#include "arch/uart.h"
#include "lib/printf.h"
#include "lib/string.h"

#define DEBUG_EXIT_PORT 0xf4 /* QEMU's isa-debug-exit: it ends with (status << 1) | 1 */
#define I8042_COMMAND   0x64
#define I8042_RESET     0xfe

/* Whoever emulates this machine understands one of the three. */
static void __attribute__((noreturn)) leave(int status)
{
    static const struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) no_idt;
    outb(DEBUG_EXIT_PORT, (uint8_t)status);
    outb(I8042_COMMAND, I8042_RESET);
    __asm__ volatile("lidt %0; int3" : : "m"(no_idt));
    for (;;)
        __asm__ volatile("hlt");
}

void machine_exit(int status, int kind)
{
    if (hc_present)
        hypercall(HC_EXIT, (uint64_t)(uint8_t)status, (uint64_t)kind, 0, 0);
    leave(status);
}

void machine_stop_here(void)
{
    if (ring3())
        ring3_stop();
    for (;;)
        __asm__ volatile("cli; hlt");
}

static uint32_t panicking; /* [atomic] CPU + 1 */

bool machine_panics(void) { return __atomic_load_n(&panicking, __ATOMIC_RELAXED) != 0; }

/* Takes no lock and needs no memory: anything may be broken or held.  A panic
 * within a panic goes straight to the end.  The first CPU's is the one that is told;
 * the others are stopped: by the VMM, when it has the message, or by NMI, as
 * interrupts are off where a CPU spins for a lock that is never released now. */
void panic(const char *fmt, ...)
{
    static char text[512];
    uint32_t nobody = 0, me = HERE->id + 1;
    if (__atomic_compare_exchange_n(&panicking, &nobody, me, false, __ATOMIC_RELAXED,
                                    __ATOMIC_RELAXED)) {
        va_list ap;
        va_start(ap, fmt);
        int n = kvsnprintf(text, sizeof(text), fmt, ap);
        va_end(ap);
        size_t bytes = MIN((size_t)n, sizeof(text) - 1);
        if (hc_present) {
            hypercall(HC_PANIC, virt_to_phys(text), bytes, 0, 0);
            machine_stop_here(); /* the VMM does, and reports from this line */
        }
        if (ncpus > 1)
            apic_send_nmi_to_others();
        uart_send("\r\nkernel panic: ", 16);
        uart_send(text, bytes);
        uart_send("\r\n", 2);
    } else if (nobody != me) {
        machine_stop_here();
    }
    leave(255);
}
