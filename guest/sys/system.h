/* system.h - the system's name, as uname(2) gives it. */
#ifndef SYS_SYSTEM_H
#define SYS_SYSTEM_H

#include <linux/utsname.h>

void uts_get(struct new_utsname *copy);

#endif
