/* map_files.c - /proc/PID/map_files: a link for each mapping of a file, by its addresses, to that file. */
#include "arch/preempt.h"
#include "fs/file.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "mm/vdso.h"
#include "mm/vma.h"
#include "proc/task.h"
#include "procfs/internal.h"

static int goal_map(const struct pfs_node *n, struct pfs_goal *to);

/* By what the file was opened for. */
static const struct pfs_entry links[] = { PFS_GOAL("", 0000, goal_map),
                                          PFS_GOAL("", 0400, goal_map),
                                          PFS_GOAL("", 0200, goal_map),
                                          PFS_GOAL("", 0600, goal_map) };

static bool has_file(const struct vma *v) { return v->file != NULL && vdso_name(v) == NULL; }

static void name_of(const struct pfs_node *n, char name[PFS_NAME_MAX])
{
    ksnprintf(name, PFS_NAME_MAX, "%lx-%lx", n->from, n->to);
}

/* mm->lock held. */
static void set_node(struct pfs_node *n, const struct vma *v)
{
    n->entry = &links[file_readable(v->file) + 2 * file_writable(v->file)];
    n->from = v->start;
    n->to = v->end;
}

/* The memory of the node's task, with a reference; NULL and *err. */
static struct mm *may_look_into(const struct pfs_node *n, int *err)
{
    struct task *t = proc_task(n);
    if (t == NULL) {
        *err = -ENOENT;
        return NULL;
    }
    bool may = task_may_look(t);
    struct mm *mm = may ? task_get_mm(t) : NULL;
    task_put(t);
    *err = may ? -ENOENT : -EACCES;
    return mm;
}

/* The mapping of exactly those addresses.  mm->lock held. */
static struct vma *find_exact(struct mm *mm, uaddr_t from, uaddr_t to)
{
    struct vma *v = vma_find(mm, from);
    return v != NULL && v->start == from && v->end == to && has_file(v) ? v : NULL;
}

static int goal_map(const struct pfs_node *n, struct pfs_goal *to)
{
    int err;
    struct mm *mm = may_look_into(n, &err);
    if (mm == NULL)
        return err;
    mutex_lock(&mm->lock);
    struct vma *v = find_exact(mm, n->from, n->to);
    if (v != NULL) {
        to->file = v->file;
        file_get(to->file);
        to->guarded = true;
    }
    mutex_unlock(&mm->lock);
    mm_put(mm, PT_exit_teardown);
    return v != NULL ? 0 : -ENOENT;
}

static bool parse_hex(const char **at, uint64_t *value)
{
    const char *p = *at;
    for (*value = 0; (*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'f'); p++)
        *value = *value << 4 | (uint64_t)(*p <= '9' ? *p - '0' : *p - 'a' + 10);
    bool any = p != *at;
    *at = p;
    return any;
}

static int find_map(const struct pfs_node *dir, const char *name, size_t len,
                    struct pfs_node *child)
{
    char text[PFS_NAME_MAX], again[PFS_NAME_MAX];
    const char *at = text;
    int err;
    struct mm *mm = may_look_into(dir, &err);
    if (mm == NULL)
        return err;
    strlcpy(text, name, MIN(len + 1, sizeof text));
    if (len < sizeof text && parse_hex(&at, &child->from) && *at++ == '-' &&
        parse_hex(&at, &child->to)) {
        name_of(child, again); /* one way to write it */
        mutex_lock(&mm->lock);
        struct vma *v = strcmp(text, again) == 0 ? find_exact(mm, child->from, child->to) : NULL;
        if (v != NULL) {
            set_node(child, v);
            err = 0;
        }
        mutex_unlock(&mm->lock);
    }
    mm_put(mm, PT_exit_teardown);
    return err;
}

/* A place is a page number; 0 cannot be mapped. */
static bool next_map(const struct pfs_node *dir, uint64_t *place, char name[PFS_NAME_MAX],
                     struct pfs_node *child)
{
    int err;
    struct mm *mm = may_look_into(dir, &err);
    if (mm == NULL)
        return false;
    mutex_lock(&mm->lock);
    struct vma *v = vma_find(mm, *place << PAGE_SHIFT);
    while (v != NULL && (v->start < *place << PAGE_SHIFT || !has_file(v))) {
        v = vma_next(v);
        preempt_work(WORK_VMA);
    }
    if (v != NULL)
        set_node(child, v);
    mutex_unlock(&mm->lock);
    mm_put(mm, PT_exit_teardown);
    if (v == NULL)
        return false;
    name_of(child, name);
    *place = (child->from >> PAGE_SHIFT) + 1;
    return true;
}

const struct pfs_named proc_map_files = { find_map, next_map };
