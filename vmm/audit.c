/* audit.c - see audit.h.
 *
 * At a mark all vCPUs are out of the guest, so memory and events stand still.  The events that have
 * come since the last mark are replayed into a mirror; then each live table to which somebody
 * stored is compared with it, Accessed and Dirty aside.
 *
 * The kernel reports a store just before it, so memory may lack what the last events of a vCPU tell
 * of: its *run*, the page-table events at the end of its stream, with no other event behind them,
 * about one table and for one reason.  (Several, since what changes many neighbours reports all and
 * then stores all.)  A slot of a run may still hold the entry that the run's event has as the old
 * one, and nothing else; its table is looked at again at the next mark.  A vCPU at a flush has no
 * run: tlb_flush is its last event.
 *
 * The dirty log is one bit a page of RAM.  Pages that are no tables keep their bit, so stores to
 * them cost nothing after the first: only bits of tables are cleared (KVM_CLEAR_DIRTY_LOG).  Where
 * KVM can only clear all at once it does. */
#include "vmm/audit.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vmm/audit_trap.h"
#include "vmm/dump.h"
#include "vmm/gmem.h"
#include "vmm/say.h"
#include "vmm/trace/lib/format.h"
#include "vmm/trace/lib/replay.h"
#include "vmm/tracer_audit.h"
#include "vmm/tracer_follow.h"
#include "vmm/vm.h"
#include "vmm/world.h"

#define KNOWN_MAX 64 /* differences that were told are not told again */

struct run {
    uint32_t table; /* 0: none */
    uint8_t reason;
    uint64_t is_in[PT_SLOTS / 64];
    uint64_t old[PT_SLOTS];
};

struct dirty { /* of one memslot */
    uint32_t slot;
    uint64_t first_pfn, pages;
    uint64_t *bits;
};

struct audit {
    struct vm *vm;
    struct follow *follow;
    struct dump *dump; /* or NULL */
    struct trap *trap; /* or NULL */
    struct replay *replay;
    struct audit_report report;
    char *text; /* of what was found, printed at the end: the terminal is raw */
    size_t text_size;
    const char *what; /* the mark at hand */
    unsigned cpu;     /* and whose it is */
    struct dirty dirty[2];
    bool clears; /* KVM_CLEAR_DIRTY_LOG */
    uint32_t *again;
    size_t nagain, again_room;
    struct {
        uint32_t table, index;
        uint64_t found;
    } known[KNOWN_MAX];
    unsigned nknown;
    uint64_t marks, compared, violations;
    bool looks; /* at marks, too; else it follows the events only */
    bool over;
    unsigned last_tables; /* compared where recording stopped */
    uint64_t last_violations;
    struct run run[];
};

/* --- what was found --------------------------------------------------------------------- */

static bool is_known(struct audit *a, const struct replay_violation *v)
{
    for (unsigned i = 0; i < a->nknown; i++)
        if (a->known[i].table == v->table_pfn && a->known[i].index == v->index &&
            a->known[i].found == (v->found & ~PTE_AD))
            return true;
    if (a->nknown < KNOWN_MAX) {
        a->known[a->nknown].table = v->table_pfn;
        a->known[a->nknown].index = v->index;
        a->known[a->nknown++].found = v->found & ~PTE_AD;
    }
    return false;
}

static void found(void *arg, const struct replay_violation *v)
{
    struct audit *a = arg;
    char when[24];
    if (v->event == NULL && is_known(a, v))
        return;
    a->violations++;
    audit_print(&a->report, v);
    if (v->event == NULL && a->report.lines <= AUDIT_LINES_MAX)
        fprintf(a->report.out, "audit:   seen at a %s of vCPU %u, after event %" PRIu64 ", %s\n",
                a->what, a->cpu, a->report.event,
                format_seconds(
                    when, trace_ns(a->report.meta, vm_guest_tsc(a->vm) - a->report.first_tsc)));
}

/* --- events -------------------------------------------------------------------------------- */

