/* file_caps.h - the capabilities that a program's file gives: security.capability. */
#ifndef PROC_FILE_CAPS_H
#define PROC_FILE_CAPS_H

#include "lib/base.h"

struct inode;

struct file_caps {
    uint64_t permitted, inheritable;
    bool effective;
};

/* 0; -ENODATA: none that count here; -EINVAL: nobody could have set that.  The caller has seen that the file has
 * extended attributes. */
int file_caps_get(struct inode *in, struct file_caps *c);

#endif
