/* dirent.h - directories as open files: what a readdir operation calls, and what is read. */
#ifndef FS_DIRENT_H
#define FS_DIRENT_H

#include "lib/base.h"

struct dirent_sink;
struct file;
struct file_ops;

/* For readdir: hands one entry out.  false: no more room, stop. */
bool dirent_emit(struct dirent_sink *sink, const char *name, size_t len, uint64_t ino,
                 uint8_t d_type, uint64_t next_pos);
/* getdents64(2): bytes that were put at `to`, or -errno. */
long dir_read(struct file *f, uaddr_t to, size_t room, bool old); /* old: as getdents(2) */
extern const struct file_ops dir_file_ops;

#endif