static void note_run(struct run *run, const struct trace_event *e)
{
    const struct trace_ev_pte_write *w = e->fields; /* ranges begin as it does */
    if (!is_pte_event(e->id)) {
        run->table = 0;
        return;
    }
    if (run->table != w->table_pfn || run->reason != w->reason) {
        run->table = w->table_pfn;
        run->reason = w->reason;
        memset(run->is_in, 0, sizeof(run->is_in));
    }
    uint32_t n = e->id == TRACE_EV_pte_write ? 1 : trace_changes(e);
    for (uint32_t i = 0; i < n; i++) {
        unsigned slot = w->index + i;
        run->is_in[slot / 64] |= 1ull << slot % 64;
        run->old[slot] = e->id == TRACE_EV_pte_write ? w->old : trace_change(e, i).old;
    }
}

static bool is_under_way(void *arg, uint32_t pfn, unsigned index, uint64_t entry)
{
    const struct audit *a = arg;
    for (unsigned c = 0; c < a->vm->ncpus; c++) {
        const struct run *run = &a->run[c];
        if (run->table == pfn && (run->is_in[index / 64] >> index % 64 & 1) &&
            !((run->old[index] ^ entry) & ~PTE_AD))
            return true;
    }
    return false;
}

static int take_events(struct audit *a)
{
    const struct trace_event *e;
    int err = 0;
    while (err == 0 && (e = follow_next(a->follow)) != NULL) {
        if (a->report.event++ == 0)
            a->report.first_tsc = e->tsc;
        note_run(&a->run[e->cpu], e);
        err = replay_event(a->replay, e);
        if (a->trap != NULL)
            trap_event(a->trap, e);
        if (a->dump != NULL)
            dump_event(a->dump, e, a->report.event,
                       trace_ns(a->report.meta, e->tsc - a->report.first_tsc));
    }
    return err;
}

/* --- memory ---------------------------------------------------------------------------------- */

static int get_dirty(struct audit *a)
{
    for (unsigned i = 0; i < 2; i++) {
        struct dirty *d = &a->dirty[i];
        struct kvm_dirty_log log = { .slot = d->slot, .dirty_bitmap = d->bits };
        if (d->pages > 0 && ioctl(a->vm->fd, KVM_GET_DIRTY_LOG, &log) != 0)
            return -errno;
    }
    return 0;
}

static int clear_dirty(struct audit *a, struct dirty *d, uint64_t word, uint64_t mask)
{
    uint64_t first = word * 64, left = d->pages - first;
    struct kvm_clear_dirty_log clear = {
        .slot = d->slot,
        .num_pages = left < 64 ? (uint32_t)left : 64,
        .first_page = first,
        .dirty_bitmap = &mask,
    };
    return a->clears && ioctl(a->vm->fd, KVM_CLEAR_DIRTY_LOG, &clear) != 0 ? -errno : 0;
}

static const void *page_of(void *arg, uint32_t pfn)
{
    return gmem_span(arg, (uint64_t)pfn << 12, GMEM_PAGE);
}

static int look_again(struct audit *a, uint32_t pfn)
{
    if (a->nagain == a->again_room) {
        size_t room = a->again_room * 2 + 16;
        uint32_t *more = realloc(a->again, room * sizeof(*more));
        if (more == NULL)
            return -ENOMEM;
        a->again = more;
        a->again_room = room;
    }
    a->again[a->nagain++] = pfn;
    return 0;
}

static int compare(struct audit *a, const struct replay_table *t)
{
    a->compared++;
    return replay_compare_table(a->replay, t, page_of(a->vm->mem, t->pfn), is_under_way, a)
               ? 0
               : look_again(a, t->pfn);
}

