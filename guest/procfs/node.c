/* node.c - what a node is about: its task, that task's memory, the text that an entry makes
 * of them, and what it does with a line that was written. */
#include "lib/string.h"
#include "mm/mm.h"
#include "proc/pid.h"
#include "proc/process.h"
#include "proc/task.h"
#include "procfs/internal.h"

struct task *proc_task(const struct proc_node *n)
{
    spin_lock(&tree_lock);
    struct task *t = task_find(n->tid);
    if (t)
        task_get(t);
    spin_unlock(&tree_lock);
    return t;
}

struct mm *proc_mm(const struct proc_node *n)
{
    struct task *t = proc_task(n);
    if (!t)
        return NULL;
    struct mm *mm = task_get_mm(t);
    task_put(t);
    return mm;
}

bool proc_may_look(const struct task *t)
{
    const struct cred *me = &current->cred, *c = &t->cred;
    if (me->fsuid == 0 || t->proc == current->proc)
        return true;
    return me->fsuid == c->uid && me->fsuid == c->euid && me->fsuid == c->suid &&
           me->fsgid == c->gid && me->fsgid == c->egid && me->fsgid == c->sgid;
}

int show_value(struct text *t, const struct proc_node *n)
{
    text_printf(t, "%lu\n", n->entry->value);
    return 0;
}

static int show_of_task(struct text *t, const struct proc_node *n)
{
    struct task *task = proc_task(n);
    if (!task)
        return -ESRCH;
    n->entry->show_task(t, task);
    task_put(task);
    return 0;
}

static int show_of_mm(struct text *t, const struct proc_node *n)
{
    struct mm *mm = proc_mm(n);
    if (mm) {
        n->entry->show_mm(t, mm);
        mm_put(mm, PT_exit_teardown);
    }
    return 0;
}

int proc_make_text(struct text *t, const struct proc_node *n)
{
    const struct proc_entry *e = n->entry;
    int err = 0;
    switch (e->kind) {
    case PROC_IS_TEXT: text_put(t, e->text, strlen(e->text)); break;
    case PROC_IS_SHOWN: err = e->show(t, n); break;
    case PROC_IS_TASK: err = show_of_task(t, n); break;
    case PROC_IS_MM: err = show_of_mm(t, n); break;
    }
    return t->failed ? -ENOMEM : err;
}

int proc_store(const struct proc_node *n, char *line)
{
    const struct proc_entry *e = n->entry;
    char *end = strchr(line, '\n');
    if (end)
        *end = 0;
    if (e->kind != PROC_IS_TASK)
        return e->store(n, line);
    struct task *task = proc_task(n);
    if (!task)
        return -ESRCH;
    int err = e->store_task(task, line);
    task_put(task);
    return err;
}

static uint64_t tunable_now(const struct proc_tunable *v)
{
    return v->bytes == 8 ? __atomic_load_n((uint64_t *)v->word, __ATOMIC_RELAXED)
                         : __atomic_load_n((uint32_t *)v->word, __ATOMIC_RELAXED);
}

int show_tunable(struct text *t, const struct proc_node *n)
{
    text_printf(t, "%lu\n", tunable_now(n->entry->tunable));
    return 0;
}

bool proc_parse(const char **at, uint64_t *value)
{
    const char *p = *at;
    bool ok = *p >= '0' && *p <= '9';

    for (*value = 0; *p >= '0' && *p <= '9' && ok; p++)
        ok = !__builtin_mul_overflow(*value, 10, value) &&
             !__builtin_add_overflow(*value, (uint64_t)(*p - '0'), value);
    *at = p;
    return ok;
}

static unsigned digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
}

int proc_number(const char *line, unsigned base, uint64_t max, uint64_t *value)
{
    const char *p = line + (*line == '+');
    bool fits = true;

    if (base == 0 && *p == '0' && (p[1] | 0x20) == 'x' && digit_of(p[2]) < 16) {
        base = 16;
        p += 2;
    } else if (base == 0) {
        base = *p == '0' ? 8 : 10;
    }
    if (*p == 0)
        return -EINVAL;
    for (*value = 0; *p != 0; p++) {
        if (digit_of(*p) >= base)
            return -EINVAL;
        fits = fits && !__builtin_mul_overflow(*value, base, value) &&
               !__builtin_add_overflow(*value, digit_of(*p), value);
    }
    return fits && *value <= max ? 0 : -ERANGE;
}

int store_tunable(const struct proc_node *n, char *line)
{
    const struct proc_tunable *v = n->entry->tunable;
    const char *at = line;
    uint64_t value;

    if (!capable())
        return -EPERM;
    while (*at == ' ' || *at == '\t')
        at++;
    if (!proc_parse(&at, &value) || *at != 0 || value < v->min || value > v->max)
        return -EINVAL;
    if (v->bytes == 8)
        __atomic_store_n((uint64_t *)v->word, value, __ATOMIC_RELAXED);
    else
        __atomic_store_n((uint32_t *)v->word, (uint32_t)value, __ATOMIC_RELAXED);
    return 0;
}
