/* links: vmm/root/file.c vmm/root/image.c vmm/root/tool.c */
/* What vmm takes from an image file in the cache, whose last page says what is where, and what to run: refused, or
 * pages of the file with words that end within the text.  The rest of the file is the kernel's to look at (target
 * `index`). */
#include "fuzz.h"

#include "vmm/root/file.h"
#include "vmm/root/image.h"
#include "vmm/say.h"

#define PAGES_MAX 6u

void say(const char *fmt, ...) { (void)fmt; }

bool root_image_of_dir(struct root_image *im, const char *path)
{
    (void)im, (void)path;
    return false;
}

static void check_word(const struct root_run *r, const char *word, size_t n)
{
    MUST(word == NULL || (word > r->text && word + strlen(word) <= r->text + n));
}

static void check(const struct root_image *im, size_t file, size_t text)
{
    const struct root_run *r = &im->run;
    volatile uint8_t seen = 0;
    MUST(im->bytes % ROOT_FILE_PAGE == 0 && im->bytes < file && im->data < im->bytes);
    for (size_t i = 0; i < im->bytes; i += ROOT_FILE_PAGE)
        seen = im->at[i];
    (void)seen;
    for (unsigned i = 0; i < r->nenv; i++)
        check_word(r, r->env[i], text);
    for (char **word = r->command; *word != NULL; word++)
        check_word(r, *word, text);
    check_word(r, r->workdir, text);
    check_word(r, r->user, text);
}

/* The last page's fields, then the text of what to run, at its place. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t file[PAGES_MAX * ROOT_FILE_PAGE + 3];
    struct input in = { data, size };
    struct root_file_end end = { .magic = ROOT_FILE_MAGIC, .version = ROOT_FILE_VERSION };
    struct root_image im = { .at = NULL };
    int fd = memfd_create("root", MFD_CLOEXEC);
    size_t pages = take_number(&in, 1) % (PAGES_MAX + 1), bytes = pages * ROOT_FILE_PAGE;
    unsigned odd = (unsigned)take_number(&in, 1);
    memset(file, 0, sizeof(file));
    if (odd & 1)
        take(&in, &end, sizeof(end));
    end.index_at = take_number(&in, odd & 2 ? 8 : 1) * (odd & 4 ? 1 : ROOT_FILE_PAGE);
    end.run_at = take_number(&in, odd & 8 ? 8 : 1) * (odd & 4 ? 1 : ROOT_FILE_PAGE);
    end.run_bytes = (uint32_t)take_number(&in, odd & 16 ? 4 : 2);
    if (end.run_at < bytes)
        take(&in, file + end.run_at, bytes - end.run_at < in.left ? bytes - end.run_at : in.left);
    if (pages > 0)
        memcpy(file + bytes - ROOT_FILE_PAGE, &end, sizeof(end));
    bytes += odd & 32 ? odd >> 6 : 0;
    MUST(fd >= 0 && write(fd, file, bytes) == (ssize_t)bytes);
    if (root_image_map(&im, fd, "fuzz", NULL))
        check(&im, bytes, end.run_bytes);
    root_image_free(&im);
    close(fd);
    return 0;
}