/* Those that were stored to.  A word of the log at a time, since that is what KVM clears. */
static int compare_dirty(struct audit *a)
{
    for (unsigned i = 0; i < 2; i++) {
        struct dirty *d = &a->dirty[i];
        for (uint64_t word = 0; word * 64 < d->pages; word++) {
            uint64_t mask = 0;
            for (uint64_t bits = d->bits[word]; bits != 0; bits &= bits - 1) {
                unsigned bit = (unsigned)__builtin_ctzll(bits);
                const struct replay_table *t =
                    replay_table(a->replay, (uint32_t)(d->first_pfn + word * 64 + bit));
                if (t == NULL)
                    continue;
                mask |= 1ull << bit;
                int err = compare(a, t);
                if (err != 0)
                    return err;
            }
            int err = mask != 0 ? clear_dirty(a, d, word, mask) : 0;
            if (err != 0)
                return err;
        }
    }
    return 0;
}

static int look(struct audit *a)
{
    int err = take_events(a);
    if (!a->looks)
        return err;
    if (err == 0)
        err = get_dirty(a);
    size_t n = a->nagain;
    uint32_t *again = a->again; /* what is put there meanwhile is for the next mark */
    a->again = NULL;
    a->nagain = a->again_room = 0;
    for (size_t i = 0; err == 0 && i < n; i++) {
        const struct replay_table *t = replay_table(a->replay, again[i]);
        if (t != NULL)
            err = compare(a, t);
    }
    free(again);
    if (err == 0)
        err = compare_dirty(a);
    a->marks++;
    return err;
}

/* --- for the others ---------------------------------------------------------------------------- */

int audit_begin(struct vcpu *v, bool is_flush)
{
    struct audit *a = v->vm->audit;
    world_stop(v);
    if (a->over)
        return 0;
    a->what = is_flush ? "TLB flush" : "doorbell";
    a->cpu = v->index;
    int err = look(a);
    if (err == 0 && a->trap != NULL && is_flush)
        err = trap_flush(a->trap);
    if (err == 0 && a->dump != NULL && is_flush)
        dump_flush(a->dump, v, a->replay);
    if (err != 0)
        say("audit: cannot compare tables: %s", strerror(-err));
    return err;
}

void audit_end(struct vcpu *v) { world_go(v); }

int audit_tables(struct vcpu *v, uint64_t first, uint64_t end)
{
    struct audit *a = v->vm->audit;
    if (a->trap == NULL)
        return 0;
    world_stop(v);
    int err = take_events(a);
    if (err == 0)
        err = trap_tables(a->trap, first, end);
    world_go(v);
    return err;
}

bool audit_store(struct vcpu *v)
{
    struct audit *a = v->vm->audit;
    if (a->trap == NULL || !trap_is_about(a->trap, v->run->mmio.phys_addr))
        return false;
    world_stop(v);
    int err = take_events(a);
    if (err == 0)
        err = trap_store(a->trap, v);
    world_go(v);
    if (err != 0)
        vm_stop(&v->vm->stop, STOP_FAILED, EXIT_VMM, (int)v->index,
                "audit: cannot go on from a store to a table: %s", strerror(-err));
    return true;
}

void audit_written(struct vcpu *v, uint64_t gpa, uint64_t bytes)
{
    struct audit *a = v->vm->audit;
    uint64_t table = a->trap != NULL ? trap_first_table(a->trap, gpa, bytes) : 0;
    if (table == 0)
        return;
    world_stop(v);
    if (take_events(a) == 0)
        trap_written(a->trap, v, (uint32_t)table);
    world_go(v);
}

static const void *memory_of(void *arg, uint32_t pfn)
{
    const struct audit *a = arg;
    return page_of(a->vm->mem, pfn);
}

void audit_last(struct audit *a, bool at_rest)
{
    uint64_t before = a->violations;
    if (a->over)
        return;
    a->what = "stop of recording";
    replay_compare(a->replay, memory_of, at_rest ? NULL : is_under_way, a);
    a->last_tables = replay_live_tables(a->replay);
    a->last_violations = a->violations - before;
    a->over = true;
}

bool audit_is_over(const struct audit *a) { return a->over; }

