/* mutant.c - which mutant it is. */
#include "mm/mutant.h"

#if MUTANTS

#include "lib/cmdline.h"
#include "lib/string.h"

enum mutant mutant_chosen;

void mutant_init(void)
{
#define X(name) #name,
    static const char *const names[] = { MUTANT_LIST(X) };
#undef X
    char name[32];
    if (!cmdline_value("debug.mutant", name, sizeof name))
        return;
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            mutant_chosen = (enum mutant)i;
            return;
        }
    }
    panic("debug.mutant: there is no %s", name);
}

#endif
