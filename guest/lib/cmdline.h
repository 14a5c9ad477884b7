/* cmdline.h - the kernel command line, as Linux reads it.
 * Words are separated by blanks; double quotes group, anywhere in a word; inside
 * them a backslash makes a following " or \ literal.  The first unquoted `--`
 * ends the kernel's own words.  Before it:
 *     init=PATH       the program of PID 1, as is rdinit=PATH: every root is an initramfs
 *     a.b=VALUE       kernel parameters, as are the few words Linux knows and
 *                     this kernel has no use for (quiet, console=, root=, ...)
 *     key=value       else goes to init's environment
 *     word            else is an argument of init
 * All words behind it are arguments of init. */
#ifndef LIB_CMDLINE_H
#define LIB_CMDLINE_H

#include "lib/base.h"

#define CMDLINE_ARGS_MAX 510 /* Linux stops at 32: a command may be longer */
#define CMDLINE_ENV_MAX  32

struct cmdline {
    const char *init;                       /* NULL: not given */
    const char *argv[CMDLINE_ARGS_MAX + 2]; /* [0] is left for the program; NULL at the end */
    const char *envp[CMDLINE_ENV_MAX + 1];  /* HOME and TERM first, overridable */
    unsigned nargs, nenv;
    bool too_many;      /* a word had no room and was dropped */
    const char *params; /* decoded words one after another */
    const char *params_end;
};
extern struct cmdline cmdline;

/* Once.  words: room for strlen(line) + 1 bytes, kept. */
void cmdline_parse(const char *line, char *words);
/* Value of the last `key=value` among the kernel's words, cut to fit; false: none. */
bool cmdline_value(const char *key, char *buf, size_t room);

#endif
