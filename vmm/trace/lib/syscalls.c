/* syscalls.c - see syscalls.h. */
#include "vmm/trace/lib/syscalls.h"

#include <asm/unistd_64.h>
/* after them: */
#include "shared/syscall_numbers.h"
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

enum kind { NONE, FD, STR, PTR, LEN, INT, HEX, PID, SIG, OFF };

struct call {
    uint8_t known, kind[SYSCALL_ARGS];
};

static const struct call calls[] = {
#define SYSCALL(name, ...) [__NR_##name] = { 1, { __VA_ARGS__ } },
#include "shared/syscalls.h"
#undef SYSCALL
};

/* By number, one behind the other, empty where there is none. */
static const char names[] =
#include "syscall_names.inc"
    ;

static const struct call *call_of(unsigned nr)
{
    return nr < sizeof(calls) / sizeof(calls[0]) && calls[nr].known ? &calls[nr] : NULL;
}

const char *syscall_name(unsigned nr)
{
    const char *name = names;
    for (; nr > 0 && name < names + sizeof(names) - 1; nr--)
        name += strlen(name) + 1;
    return *name != '\0' ? name : NULL;
}

unsigned syscall_args(unsigned nr)
{
    const struct call *c = call_of(nr);
    unsigned n = 0;
    while (c != NULL && n < SYSCALL_ARGS && c->kind[n] != NONE)
        n++;
    return c != NULL ? n : SYSCALL_ARGS;
}

const char *syscall_arg_kind(unsigned nr, unsigned i)
{
    static const char *const name[] = {
        [NONE] = "NONE", [FD] = "FD",   [STR] = "STR", [PTR] = "PTR", [LEN] = "LEN",
        [INT] = "INT",   [HEX] = "HEX", [PID] = "PID", [SIG] = "SIG", [OFF] = "OFF"
    };
    const struct call *c = call_of(nr);
    return name[c != NULL && i < SYSCALL_ARGS ? c->kind[i] : HEX];
}

static void format_signal(FILE *out, int sig)
{
    const char *name = sigabbrev_np(sig); /* NULL for 0 and real-time signals */
    if (name != NULL)
        fprintf(out, "SIG%s", name);
    else
        fprintf(out, "%d", sig);
}

/* Where Linux takes an int, the upper half of the register means nothing. */
void syscall_format_arg(FILE *out, unsigned nr, unsigned i, uint64_t value)
{
    const struct call *c = call_of(nr);
    switch (c != NULL && i < SYSCALL_ARGS ? c->kind[i] : HEX) {
    case FD:
        if ((int32_t)value == AT_FDCWD)
            fputs("AT_FDCWD", out);
        else
            fprintf(out, "%d", (int32_t)value);
        break;
    case INT:
    case PID: fprintf(out, "%d", (int32_t)value); break;
    case SIG: format_signal(out, (int32_t)value); break;
    case LEN: fprintf(out, "%" PRIu64, value); break;
    case OFF: fprintf(out, "%" PRId64, (int64_t)value); break;
    case STR:
    case PTR:
        if (value == 0) {
            fputs("NULL", out);
            break;
        }
        /* fall through */
    default: fprintf(out, "%#" PRIx64, value);
    }
}
