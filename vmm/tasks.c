/* tasks.c - see tasks.h.  The chain of pages may be a ring, the names may be
 * anything: the number of pages is limited, text is made printable, each
 * record is copied before it is looked at; and the report stays one that somebody reads, as a guest
 * could fill megabytes, each line of them with a search through all records. */
#include "vmm/tasks.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "shared/inspect.h"
#include "shared/trace_schema.h"
#include "vmm/say.h"
#include "vmm/trace/lib/syscalls.h"
#include "vmm/vm.h"

#define PAGES_MAX  1024
#define LINES_MAX  512
#define NO_SYSCALL 0xffff

static const char *state_name(unsigned state)
{
    /* clang-format off */
    static const char *const names[] = {
#define X(name, value) [value] = #name,
        TRACE_TASK_STATES(X)
#undef X
    };
    /* clang-format on */
    return state < sizeof(names) / sizeof(names[0]) ? names[state] : "?";
}

static const char *reason_name(unsigned reason)
{
    /* clang-format off */
    static const char *const names[] = {
#define X(name, value, wchan, letter) [value] = #name,
        TRACE_BLOCK_REASONS(X)
#undef X
    };
    /* clang-format on */
    return reason < sizeof(names) / sizeof(names[0]) ? names[reason] : "?";
}

/* The guest's records are there and look like records. */
static bool get_root(const struct vm *vm, struct inspect_root *root)
{
    uint64_t at = atomic_load(&vm->inspect);
    const void *p = at != 0 ? gmem_span(vm->mem, at, sizeof(*root)) : NULL;
    if (p == NULL)
        return false;
    memcpy(root, p, sizeof(*root));
    return root->magic == INSPECT_MAGIC;
}

/* Calls visit for each record, until it says false.  False: a page is not in RAM. */
static bool each_task(const struct vm *vm, const struct inspect_root *root,
                      bool (*visit)(void *arg, const struct task_record *t), void *arg)
{
    uint64_t page = root->first_page;
    for (unsigned n = 0; page != 0 && n < PAGES_MAX; n++) {
        const struct inspect_page *pg = gmem_span(vm->mem, page, GMEM_PAGE);
        if (pg == NULL || page % GMEM_PAGE != 0)
            return false;
        for (unsigned i = 0; i < INSPECT_RECORDS_PER_PAGE; i++) {
            struct task_record t;
            memcpy(&t, &pg->record[i], sizeof(t));
            if (t.pid != 0 && !visit(arg, &t))
                return true;
        }
        memcpy(&page, &pg->next, sizeof(page));
    }
    return true;
}

static bool is_it(void *arg, const struct task_record *t)
{
    struct task_name *name = arg;
    if (t->pid != name->pid)
        return true;
    name->mm = t->mm;
    for (size_t i = 0; i < sizeof(t->comm) && t->comm[i] != '\0'; i++)
        name->comm[i] = t->comm[i] >= ' ' && t->comm[i] <= '~' ? t->comm[i] : '?';
    return false;
}

static void find_name(const struct vm *vm, const struct inspect_root *root, uint32_t pid,
                      struct task_name *name)
{
    *name = (struct task_name){ .pid = pid };
    if (pid != 0)
        each_task(vm, root, is_it, name);
}

void tasks_running(const struct vm *vm, unsigned cpu, struct task_name *name)
{
    struct inspect_root root;
    bool known = cpu < INSPECT_MAX_CPUS && get_root(vm, &root);
    find_name(vm, &root, known ? root.running[cpu] : 0, name);
}

struct printing {
    FILE *out;
    const struct vm *vm;
    const struct inspect_root *root;
    uint64_t now;
    unsigned lines, left_out;
};

static void print_wait(const struct printing *p, const struct task_record *t)
{
    struct task_name on;
    fprintf(p->out, " %s", reason_name(t->reason));
    if (t->on_pid == 0)
        return;
    find_name(p->vm, p->root, t->on_pid, &on);
    fprintf(p->out, " on %u %s", t->on_pid, on.comm[0] != '\0' ? on.comm : "(gone)");
}

static bool print_task(void *arg, const struct task_record *t)
{
    struct printing *p = arg;
    if (p->lines == LINES_MAX) {
        p->left_out++;
        return true;
    }
    p->lines++;
    uint64_t khz = p->vm->tsc_khz;
    struct task_name own = { .pid = t->pid };
    is_it(&own, t);
    fprintf(p->out, "  %5u %5u %5u  %-16s %-9s", t->pid, t->tgid, t->ppid, own.comm,
            state_name(t->state));
    if (t->state == TASK_blocked)
        print_wait(p, t);
    else if (t->state == TASK_running || t->state == TASK_runnable)
        fprintf(p->out, " on CPU %u", t->cpu);
    if (t->since_tsc <= p->now && khz != 0)
        fprintf(p->out, " for %.3f s", (double)(p->now - t->since_tsc) / ((double)khz * 1e3));
    if (t->syscall != NO_SYSCALL) {
        const char *name = syscall_name(t->syscall);
        fprintf(p->out, ", %ssystem call %u%s%s", t->state == TASK_blocked ? "" : "last ",
                t->syscall, name != NULL ? " " : "", name != NULL ? name : "");
    }
    fputc('\n', p->out);
    return true;
}

void tasks_print(const struct vm *vm, FILE *out)
{
    struct inspect_root root;
    if (!get_root(vm, &root)) {
        fputs(atomic_load(&vm->inspect) == 0 ? "tasks: the guest has not published any\n"
                                             : "tasks: the guest's records are damaged\n",
              out);
        return;
    }
    fputs("tasks:\n    PID  TGID  PPID  NAME             STATE\n", out);
    struct printing p = { .out = out, .vm = vm, .root = &root, .now = vm_guest_tsc(vm) };
    if (!each_task(vm, &root, print_task, &p))
        fputs("  (the next page of records is not in RAM)\n", out);
    if (p.left_out > 0)
        fprintf(out, "  (and %u more)\n", p.left_out);
}

static int by_count(const void *a, const void *b)
{
    const struct inspect_vain *x = a, *y = b;
    return x->count != y->count ? (x->count < y->count ? 1 : -1)
                                : (x->nr > y->nr) - (x->nr < y->nr);
}

#define VAIN_NAMED 12 /* more make no line that somebody reads */

void tasks_note_vain(const struct vm *vm)
{
    struct inspect_root root;
    char text[640] = "";
    size_t len = 0;
    unsigned n = 0;
    uint64_t others;

    if (!get_root(vm, &root) || root.vain_magic != INSPECT_VAIN_MAGIC || root.vain[0].count == 0)
        return;
    others = root.vain_others;
    qsort(root.vain, INSPECT_VAIN, sizeof(root.vain[0]), by_count);
    for (; n < INSPECT_VAIN && root.vain[n].count != 0; n++) {
        const struct inspect_vain *v = &root.vain[n];
        const char *name = syscall_name(v->nr);
        char number[16];
        if (n >= VAIN_NAMED) {
            others += v->count;
            continue;
        }
        snprintf(number, sizeof(number), "#%" PRIu32, v->nr);
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s (%" PRIu32 ")",
                                n > 0 ? ", " : "", name != NULL ? name : number, v->count);
    }
    if (others != 0)
        snprintf(text + len, sizeof(text) - len, " and %" PRIu64 " others", others);
    say_note("system calls that programs asked for in vain, and how often: %s", text);
}
