/* links: vmm/image.c vmm/gmem.c vmm/bootinfo.c vmm/acpi.c vmm/symbols.c */
/* libs: -lelf -ldw */
/* A kernel's ELF file is refused, or what it asks for is in RAM; symbols and line numbers of it
 * can be looked for. */
#include "fuzz.h"

#include "vmm/bootinfo.h"
#include "vmm/image.h"
#include "vmm/symbols.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct image im;
    struct gmem *mem;
    if (image_open(&im, file_of(data, size)) != NULL)
        return 0;
    if (gmem_create(&mem, 8 << 20) != 0)
        abort();
    if (image_place(&im, mem) == NULL && bootinfo_write(mem, &im, "words", NULL, 0, 2) == NULL) {
        MUST(im.nseg <= IMAGE_SEGMENTS);
        for (unsigned i = 0; i < im.nseg; i++)
            MUST(gmem_span(mem, im.seg[i].paddr, im.seg[i].memsz) != NULL);
    }
    struct symbols *s = symbols_open(im.fd);
    symbols_print(s, im.entry, nowhere());
    symbols_print(s, 0xffffffff80100000, nowhere());
    symbols_close(s);
    gmem_destroy(mem);
    image_close(&im);
    return 0;
}
