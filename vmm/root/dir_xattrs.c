/* dir_xattrs.c - see dir_xattrs.h.
 *
 * Symlinks, devices, FIFOs and sockets have attributes, too, but a symlink cannot be opened and the others
 * shall not be.  Until listxattrat(2) (Linux 6.13) is everywhere, a name in an open directory is reached by going
 * there.  Who may not come back, having started where only others may look for names, goes by way
 * of /proc, which takes three times as long. */
#include "vmm/root/dir_xattrs.h"

#include <fcntl.h>
#include <linux/limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "vmm/root/xattrs.h"

struct from {
    int fd;
    const char *path; /* NULL: fd itself */
};

static ssize_t list(const struct from *f, char *names, size_t n)
{
    return f->path != NULL ? llistxattr(f->path, names, n) : flistxattr(f->fd, names, n);
}

static ssize_t get(const struct from *f, const char *name, void *value, size_t n)
{
    return f->path != NULL ? lgetxattr(f->path, name, value, n) : fgetxattr(f->fd, name, value, n);
}

int dir_xattrs_begin(void) { return open(".", O_PATH | O_DIRECTORY | O_CLOEXEC); }

void dir_xattrs_end(int home)
{
    if (home < 0)
        return;
    int ignored = fchdir(home); /* could be opened, so can be entered */
    (void)ignored;
    close(home);
}

bool dir_xattrs(struct root_tree *t, uint32_t node, int home, int fd, const char *name,
                struct root_attributes a, unsigned *acls)
{
    static char names[XATTR_LIST_MAX], value[XATTR_SIZE_MAX];
    char path[sizeof("/proc/self/fd/2147483647/") + NAME_MAX];
    struct from f = { .fd = fd };
    struct xattrs x = { .at = NULL };
    bool ok = true;
    if (*name != '\0' && home >= 0 && fchdir(fd) == 0) {
        f.path = name;
    } else if (*name != '\0') {
        snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", fd, name);
        f.path = path;
    }
    ssize_t n = list(&f, names, sizeof(names));
    for (char *is = names; n > 0 && is < names + n; is += strlen(is) + 1) {
        bool acl = strcmp(is, XATTRS_ACL) == 0;
        ssize_t size = acl || xattrs_wanted(is) ? get(&f, is, value, sizeof(value)) : -1;
        if (acl && size >= 0) {
            a.mode = xattrs_mode_without_acl(a.mode, value, (size_t)size);
            root_tree_set(t, node, &a);
            ++*acls;
        } else if (size >= 0 && ok) {
            ok = xattrs_add(&x, is, value, (size_t)size);
        }
    }
    if (x.bytes > 0 && ok)
        ok = root_tree_set_xattrs(t, node, x.at, x.bytes);
    free(x.at);
    return ok;
}
