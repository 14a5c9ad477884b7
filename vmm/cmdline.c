/* cmdline.c - see cmdline.h for the language.  Left out: single quotes, which
 * Linux's parser does not know either. */
#include "vmm/cmdline.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static void put_word(FILE *out, const char *word)
{
    bool plain = *word != '\0';
    for (const char *p = word; *p != '\0'; p++)
        plain = plain && !is_blank(*p) && *p != '"';
    if (plain) {
        fputs(word, out);
        return;
    }
    putc('"', out);
    for (const char *p = word; *p != '\0'; p++) {
        if (*p == '"' || *p == '\\')
            putc('\\', out);
        putc(*p, out);
    }
    putc('"', out);
}

static void put_option(FILE *out, const char *option, const char *value)
{
    if (value == NULL)
        return;
    fprintf(out, " %s ", option);
    put_word(out, value);
}

bool cmdline_has_end(const char *line)
{
    const char *p = line;
    while (*p != '\0') {
        while (is_blank(*p))
            p++;
        const char *start = p;
        bool quoted = false;
        for (; *p != '\0' && (quoted || !is_blank(*p)); p++) {
            if (*p == '"')
                quoted = !quoted;
            else if (quoted && *p == '\\' && (p[1] == '"' || p[1] == '\\'))
                p++;
        }
        if (p - start == 2 && memcmp(start, "--", 2) == 0)
            return true;
    }
    return false;
}

/* Terminal names are short and plain; any other value is left out. */
static bool term_is_plain(const char *term)
{
    for (const char *p = term; *p != '\0'; p++)
        if (!isalnum((unsigned char)*p) && strchr("._+-", *p) == NULL)
            return false;
    return *term != '\0';
}

int cmdline_build(char **out, const struct cmdline_parts *parts)
{
    char *line = NULL;
    size_t len = 0;
    bool append_ends = parts->append != NULL && cmdline_has_end(parts->append);
    if (append_ends && parts->command != NULL)
        return -EINVAL;
    FILE *f = open_memstream(&line, &len);
    if (f == NULL)
        return -ENOMEM;
    const char *gap = "";
    if (parts->term != NULL && term_is_plain(parts->term)) {
        fprintf(f, "TERM=%s", parts->term);
        gap = " ";
    }
    if (parts->rows != 0 && parts->cols != 0) {
        fprintf(f, "%stty.rows=%u tty.cols=%u", gap, parts->rows, parts->cols);
        gap = " ";
    }
    if (parts->once) {
        fprintf(f, "%stty.once=1", gap);
        gap = " ";
    }
    if (parts->append != NULL) {
        fprintf(f, "%s%s", gap, parts->append);
        gap = " ";
    }
    if (parts->command != NULL) {
        fprintf(f, "%sinit=/bin/run --", gap);
        for (unsigned from = 0; from < 2; from++)
            for (unsigned i = 0; i < parts->nenv[from]; i++)
                put_option(f, "-e", parts->env[from][i]);
        put_option(f, "-w", parts->workdir);
        put_option(f, "-u", parts->user);
        put_option(f, "-n", parts->hostname);
        if (parts->command[0][0] == '-')
            fputs(" --", f);
        for (char **word = parts->command; *word != NULL; word++) {
            putc(' ', f);
            put_word(f, *word);
        }
    }
    bool failed = ferror(f) != 0;
    if (fclose(f) != 0 || failed) {
        free(line);
        return -ENOMEM;
    }
    if (len > CMDLINE_MAX) {
        free(line);
        return -E2BIG;
    }
    *out = line;
    return 0;
}
