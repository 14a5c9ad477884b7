/* state.c - see state.h. */
#include "vmm/trace/lint/state.h"

#include <stdarg.h>
#include <stdio.h>

void lint_found(struct lint *l, enum lint_check check, const char *fmt, ...)
{
    bool after_gap = trace_has_gap(l->trace);
    struct lint_finding *f;
    va_list ap;

    if (l->event != NULL &&
        (l->is_told || (l->task != NULL && l->task->is_amid && check > LINT_T5)))
        return;
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

/* --- records ----------------------------------------------------------------------------- */

struct lint_task *lint_task_find(struct lint *l, uint32_t pid)
{
    struct lint_task *t = idmap_find(l->tasks, pid);
    if (t != NULL) {
        l->recent[pid % LINT_RECENT] = t;
    } else { /* a few at a time are in use, never more than four */
        t = &l->no_task[l->no_tasks++ % 4];
        *t = (struct lint_task){ .pid = pid };
    }
    return t;
}

struct lint_mm *lint_mm(struct lint *l, uint32_t id)
{
    struct lint_mm *mm = idmap_find(l->mms, id);
    if (mm == NULL) {
        mm = &l->no_mm;
        *mm = (struct lint_mm){ .id = id };
    }
    return mm;
}

struct lint_task *lint_task_new(struct lint *l, uint32_t pid)
{
    struct lint_task *t = need(idmap_get(l->tasks, pid));
    l->same.cpu = LINT_NOBODY;
    if (l->event != NULL && l->event->pid == pid && pid != 0)
        l->task = t;
    return t;
}

struct lint_mm *lint_mm_new(struct lint *l, uint32_t id)
{
    struct lint_mm *mm = need(idmap_get(l->mms, id));
    l->same.cpu = LINT_NOBODY;
    if (l->event != NULL && l->event->mm == id)
        l->mm = mm;
    return mm;
}

void lint_task_gone(struct lint *l, uint32_t pid)
{
    l->same.cpu = LINT_NOBODY;
    for (unsigned c = 0; c <= l->last_cpu; c++)
        if (l->cpu[c].task != NULL && l->cpu[c].task->pid == pid)
            l->cpu[c].task = NULL;
    l->recent[pid % LINT_RECENT] = NULL;
    idmap_remove(l->tasks, pid);
}

void lint_mm_gone(struct lint *l, uint32_t id)
{
    l->same.cpu = LINT_NOBODY;
    for (unsigned c = 0; c <= l->last_cpu; c++) {
        if (l->cpu[c].mm != NULL && l->cpu[c].mm->id == id)
            l->cpu[c].mm = NULL;
        if (l->cpu[c].root != NULL && l->cpu[c].root->id == id)
            l->cpu[c].root = NULL;
    }
    idmap_remove(l->mms, id);
}

/* --- what many ask ------------------------------------------------------------------------ */

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

const struct replay_table *lint_table_at(struct lint *l, const struct lint_mm *mm, uint64_t va,
                                         unsigned lowest)
{
    uint32_t pfn = mm->root_pfn;
    for (unsigned level = PT_LEVEL_PGD;; level--) {
        const struct replay_table *t = replay_table(l->replay, pfn);
        if (t == NULL || t->level != level || level == lowest)
            return t != NULL && t->level == level ? t : NULL;
        uint64_t e = t->slot[va >> (12 + 9 * (level - 1)) & 511];
        if (!(e & PTE_P) || (e & PTE_PS))
            return NULL;
        pfn = (uint32_t)pte_frame(e);
    }
}

uint64_t lint_find_huge(struct lint *l, const struct lint_mm *mm, uint64_t va)
{
    const struct replay_table *t = lint_table_at(l, mm, va, PT_LEVEL_PMD);
    uint64_t e = t != NULL ? t->slot[va >> 21 & 511] : 0;
    return e & PTE_PS ? e : 0;
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
