/* dump.c - see dump.h. */
#include "vmm/dump.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/gmem.h"
#include "vmm/rest.h"
#include "vmm/say.h"
#include "vmm/trace/lib/replay.h"
#include "vmm/trace/lib/schema.h"
#include "vmm/trigger.h"
#include "vmm/vm.h"

struct dump {
    FILE *out;
    FILE *text; /* the same, in memory: a vCPU's thread may write to no file */
    char *bytes;
    size_t size;
    uint64_t event; /* the last one */
    bool is_due;
    unsigned n, left; /* moments, and how many are still to come */
    struct trigger at[];
};

struct dump *dump_new(const char *file, const struct trigger *at, unsigned n)
{
    struct dump *d = calloc(1, sizeof(*d) + n * sizeof(d->at[0]));
    if (d == NULL)
        return NULL;
    d->n = d->left = n;
    d->is_due = n == 0;
    for (unsigned i = 0; i < n; i++)
        d->at[i] = at[i];
    d->out = fopen(file, "we");
    d->text = d->out != NULL ? open_memstream(&d->bytes, &d->size) : NULL;
    if (d->text != NULL)
        return d;
    dump_free(d);
    return NULL;
}

void dump_free(struct dump *d)
{
    if (d == NULL)
        return;
    if (d->out != NULL)
        fclose(d->out);
    if (d->text != NULL)
        fclose(d->text);
    free(d->bytes);
    free(d);
}

void dump_event(struct dump *d, const struct trace_event *e, uint64_t number, uint64_t ns)
{
    d->event = number;
    for (unsigned i = 0; i < d->n; i++) {
        if (d->at[i].kind == TRIGGER_NONE || !trigger_starts(&d->at[i], e, number, ns))
            continue;
        d->at[i].kind = TRIGGER_NONE;
        d->left--;
        d->is_due = true;
    }
}

/* --- walking memory ------------------------------------------------------------------------ */

static uint64_t canonical(uint64_t va) { return va & (1ull << 47) ? va | ~0ull << 47 : va; }

/* One level less each time, so it ends, whatever the entries say. */
static void walk(FILE *out, const struct gmem *m, uint64_t pfn, unsigned level, uint64_t va,
                 unsigned from, unsigned to)
{
    const uint8_t *table = gmem_span(m, pfn << 12, GMEM_PAGE);
    for (unsigned i = from; table != NULL && i < to; i++) {
        uint64_t entry, at = canonical(va + ((uint64_t)i << (12 + 9 * (level - 1))));
        memcpy(&entry, table + 8 * i, sizeof(entry));
        if (entry == 0)
            continue;
        if (level == PT_LEVEL_PTE || (entry & PTE_PS) || !(entry & PTE_P))
            fprintf(out, "%#" PRIx64 " %s %#" PRIx64 "\n", at, trace_value_name("pt_level", level),
                    entry);
        else
            walk(out, m, pte_frame(entry), level - 1, at, 0, PT_SLOTS);
    }
}

static void dump_space(const struct dump *d, const struct gmem *m, const struct replay *r,
                       uint32_t mm)
{
    uint32_t root;
    if (!replay_root(r, mm, &root))
        return;
    fprintf(d->text, "space %u %#x\n", mm, root);
    walk(d->text, m, root, PT_LEVEL_PGD, 0, mm == 0 ? PT_SLOTS / 2 : 0,
         mm == 0 ? PT_SLOTS : PT_SLOTS / 2);
}

static void dump_now(struct dump *d, const struct gmem *m, const struct replay *r)
{
    uint32_t *mm;
    size_t n = replay_roots(r, &mm);
    fprintf(d->text, "moment %" PRIu64 "\n", d->event);
    dump_space(d, m, r, 0);
    for (size_t i = 0; i < n; i++)
        if (mm[i] != 0)
            dump_space(d, m, r, mm[i]);
    free(mm);
    d->is_due = false;
}

void dump_flush(struct dump *d, const struct vcpu *v, const struct replay *r)
{
    if (!d->is_due || d->n == 0)
        return;
    for (unsigned c = 0; c < v->vm->ncpus; c++)
        if (c != v->index && !rest_is_outside_kernel(&v->vm->vcpu[c]))
            return;
    dump_now(d, v->vm->mem, r);
}

int dump_finish(struct dump *d, const struct gmem *m, const struct replay *r)
{
    if (d->is_due)
        dump_now(d, m, r);
    if (d->left > 0)
        say("dump: %u of %u moments have never come", d->left, d->n);
    if (fflush(d->text) != 0)
        return -ENOMEM;
    fwrite(d->bytes, 1, d->size, d->out);
    return fflush(d->out) != 0 ? -errno : 0;
}
