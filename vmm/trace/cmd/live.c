/* live.c - vmm-trace live: what the machine does now, again and again, like top.
 *
 * For each picture a child reads the trace from its start, confined like every command, and
 * ends; so a picture costs 25 ns for each event so far.  What this process knows
 * of a trace is one number: up to when the last picture went. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "vmm/trace/cmd/commands.h"
#include "vmm/trace/cmd/common.h"
#include "vmm/trace/cmd/moment.h"
#include "vmm/trace/lib/follow.h"
#include "vmm/trace/lib/format.h"

/* Status of a child when vmm does not run any more. */
#define STATUS_ENDED 64

struct options {
    const char *dir;
    uint64_t times, delay_ns;
};

struct task {
    struct actor actor;
    uint64_t events, writes, faults; /* since the last picture */
};

struct picture {
    struct trace *trace;
    struct follow follow;
    uint64_t since; /* tsc of the last picture; 0: this is the first */
    uint64_t events, writes, faults;
    struct task **task;
    size_t n;
};

/* --- one picture ------------------------------------------------------------------------- */

static void take_event(struct picture *p, const struct trace_event *e)
{
    follow_event(&p->follow, e);
    if (e->tsc <= p->since)
        return;
    struct task *t = (struct task *)p->follow.actor;
    uint64_t n = event_writes(e);
    bool fault = e->id == TRACE_EV_page_fault;
    t->events++;
    t->writes += n;
    t->faults += fault;
    p->events++;
    p->writes += n;
    p->faults += fault;
}

static void collect(void *arg, void *record)
{
    struct picture *p = arg;
    struct task *t = record;
    if (t->actor.head.pid != 0 && !t->actor.reaped)
        p->task[p->n++] = t;
}

/* The busiest first. */
static int by_events(const void *a, const void *b)
{
    const struct task *x = *(struct task *const *)a, *y = *(struct task *const *)b;
    if (x->events != y->events)
        return x->events > y->events ? -1 : 1;
    return x->actor.head.pid < y->actor.head.pid ? -1 : 1;
}

static void state_text(char *buf, size_t size, struct picture *p, const struct actor *a)
{
    char on[WHO_BYTES] = "", since[24];
    if (a->wait.under_way) {
        if (a->wait.on_pid != 0)
            who_text(on, follow_actor(&p->follow, a->wait.on_pid));
        snprintf(
            buf, size, "%s%s%s for %s", trace_value_name("block_reason", a->wait.reason),
            on[0] != '\0' ? " " : "", on,
            format_ns(since, trace_ns(trace_meta(p->trace), p->follow.last_tsc - a->wait.tsc)));
        return;
    }
    snprintf(buf, size, "%s", a->ended ? "zombie" : trace_value_name("task_state", a->state));
}

static void print_task(struct picture *p, const struct task *t)
{
    char who[WHO_BYTES], state[96], call[40] = "-";
    const struct actor *a = &t->actor;
    if (a->call.number != 0)
        snprintf(call, sizeof(call), "%" PRIu64 " %s", a->call.number, call_name(a->call.nr));
    state_text(state, sizeof(state), p, a);
    printf("%-22s %5u %8" PRIu64 " %8" PRIu64 " %8" PRIu64 "  %-16s %s\n", who_text(who, a), a->mm,
           t->events, t->writes, t->faults, call, state);
}

static void print_head(const struct picture *p, const char *dir)
{
    char now[MOMENT_BYTES], span[24];
    const struct trace_meta *m = trace_meta(p->trace);
    uint64_t from = p->since != 0 ? p->since : p->follow.first_tsc;
    printf("%s: %s, %s s, %" PRIu64 " events\n", dir,
           trace_live(p->trace) ? "running"
           : m->stop_tsc != 0   ? "has stopped"
                                : "vmm was killed",
           moment_text(now, p->trace, p->follow.first_tsc, p->follow.last_tsc), p->follow.event);
    printf("in the last %s: %" PRIu64 " events, %" PRIu64 " entries written, %" PRIu64
           " page faults\n\n",
           format_ns(span, trace_ns(m, p->follow.last_tsc - from)), p->events, p->writes,
           p->faults);
    printf("%-22s %5s %8s %8s %8s  %-16s %s\n", "task", "mm", "events", "entries", "faults",
           "in call", "state");
}

