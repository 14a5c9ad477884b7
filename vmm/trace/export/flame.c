/* flame.c - entries written, by call path, as folded stacks: "run;sh;ls;execve;exec_map 37".
 *
 * A path is what the task is called, after its ancestors; the call or the page fault that the
 * write is for; the reason.  Equal paths are one line, so paths are what is remembered: at most
 * PATHS_MAX, what is beyond them is in one line that says so. */
#include <inttypes.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/trace/export/export.h"
#include "vmm/trace/export/lives.h"
#include "vmm/trace/export/text.h"
#include "vmm/trace/lib/status.h"

#define PATHS_MAX 100000
#define DEPTH_MAX 24 /* tasks in a path; of a longer one, the innermost */

struct path {
    char *text; /* first: the key */
    uint64_t writes;
};

struct ancestry { /* a task's: its name after those of its ancestors */
    struct task task;
    char *text;
    unsigned depth;
};

struct flame {
    struct export *x;
    struct lives lives;
    void *paths; /* of tsearch */
    unsigned count;
    uint64_t beyond;
};

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct path *)a)->text, ((const struct path *)b)->text);
}

static struct ancestry *ancestry_of(struct task *t) { return (struct ancestry *)t; }

/* "run;sh" and "ls" become "run;sh;ls". */
static char *joined(const char *before, const char *name)
{
    char *text;
    size_t size;
    FILE *out = need(open_memstream(&text, &size));
    if (before != NULL)
        fprintf(out, "%s;", before);
    text_folded(out, name, strlen(name));
    if (fclose(out) != 0)
        out_of_memory();
    return text;
}

static const char *last_names(const char *text, unsigned *depth)
{
    for (; *depth >= DEPTH_MAX; --*depth)
        text = strchr(text, ';') + 1;
    return text;
}

static void birth(void *arg, struct task *t, struct task *parent)
{
    struct ancestry *a = ancestry_of(t), *p = parent != NULL ? ancestry_of(parent) : NULL;
    (void)arg;
    free(a->text);
    a->depth = p != NULL ? p->depth : 0;
    const char *before = p != NULL ? last_names(p->text, &a->depth) : NULL;
    a->depth++;
    a->text = joined(before, t->life.name[0] != '\0' ? t->life.name : "init");
}

/* In place of the name that it had. */
static void named(void *arg, struct task *t)
{
    struct ancestry *a = ancestry_of(t);
    char *before = a->text, *last = strrchr(before, ';');
    (void)arg;
    if (last != NULL)
        *last = '\0';
    a->text = joined(last != NULL ? before : NULL, t->life.name);
    free(before);
}

static void death(void *arg, struct task *t)
{
    (void)arg;
    free(ancestry_of(t)->text);
    ancestry_of(t)->text = NULL;
}

static void add(struct flame *f, const char *path, uint64_t writes)
{
    struct path key = { .text = (char *)(uintptr_t)path };
    struct path **found = tfind(&key, &f->paths, compare), *fresh;
    if (found != NULL) {
        (*found)->writes += writes;
        return;
    }
    if (f->count == PATHS_MAX) {
        f->beyond += writes;
        return;
    }
    f->count++;
    fresh = need(malloc(sizeof(*fresh)));
    *fresh = (struct path){ need(strdup(path)), writes };
    need(tsearch(fresh, &f->paths, compare));
}

static void take_event(struct flame *f, const struct trace_event *e)
{
    char path[DEPTH_MAX * LIFE_NAME * 3 + 128]; /* a replaced byte is three */
    lives_event(&f->lives, e);
    uint64_t writes = event_writes(e);
    if (writes == 0 || event_reason(e) == PT_checkpoint)
        return; /* what was there before is no cost of anything */
    struct task *t = lives_actor(&f->lives);
    const struct actor *a = f->lives.follow.actor;
    const char *what = "", *semicolon = "";
    if (a->call.number != 0)
        what = call_name(a->call.nr), semicolon = ";";
    snprintf(path, sizeof(path), "%s;%s%s%s%s", t != NULL ? ancestry_of(t)->text : "the kernel",
             what, semicolon, a->fault.event != 0 ? "page fault;" : "",
             trace_value_name("pt_reason", (unsigned)event_reason(e)));
    add(f, path, writes);
}

static void print_path(const void *node, VISIT visit, void *out)
{
    const struct path *p = *(const struct path *const *)node;
    if (visit == postorder || visit == leaf)
        fprintf(out, "%s %" PRIu64 "\n", p->text, p->writes);
}

static void free_path(void *node)
{
    struct path *p = node;
    free(p->text);
    free(p);
}

bool export_flame(struct export *x)
{
    static const struct lives_listener listener = { .birth = birth,
                                                    .named = named,
                                                    .death = death };
    struct flame f = { .x = x };
    const struct trace_event *e;
    lives_init(&f.lives, sizeof(struct ancestry), &listener, &f);
    while ((e = export_next(x)) != NULL)
        take_event(&f, e);
    twalk_r(f.paths, print_path, x->out);
    if (f.beyond > 0)
        fprintf(x->out, "(more than %u paths) %" PRIu64 "\n", PATHS_MAX, f.beyond);
    lives_end(&f.lives, 0);
    lives_free(&f.lives);
    tdestroy(f.paths, free_path);
    return true;
}
