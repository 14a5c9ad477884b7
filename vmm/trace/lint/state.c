/* state.c - see state.h. */
#include "vmm/trace/lint/state.h"

#include <stdarg.h>
#include <stdio.h>

void lint_found(struct lint *l, enum lint_check check, const char *fmt, ...)
{
    bool after_gap = trace_has_gap(l->trace);
    struct lint_finding *f;
    va_list ap;

    if (after_gap)
        l->result->check[check].unknown++;
    else
        l->result->check[check].failed++;
    if (l->result->check[check].kept == LINT_FINDINGS_MAX)
        return;
    f = &l->result->check[check].finding[l->result->check[check].kept++];
    *f = (struct lint_finding){ .check = check, .after_gap = after_gap, .event = l->now };
    if (l->event != NULL) {
        f->tsc = l->event->tsc;
        f->cpu = l->event->cpu;
        f->pid = l->event->pid;
        f->mm = l->event->mm;
    }
    va_start(ap, fmt);
    vsnprintf(f->text, sizeof(f->text), fmt, ap);
    va_end(ap);
}

bool lint_proves_use(const struct trace_event *e)
{
    const struct trace_ev_page_fault *f = e->fields;
    return e->pid != 0 &&
           (e->id == TRACE_EV_syscall_enter || (e->id == TRACE_EV_page_fault && (f->error & 4)));
}
