/* tasks.c - see tasks.h.  The chain of pages may be a ring, the names may be
 * anything: the number of pages is limited, text is made printable, each
 * record is copied before it is looked at. */
#include "vmm/tasks.h"

#include <inttypes.h>
#include <string.h>

#include "shared/inspect.h"
#include "shared/trace_schema.h"
#include "vmm/trace/format.h"
#include "vmm/vm.h"

#define PAGES_MAX 1024
#define NO_SYSCALL 0xffff

static const char *state_name(unsigned state)
{
    static const char *const names[] = {
#define X(name, value) [value] = #name,
        TRACE_TASK_STATES(X)
#undef X
    };
    return state < sizeof(names) / sizeof(names[0]) ? names[state] : "?";
}

static const char *reason_name(unsigned reason)
{
    static const char *const names[] = {
#define X(name, value, wchan, letter) [value] = #name,
        TRACE_BLOCK_REASONS(X)
#undef X
    };
    return reason < sizeof(names) / sizeof(names[0]) ? names[reason] : "?";
}

static void print_task(FILE *out, const struct task_record *t, uint64_t now, uint64_t khz)
{
    char comm[sizeof(t->comm) + 1] = "";
    for (size_t i = 0; i < sizeof(t->comm) && t->comm[i] != '\0'; i++)
        comm[i] = t->comm[i] >= ' ' && t->comm[i] <= '~' ? t->comm[i] : '?';
    fprintf(out, "  %5u %5u %5u  %-16s %-9s", t->pid, t->tgid, t->ppid, comm,
            state_name(t->state));
    if (t->state == TASK_blocked) {
        fprintf(out, " %s", reason_name(t->reason));
        if (t->on_pid != 0)
            fprintf(out, " on %u", t->on_pid);
    } else if (t->state == TASK_running) {
        fprintf(out, " on CPU %u", t->cpu);
    }
    if (t->since_tsc <= now && khz != 0)
        fprintf(out, " for %.3f s", (double)(now - t->since_tsc) / ((double)khz * 1e3));
    if (t->syscall != NO_SYSCALL) {
        const char *name = format_call(t->syscall);
        fprintf(out, ", %ssystem call %u%s%s", t->state == TASK_blocked ? "" : "last ",
                t->syscall, name != NULL ? " " : "",
                name != NULL ? name : "");
    }
    fputc('\n', out);
}

void tasks_print(const struct vm *vm, FILE *out)
{
    struct inspect_root root;
    uint64_t at = atomic_load(&vm->inspect);
    const void *p = at != 0 ? gmem_span(vm->mem, at, sizeof(root)) : NULL;
    if (p == NULL) {
        fputs("tasks: the guest has not published any\n", out);
        return;
    }
    memcpy(&root, p, sizeof(root));
    if (root.magic != INSPECT_MAGIC) {
        fputs("tasks: the guest's records are damaged\n", out);
        return;
    }
    fputs("tasks:\n    PID  TGID  PPID  NAME             STATE\n", out);
    uint64_t page = root.first_page, now = vm_guest_tsc(vm);
    for (unsigned n = 0; page != 0 && n < PAGES_MAX; n++) {
        const struct inspect_page *pg = gmem_span(vm->mem, page, GMEM_PAGE);
        if (pg == NULL || page % GMEM_PAGE != 0) {
            fputs("  (the next page of records is not in RAM)\n", out);
            return;
        }
        for (unsigned i = 0; i < INSPECT_RECORDS_PER_PAGE; i++) {
            struct task_record t;
            memcpy(&t, &pg->record[i], sizeof(t));
            if (t.pid != 0)
                print_task(out, &t, now, vm->tsc_khz);
        }
        memcpy(&page, &pg->next, sizeof(page));
    }
}
