/* waits.c - see waits.h. */
#include "vmm/trace/cmd/waits.h"

#include <inttypes.h>
#include <stdlib.h>

#include "vmm/trace/lib/status.h"

#define CHILDREN_SHOWN 6

static void children_text(FILE *out, const struct actor *parent)
{
    char who[WHO_BYTES];
    unsigned n = 0, more = 0;
    for (const struct actor *c = parent->children; c != NULL; c = c->next) {
        if (n < CHILDREN_SHOWN)
            fprintf(out, "%s%s%s", n > 0 ? ", " : "any of ", who_text(who, c),
                    c->process_ended ? " (a zombie)" : "");
        else
            more++;
        n++;
    }
    if (n == 0)
        fputs("no child it has", out);
    if (more > 0)
        fprintf(out, " and %u more", more);
}

char *wait_whom(struct follow *f, const struct actor *waiter)
{
    char who[WHO_BYTES], *text;
    size_t size;
    FILE *out = need(open_memstream(&text, &size));
    if (waiter->wait.on_pid != 0)
        fputs(who_text(who, follow_actor(f, waiter->wait.on_pid)), out);
    else if (waiter->wait.reason == BLOCK_wait)
        children_text(out, follow_actor(f, waiter->tgid));
    if (fclose(out) != 0)
        out_of_memory();
    return text;
}

static void call_text(FILE *out, const struct wait *w, const struct actor *by)
{
    if (wait_end_call(w, by) != 0)
        fprintf(out, " in call %" PRIu64 " %s", by->call.number, call_name(by->call.nr));
}

void wait_end_text(FILE *out, const struct wait *w, const struct actor *by, bool stopped)
{
    char who[WHO_BYTES];
    if (by == NULL) {
        fputs(stopped ? "still blocked when the machine stopped"
                      : "still blocked at the last event",
              out);
        return;
    }
    if (w->reason == BLOCK_vfork && w->released != RELEASE_none)
        fprintf(out, "%s: ", trace_value_name("release_cause", w->released));
    if (w->reason == BLOCK_wait && by->ended)
        fputs("end of ", out);
    else if (wait_end_signal(w, by) != 0)
        fprintf(out, "signal %u: ", w->signo);
    if (w->reason == BLOCK_nanosleep && wait_end_signal(w, by) == 0) {
        fputs("its time was up", out);
        return;
    }
    fputs(who_text(who, by), out);
    call_text(out, w, by);
}
