/* trigger.c - see trigger.h. */
#include "vmm/trigger.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/trace/lib/reader.h"
#include "vmm/trace/lib/syscalls.h"

#define CALLS_MAX   1024u
#define SECONDS_MAX 1e9

/* All of text is a number from 1 on. */
static bool parse_number(const char *text, uint64_t max, uint64_t *n)
{
    char *end;
    errno = 0;
    *n = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && *n >= 1 && *n <= max;
}

static bool parse_time(const char *text, uint64_t *ns)
{
    static const struct {
        const char *name;
        double ns;
    } units[] = { { "", 1e9 }, { "s", 1e9 }, { "ms", 1e6 }, { "us", 1e3 }, { "ns", 1 } };
    size_t digits = strspn(text, "0123456789.");
    char *end;
    double v = strtod(text, &end);
    if (digits == 0 || end != text + digits || !isfinite(v))
        return false;
    for (unsigned i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (strcmp(end, units[i].name) == 0 && v * units[i].ns <= SECONDS_MAX * 1e9) {
            *ns = (uint64_t)(v * units[i].ns + 0.5);
            return true;
        }
    return false;
}

static bool find_call(const char *name, uint64_t *nr)
{
    for (unsigned i = 0; i < CALLS_MAX; i++) {
        const char *known = syscall_name(i);
        if (known != NULL && strcmp(known, name) == 0) {
            *nr = i;
            return true;
        }
    }
    return false;
}

/* NAME or NAME:N. */
static bool parse_named(struct trigger *t, const char *text)
{
    char name[40];
    size_t n = strcspn(text, ":");
    if (n >= sizeof(name) || (text[n] == ':' && !parse_number(text + n + 1, UINT64_MAX, &t->left)))
        return false;
    memcpy(name, text, n);
    name[n] = '\0';
    if (t->kind == TRIGGER_CALL)
        return find_call(name, &t->value);
    const struct trace_class *c = trace_class_named(name);
    t->value = c != NULL ? c->id : 0;
    return c != NULL;
}

bool trigger_parse(struct trigger *t, const char *text)
{
    *t = (struct trigger){ .left = 1 };
    if (text[0] == '#') {
        t->kind = TRIGGER_NUMBER;
        return parse_number(text + 1, UINT64_MAX, &t->value);
    }
    if (strncmp(text, "pid=", 4) == 0) {
        t->kind = TRIGGER_PID;
        return parse_number(text + 4, UINT32_MAX, &t->value);
    }
    if (strncmp(text, "call=", 5) == 0 || strncmp(text, "event=", 6) == 0) {
        t->kind = text[0] == 'c' ? TRIGGER_CALL : TRIGGER_EVENT;
        return parse_named(t, strchr(text, '=') + 1);
    }
    t->kind = TRIGGER_TIME;
    return parse_time(text, &t->value);
}

static bool is_made(const struct trace_event *e, uint64_t pid)
{
    const struct trace_ev_clone *c = e->fields;
    const struct trace_ev_task_state *s = e->fields;
    return (e->id == TRACE_EV_clone && c->child == pid) ||
           (e->id == TRACE_EV_task_state && s->task == pid && s->prev == TASK_new);
}

static bool has_ended(const struct trace_event *e, uint64_t pid)
{
    const struct trace_ev_task_state *s = e->fields;
    return e->id == TRACE_EV_task_state && s->task == pid && s->next == TASK_dead;
}

static bool comes(struct trigger *t, const struct trace_event *e, uint64_t number, uint64_t ns,
                  bool (*of_task)(const struct trace_event *e, uint64_t pid))
{
    const struct trace_ev_syscall_enter *s = e->fields;
    bool is_one = false;
    switch (t->kind) {
    case TRIGGER_NONE: return false;
    case TRIGGER_TIME: return ns >= t->value;
    case TRIGGER_NUMBER: return number >= t->value;
    case TRIGGER_EVENT: is_one = e->id == t->value; break;
    case TRIGGER_CALL: is_one = e->id == TRACE_EV_syscall_enter && s->nr == t->value; break;
    case TRIGGER_PID: is_one = of_task(e, t->value); break;
    }
    return is_one && --t->left == 0;
}

bool trigger_starts(struct trigger *t, const struct trace_event *e, uint64_t number, uint64_t ns)
{
    return comes(t, e, number, ns, is_made);
}

bool trigger_stops(struct trigger *t, const struct trace_event *e, uint64_t number, uint64_t ns)
{
    return comes(t, e, number, ns, has_ended);
}
