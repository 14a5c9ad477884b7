/* checks.c - see checks.h. */
#include "vmm/trace/lint/checks.h"

/* clang-format off */
const char *const lint_names[LINT_COUNT] = {
#define X(name, text) #name,
    LINT_CHECKS(X)
#undef X
};
const char *const lint_texts[LINT_COUNT] = {
#define X(name, text) text,
    LINT_CHECKS(X)
#undef X
};
/* clang-format on */

enum lint_verdict lint_verdict(const struct lint_result *r, enum lint_check check)
{
    if (r->check[check].failed > 0)
        return LINT_FAIL;
    return r->has_gap && check != LINT_T2 ? LINT_INCONCLUSIVE : LINT_PASS;
}
