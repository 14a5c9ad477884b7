/* links: guest/fs/cpio.c vmm/archive.c */
/* The kernel's reader of root images: what it hands out lies in the archive, and it comes to
 * an end.  What vmm has looked through and not refused, the kernel reads to its end. */
#include "fuzz.h"

#include "fs/cpio.h"
#include "vmm/archive.h"

static void look_at(const struct cpio_reader *r, const struct cpio_entry *e, const char *end)
{
    struct cpio_attributes a;
    struct cpio_identity id;
    struct cpio_run run;
    volatile char seen = 0;

    cpio_attributes(e->header, &a);
    cpio_identity(e->header, &id);
    MUST(strlen(e->name) == e->name_len);
    MUST(e->data <= end && e->size <= (size_t)(end - e->data) && e->next <= end);
    for (size_t i = 0; i < e->size; i++)
        seen = e->data[i];
    (void)seen;
    if (cpio_run_at(r, e, &run)) {
        struct cpio_reader behind = *r;
        MUST(run.first <= end && (size_t)run.n * run.bytes <= (size_t)(end - run.first));
        cpio_skip_run(&behind, &run);
        MUST(behind.at <= end && behind.at >= run.first);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = copy_of(data, size);
    struct cpio_reader r;
    struct cpio_entry e;
    struct archive look;
    const char *before;
    unsigned entries = 0;
    int ret;

    cpio_open(&r, copy, size);
    do {
        before = r.at;
        if ((ret = cpio_next(&r, &e)) != 1)
            break;
        look_at(&r, &e, copy + size);
        entries++;
    } while (r.at > before);
    MUST(r.at <= copy + size);
    archive_look(&look, (const uint8_t *)copy, size);
    MUST(look.at <= size);
    if (look.wrong == NULL && look.at == size)
        MUST(ret == 0 && entries <= look.entries);
    free(copy);
    return 0;
}
