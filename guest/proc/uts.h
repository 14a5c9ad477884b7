/* uts.h - the system's name, as uname(2) gives it: in each UTS namespace another one. */
#ifndef PROC_UTS_H
#define PROC_UTS_H

#include "sched/namespace.h"
#include <linux/utsname.h>

enum uts_name { UTS_HOST, UTS_DOMAIN };

struct uts_ns {
    struct ns ns;
    struct new_utsname names; /* [uts] */
};
extern struct uts_ns first_uts_ns;
struct ns *uts_ns_copy(void); /* of current's; NULL: no memory */
void uts_ns_end(struct ns *ns);

void uts_get(struct new_utsname *copy);              /* current's */
void uts_make_old(struct new_utsname *copy);         /* for programs that know 2.6 only */
void uts_set(enum uts_name which, const char *text); /* what does not fit is cut off */

#endif
