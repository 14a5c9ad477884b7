/* database.c - see database.h.
 *
 * What the database is written with: no journal, no locks, no waiting for the disk, since a
 * file that is not whole is thrown away.  The cache is bounded, and sorting for an index goes
 * to the scratch files, so memory is, too. */
#include "vmm/trace/export/database.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/trace/export/text.h"
#include "vmm/trace/lib/status.h"

#define SCRATCH_FILES 8 /* a sort has two; one runs at a time */

struct file {
    sqlite3_file base;
    int fd;
    bool *used; /* of a scratch file */
};

static int main_fd = -1, write_errno;
static struct {
    int fd;
    bool used;
} scratch[SCRATCH_FILES];

/* --- files ------------------------------------------------------------------------------- */

static int file_close(sqlite3_file *f)
{
    struct file *file = (struct file *)f;
    if (file->used != NULL) {
        *file->used = false;
        return ftruncate(file->fd, 0) == 0 ? SQLITE_OK : SQLITE_IOERR_CLOSE;
    }
    return SQLITE_OK;
}

static int file_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at)
{
    char *bytes = to;
    while (n > 0) {
        ssize_t got = pread(((struct file *)f)->fd, bytes, (size_t)n, at);
        if (got < 0 && errno != EINTR)
            return SQLITE_IOERR_READ;
        if (got == 0) { /* behind the end there are zeroes */
            memset(bytes, 0, (size_t)n);
            return SQLITE_IOERR_SHORT_READ;
        }
        if (got > 0)
            bytes += got, at += got, n -= (int)got;
    }
    return SQLITE_OK;
}

static int file_write(sqlite3_file *f, const void *from, int n, sqlite3_int64 at)
{
    const char *bytes = from;
    while (n > 0) {
        ssize_t put = pwrite(((struct file *)f)->fd, bytes, (size_t)n, at);
        if (put < 0 && errno != EINTR) {
            write_errno = errno;
            return errno == ENOSPC ? SQLITE_FULL : SQLITE_IOERR_WRITE;
        }
        if (put > 0)
            bytes += put, at += put, n -= (int)put;
    }
    return SQLITE_OK;
}

static int file_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    return ftruncate(((struct file *)f)->fd, size) == 0 ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
}

static int file_size(sqlite3_file *f, sqlite3_int64 *size)
{
    struct stat st;
    if (fstat(((struct file *)f)->fd, &st) != 0)
        return SQLITE_IOERR_FSTAT;
    *size = st.st_size;
    return SQLITE_OK;
}

static int file_sync(sqlite3_file *f, int flags) { return (void)f, (void)flags, SQLITE_OK; }
static int file_lock(sqlite3_file *f, int lock) { return (void)f, (void)lock, SQLITE_OK; }
static int file_reserved(sqlite3_file *f, int *out) { return (void)f, *out = 0, SQLITE_OK; }
static int file_control(sqlite3_file *f, int op, void *arg)
{
    return (void)f, (void)op, (void)arg, SQLITE_NOTFOUND;
}
static int file_sector(sqlite3_file *f) { return (void)f, 4096; }
static int file_device(sqlite3_file *f) { return (void)f, 0; }

static int fs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out_flags)
{
    static const sqlite3_io_methods methods = {
        .iVersion = 1,
        .xClose = file_close,
        .xRead = file_read,
        .xWrite = file_write,
        .xTruncate = file_truncate,
        .xSync = file_sync,
        .xFileSize = file_size,
        .xLock = file_lock,
        .xUnlock = file_lock,
        .xCheckReservedLock = file_reserved,
        .xFileControl = file_control,
        .xSectorSize = file_sector,
        .xDeviceCharacteristics = file_device,
    };
    struct file *file = (struct file *)f;
    (void)vfs, (void)name;
    *file = (struct file){ .base.pMethods = NULL, .fd = -1 };
    if (out_flags != NULL)
        *out_flags = flags;
    if (flags & SQLITE_OPEN_MAIN_DB)
        file->fd = main_fd;
    for (unsigned i = 0; file->fd < 0 && i < SCRATCH_FILES; i++) {
        if (scratch[i].used)
            continue;
        scratch[i].used = true;
        file->fd = scratch[i].fd;
        file->used = &scratch[i].used;
    }
    if (file->fd < 0)
        return SQLITE_CANTOPEN;
    file->base.pMethods = &methods;
    return SQLITE_OK;
}

