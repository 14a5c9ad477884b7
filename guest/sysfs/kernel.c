/* kernel.c - /sys/kernel: what the kernel is, and its huge pages. */
#include "lib/string.h"
#include "mm/huge.h"
#include "mm/pt.h"
#include "sched/task.h"
#include "sysfs/internal.h"

/* --- a choice among words, the chosen one in brackets ----------------------------- */

static void put_choice(struct text *t, const char *const *word, unsigned chosen)
{
    for (unsigned i = 0; word[i]; i++)
        text_printf(t, i == chosen ? "%s[%s]" : "%s%s", i ? " " : "", word[i]);
    text_put(t, "\n", 1);
}

/* Which word a line is: -EINVAL: none of them. */
static int choice_of(const char *line, const char *const *word)
{
    if (!capable())
        return -EPERM;
    for (int i = 0; word[i]; i++)
        if (strcmp(word[i], line) == 0)
            return i;
    return -EINVAL;
}

/* --- huge pages (mm/huge.c) ------------------------------------------------------- */

static const char *const enabled[] = { "always", "madvise", "never", NULL };

static int show_enabled(struct text *t, UNUSED)
{
    put_choice(t, enabled, huge_mode() - HUGE_ALWAYS);
    return 0;
}

static int store_enabled(UNUSED, char *line)
{
    int i = choice_of(line, enabled);

    if (i < 0)
        return i;
    huge_set_mode(HUGE_ALWAYS + (unsigned)i);
    return 0;
}

/* Memory is never moved to make room for one, and nothing else can be chosen. */
static const char *const defrag[] = {
    "always", "defer", "defer+madvise", "madvise", "never", NULL
};
/* Files have none. */
static const char *const shmem[] = { "always", "within_size", "advise", "never",
                                     "deny",   "force",       NULL };
struct fixed_choice {
    const char *const *word;
    int chosen;
};
static const struct fixed_choice fixed[] = { { defrag, 4 }, { shmem, 3 } };

static int show_fixed(struct text *t, const struct pfs_node *n)
{
    const struct fixed_choice *c = &fixed[n->entry->value];

    put_choice(t, c->word, (unsigned)c->chosen);
    return 0;
}

static int store_fixed(const struct pfs_node *n, char *line)
{
    const struct fixed_choice *c = &fixed[n->entry->value];
    int i = choice_of(line, c->word);

    return i == c->chosen ? 0 : i < 0 ? i : -EINVAL;
}

/* clang-format off */
static const struct pfs_entry huge_table[] = {
    PFS_FILE("defrag", 0644, show_fixed, .store = store_fixed, .value = 0),
    PFS_FILE("enabled", 0644, show_enabled, .store = store_enabled),
    PFS_NUMBER("hpage_pmd_size", 0444, PT_SPAN),
    PFS_FILE("shmem_enabled", 0644, show_fixed, .store = store_fixed, .value = 1),
    PFS_NUMBER("use_zero_page", 0444, 0),
    PFS_END,
};
static const struct pfs_entry mm_table[] = {
    PFS_DIR("transparent_hugepage", 0755, .children = huge_table),
    PFS_END,
};
const struct pfs_entry sys_kernel_table[] = {
    PFS_NUMBER("address_bits", 0444, 64),
    PFS_TEXT("cpu_byteorder", 0444, "little\n"),
    PFS_NUMBER("fscaps", 0444, 1), /* capabilities of files count */
    PFS_DIR("mm", 0755, .children = mm_table),
    PFS_END,
};
/* clang-format on */
