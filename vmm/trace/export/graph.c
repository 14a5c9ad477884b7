/* graph.c - the process tree for mermaid and for graphviz.
 *
 * An arrow when a life begins, a box with its names when it is over: so nothing but what lives
 * is remembered.  Both programs take boxes and arrows in any order. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "vmm/trace/export/export.h"
#include "vmm/trace/export/lives.h"
#include "vmm/trace/export/text.h"
#include "vmm/trace/lib/format.h"
#include "vmm/trace/lib/status.h"

struct language {
    const char *begin, *end;
    const char *arrow; /* 1 from, 2 call, 3 to; "n" and a number is the name of a box */
    const char *box_begin, *box_end;
    void (*text)(FILE *out, const char *s, size_t n);
};

struct graph {
    const struct language *language;
    struct export *x;
    struct lives lives;
};

static void birth(void *arg, struct task *t, struct task *parent)
{
    struct graph *g = arg;
    if (parent != NULL)
        fprintf(g->x->out, g->language->arrow, parent->life.number, call_kind_names[t->life.born],
                t->life.number);
}

static void end_text(FILE *out, const struct life *l)
{
    if (!l->ended)
        fputs("still there", out);
    else if (WIFSIGNALED(l->status))
        fprintf(out, "killed by signal %d", WTERMSIG(l->status));
    else
        fprintf(out, "exit %d", WEXITSTATUS(l->status));
}

/* "sh > ls [5], 37 entries, 1.2ms, exit 0" */
static void death(void *arg, struct task *t)
{
    struct graph *g = arg;
    const struct life *l = &t->life;
    char *label, span[24];
    size_t size;
    FILE *text = need(open_memstream(&label, &size));
    fprintf(text, "%s [%" PRIu32 "], %" PRIu64 " entries, %s, ",
            l->names[0] != '\0' ? l->names : "init", l->pid, l->writes,
            format_ns(span, trace_ns(trace_meta(g->x->trace), l->to - l->from)));
    end_text(text, l);
    if (fclose(text) != 0)
        out_of_memory();
    fprintf(g->x->out, g->language->box_begin, l->number);
    g->language->text(g->x->out, label, size);
    fputs(g->language->box_end, g->x->out);
    free(label);
}

static bool draw(struct export *x, const struct language *language)
{
    static const struct lives_listener listener = { .birth = birth, .death = death };
    struct graph g = { .language = language, .x = x };
    const struct trace_event *e;
    lives_init(&g.lives, sizeof(struct task), &listener, &g);
    fputs(language->begin, x->out);
    while ((e = export_next(x)) != NULL)
        lives_event(&g.lives, e);
    lives_end(&g.lives, trace_meta(x->trace)->stop_tsc);
    fputs(language->end, x->out);
    lives_free(&g.lives);
    return true;
}

bool export_mermaid(struct export *x)
{
    static const struct language mermaid = {
        "flowchart TD\n",    "",    "    n%1$" PRIu64 " -->|%2$s| n%3$" PRIu64 "\n",
        "    n%" PRIu64 "[", "]\n", text_mermaid,
    };
    return draw(x, &mermaid);
}

bool export_dot(struct export *x)
{
    static const struct language dot = {
        "digraph processes {\n    node [shape=box];\n",
        "}\n",
        "    n%1$" PRIu64 " -> n%3$" PRIu64 " [label=\"%2$s\"];\n",
        "    n%" PRIu64 " [label=",
        "];\n",
        text_dot,
    };
    return draw(x, &dot);
}