/* In the child.  *since becomes how far it came. */
static int draw(const struct options *o, uint64_t *since, unsigned rows)
{
    struct picture p = { .trace = open_trace(o->dir), .since = *since };
    const struct trace_event *e;
    if (p.trace == NULL)
        return STATUS_TROUBLE;
    follow_init(&p.follow, sizeof(struct task));
    while ((e = trace_next(p.trace)) != NULL)
        take_event(&p, e);
    p.task = need(calloc(idmap_count(p.follow.actors) + 1, sizeof(p.task[0])));
    idmap_each(p.follow.actors, collect, &p);
    qsort(p.task, p.n, sizeof(p.task[0]), by_events);
    print_head(&p, o->dir);
    for (size_t i = 0; i < p.n && i + 6 < rows; i++)
        print_task(&p, p.task[i]);
    if (p.n + 6 > rows)
        printf("and %zu more\n", p.n + 6 - rows);
    const char *problem = trace_problem(p.trace);
    if (problem != NULL && !trace_live(p.trace)) /* a stream that grows may look cut off */
        printf("%s\n", problem);
    *since = p.follow.last_tsc;
    return trace_live(p.trace) ? STATUS_OK : STATUS_ENDED;
}

/* --- again and again --------------------------------------------------------------------- */

static unsigned screen_rows(void)
{
    struct winsize w;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) != 0 || w.ws_row < 8)
        return isatty(STDOUT_FILENO) ? 24 : 1000;
    return w.ws_row;
}

/* since: memory shared with the child, which closes all descriptors but the standard ones. */
static int one_picture(const struct options *o, uint64_t *since)
{
    int status;
    if (isatty(STDOUT_FILENO))
        fputs("\033[H\033[J", stdout);
    fflush(stdout);
    unsigned rows = screen_rows();
    pid_t child = fork();
    if (child == 0) {
        status = draw(o, since, rows);
        _exit(fflush(stdout) == 0 ? status : STATUS_TROUBLE);
    }
    if (child < 0 || waitpid(child, &status, 0) < 0 || !WIFEXITED(status))
        return STATUS_TROUBLE;
    return WEXITSTATUS(status);
}

static int run(const struct options *o)
{
    uint64_t *since =
        mmap(NULL, sizeof(*since), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (since == MAP_FAILED)
        out_of_memory();
    struct timespec delay = { (time_t)(o->delay_ns / 1000000000),
                              (long)(o->delay_ns % 1000000000) };
    for (uint64_t i = 0; i < o->times; i++) {
        if (i > 0)
            nanosleep(&delay, NULL);
        int status = one_picture(o, since);
        if (status == STATUS_ENDED)
            return STATUS_OK;
        if (status != STATUS_OK)
            return status;
        if (!isatty(STDOUT_FILENO))
            putchar('\n');
    }
    return STATUS_OK;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    struct moment m;
    switch (key) {
    case 'n': o->times = number_option(state, arg, UINT64_MAX); return 0;
    case 'd':
        m = moment_option(state, arg);
        if (m.kind != MOMENT_START)
            argp_error(state, "'%s' is no time to wait", arg);
        o->delay_ns = m.value;
        return 0;
    case ARGP_KEY_ARG:
    case ARGP_KEY_NO_ARGS: {
        struct argp_state inner = *state;
        inner.input = &o->dir;
        return parse_directory(key, arg, &inner);
    }
    }
    return ARGP_ERR_UNKNOWN;
}

int command_live(int argc, char **argv)
{
    static const struct argp_option option[] = {
        { "delay", 'd', "T", 0, "From one picture to the next: 1s, 250ms", 0 },
        { "times", 'n', "N", 0, "Pictures, then end", 0 },
        { 0 },
    };
    static const struct argp argp = {
        .options = option,
        .parser = parse,
        .args_doc = "DIR",
        .doc = "Shows what the machine does that records into DIR, until it stops: its tasks, the "
               "busiest first, their calls, and what each waits for.",
    };
    struct options o = { .times = UINT64_MAX, .delay_ns = 1000000000 };
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    return run(&o);
}
