/* trace_call.h - an event as one OUT (HC_TRACE_PORT in shared/hypercall.h).
 *
 * Where the host interprets the kernel an instruction costs a microsecond and an exit
 * some four, so nothing is quicker than to leave an event to the VMM.  The arguments go as
 * they are: most are in their registers already, what is above a field's bits does not
 * matter, and no register changes, so that the caller saves none. */
#ifndef TRACE_TRACE_CALL_H
#define TRACE_TRACE_CALL_H

#include "shared/hypercall.h"

#define TRACE_OUT(id, ...) \
    __asm__ volatile("outl %%eax, %0" \
                     : \
                     : "i"(HC_TRACE_PORT), "a"((uint32_t)(id)), __VA_ARGS__ \
                     : "memory")
#define TRACE_CALL1(id, a)          TRACE_OUT(id, "D"(a))
#define TRACE_CALL2(id, a, b)       TRACE_OUT(id, "D"(a), "S"(b))
#define TRACE_CALL3(id, a, b, c)    TRACE_OUT(id, "D"(a), "S"(b), "d"(c))
#define TRACE_CALL4(id, a, b, c, d) TRACE_OUT(id, "D"(a), "S"(b), "d"(c), "c"(d))
#define TRACE_CALL5(id, a, b, c, d, e) \
    do { \
        register __typeof__(e) r8_ __asm__("r8") = e; \
        TRACE_OUT(id, "D"(a), "S"(b), "d"(c), "c"(d), "r"(r8_)); \
    } while (0)
#define TRACE_CALL6(id, a, b, c, d, e, f) \
    do { \
        register __typeof__(e) r8_ __asm__("r8") = e; \
        register __typeof__(f) r9_ __asm__("r9") = f; \
        TRACE_OUT(id, "D"(a), "S"(b), "d"(c), "c"(d), "r"(r8_), "r"(r9_)); \
    } while (0)
#define TRACE_NTH(a, b, c, d, e, f, n, ...) n
#define TRACE_CALL_(n, ...)                 TRACE_CALL##n(__VA_ARGS__)
#define TRACE_CALL_N(n, ...)                TRACE_CALL_(n, __VA_ARGS__)
#define TRACE_CALL(id, ...) \
    TRACE_CALL_N(TRACE_NTH(__VA_ARGS__, 6, 5, 4, 3, 2, 1, 0), id, __VA_ARGS__)

#endif
