/* core_name.c - the name of a core file, from /proc/sys/kernel/core_pattern.
 * What a program can choose (its name, the host's) adds no '/' to a path, and is no "." or
 * "..", as on Linux (cn_esc_printf() of its fs/coredump.c).  A letter that says nothing is left out. */
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/path.h"
#include "fs/path_name.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/access.h"
#include "mm/heap.h"
#include "mm/mm.h"
#include "proc/core_internal.h"
#include "proc/pid_ns.h"
#include "proc/process.h"
#include "proc/uts.h"

uint32_t core_uses_pid;
static char pattern[CORE_PATTERN_MAX] = "core"; /* [lock] */
static struct spinlock pattern_lock = SPINLOCK_INIT(LOCK_core_pattern);

void core_pattern_get(char to[CORE_PATTERN_MAX])
{
    spin_lock(&pattern_lock);
    memcpy(to, pattern, CORE_PATTERN_MAX);
    spin_unlock(&pattern_lock);
}

int core_pattern_set(const char *text)
{
    if (*text == '|' || *text == '@')
        return -EINVAL;
    spin_lock(&pattern_lock);
    strlcpy(pattern, text, CORE_PATTERN_MAX);
    char *newline = strchr(pattern, '\n');
    if (newline != NULL)
        *newline = 0;
    spin_unlock(&pattern_lock);
    return 0;
}

struct name {
    char *text; /* PATH_MAX_BYTES */
    size_t len;
};

static void put(struct name *n, const char *s)
{
    strlcpy(n->text + n->len, s, PATH_MAX_BYTES - n->len);
    n->len += strlen(n->text + n->len);
}

static void put_number(struct name *n, uint64_t value)
{
    char digits[24];

    ksnprintf(digits, sizeof digits, "%lu", value);
    put(n, digits);
}

static void put_escaped(struct name *n, const char *s)
{
    size_t from = n->len;

    put(n, *s == 0 || strcmp(s, ".") == 0 ? "!" : strcmp(s, "..") == 0 ? "!." : s);
    for (; from < n->len; from++)
        if (n->text[from] == '/')
            n->text[from] = '!';
}

/* The program's file; its path with '!' for '/'. */
static void put_program(struct name *n, bool whole)
{
    struct file *exe = mm_get_exe(current->mm);
    char *page = exe != NULL ? kmalloc(PATH_MAX_BYTES) : NULL;
    char *path = page != NULL ? file_name(exe, page, PATH_MAX_BYTES) : NULL;

    if (path != NULL) {
        char *slash = whole ? NULL : strrchr(path, '/');
        put_escaped(n, slash != NULL ? slash + 1 : path);
    } else {
        put_escaped(n, current->rec->comm);
        put(n, " (path unknown)");
    }
    kfree(page);
    if (exe != NULL)
        file_put(exe);
}

static void put_field(struct name *n, char field, int sig)
{
    struct task *t = current;
    struct new_utsname uts;

    switch (field) {
    case '%': put(n, "%"); break;
    case 'p': put_number(n, pid_told(t->proc->tgid)); break;
    case 'P': put_number(n, t->proc->tgid); break;
    case 'i': put_number(n, pid_told(t->tid)); break;
    case 'I': put_number(n, t->tid); break;
    case 'u': put_number(n, t->cred.uid); break;
    case 'g': put_number(n, t->cred.gid); break;
    case 'd': put_number(n, t->mm->image.dumpable); break;
    case 's': put_number(n, (uint64_t)sig); break;
    case 't': put_number(n, (uint64_t)fs_now().tv_sec); break;
    case 'c': put_number(n, t->proc->rlim[RLIMIT_CORE].rlim_cur); break;
    case 'e': put_escaped(n, t->rec->comm); break;
    case 'C': put_number(n, t->cpu); break;
    case 'E':
    case 'f': put_program(n, field == 'E'); break;
    case 'h':
        uts_get(&uts);
        put_escaped(n, uts.nodename);
        break;
    default: break;
    }
}

char *core_name(int sig)
{
    char how[CORE_PATTERN_MAX];
    struct name n = { .text = kzalloc(PATH_MAX_BYTES) };
    bool has_pid = false;

    if (n.text == NULL)
        return NULL;
    core_pattern_get(how);
    for (const char *p = how; *p != 0; p++) {
        if (*p != '%') {
            put(&n, (const char[]){ *p, 0 });
            continue;
        }
        if (*++p == 0)
            break;
        has_pid |= *p == 'p';
        put_field(&n, *p, sig);
    }
    if (core_uses_pid && !has_pid) {
        put(&n, ".");
        put_number(&n, pid_told(current->proc->tgid));
    }
    return n.text;
}
