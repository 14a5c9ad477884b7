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

void lint_note(struct lint *l, enum lint_check check, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(l->result->check[check].note, LINT_TEXT_MAX, fmt, ap);
    va_end(ap);
}

bool lint_is_special(const struct lint_mm *mm, uint64_t va, uint32_t flags)
{
    for (const struct lint_special *s = mm->special; s != NULL; s = s->next)
        if (s->start <= va && va < s->end && (s->flags & flags) == flags)
            return true;
    return false;
}

const struct replay_table *lint_find_table(struct lint *l, const struct lint_mm *mm, uint64_t va)
{
    uint32_t pfn = mm->root_pfn;
    for (unsigned level = PT_LEVEL_PGD;; level--) {
        const struct replay_table *t = replay_table(l->replay, pfn);
        if (t == NULL || t->level != level || level == PT_LEVEL_PTE)
            return t != NULL && t->level == level ? t : NULL;
        uint64_t e = t->slot[va >> (12 + 9 * (level - 1)) & 511];
        if (!(e & PTE_P) || (e & PTE_PS))
            return NULL;
        pfn = (uint32_t)pte_frame(e);
    }
}

void lint_task_uses(struct lint *l, struct lint_task *t, uint32_t mm)
{
    if (t->mm == mm)
        return;
    if (t->mm != 0) {
        struct lint_mm *old = lint_mm(l, t->mm);
        old->users -= old->users > 0;
        old->unused_since = l->event != NULL ? l->event->tsc : 0;
    }
    t->mm = mm;
    if (mm != 0) {
        lint_mm(l, mm)->users++;
        lint_mm(l, mm)->has_been_used = true;
    }
}

bool lint_proves_use(const struct trace_event *e)
{
    const struct trace_ev_page_fault *f = e->fields;
    return e->pid != 0 &&
           (e->id == TRACE_EV_syscall_enter || (e->id == TRACE_EV_page_fault && (f->error & 4)));
}
