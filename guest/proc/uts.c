/* uts.c - the system's name, as uname(2) gives it. */
#include "proc/uts.h"
#include "lib/string.h"
#include "sync/lock.h"

/* release: the interface that programs may expect.  Those of Linux up to 6.18 are there, as docs/linux.md says,
 * and programs that look at the number first would do without what is newer than it. */
#define LOCAL "-forkscope"
static struct new_utsname uts = {
    "Linux", "(none)", "6.18.0" LOCAL, "#1 Forkscope", "x86_64", "(none)",
};
static struct spinlock uts_lock = SPINLOCK_INIT(LOCK_uts);
_Static_assert(sizeof uts.nodename == __NEW_UTS_LEN + 1, "as sethostname checks");

void uts_get(struct new_utsname *copy)
{
    spin_lock(&uts_lock);
    *copy = uts;
    spin_unlock(&uts_lock);
}

void uts_make_old(struct new_utsname *copy)
{
    strlcpy(copy->release, "2.6.78" LOCAL, sizeof(copy->release)); /* 60 + 18, as Linux counts on */
}

void uts_set(enum uts_name which, const char *text)
{
    char *name = which == UTS_HOST ? uts.nodename : uts.domainname;

    spin_lock(&uts_lock);
    memset(name, 0, __NEW_UTS_LEN + 1);
    strlcpy(name, text, __NEW_UTS_LEN + 1);
    spin_unlock(&uts_lock);
}
