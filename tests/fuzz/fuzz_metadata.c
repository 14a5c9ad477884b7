/* links: vmm/trace/lib/*.c */
/* Metadata of anything is refused, or says the same when it is written and read again. */
#include "fuzz.h"

#include "vmm/trace/lib/metadata.h"

static char *written(struct trace_meta *m)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        abort();
    trace_meta_write(out, m);
    fclose(out);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct trace_meta m, again;
    char *text = malloc(size + 1);
    if (text == NULL)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    if (trace_meta_parse(&m, text) == 0) {
        MUST(m.ncpus <= TRACE_CPUS_MAX);
        char *first = written(&m);
        MUST(trace_meta_parse(&again, first) == 0);
        char *second = written(&again);
        MUST(strcmp(first, second) == 0);
        free(first);
        free(second);
    }
    free(text);
    return 0;
}
