/* cmdline.h - the kernel command line: words separated by blanks.
 *
 * Double quotes group, anywhere in a word; inside them a backslash makes a
 * following `"` or `\` literal, and every other byte stands for itself, a
 * newline too.  The first unquoted word `--` ends the kernel's words; what
 * follows are init's arguments. */
#ifndef VMM_CMDLINE_H
#define VMM_CMDLINE_H

#include <stdbool.h>
#include <stddef.h>

#define CMDLINE_MAX (64u * 1024) /* bytes, without the final NUL */

struct cmdline_parts {
    const char *append;  /* -a: words as they are, or NULL */
    const char *term;    /* value of TERM, or NULL */
    unsigned rows, cols; /* 0: not known */
    bool once;           /* the console's input is a script: it serves one session */
    char **command;      /* NULL-terminated, or NULL: boot init */
    char **env[2];       /* for the command: nenv words K=V; the later count */
    unsigned nenv[2];
    const char *workdir, *user, *hostname; /* or NULL */
};

/* The whole line, for free(3).  0, -ENOMEM, -E2BIG when it is longer than
 * CMDLINE_MAX, -EINVAL when both append and command have an end of the
 * kernel's words. */
int cmdline_build(char **out, const struct cmdline_parts *parts);

/* Is there an unquoted word `--`? */
bool cmdline_has_end(const char *line);

#endif
