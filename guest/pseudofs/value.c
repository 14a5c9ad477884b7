/* value.c - contents that many files have: a number, one that root may set. */
#include "lib/printf.h"
#include "lib/string.h"
#include "pseudofs/pseudofs.h"
#include "sched/task.h"

int show_value(struct text *t, const struct pfs_node *n)
{
    text_printf(t, "%lu\n", n->entry->value);
    return 0;
}

long link_to(const struct pfs_node *n, char *buf, size_t room)
{
    const char *to = n->entry->to, *mark = strchr(to, '#');
    if (mark)
        return ksnprintf(buf, room, "%.*s%u%s", (int)(mark - to), to, n->nr, mark + 1);
    return ksnprintf(buf, room, "%s", to);
}

static uint64_t tunable_now(const struct pfs_tunable *v)
{
    return v->bytes == 8 ? __atomic_load_n((uint64_t *)v->word, __ATOMIC_RELAXED)
                         : __atomic_load_n((uint32_t *)v->word, __ATOMIC_RELAXED);
}

int show_tunable(struct text *t, const struct pfs_node *n)
{
    text_printf(t, "%lu\n", tunable_now(n->entry->tunable));
    return 0;
}

bool pfs_parse(const char **at, uint64_t *value)
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

int pfs_number(const char *line, unsigned base, uint64_t max, uint64_t *value)
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

bool pfs_setting(const char *line, uint64_t *value)
{
    char number[24];
    size_t n = 0;

    while (*line == ' ' || *line == '\t')
        line++;
    for (; line[n] != 0 && line[n] != ' ' && line[n] != '\t'; n++)
        if (n < sizeof number - 1)
            number[n] = line[n];
    number[MIN(n, sizeof number - 1)] = 0;
    for (line += n; *line == ' ' || *line == '\t'; line++)
        ;
    return *line == 0 && n < sizeof number && pfs_number(number, 0, UINT64_MAX, value) == 0;
}

int store_tunable(const struct pfs_node *n, char *line)
{
    const struct pfs_tunable *v = n->entry->tunable;
    uint64_t value;

    if (!capable())
        return -EPERM;
    if (!pfs_setting(line, &value) || value < v->min || value > v->max)
        return -EINVAL;
    if (v->bytes == 8)
        __atomic_store_n((uint64_t *)v->word, value, __ATOMIC_RELAXED);
    else
        __atomic_store_n((uint32_t *)v->word, (uint32_t)value, __ATOMIC_RELAXED);
    return 0;
}