int audit_stop(struct audit *a)
{
    if (a->over)
        return 0;
    a->what = "stop";
    int err = look(a);
    for (size_t i = 0; err == 0 && i < a->nagain; i++) { /* no store is under way any more */
        const struct replay_table *t = replay_table(a->replay, a->again[i]);
        replay_compare_table(a->replay, t, page_of(a->vm->mem, t->pfn), NULL, NULL);
    }
    if (a->trap != NULL)
        trap_stop(a->trap);
    if (err == 0 && a->dump != NULL)
        err = dump_finish(a->dump, a->vm->mem, a->replay);
    return err;
}

uint64_t audit_finish(struct audit *a, bool stopped, FILE *out)
{
    if (!a->looks && !stopped && a->trap == NULL)
        return 0; /* who reads the files says it */
    if (follow_broken(a->follow) >= 0) {
        a->violations++;
        fprintf(a->report.out, "audit: vCPU %d wrote something that is no event\n",
                follow_broken(a->follow));
    }
    uint64_t trapped = a->trap != NULL ? trap_finish(a->trap, out) : 0;
    fflush(a->report.out);
    fputs(a->text, out);
    if (a->looks)
        fprintf(out,
                "audit: dirty: %" PRIu64 " marks, %" PRIu64 " tables compared, %" PRIu64
                " violations\n",
                a->marks, a->compared, a->violations);
    if (stopped)
        fprintf(out,
                "audit: stop: %u live tables compared with memory where recording stopped, %" PRIu64
                " violations\n",
                a->last_tables, a->last_violations);
    return a->violations + trapped;
}

uint64_t audit_looks(const struct audit *a)
{
    return a->trap != NULL ? trap_stores(a->trap) : a->marks;
}

static bool add_slot(struct dirty *d, uint32_t slot, uint64_t base, uint64_t bytes)
{
    *d = (struct dirty){ .slot = slot, .first_pfn = base >> 12, .pages = bytes >> 12 };
    return (d->bits = calloc(d->pages / 64 + 1, sizeof(*d->bits))) != NULL;
}

/* KVM clears what it is told to, and only that; where it can. */
static bool manual_clear(struct vm *vm)
{
    struct kvm_enable_cap cap = { .cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
                                  .args = { KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE } };
    return ioctl(vm->fd, KVM_ENABLE_CAP, &cap) == 0;
}

bool audit_create(struct vm *vm)
{
    const struct options *o = vm->opt;
    struct audit *a = calloc(1, sizeof(*a) + vm->ncpus * sizeof(a->run[0]));
    if (a == NULL) {
        say("out of memory");
        return false;
    }
    vm->audit = a;
    a->vm = vm;
    a->looks = o->audit == AUDIT_DIRTY;
    a->clears = a->looks && manual_clear(vm);
    a->follow = follow_new(vm->tracer);
    a->replay = replay_new(found, a);
    a->report.out = open_memstream(&a->text, &a->text_size);
    if (a->follow == NULL || a->replay == NULL || a->report.out == NULL ||
        !add_slot(&a->dirty[0], 0, 0, gmem_low_bytes(vm->mem)) ||
        !add_slot(&a->dirty[1], 1, GMEM_HIGH_BASE, gmem_high_bytes(vm->mem))) {
        say("out of memory");
        return false;
    }
    a->report.meta = follow_meta(a->follow);
    if (o->audit == AUDIT_TRAP && (a->trap = trap_new(vm, a->replay, &a->report)) == NULL) {
        say("out of memory");
        return false;
    }
    if (o->dump == NULL)
        return true;
    a->dump = dump_new(o->dump, o->dump_at, o->ndump_at);
    if (a->dump == NULL)
        say("%s: %s", o->dump, strerror(errno));
    return a->dump != NULL;
}

void audit_destroy(struct audit *a)
{
    if (a == NULL)
        return;
    if (a->report.out != NULL)
        fclose(a->report.out);
    free(a->text);
    for (unsigned i = 0; i < 2; i++)
        free(a->dirty[i].bits);
    dump_free(a->dump);
    trap_free(a->trap);
    replay_free(a->replay);
    follow_free(a->follow);
    free(a->again);
    free(a);
}