static int fs_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    return (void)vfs, (void)name, (void)sync, SQLITE_OK;
}
static int fs_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
    return (void)vfs, (void)name, (void)flags, *out = 0, SQLITE_OK;
}
static int fs_path(sqlite3_vfs *vfs, const char *name, int n, char *out)
{
    (void)vfs;
    return sqlite3_snprintf(n, out, "%s", name), SQLITE_OK;
}
/* For names of files and of rows that have none: here neither is. */
static int fs_random(sqlite3_vfs *vfs, int n, char *out)
{
    return (void)vfs, memset(out, 0, (size_t)n), n;
}
static int fs_sleep(sqlite3_vfs *vfs, int us) { return (void)vfs, us; }
static int fs_time(sqlite3_vfs *vfs, double *out) { return (void)vfs, *out = 0, SQLITE_OK; }
static int fs_error(sqlite3_vfs *vfs, int n, char *out)
{
    return (void)vfs, (void)n, (void)out, write_errno;
}

static int open_scratch(char *directory)
{
    char *name;
    int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        return fd;
    if (asprintf(&name, "%s/vmm-trace.XXXXXX", directory) < 0)
        out_of_memory();
    fd = mkostemp(name, O_CLOEXEC);
    if (fd >= 0)
        unlink(name);
    free(name);
    return fd;
}

bool database_prepare(int fd, const char *file)
{
    static sqlite3_vfs vfs = {
        .iVersion = 1,
        .szOsFile = sizeof(struct file),
        .mxPathname = 64,
        .zName = "open files",
        .xOpen = fs_open,
        .xDelete = fs_delete,
        .xAccess = fs_access,
        .xFullPathname = fs_path,
        .xRandomness = fs_random,
        .xSleep = fs_sleep,
        .xCurrentTime = fs_time,
        .xGetLastError = fs_error,
    };
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        fprintf(stderr, "vmm-trace: a database has to be a regular file; %s is not\n", file);
        return false;
    }
    char *path = need(strdup(file)), *directory = dirname(path);
    main_fd = fd;
    for (unsigned i = 0; i < SCRATCH_FILES; i++) {
        scratch[i].fd = open_scratch(directory);
        if (scratch[i].fd < 0) {
            fprintf(stderr, "vmm-trace: cannot make a file in %s: %s\n", directory,
                    strerror(errno));
            return false;
        }
    }
    free(path);
    return sqlite3_vfs_register(&vfs, 1) == SQLITE_OK;
}

/* --- the database ------------------------------------------------------------------------ */

static bool good(struct database *d, int result)
{
    if (result == SQLITE_OK || result == SQLITE_ROW || result == SQLITE_DONE)
        return true;
    if (!d->failed)
        fprintf(stderr, "vmm-trace: cannot write the database: %s\n",
                write_errno != 0 ? strerror(write_errno) : sqlite3_errmsg(d->db));
    d->failed = true;
    return false;
}

void database_do(struct database *d, const char *sql)
{
    if (!d->failed)
        good(d, sqlite3_exec(d->db, sql, NULL, NULL, NULL));
}

bool database_open(struct database *d)
{
    *d = (struct database){ 0 };
    good(d, sqlite3_open_v2("main", &d->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL));
    database_do(d, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA temp_store=FILE;"
                   "PRAGMA locking_mode=EXCLUSIVE; PRAGMA cache_size=-16384; BEGIN");
    return !d->failed;
}

sqlite3_stmt *database_statement(struct database *d, const char *sql)
{
    sqlite3_stmt *s = NULL;
    if (!d->failed)
        good(d, sqlite3_prepare_v3(d->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &s, NULL));
    return s;
}

static void bind_text(sqlite3_stmt *s, int i, const char *bytes)
{
    char *text;
    size_t size;
    FILE *out = need(open_memstream(&text, &size));
    text_plain(out, bytes, strlen(bytes));
    if (fclose(out) != 0)
        out_of_memory();
    sqlite3_bind_text(s, i, text, (int)size, free);
}

void database_row(struct database *d, sqlite3_stmt *s, const char *kinds, ...)
{
    va_list ap;
    if (d->failed)
        return;
    va_start(ap, kinds);
    for (int i = 1; kinds[i - 1] != '\0'; i++) {
        const char *text;
        sqlite3_int64 v;
        switch (kinds[i - 1]) {
        case 't':
            text = va_arg(ap, const char *);
            if (text != NULL)
                bind_text(s, i, text);
            break;
        case 'n':
            v = (sqlite3_int64)va_arg(ap, uint64_t);
            if (v != 0)
                sqlite3_bind_int64(s, i, v);
            break;
        default: sqlite3_bind_int64(s, i, (sqlite3_int64)va_arg(ap, uint64_t)); break;
        }
    }
    va_end(ap);
    good(d, sqlite3_step(s));
    sqlite3_reset(s);
    sqlite3_clear_bindings(s);
}

bool database_close(struct database *d)
{
    sqlite3_stmt *s;
    database_do(d, "COMMIT");
    while ((s = sqlite3_next_stmt(d->db, NULL)) != NULL)
        sqlite3_finalize(s);
    good(d, sqlite3_close(d->db));
    return !d->failed;
}
