/* links: vmm/libs.c vmm/ldcache.c vmm/there.c vmm/say.c */
/* libs: -lelf */
/* --add looks for the libraries of a program, and for one in the loader's cache: any file will
 * do for either. */
#include "fuzz.h"

#include "vmm/ldcache.h"
#include "vmm/libs.h"

static bool found(void *ctx, const char *host, const char *guest)
{
    (void)host;
    MUST(guest[0] == '/');
    return ++*(unsigned *)ctx < 1000;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned n = 0;
    const char *path = file_of(data, size);
    if (libs_is_dynamic(path))
        libs_walk(path, "/bin/program", NULL, LIBS_ALL, found, &n);
    struct ldcache *c = ldcache_open(path);
    const char *at = ldcache_find(c, "libc.so.6");
    if (at != NULL)
        fputs(at, nowhere());
    ldcache_close(c);
    return 0;
}
