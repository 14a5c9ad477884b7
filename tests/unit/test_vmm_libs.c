/* links: vmm/libs.c vmm/ldcache.c vmm/say.c vmm/there.c */
/* Libraries are found where ldd(1) finds them, each once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "vmm/libs.h"

struct list {
    char path[64][256];
    unsigned n;
};

static bool take(void *ctx, const char *host, const char *guest)
{
    struct list *l = ctx;
    assert_true(guest[0] == '/');
    assert_true(l->n < 64);
    snprintf(l->path[l->n++], sizeof(l->path[0]), "%s", host);
    return true;
}

static unsigned times(const struct list *l, const char *host)
{
    unsigned n = 0;
    for (unsigned i = 0; i < l->n; i++)
        n += strcmp(l->path[i], host) == 0;
    return n;
}

static void libraries_are_those_of_ldd(void **state)
{
    (void)state;
    struct list l = { .n = 0 };
    char line[512], path[256];
    unsigned found = 0;
    if (!libs_is_dynamic("/bin/bash"))
        skip();
    assert_true(libs_walk("/bin/bash", "/bin/bash", NULL, LIBS_ALL, take, &l));
    FILE *ldd = popen("ldd /bin/bash", "r");
    assert_non_null(ldd);
    while (fgets(line, sizeof(line), ldd) != NULL) {
        const char *slash = strchr(line, '/');
        if (slash == NULL || sscanf(slash, "%255s", path) != 1)
            continue;
        assert_int_equal(times(&l, path), 1);
        found++;
    }
    pclose(ldd);
    assert_int_equal(l.n, found);
}

static void files_that_are_not_programs_need_nothing(void **state)
{
    (void)state;
    assert_false(libs_is_dynamic("/etc/passwd"));
    assert_false(libs_is_dynamic("/nonexistent"));
    assert_false(libs_is_dynamic("/dev/null"));
}

/* A program that names its interpreter and a library by paths without a leading slash
 * finds both in a guest, where init starts in /. */
static void relative_names_lie_below_the_root(void **state)
{
    (void)state;
    struct list l = { .n = 0 };
    char dir[] = "/tmp/libs.XXXXXX", command[512], before[256];
    assert_non_null(mkdtemp(dir));
    assert_non_null(getcwd(before, sizeof(before)));
    assert_int_equal(chdir(dir), 0);
    snprintf(command, sizeof(command),
             "mkdir sub && echo 'int f(void) { return 0; }' > f.c && "
             "echo 'int f(void); int main(void) { return f(); }' > m.c && "
             "gcc -shared -fPIC -nostdlib f.c -o sub/f.so && "
             "gcc -nostdlib -Wl,-e,main -Wl,--dynamic-linker,sub/loader m.c sub/f.so -o m && "
             "cp sub/f.so sub/loader");
    assert_int_equal(system(command), 0);
    assert_true(libs_walk("m", "/bin/m", NULL, LIBS_ALL, take, &l));
    assert_int_equal(l.n, 2);
    assert_int_equal(times(&l, "sub/loader"), 1);
    assert_int_equal(times(&l, "sub/f.so"), 1);
    snprintf(command, sizeof(command), "rm -r %s", dir);
    assert_int_equal(system(command), 0);
    assert_int_equal(chdir(before), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(libraries_are_those_of_ldd),
        cmocka_unit_test(files_that_are_not_programs_need_nothing),
        cmocka_unit_test(relative_names_lie_below_the_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
