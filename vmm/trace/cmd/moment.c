/* moment.c - see moment.h. */
#include "vmm/trace/cmd/moment.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/trace/lib/format.h"

#define NS_PER_S UINT64_C(1000000000)

/* Later than any trace is long, in seconds: this is a date. */
#define DATES_FROM 400000000ull

uint64_t number_option(struct argp_state *state, const char *arg, uint64_t max)
{
    char *end;
    errno = 0;
    uint64_t v = strtoull(arg, &end, 0);
    if (errno != 0 || end == arg || *end != '\0' || *arg < '0' || *arg > '9' || v > max)
        argp_error(state, "'%s' is not a number that can be meant", arg);
    return v;
}

/* The digits of a fraction as nanoseconds if the unit is a second; NULL: too many. */
static const char *fraction(const char *at, uint64_t *ns)
{
    uint64_t weight = NS_PER_S / 10;
    for (*ns = 0; *at >= '0' && *at <= '9'; at++, weight /= 10) {
        if (weight == 0)
            return NULL;
        *ns += (uint64_t)(*at - '0') * weight;
    }
    return at;
}

static uint64_t unit_ns(const char *unit)
{
    return *unit == '\0' || strcmp(unit, "s") == 0 ? NS_PER_S
           : strcmp(unit, "ms") == 0               ? 1000000
           : strcmp(unit, "us") == 0               ? 1000
           : strcmp(unit, "ns") == 0               ? 1
                                                   : 0;
}

static bool parse_time(const char *arg, struct moment *m)
{
    char *end;
    uint64_t part = 0;
    errno = 0;
    uint64_t whole = strtoull(arg, &end, 10);
    const char *rest = end;
    if (errno != 0 || end == arg || *arg < '0' || *arg > '9')
        return false;
    if (*rest == '.' && (rest = fraction(rest + 1, &part)) == NULL)
        return false;
    uint64_t unit = unit_ns(rest);
    if (unit == 0 || whole > UINT64_MAX / 2 / unit)
        return false;
    bool date = unit == NS_PER_S && whole >= DATES_FROM;
    *m = (struct moment){ date ? MOMENT_1970 : MOMENT_START,
                          whole * unit + part / (NS_PER_S / unit) };
    return true;
}

struct moment moment_option(struct argp_state *state, const char *arg)
{
    struct moment m = { MOMENT_NONE, 0 };
    if (*arg == '#')
        m = (struct moment){ MOMENT_EVENT, number_option(state, arg + 1, UINT64_MAX) };
    else if (!parse_time(arg, &m))
        argp_error(state, "'%s' is no time: " MOMENT_HELP, arg);
    if (m.kind == MOMENT_EVENT && m.value == 0)
        argp_error(state, "events count from 1");
    return m;
}

/* babeltrace2 goes through a double, for the ticks as for the clock's offset. */
uint64_t moment_1970(const struct trace_meta *m, uint64_t tsc)
{
    double hz = (double)(m->tsc_khz * 1000);
    return m->offset_s * NS_PER_S + (uint64_t)(1e9 * (double)m->offset / hz) +
           (uint64_t)(1e9 * (double)tsc / hz);
}

static uint64_t point(const struct moment *m, const struct trace *t, uint64_t first_tsc, uint64_t n,
                      uint64_t tsc)
{
    if (m->kind == MOMENT_EVENT)
        return n;
    return m->kind == MOMENT_START ? trace_ns(trace_meta(t), tsc - first_tsc)
                                   : moment_1970(trace_meta(t), tsc);
}

bool moment_reached(const struct moment *m, const struct trace *t, uint64_t first_tsc, uint64_t n,
                    uint64_t tsc)
{
    return m->kind != MOMENT_NONE && point(m, t, first_tsc, n, tsc) >= m->value;
}

bool moment_passed(const struct moment *m, const struct trace *t, uint64_t first_tsc, uint64_t n,
                   uint64_t tsc)
{
    return m->kind != MOMENT_NONE && point(m, t, first_tsc, n, tsc) > m->value;
}

char *moment_text(char buf[MOMENT_BYTES], const struct trace *t, uint64_t first_tsc, uint64_t tsc)
{
    return format_seconds(buf, trace_ns(trace_meta(t), tsc - first_tsc));
}

void range_option(struct argp_state *state, const char *arg, uint64_t *first, uint64_t *last)
{
    char text[64];
    snprintf(text, sizeof(text), "%s", arg);
    char *dash = strchr(text, '-');
    if (dash != NULL)
        *dash = '\0';
    *first = number_option(state, text, UINT64_MAX);
    *last = dash != NULL ? number_option(state, dash + 1, UINT64_MAX) - 1 : *first;
    if (*last < *first)
        argp_error(state, "'%s' is no range FROM-TO", arg);
}
