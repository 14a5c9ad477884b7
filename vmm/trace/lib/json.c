/* json.c - see json.h. */
#include "vmm/trace/lib/json.h"

#include <inttypes.h>

static void quoted(FILE *out, const char *s)
{
    fputc('"', out);
    for (; *s != '\0'; s++) {
        if (*s == '"' || *s == '\\')
            fputc('\\', out);
        fputc(*s < ' ' || *s > '~' ? '?' : *s, out);
    }
    fputc('"', out);
}

static void before(struct json *j, const char *key)
{
    if (j->more)
        fputc(',', j->out);
    j->more = true;
    if (key != NULL) {
        quoted(j->out, key);
        fputc(':', j->out);
    }
}

static void open_with(struct json *j, const char *key, char bracket)
{
    before(j, key);
    fputc(bracket, j->out);
    j->more = false;
}

static void close_with(struct json *j, char bracket)
{
    fputc(bracket, j->out);
    j->more = true;
}

void json_begin(struct json *j, FILE *out)
{
    *j = (struct json){ .out = out };
    open_with(j, NULL, '{');
}

void json_end(struct json *j)
{
    close_with(j, '}');
    fputc('\n', j->out);
}

void json_object(struct json *j, const char *key) { open_with(j, key, '{'); }
void json_array(struct json *j, const char *key) { open_with(j, key, '['); }

void json_row(struct json *j)
{
    before(j, NULL);
    fputs("\n{", j->out);
    j->more = false;
}

void json_object_end(struct json *j) { close_with(j, '}'); }
void json_array_end(struct json *j) { close_with(j, ']'); }

void json_count(struct json *j, const char *key, uint64_t v)
{
    before(j, key);
    fprintf(j->out, "%" PRIu64, v);
}

void json_signed(struct json *j, const char *key, int64_t v)
{
    before(j, key);
    fprintf(j->out, "%" PRId64, v);
}

void json_hex(struct json *j, const char *key, uint64_t v)
{
    before(j, key);
    fprintf(j->out, "\"%#" PRIx64 "\"", v);
}

void json_bool(struct json *j, const char *key, bool v)
{
    before(j, key);
    fputs(v ? "true" : "false", j->out);
}

void json_text(struct json *j, const char *key, const char *s)
{
    before(j, key);
    quoted(j->out, s);
}
