/* cmdline.c - see cmdline.h.  The line is decoded once, into words that end in
 * NUL; everything else points at those.  Decoding never makes a word longer, so
 * the words fit into as many bytes as the line has. */
#include "lib/cmdline.h"
#include "lib/string.h"

struct cmdline cmdline;

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n'; }

/* One word from *line, which is not at its end, to *to.  True: it is an unquoted
 * `--`.  Both pointers move on. */
static bool decode_word(const char **line, char **to)
{
    const char *s = *line;
    char *d = *to, *start = d;
    bool in_quotes = false, quoted = false;
    for (; *s != '\0' && (in_quotes || !is_blank(*s)); s++) {
        if (*s == '"') {
            in_quotes = !in_quotes;
            quoted = true;
            continue;
        }
        if (in_quotes && *s == '\\' && (s[1] == '"' || s[1] == '\\'))
            s++;
        *d++ = *s;
    }
    *d++ = '\0';
    *line = s;
    *to = d;
    return !quoted && strcmp(start, "--") == 0;
}

static bool has_key(const char *word, const char *key)
{
    while (*key != '\0' && *word == *key) {
        word++;
        key++;
    }
    return *key == '\0' && *word == '=';
}

/* Is it for the kernel?  Words of Linux that say how to boot are: a program that
 * found them in its arguments or environment would not expect it. */
static bool kernel_word(const char *word)
{
    static const char *const plain[] = { "quiet",    "debug",   "ro",     "rw",
                                         "rootwait", "nokaslr", "noapic", "nosmp" };
    static const char *const keys[] = { "console",    "earlyprintk", "loglevel", "panic",  "root",
                                        "rootfstype", "rootflags",   "reboot",   "maxcpus" };
    for (unsigned i = 0; i < ARRAY_SIZE(plain); i++)
        if (strcmp(word, plain[i]) == 0)
            return true;
    for (unsigned i = 0; i < ARRAY_SIZE(keys); i++)
        if (has_key(word, keys[i]))
            return true;
    const char *equals = strchr(word, '='), *dot = strchr(word, '.');
    return dot != NULL && (equals == NULL || dot < equals);
}

static void add_argument(char *word)
{
    if (cmdline.nargs < CMDLINE_ARGS_MAX)
        cmdline.argv[1 + cmdline.nargs++] = word;
    else
        cmdline.too_many = true;
}

/* A later setting of a variable replaces the earlier one. */
static void add_variable(char *word)
{
    size_t name = (size_t)(strchr(word, '=') - word) + 1;
    for (unsigned i = 0; i < cmdline.nenv; i++) {
        if (strncmp(cmdline.envp[i], word, name) == 0) {
            cmdline.envp[i] = word;
            return;
        }
    }
    if (cmdline.nenv < CMDLINE_ENV_MAX)
        cmdline.envp[cmdline.nenv++] = word;
    else
        cmdline.too_many = true;
}

static void take_word(char *word)
{
    if (has_key(word, "init"))
        cmdline.init = word + 5;
    else if (has_key(word, "rdinit"))
        cmdline.init = word + 7;
    else if (kernel_word(word))
        ;
    else if (strchr(word, '=') != NULL)
        add_variable(word);
    else
        add_argument(word);
}

void cmdline_parse(const char *line, char *words)
{
    static char home[] = "HOME=/", term[] = "TERM=linux";
    cmdline = (struct cmdline){ .params = words };
    add_variable(home);
    add_variable(term);
    bool ended = false;
    for (char *to = words;;) {
        while (is_blank(*line))
            line++;
        if (*line == '\0')
            break;
        char *word = to;
        bool end = decode_word(&line, &to);
        if (ended)
            add_argument(word);
        else if (end)
            ended = true;
        else
            take_word(word);
        if (!ended)
            cmdline.params_end = to;
    }
}

bool cmdline_value(const char *key, char *buf, size_t room)
{
    bool found = false;
    for (const char *w = cmdline.params; w < cmdline.params_end; w += strlen(w) + 1) {
        if (has_key(w, key)) {
            strlcpy(buf, w + strlen(key) + 1, room);
            found = true;
        }
    }
    return found;
}
