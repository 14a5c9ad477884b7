/* bootview.c - the boot log for people: a table, and a picture with a bar a stage.
 *
 * A mark is the end of its stage: the row "root_mounted" is what happened between the
 * mark before and this one, and the figures in it are that part's alone.  The picture
 * is drawn to scale, each bar from where its stage began to where it ended, so that
 * one sees both the order and what took the time. */
#include <inttypes.h>
#include <stdio.h>

#include "vmm/bootlog.h"
#include "vmm/host.h"
#include "vmm/vm.h"

struct stage {
    const char *name;
    double begin_ms, end_ms;
    uint64_t exits, hypercalls, pte_writes, faults;
};

/* The stages that were reached and that follow another, in order; the last mark's time. */
static unsigned collect(const struct bootlog *log, struct stage stage[BOOT_STAGE_MAX],
                        double *last_ms)
{
    const struct bootlog_mark *before = &log->mark[BOOT_vmm_start];
    unsigned n = 0;

    for (unsigned i = BOOT_vmm_start + 1; i < BOOT_STAGE_MAX; i++) {
        const struct bootlog_mark *m = &log->mark[i];
        if (!m->reached)
            continue;
        if (i == BOOT_command_exit && log->mark[BOOT_shell_prompt].reached)
            break; /* what somebody did at the prompt is not the boot */
        stage[n++] = (struct stage){ bootlog_stage_name(i),
                                     (double)before->wall_ns / 1e6,
                                     (double)m->wall_ns / 1e6,
                                     m->exits - before->exits,
                                     m->hypercalls - before->hypercalls,
                                     m->pte_writes - before->pte_writes,
                                     m->faults - before->faults };
        before = m;
    }
    *last_ms = (double)before->wall_ns / 1e6;
    return n;
}

void bootlog_print(const struct vm *vm, FILE *f)
{
    struct stage stage[BOOT_STAGE_MAX];
    double last;
    unsigned n = collect(&vm->bootlog, stage, &last);

    fprintf(f, "vmm: boot on %s, %u vCPU%s\n", host_and_ring(vm->ring3), vm->ncpus,
            vm->ncpus == 1 ? "" : "s");
    fprintf(f, "  %-24s%10s%10s%8s%12s%12s%8s\n", "stage", "at ms", "took ms", "exits",
            "hypercalls", "pte writes", "faults");
    for (unsigned i = 0; i < n; i++)
        fprintf(f, "  %-24s%10.2f%10.2f%8" PRIu64 "%12" PRIu64 "%12" PRIu64 "%8" PRIu64 "\n",
                stage[i].name, stage[i].end_ms, stage[i].end_ms - stage[i].begin_ms, stage[i].exits,
                stage[i].hypercalls, stage[i].pte_writes, stage[i].faults);
}

enum { LEFT = 190, BAR_SPACE = 520, RIGHT = 290, ROW = 24, TOP = 52 };

static void draw_row(FILE *f, const struct stage *s, unsigned row, double last_ms)
{
    double x = LEFT + BAR_SPACE * s->begin_ms / last_ms;
    double width = BAR_SPACE * (s->end_ms - s->begin_ms) / last_ms;
    unsigned y = TOP + ROW * row;

    fprintf(f, "<text x=\"%d\" y=\"%u\" text-anchor=\"end\">%s</text>\n", LEFT - 8, y + 15,
            s->name);
    fprintf(f, "<rect x=\"%.2f\" y=\"%u\" width=\"%.2f\" height=\"%d\" fill=\"%s\"/>\n", x, y + 3,
            width < 1 ? 1 : width, ROW - 6,
            s->exits == 0 && s->pte_writes == 0 ? "#8a8f98" : "#2f6db3");
    fprintf(f,
            "<text x=\"%d\" y=\"%u\" fill=\"#444\">%.2f ms, %" PRIu64 " exits, %" PRIu64
            " PTE writes, %" PRIu64 " faults</text>\n",
            LEFT + BAR_SPACE + 8, y + 15, s->end_ms - s->begin_ms, s->exits, s->pte_writes,
            s->faults);
}

void bootlog_draw(const struct vm *vm, FILE *f)
{
    struct stage stage[BOOT_STAGE_MAX];
    double last;
    unsigned n = collect(&vm->bootlog, stage, &last);
    unsigned width = LEFT + BAR_SPACE + RIGHT, height = TOP + ROW * n + 12;

    fprintf(f,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\" "
            "font-family=\"sans-serif\" font-size=\"12\">\n",
            width, height);
    fprintf(f, "<rect width=\"%u\" height=\"%u\" fill=\"#fff\"/>\n", width, height);
    fprintf(f, "<text x=\"%d\" y=\"22\" font-size=\"15\">Boot on %s, %u vCPU%s: %.1f ms</text>\n",
            LEFT, host_and_ring(vm->ring3), vm->ncpus, vm->ncpus == 1 ? "" : "s", last);
    fprintf(f,
            "<text x=\"%d\" y=\"40\" fill=\"#666\">blue: with exits or page-table writes; "
            "bars end where the stage is reached</text>\n",
            LEFT);
    for (unsigned i = 0; i < n; i++)
        draw_row(f, &stage[i], i, last);
    fputs("</svg>\n", f);
}
