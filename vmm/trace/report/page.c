/* page.c - see page.h. */
#include "vmm/trace/report/page.h"

__asm__(".pushsection .rodata\n"
        "page_head_bytes: .incbin \"report_head.html\"\n"
        "page_head_end:\n"
        "page_tail_bytes: .incbin \"report_tail.html\"\n"
        "page_tail_end:\n"
        ".popsection\n");
extern const char page_head_bytes[] __attribute__((visibility("hidden")));
extern const char page_head_end[] __attribute__((visibility("hidden")));
extern const char page_tail_bytes[] __attribute__((visibility("hidden")));
extern const char page_tail_end[] __attribute__((visibility("hidden")));

void page_head(FILE *out)
{
    fwrite(page_head_bytes, 1, (size_t)(page_head_end - page_head_bytes), out);
}

void page_tail(FILE *out)
{
    fwrite(page_tail_bytes, 1, (size_t)(page_tail_end - page_tail_bytes), out);
}
