/* uts.c - the system's name, as uname(2) gives it. */
#include "proc/uts.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "proc/namespace.h"
#include "sync/lock.h"

/* release: the interface that programs may expect.  Those of Linux up to 6.18 are there, as docs/linux.md says,
 * and programs that look at the number first would do without what is newer than it. */
#define LOCAL "-forkscope"
struct uts_ns first_uts_ns = {
    FIRST_NS(NS_UTS),
    { "Linux", "(none)", "6.18.0" LOCAL, "#1 Forkscope", "x86_64", "(none)" },
};
static struct spinlock uts_lock = SPINLOCK_INIT(LOCK_uts);
_Static_assert(sizeof first_uts_ns.names.nodename == __NEW_UTS_LEN + 1, "as sethostname checks");

static struct new_utsname *here(void)
{
    return &container_of(ns_of(NS_UTS), struct uts_ns, ns)->names;
}

struct ns *uts_ns_copy(void)
{
    struct uts_ns *u = kzalloc(sizeof *u);

    if (u == NULL)
        return NULL;
    uts_get(&u->names);
    return &u->ns;
}

void uts_ns_end(struct ns *ns) { kfree(container_of(ns, struct uts_ns, ns)); }

void uts_get(struct new_utsname *copy)
{
    spin_lock(&uts_lock);
    *copy = *here();
    spin_unlock(&uts_lock);
}

void uts_make_old(struct new_utsname *copy)
{
    strlcpy(copy->release, "2.6.78" LOCAL, sizeof(copy->release)); /* 60 + 18, as Linux counts on */
}

void uts_set(enum uts_name which, const char *text)
{
    char *name = which == UTS_HOST ? here()->nodename : here()->domainname;

    spin_lock(&uts_lock);
    memset(name, 0, __NEW_UTS_LEN + 1);
    strlcpy(name, text, __NEW_UTS_LEN + 1);
    spin_unlock(&uts_lock);
}
