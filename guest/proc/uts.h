/* uts.h - the system's name, as uname(2) gives it. */
#ifndef PROC_UTS_H
#define PROC_UTS_H

#include <linux/utsname.h>

enum uts_name { UTS_HOST, UTS_DOMAIN };

void uts_get(struct new_utsname *copy);
void uts_make_old(struct new_utsname *copy);         /* for programs that know 2.6 only */
void uts_set(enum uts_name which, const char *text); /* what does not fit is cut off */

#endif
