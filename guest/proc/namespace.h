/* namespace.h - the one namespace of each kind, as a file that /proc/PID/ns leads to. */
#ifndef PROC_NAMESPACE_H
#define PROC_NAMESPACE_H

#include "lib/base.h"

struct file;
struct path;

struct namespace
{
    const char *kind; /* "pid" */
    uint64_t ino;     /* as on Linux, where the first of each kind has a fixed number */
    uint64_t flag;    /* CLONE_NEW* */
};

/* With a reference to its dentry, which is in no tree.  fs_tree need not be held.  0 or -ENOMEM. */
int namespace_path(uint64_t flag, struct path *out);
/* NULL: f is no such file. */
const struct namespace *namespace_of(const struct file *f);
bool namespace_known(uint64_t flags); /* are they all CLONE_NEW*, and is there one? */

#endif
